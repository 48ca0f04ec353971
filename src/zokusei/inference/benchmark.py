"""How many pictures a second a model tags here: alone, and with reading and decoding."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from zokusei.errors import ImageError
from zokusei.images import open_image
from zokusei.inference.reading import read_batches
from zokusei.inference.tagger import Tagger

JPEG_SIDE = 512  # pixels, as boorus' samples have


@dataclass(frozen=True)
class Speed:
    """What was measured of one model: medians over the rounds, pictures a second.

    Attributes:
        alone: pixels to probabilities, on pixels that lie in memory.
        whole: files to tags.
    """

    alone: float
    whole: float

    @property
    def share(self) -> float:
        """How much of the model's own speed is left end to end, in per cent.

        >>> Speed(alone=200.0, whole=180.0).share
        90.0
        """
        return self.whole / self.alone * 100


def write_pictures(folder: Path, count: int) -> list[Path]:
    """Write JPEG pictures of smooth colours with some noise, which decode like drawings.

    Args:
        folder: is there.
        count: how many.
    """
    paths = []
    for index in range(count):
        rng = np.random.default_rng(index)
        coarse = Image.fromarray(rng.integers(0, 256, (12, 12, 3), dtype=np.uint8))
        smooth = np.asarray(coarse.resize((JPEG_SIDE, JPEG_SIDE), Image.Resampling.BICUBIC), int)
        noisy = np.clip(smooth + rng.integers(-6, 7, smooth.shape), 0, 255).astype(np.uint8)
        paths.append(folder / f"{index:05}.jpg")
        Image.fromarray(noisy).save(paths[-1], quality=90)
    return paths


def part_readable(
    paths: Sequence[Path], progress: Callable[[int], None] | None = None
) -> tuple[list[Path], list[str]]:
    """Give the pictures that can be read, and for each other one what is wrong with it.

    Args:
        paths: pictures.
        progress: told of each.
    """
    readable, problems = [], []
    for path in paths:
        if progress is not None:
            progress(1)
        try:
            open_image(path)
        except ImageError as error:
            problems.append(str(error))
        else:
            readable.append(path)
    return readable, problems


def measure(
    taggers: Sequence[Tagger],
    paths: Sequence[Path],
    *,
    rounds: int = 3,
    batch_size: int = 16,
    workers: int = 2,
    most: Sequence[int] | None = None,
    progress: Callable[[int], None] | None = None,
) -> list[Speed]:
    """Measure models side by side: in every round each of them, so that they share what disturbs.

    Args:
        taggers: ready to work.
        paths: pictures; each model tags them, or the first `most` of them, in each round.
        rounds: that count; one more before them warms up.
        batch_size: pictures a pass.
        workers: decoding threads.
        most: how many of the pictures each model is given, where one of them is slow.
        progress: told of each model that was measured in each round, the warm-up included.

    Raises:
        ValueError: `most` is not of as many models.
    """
    found: list[list[tuple[float, float]]] = [[] for _ in taggers]
    counts = [len(paths)] * len(taggers) if most is None else most
    for measured in range(rounds + 1):
        for tagger, rates, count in zip(taggers, found, counts, strict=True):
            rate = (
                _measure_alone(tagger, paths[:count], batch_size),
                _measure_whole(tagger, paths[:count], batch_size, workers),
            )
            if measured:
                rates.append(rate)
            if progress is not None:
                progress(1)
    return [
        Speed(*(statistics.median(values) for values in zip(*rates, strict=True)))
        for rates in found
    ]


def _measure_alone(tagger: Tagger, paths: Sequence[Path], batch_size: int) -> float:
    """Let the model compute as many batches as there are; the same pixels over and over."""
    first = paths[:batch_size]
    preprocesses = tagger.backend.preprocesses
    batches = [
        fitted
        for _, fitted in read_batches(first, preprocesses, batch_size=1, on_error=None, workers=1)
    ]
    fitted = [np.concatenate(parts) for parts in zip(*batches, strict=True)]
    passes = max(1, len(paths) // len(first))
    began = time.perf_counter()
    for _ in range(passes):
        tagger.backend.predict(fitted)
    return passes * len(first) / (time.perf_counter() - began)


def _measure_whole(tagger: Tagger, paths: Sequence[Path], batch_size: int, workers: int) -> float:
    began = time.perf_counter()
    done = sum(1 for _ in tagger.tag(paths, batch_size=batch_size, workers=workers))
    return done / (time.perf_counter() - began)
