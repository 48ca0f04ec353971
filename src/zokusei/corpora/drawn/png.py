"""PNG as it is written fastest: one filter for all rows, where Pillow tries five on each."""

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_UP = 2
"""The filter that stores what a row differs by from the one above it."""

_LEVEL = 1
"""zlib's fastest: its best makes drawings a twelfth smaller and takes ten times as long."""


def encode_png(image: NDArray[np.uint8]) -> bytes:
    """Give a picture as the bytes of a PNG file.

    The format is that of https://www.w3.org/TR/png-3: chunks of length, name, data and checksum;
    in front of every row the number of its filter.

    Args:
        image: uint8, (height, width, 3), RGB.

    >>> from io import BytesIO
    >>> from PIL import Image
    >>> Image.open(BytesIO(encode_png(np.full((2, 5, 3), 7, dtype=np.uint8)))).getpixel((4, 1))
    (7, 7, 7)
    """
    height, width, channels = image.shape
    pixels = image.reshape(height, width * channels)
    rows = np.empty((height, 1 + width * channels), dtype=np.uint8)
    rows[:, 0] = _UP
    rows[0, 1:] = pixels[0]
    np.subtract(pixels[1:], pixels[:-1], out=rows[1:, 1:])  # modulo 256, as the format has it
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)  # 8 bits, RGB
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.data, _LEVEL)), (b"IEND", b""))
    return _SIGNATURE + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
