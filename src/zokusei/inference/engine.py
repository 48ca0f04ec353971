"""The engine: pictures are decoded in threads while the model works, in bounded memory."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import NDArray
from torch import Tensor

from zokusei.errors import ImageError

Job = TypeVar("Job")

Frames = UInt8[Tensor, "frames 3 height width"]
"""One picture as the model takes it; several where it is an animation."""

Predict = Callable[[Sequence[Tensor]], Float[np.ndarray, "pictures tags"]]
"""Told fitted pictures of one size, gives a row of probabilities for each."""


@dataclass(frozen=True)
class Scored:
    """What the model says of one picture: the probability of every tag, in the model's order."""

    scores: NDArray[np.float32]


def score_each(
    jobs: Iterable[Job],
    decode: Callable[[Job], Frames],
    predict: Predict,
    *,
    batch_size: int,
    workers: int,
) -> Iterator[tuple[Job, Scored | ImageError]]:
    """Score pictures in their order; what cannot be read comes with its error.

    The first batch is one picture and the next ones twice the one before, so that the first result
    need not wait for many. While a batch is computed the next one is decoded; no more than two
    batches are held. Of an animation each tag has its highest probability among the frames: what
    one of them shows is in it.

    Args:
        jobs: whatever `decode` understands; read as they are needed.
        decode: gives the frames of a picture, from several threads; raises `ImageError`.
        predict: the model.
        batch_size: frames a pass.
        workers: decoding threads.
    """
    iterator, ahead = iter(jobs), deque[tuple[Job, Future[Frames]]]()
    size = 1
    pool = ThreadPoolExecutor(workers, thread_name_prefix="decode")

    def read_ahead() -> None:
        while len(ahead) < 2 * size:
            for job in iterator:
                ahead.append((job, pool.submit(decode, job)))
                break
            else:
                return

    try:
        read_ahead()
        while ahead:
            batch = [ahead.popleft() for _ in range(min(size, len(ahead)))]
            decoded = [(job, _wait(future)) for job, future in batch]
            read_ahead()
            yield from _score_batch(decoded, predict, batch_size)
            size = min(2 * size, batch_size)
            read_ahead()
    finally:
        pool.shutdown(cancel_futures=True)


def _wait(future: "Future[Frames]") -> Frames | ImageError:
    try:
        return future.result()
    except ImageError as error:
        return error


def _score_batch(
    decoded: list[tuple[Job, Frames | ImageError]], predict: Predict, batch_size: int
) -> Iterator[tuple[Job, Scored | ImageError]]:
    frames = [frame for _, found in decoded if isinstance(found, Tensor) for frame in found]
    passes = [
        predict(frames[start : start + batch_size]) for start in range(0, len(frames), batch_size)
    ]
    rows = iter(np.concatenate(passes)) if passes else iter(())
    for job, found in decoded:
        if isinstance(found, ImageError):
            yield job, found
        else:
            yield job, Scored(np.max([next(rows) for _ in found], axis=0))
