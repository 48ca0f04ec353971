"""The pictures' PNG: read back by Pillow, they are the same."""

import io

import numpy as np
import pytest
from PIL import Image

from zokusei.corpora.drawn.picture import draw
from zokusei.corpora.drawn.png import encode_png


def read(data: bytes) -> np.ndarray:
    """The pixels of a file, whose checksums Pillow verifies."""
    Image.open(io.BytesIO(data)).verify()
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.format == "PNG"
        assert picture.mode == "RGB"
        return np.asarray(picture)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (32, 20)])
def test_what_is_written_is_read_back(shape):
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    assert np.array_equal(read(encode_png(image)), image)


def test_differences_that_go_below_zero_are_read_back():
    image = np.zeros((3, 2, 3), dtype=np.uint8)
    image[0], image[2] = 255, 1
    assert np.array_equal(read(encode_png(image)), image)


def test_files_are_about_as_small_as_pillows():
    ours = theirs = 0
    for index in range(4):
        image = draw(index, size=128).image
        memory = io.BytesIO()
        Image.fromarray(image).save(memory, "PNG", compress_level=1)
        ours, theirs = ours + len(encode_png(image)), theirs + memory.tell()
    assert ours < 1.1 * theirs
