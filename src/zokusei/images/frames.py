"""Frames of animations and videos, evenly spread, one in memory at a time."""

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, BinaryIO

from PIL import Image

from zokusei.errors import ImageError
from zokusei.images.reading import (
    Original,
    Picture,
    blame,
    check_size,
    decode,
    identify,
    open_file,
    open_with_original,
)

VIDEO_SUFFIXES = frozenset(
    {
        *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".flv", ".wmv", ".mpg", ".mpeg"),
        *(".ogv", ".3gp"),
    }
)
"""Endings, in lower case, of the videos that `read_frames` reads."""

VIDEO_FRAMES = 8
"""Frames of a video where nobody says how many."""

MAX_FRAMES = 10_000
"""Most frames of an animation, whose formats lead to a frame only through all before it."""

_MAX_STEPS = 3000  # frames decoded on the way to one of a video: two minutes without a key frame
_ANIMATED = ("GIF", "PNG", "WEBP", "AVIF")  # a TIFF of several pictures is no animation
_HEIF = rb"hei[cfmsx]|hev[cmsx]|mif1|msf1|avif|avis"

# A video is opened as what its first bytes say, and as nothing else: some of the formats that
# FFmpeg guesses are lists of other files and of addresses.
_VIDEOS = (
    (re.compile(rb"....(ftyp(?!" + _HEIF + rb")|moov|mdat|wide|free|skip)", re.DOTALL), "mov"),
    (re.compile(rb"\x1a\x45\xdf\xa3"), "matroska"),
    (re.compile(rb"RIFF....AVI ", re.DOTALL), "avi"),
    (re.compile(rb"FLV\x01"), "flv"),
    (re.compile(rb"\x30\x26\xb2\x75"), "asf"),
    (re.compile(rb"\0\0\x01\xba"), "mpeg"),
    (re.compile(rb"OggS"), "ogg"),
)


def read_frames(
    source: Picture, frames: int | None = None, *, at_least: int | None = None
) -> Iterator[tuple[Image.Image, Original]]:
    r"""Decode frames, each as `open_with_original` does: from the first one on, evenly spread.

    Of an animation with $n$ frames they are those with the numbers $\lfloor i n / N \rfloor$, of a
    video the first ones from the times $i / N$ of its length on, $i = 0 \ldots N - 1$. No frame
    comes twice, so that there may be fewer; whatever does not move gives itself.

    Args:
        source: see `open_image`; also a video.
        frames: how many, $N$; by default the first of an animation and `VIDEO_FRAMES` of a video.
        at_least: see `open_image`.

    Raises:
        ImageError: see `open_image`; also where a video cannot be decoded, PyAV is missing, or an
            animation claims more than `MAX_FRAMES`.

    >>> import io
    >>> file, colours = io.BytesIO(), ("red", "white", "blue", "black")
    >>> first, *rest = [Image.new("RGB", (2, 2), colour) for colour in colours]
    >>> first.save(file, "PNG", save_all=True, append_images=rest)
    >>> [image.getpixel((0, 0)) for image, _ in read_frames(file.getvalue(), 2)]
    [(255, 0, 0), (0, 0, 255)]
    """
    if isinstance(source, Image.Image):
        yield open_with_original(source)
        return
    with open_file(source) as (name, file), blame(name):
        start = file.read(16)
        file.seek(0)
        for magic, form in _VIDEOS:
            if magic.match(start):
                yield from _read_video(file, form, frames or VIDEO_FRAMES)
                return
        image = identify(file)
        count = 1
        if (frames or 1) > 1 and image.format in _ANIMATED:
            count = getattr(image, "n_frames", 1)
        if count > MAX_FRAMES:
            raise ImageError(f"claims {count} frames, more than {MAX_FRAMES}; cut it")
        for number in _spread(count, frames or 1):
            image.seek(number)
            yield decode(image, at_least)


def _spread(count: int, wanted: int) -> list[int]:
    """Choose from `count` numbers.

    >>> _spread(10, 4), _spread(3, 8), _spread(1, 1)
    ([0, 2, 5, 7], [0, 1, 2], [0])
    """
    return sorted({i * count // wanted for i in range(wanted)})


def _read_video(file: BinaryIO, form: str, count: int) -> Iterator[tuple[Image.Image, Original]]:
    try:
        import av
    except ModuleNotFoundError as error:
        raise ImageError("is a video, which needs PyAV: pip install 'zokusei[video]'") from error
    with av.open(file, "r", format=form) as container:
        stream: Any = container.streams.best("video")
        if stream is None:
            raise ImageError("holds no moving pictures")
        check_size(stream.width, stream.height)
        begin = stream.start_time or 0
        length = _find_length(container, stream)
        given: set[int | None] = set()
        for number in range(count):
            target = begin + length * number // count
            if number:
                container.seek(target, stream=stream)
            frame = _find_frame(container.decode(stream), target)
            if frame is not None and frame.pts not in given:
                given.add(frame.pts)
                yield _to_image(frame)
        if not given:
            raise ImageError("holds no frame that can be decoded; copy or download it again")


def _find_length(container: Any, stream: Any) -> int:
    """Give the length of a video in the units of its stream."""
    if stream.duration:
        return int(stream.duration)
    if container.duration:
        return int(Fraction(container.duration, 1_000_000) / stream.time_base)
    # What was recorded live does not say how long it is; its packets do.
    begin = stream.start_time or 0
    last = max((packet.pts for packet in container.demux(stream) if packet.pts), default=begin)
    container.seek(begin, stream=stream)
    return int(last - begin + 1)


def _find_frame(frames: Iterator[Any], target: int) -> Any:
    """Give the first frame from a time on, or the last one there is; None where there is none."""
    frame = None
    for _, frame in zip(range(_MAX_STEPS), frames, strict=False):
        if frame.pts is None or frame.pts >= target:
            break
    return frame


def _to_image(frame: Any) -> tuple[Image.Image, Original]:
    check_size(frame.width, frame.height)  # it may change on the way
    clear = any(part.is_alpha for part in frame.format.components)
    pixels = frame.to_ndarray(format="rgba" if clear else "rgb24")
    image = Image.fromarray(pixels)
    if frame.rotation:  # counter-clockwise, as telephones note it
        image = image.rotate(frame.rotation, expand=True)
    return decode(image, None)
