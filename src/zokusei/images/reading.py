"""Any picture file as RGB, or an `ImageError` that says what is wrong with it."""

import io
import re
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.ExifTags import Base
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.PpmImagePlugin import PpmImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from zokusei.errors import ImageError


class Stored(Protocol):
    """A picture file that lies inside of something else; `str` names it."""

    def read(self) -> bytes:
        """Give its bytes; raise `ImageError` where that fails."""


Picture: TypeAlias = str | Path | bytes | Image.Image | Stored
"""A path, the bytes of a picture file, a picture that is open already, or one stored elsewhere."""

MAX_PIXELS = 178_956_970
"""Most pixels a picture may have: half a gigabyte as RGB, and where Pillow itself refuses."""

# Formats are told apart here and not by `Image.open`: that one tries every plugin there is
# (one of them starts Ghostscript) and judges sizes by global settings and warnings.
_FORMATS: tuple[tuple[re.Pattern[bytes], type[ImageFile.ImageFile]], ...] = (
    (re.compile(rb"\xff\xd8\xff"), JpegImageFile),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), PngImageFile),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), WebPImageFile),
    (re.compile(rb"GIF8[79]a"), GifImageFile),
    (re.compile(rb"....ftyp(avif|avis|mif1|msf1)", re.DOTALL), AvifImageFile),
    (re.compile(rb"BM"), BmpImageFile),
    (re.compile(rb"II[*+]\0|MM\0[*+]"), TiffImageFile),
    (re.compile(rb"P([1-6]|[Ff]\s)"), PpmImageFile),
)

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

_FIRST_ON_ITS_SIDE = 5  # width is height from here on

_PILLOW_SAYS = ("ignore", None, UserWarning, re.compile(r"PIL\."), 0)


Size: TypeAlias = tuple[int, int]
"""Width and height in pixels."""


@dataclass(frozen=True)
class Original:
    """What a picture was before it was decoded to RGB.

    Attributes:
        size: upright, and whole.
        clear: share of its pixels that are wholly transparent.
    """

    size: Size
    clear: float = 0.0


def open_image(source: Picture, *, at_least: int | None = None) -> Image.Image:
    """Decode a picture to 8-bit RGB, upright, on white where it is transparent.

    Of an animation the first frame is taken. 16-bit values keep their high byte; grey as floats
    means 0 to 1, or 0 to 255 when a value is above 1. Colour profiles are not applied. The
    picture carries no metadata, so that opening it again changes nothing.

    Args:
        source: a path, the bytes of a file, a Pillow picture (left as it is), or anything whose
            `read` gives bytes of a file, such as a member of an archive.
        at_least: the shorter side the caller needs, in pixels. A larger JPEG is then decoded
            at 1/2, 1/4 or 1/8 of its size, never below `at_least`, which is several times
            faster.

    Raises:
        ImageError: the file is missing, empty, damaged or cut off, is no picture of a known
            format, or has more than `MAX_PIXELS` pixels.

    >>> grey = Image.new("LA", (4, 2), (0, 0))
    >>> open_image(grey).mode, open_image(grey).getpixel((0, 0))
    ('RGB', (255, 255, 255))
    """
    return open_with_original(source, at_least=at_least)[0]


def open_with_original(
    source: Picture, *, at_least: int | None = None
) -> tuple[Image.Image, Original]:
    """Decode as `open_image` does; also say what the picture was before.

    Raises:
        ImageError: see `open_image`.

    >>> file = io.BytesIO()
    >>> Image.new("L", (64, 32)).save(file, "JPEG")
    >>> image, original = open_with_original(file.getvalue(), at_least=4)
    >>> image.size, original
    ((8, 4), Original(size=(64, 32), clear=0.0))
    """
    if isinstance(source, Image.Image):
        with blame("the picture"):
            return decode(source, None)
    with open_file(source) as (name, file), blame(name):
        return decode(identify(file), at_least)


def name_picture(picture: Picture) -> str:
    """Give the path of a picture, or what stands for it; empty for bytes and pixels.

    >>> name_picture(Path("a.png")), name_picture(b"bytes")
    ('a.png', '')
    """
    return "" if isinstance(picture, bytes | Image.Image) else str(picture)


@contextmanager
def open_file(source: str | Path | bytes | Stored) -> Iterator[tuple[str, BinaryIO]]:
    """Give what a picture file is called in messages, and its bytes.

    Raises:
        ImageError: there is no such file.
    """
    if isinstance(source, bytes):
        yield f"the picture ({len(source)} bytes)", io.BytesIO(source)
        return
    if not isinstance(source, str | Path):
        yield str(source), io.BytesIO(source.read())
        return
    path = Path(source)
    try:
        # Only a regular file ends: a pipe or a terminal would keep us waiting.
        if not stat.S_ISREG(path.stat().st_mode):
            kind = "a folder" if path.is_dir() else "no regular file"
            raise ImageError(f"{path} is {kind}; give the path of a picture file")
        opened = path.open("rb")
    except (OSError, ValueError) as error:  # ValueError: a zero byte inside the path
        reason = getattr(error, "strerror", None) or str(error)
        raise ImageError(f"{path} cannot be opened: {reason}; check the path") from error
    with opened:
        yield str(path), opened


def identify(file: BinaryIO) -> ImageFile.ImageFile:
    """Read the header of a picture; no pixel is decoded yet.

    Raises:
        ImageError: it is empty or no picture; without its name, which `blame` adds.
    """
    start = file.read(16)
    if not start:
        raise ImageError("is empty; copy or download it again")
    for magic, plugin in _FORMATS:
        if magic.match(start):
            file.seek(0)
            image = plugin(file, "")
            _scale_key(image)
            return image
    raise ImageError(
        f"is no picture of a known format (begins with {start[:8]!r}); "
        "convert it to JPEG, PNG, GIF, WebP, AVIF, BMP, TIFF or PPM"
    )


def _scale_key(image: ImageFile.ImageFile) -> None:
    """Bring the transparent colour of a PNG to the 8 bits of its decoded pixels.

    Pillow leaves it at the depth of the file, where it matches nothing. Of 16-bit colours only
    the high bytes are left to compare.
    """
    key = image.info.get("transparency")
    depth = image.tile[0].args if isinstance(image, PngImageFile) and image.tile else None
    if isinstance(key, int) and depth in ("L;2", "L;4"):
        image.info["transparency"] = key * {"L;2": 85, "L;4": 17}[depth]
    elif isinstance(key, tuple) and depth == "RGB;16B":
        image.info["transparency"] = tuple(value >> 8 for value in key)


@contextmanager
def blame(name: str) -> Iterator[None]:
    """Turn whatever the decoders raise into one line about the picture called `name`."""
    # Pillow warns of damaged metadata, which says nothing of the pixels. `catch_warnings` is
    # not safe while other threads decode; a filter that names Pillow's modules only is.
    if _PILLOW_SAYS not in warnings.filters:
        warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    try:
        yield
    except ImageError as error:
        raise ImageError(f"{name} {error}") from error.__cause__
    except Exception as error:
        # Damaged files make Pillow raise nearly anything: OSError, SyntaxError, ValueError,
        # struct.error, EOFError, IndexError, zlib.error, OverflowError, MemoryError and more.
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise ImageError(
            f"{name} cannot be decoded: {reason}; copy or download it again, or save it anew"
        ) from error


def decode(image: Image.Image, at_least: int | None) -> tuple[Image.Image, Original]:
    """Decode an identified picture, or a frame of one; see `open_with_original`.

    Raises:
        ImageError: it has no pixels or too many; without its name, which `blame` adds.
    """
    width, height = image.size
    check_size(width, height)
    if at_least is not None:
        # Asked for a square, `draft` keeps both sides at or above it; for formats other than
        # JPEG it does nothing.
        image.draft(None, (at_least, at_least))
    image.load()
    orientation = _read_orientation(image)
    rgb, clear = _to_rgb(image)
    if orientation in _TURNS:
        rgb = rgb.transpose(_TURNS[orientation])
    rgb.info.clear()
    size = (height, width) if orientation >= _FIRST_ON_ITS_SIDE else (width, height)
    return rgb, Original(size, clear)


def check_size(width: int, height: int) -> None:
    """Look at the size that a header claims, before a single pixel is decoded.

    Raises:
        ImageError: there are no pixels or too many; without a name, which `blame` adds.
    """
    if width * height == 0:
        raise ImageError(f"has no pixels: {width} x {height}")
    if width * height > MAX_PIXELS:
        raise ImageError(
            f"claims {width} x {height} pixels, more than the {MAX_PIXELS} allowed; make it smaller"
        )


def _read_orientation(image: Image.Image) -> int:
    """Read EXIF or XMP; 1 is upright. Damaged metadata does not make the pixels worse."""
    try:
        orientation = int(image.getexif().get(Base.Orientation, 1))
    except Exception:
        return 1
    return orientation if orientation in _TURNS else 1


def _to_rgb(image: Image.Image) -> tuple[Image.Image, float]:
    """Convert any mode, and say how much is transparent; always another picture than `image`."""
    if image.mode.startswith("I") or image.mode == "F":
        grey, clear = _grey_to_8_bits(image)
        return Image.fromarray(grey).convert("RGB"), clear
    if image.mode in ("La", "RGBa"):
        image = image.convert({"La": "LA", "RGBa": "RGBA"}[image.mode])
    if not image.has_transparency_data:
        return image.convert("RGB"), 0.0
    rgba = image.convert("RGBA")
    white = Image.new("RGB", image.size, "white")
    white.paste(rgba, mask=rgba)
    return white, rgba.getchannel("A").histogram()[0] / (image.width * image.height)


def _grey_to_8_bits(image: Image.Image) -> tuple[NDArray[np.uint8], float]:
    """Scale grey of 16 bits, 32 bits or floats, which Pillow would clip at 255.

    Returns:
        Pixels, white where they are transparent, and the share of those.
    """
    pixels = np.asarray(image)
    low, high = float(pixels.min()), float(pixels.max())
    if image.mode == "F":
        # A NaN is neither.
        if not (low >= 0 and high <= 255):
            raise ImageError(f"has grey from {low:g} to {high:g}; floats go from 0 to 1 or 255")
        scaled: NDArray[np.uint8] = np.rint(pixels * (255 if high <= 1 else 1)).astype(np.uint8)
        return scaled, 0.0
    if low < 0 or high > 65535:
        raise ImageError(f"has grey from {low:g} to {high:g}; save it with 8 or 16 bits")
    grey: NDArray[np.uint8] = (pixels >> 8).astype(np.uint8)
    key = image.info.get("transparency")
    is_clear = pixels == (key if isinstance(key, int) else -1)
    grey[is_clear] = 255
    return grey, float(is_clear.mean())
