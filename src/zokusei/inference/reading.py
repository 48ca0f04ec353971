"""Pictures for a network: decoded in threads while it works, in order, in bounded memory."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import accumulate
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from zokusei.errors import ImageError
from zokusei.images import Original, Picture, read_frames
from zokusei.images.preprocess import Preprocess

_FRAMES = 512  # a batch at most, unless one video has more

Job = TypeVar("Job")
Decoded = TypeVar("Decoded")


@dataclass(frozen=True)
class Batch:
    """Pictures that were read.

    Attributes:
        pictures: as they were given.
        originals: what each was, of what moves the first frame.
        counts: frames of each; 1 unless it moves.
        fitted: for each preprocessing the pixels of all frames, bytes of frames x size x size x 3,
            red first.
    """

    pictures: list[Picture]
    originals: list[Original]
    counts: list[int]
    fitted: list[NDArray[np.uint8]]

    @property
    def firsts(self) -> list[int]:
        """Where the frames of each picture begin."""
        return [0, *accumulate(self.counts[:-1])]


def read_batches(
    pictures: Iterable[Picture],
    preprocesses: Sequence[Preprocess],
    *,
    batch_size: int,
    on_error: Callable[[Picture, ImageError], None] | None,
    workers: int,
) -> Iterator[tuple[list[Picture], list[NDArray[np.uint8]]]]:
    """Give pictures with their fitted pixels, where nothing else of `read_pictures` is needed."""
    for batch in read_pictures(
        pictures, preprocesses, batch_size=batch_size, on_error=on_error, workers=workers, frames=1
    ):
        yield batch.pictures, batch.fitted


def read_pictures(
    pictures: Iterable[Picture],
    preprocesses: Sequence[Preprocess],
    *,
    batch_size: int,
    on_error: Callable[[Picture, ImageError], None] | None,
    workers: int,
    frames: int | None,
) -> Iterator[Batch]:
    """Read pictures batch by batch; see `decode_ahead`.

    Args:
        pictures: paths, encoded bytes or Pillow pictures; read as they are needed.
        preprocesses: each fits them its own way; a picture is opened once for all.
        batch_size: pictures a batch at most.
        on_error: told of each picture that cannot be read, which is then left out; without it the
            first one ends the work.
        workers: decoding threads.
        frames: of whatever moves; see `zokusei.images.read_frames`.

    Raises:
        ImageError: a picture cannot be read and nobody is to be told.
    """
    needed = max(preprocess.min_side for preprocess in preprocesses)
    if frames is not None:
        # Memory is bounded by frames, of which a video may have many.
        batch_size = min(batch_size, max(1, _FRAMES // frames))

    def decode(picture: Picture) -> tuple[list[Original], list[list[NDArray[np.uint8]]]]:
        originals, pixels = [], []
        for image, original in read_frames(picture, frames, at_least=needed):
            originals.append(original)
            pixels.append([preprocess.to_array(image) for preprocess in preprocesses])
        return originals, pixels

    for batch in decode_ahead(pictures, decode, batch_size=batch_size, workers=workers):
        readable = []
        for picture, found in batch:
            if not isinstance(found, ImageError):
                readable.append((picture, *found))
            elif on_error is None:
                raise found
            else:
                on_error(picture, found)
        if readable:
            read, originals, pixels = zip(*readable, strict=True)
            fitted = zip(*(frame for own in pixels for frame in own), strict=True)
            yield Batch(
                list(read),
                [own[0] for own in originals],
                [len(own) for own in originals],
                [np.stack(one) for one in fitted],
            )


def decode_ahead(
    jobs: Iterable[Job], decode: Callable[[Job], Decoded], *, batch_size: int, workers: int
) -> Iterator[list[tuple[Job, Decoded | ImageError]]]:
    """Decode jobs in their order; what cannot be read comes with its error.

    The first batch is one job and the next ones twice the one before, so that the first result need
    not wait for many. While a batch is used the next one is decoded; no more than three are held.

    Args:
        jobs: whatever `decode` understands; read as they are needed.
        decode: called in several threads; raises `ImageError`.
        batch_size: jobs a batch at most.
        workers: decoding threads.
    """
    iterator, ahead = iter(jobs), deque[tuple[Job, Future[Decoded]]]()
    size = 1
    pool = ThreadPoolExecutor(max(workers, 1), thread_name_prefix="decode")

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
            decoded: list[tuple[Job, Decoded | ImageError]] = []
            for job, future in batch:
                try:
                    decoded.append((job, future.result()))
                except ImageError as error:
                    decoded.append((job, error))
            read_ahead()
            yield decoded
            size = min(2 * size, batch_size)
            read_ahead()
    finally:
        pool.shutdown(cancel_futures=True)
