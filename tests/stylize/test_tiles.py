"""Tiles fill a picture exactly; shrinking averages areas."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zokusei.stylize.tiles import shrink, split_tiles

sides = st.integers(1, 120)


@given(height=sides, width=sides, side=st.integers(1, 12).map(lambda n: 4 * n), overlap=sides)
def test_inner_parts_fill_the_picture_once(height, width, side, overlap):
    filled = np.zeros((height, width), int)
    picture = np.arange(height * width).reshape(height, width)
    for tile in split_tiles(height, width, side=side, overlap=overlap):
        filled[tile.inner] += 1
        np.testing.assert_array_equal(picture[tile.outer][tile.cut], picture[tile.inner])
        for inner, outer, size in zip(tile.inner, tile.outer, (height, width), strict=True):
            assert inner.stop - inner.start <= side
            assert inner.start % 4 == 0
            assert outer.start == max(0, inner.start - overlap)
            assert outer.stop == min(size, inner.stop + overlap)
    assert (filled == 1).all()


@pytest.mark.parametrize(
    ("size", "side"), [((7, 11), 3), ((270, 5), 4), ((9, 9), 8), ((4, 290), 3)]
)
def test_each_pixel_is_the_mean_of_the_area_it_covers(size, side):
    picture = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    small = shrink(picture, side)
    assert min(small.shape[:2]) == side
    assert small.shape[0] * small.shape[1] > 5
    tall, wide = size[0] / small.shape[0], size[1] / small.shape[1]
    for row, column in np.ndindex(small.shape[:2]):
        total = np.zeros(3)
        rows = range(int(row * tall), min(size[0], int((row + 1) * tall) + 1))
        columns = range(int(column * wide), min(size[1], int((column + 1) * wide) + 1))
        for y, x in product(rows, columns):
            high = max(0, min(y + 1, (row + 1) * tall) - max(y, row * tall))
            broad = max(0, min(x + 1, (column + 1) * wide) - max(x, column * wide))
            total += picture[y, x] * high * broad
        assert np.abs(small[row, column] - total / (tall * wide)).max() <= 0.501


def test_a_small_picture_stays_as_it_is():
    picture = np.zeros((4, 9, 3), np.uint8)
    assert shrink(picture, 4) is picture


def test_a_long_strip_keeps_a_pixel():
    assert shrink(np.zeros((2000, 3, 3), np.uint8), 1).shape == (667, 1, 3)
