"""Picture files made by hand or by Pillow, shared by the tests of reading."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

from zokusei.images import open_image

RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (13, 17, 3), dtype=np.uint8)
GREY = RNG.integers(0, 256, (13, 17), dtype=np.uint8)
ALPHA = RNG.integers(0, 256, (13, 17), dtype=np.uint8)
WIDE = RNG.integers(0, 65536, (13, 17), dtype=np.uint16)


def encode(image: Image.Image, suffix: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, suffix, **options)
    return file.getvalue()


def pixels(source, **options) -> np.ndarray:
    image = open_image(source, **options)
    assert image.mode == "RGB"
    return np.asarray(image)


def on_white(rgb: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    a = alpha[..., None] / 255
    return np.rint(rgb * a + 255 * (1 - a))


def three(grey: np.ndarray) -> np.ndarray:
    return np.repeat(grey[..., None], 3, axis=2)


def assert_near(got: np.ndarray, wanted: np.ndarray, within: float) -> None:
    assert got.shape == wanted.shape
    assert np.abs(got.astype(float) - wanted).max() <= within


def png(width: int, height: int, depth: int, colour: int, rows: bytes, *chunks) -> bytes:
    """A PNG by hand: Pillow writes neither every depth nor colour keys with it."""

    def chunk(name: bytes, data: bytes) -> bytes:
        check = zlib.crc32(name + data)
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)
