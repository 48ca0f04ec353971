"""Pictures computed one at a time, so that the result of one cannot depend on the others."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Compute: TypeAlias = Callable[[Sequence[NDArray[np.uint8]]], tuple[NDArray[np.float32], ...]]
"""From fitted pictures to results, a row a picture."""


def compute_alone(
    compute: Compute, fitted: Sequence[NDArray[np.uint8]]
) -> tuple[NDArray[np.float32], ...]:
    """Compute each picture in a pass of its own.

    In one pass the last digits of a result depend on how many pictures there are, and on some
    networks on the place among them, as a library adds numbers in another order. Rounding does not
    help: a score that lies where it is rounded up or down goes on to fall on either side. On a
    processor a pass of several is hardly faster, unless network and pictures are small.

    Args:
        compute: what computes a pass.
        fitted: see `Backend.predict`.

    >>> pixels = np.zeros((2, 4, 4, 3), dtype=np.uint8)
    >>> compute_alone(lambda given: (np.float32([[len(given[0])]]),), [pixels])[0].tolist()
    [[1.0], [1.0]]
    """
    rows = range(len(fitted[0]))
    passes = [compute([pixels[row : row + 1] for pixels in fitted]) for row in rows]
    return tuple(np.concatenate(parts) for parts in zip(*passes, strict=True))
