"""Pictures computed one at a time, so that the result of one cannot depend on the others."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from zokusei.environment import count_threads

Given = TypeVar("Given")
Found = TypeVar("Found")

Compute: TypeAlias = Callable[[Sequence[NDArray[np.uint8]]], tuple[NDArray[np.float32], ...]]
"""From fitted pictures to results, a row a picture."""


class Map(Protocol):
    """What calls a function with each of some values: `map`, or that of a pool."""

    def __call__(
        self, function: Compute, values: Iterable[Sequence[NDArray[np.uint8]]], /
    ) -> Iterator[tuple[NDArray[np.float32], ...]]:
        """Give the results in order."""
        ...


def compute_alone(
    compute: Compute, fitted: Sequence[NDArray[np.uint8]], each: Map = map
) -> tuple[NDArray[np.float32], ...]:
    """Compute each picture in a pass of its own.

    In one pass the last digits of a result depend on how many pictures there are, and on some
    networks on the place among them, as a library adds numbers in another order. Rounding does not
    help: a score that lies where it is rounded up or down goes on to fall on either side.

    Args:
        compute: what computes a pass.
        fitted: see `Backend.predict`.
        each: calls it; that of a pool where several threads are to compute a picture each.

    >>> pixels = np.zeros((2, 4, 4, 3), dtype=np.uint8)
    >>> compute_alone(lambda given: (np.float32([[len(given[0])]]),), [pixels])[0].tolist()
    [[1.0], [1.0]]
    """
    found = each(compute, split_pictures(fitted))
    return tuple(np.concatenate(parts) for parts in zip(*found, strict=True))


def split_pictures(fitted: Sequence[NDArray[np.uint8]]) -> Iterator[Sequence[NDArray[np.uint8]]]:
    """Give the batches of one picture that a batch is made of."""
    return ([pixels[row : row + 1] for pixels in fitted] for row in range(len(fitted[0])))


class Pool:
    """Threads that compute a picture each, with one core each.

    On a processor that wastes less than all cores on one picture after the other, since none waits
    for the others at the end of each layer. They are started when they are first needed, and again
    in a process that was forked off, where threads do not go along.

    Args:
        begin: called once in each thread before all else.
    """

    def __init__(self, begin: Callable[[], None] | None = None) -> None:
        self._begin = begin
        self._process: int | None = None
        self._threads: ThreadPoolExecutor | None = None

    def __reduce__(self) -> tuple[type["Pool"], tuple[Callable[[], None] | None]]:
        """Leave the threads behind when a tagger is copied or sent to another process."""
        return Pool, (self._begin,)

    def map(
        self, function: Callable[[Given], Found], values: Iterable[Given], /
    ) -> Iterator[Found]:
        """Give the results in order."""
        if self._threads is None or self._process != os.getpid():
            self._process = os.getpid()
            self._threads = ThreadPoolExecutor(count_threads(), "compute", self._begin)
        return self._threads.map(function, values)
