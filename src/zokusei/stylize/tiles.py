"""Large pictures in overlapping parts, and smaller ones by averaging areas."""

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_ROWS_AT_ONCE = 256


class Tile(NamedTuple):
    """A part of a picture.

    Attributes:
        inner: rows and columns of the picture that this part is to fill.
        outer: the same with what overlaps other parts.
        cut: where `inner` lies in `outer`.
    """

    inner: tuple[slice, slice]
    outer: tuple[slice, slice]
    cut: tuple[slice, slice]


def split_tiles(height: int, width: int, *, side: int, overlap: int) -> Iterator[Tile]:
    """Cut a picture into few even parts, whose inner parts fill it exactly.

    Args:
        height: of the picture.
        width: of the picture.
        side: largest side of an inner part, a multiple of 4; parts begin at multiples of 4.
        overlap: rows and columns around each inner part, as far as the picture goes.

    >>> [tile.outer[1] for tile in split_tiles(4, 20, side=12, overlap=4)]
    [slice(0, 16, None), slice(8, 20, None)]
    """
    for spans in product(_spans(height, side), _spans(width, side)):
        inner = tuple(slice(start, stop) for start, stop in spans)
        outer = tuple(slice(max(0, start - overlap), stop + overlap) for start, stop in spans)
        outer = tuple(
            slice(part.start, min(part.stop, size))
            for part, size in zip(outer, (height, width), strict=True)
        )
        cut = tuple(
            slice(part.start - whole.start, part.stop - whole.start)
            for part, whole in zip(inner, outer, strict=True)
        )
        yield Tile((inner[0], inner[1]), (outer[0], outer[1]), (cut[0], cut[1]))


def shrink(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Make the shorter side at most `side` pixels, each the mean of the area it covers.

    The White-box authors shrink with OpenCV's INTER_AREA, which is that mean.

    Args:
        picture: height x width x 3.
        side: in pixels; a picture that is small enough is given back as it is.

    >>> shrink(np.array([[[0], [30], [90]], [[0], [30], [90]]], dtype=np.uint8), 1)[..., 0]
    array([[10, 70]], dtype=uint8)
    """
    height, width = picture.shape[:2]
    if min(height, width) <= side:
        return picture
    scale = side / min(height, width)
    new_height, new_width = max(1, round(height * scale)), max(1, round(width * scale))
    rows = range(0, height, _ROWS_AT_ONCE)
    # Rows in parts: sums in double precision take eight times the memory of the bytes.
    narrow = np.concatenate(
        [_average(picture[row : row + _ROWS_AT_ONCE], new_width, axis=1) for row in rows]
    )
    columns = range(0, new_width, _ROWS_AT_ONCE)
    small = np.concatenate(
        [_average(narrow[:, c : c + _ROWS_AT_ONCE], new_height, axis=0) for c in columns], axis=1
    )
    rounded: NDArray[np.uint8] = np.rint(small).astype(np.uint8)
    return rounded


def _average(values: NDArray[np.generic], size: int, *, axis: int) -> NDArray[np.float32]:
    """Average along an axis over `size` equal intervals, which may begin inside a pixel."""
    length = values.shape[axis]
    sums = np.cumsum(values, axis=axis, dtype=np.float64)
    sums = np.concatenate([np.zeros_like(sums.take([0], axis=axis)), sums], axis=axis)
    edges = np.linspace(0, length, size + 1)
    whole = np.minimum(edges.astype(int), length - 1)
    shape = [1] * values.ndim
    shape[axis] = -1
    part = (edges - whole).reshape(shape)
    at_edges = sums.take(whole, axis=axis) * (1 - part) + sums.take(whole + 1, axis=axis) * part
    means: NDArray[np.float32] = (np.diff(at_edges, axis=axis) * size / length).astype(np.float32)
    return means


def _spans(size: int, side: int) -> list[tuple[int, int]]:
    parts = -(-size // side)
    step = -(-size // parts // 4) * 4
    return [(start, min(start + step, size)) for start in range(0, size, step)]
