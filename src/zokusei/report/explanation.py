"""One picture that shows why another has its tags."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from zokusei.inference.explain import Explanation, Reason
from zokusei.report.light import light_up

_SIDE = 264  # of a picture in the sheet, in pixels
_GAP = 18
_LINE = 19
_COLUMNS = 4
_INK, _SOFT, _UP, _DOWN, _PAPER = "#20242c", "#6c7482", "#1f7a43", "#b3372f", "#ffffff"
_RING = 9


def draw_explanation(explanation: Explanation, most: int = 3) -> Image.Image:
    """Draw a sheet: what the network saw, and for each tag where it looked.

    Bright is where the tag's activation map is high, the ring is its peak. Below it stand what the
    caption itself adds where it votes, the tags that raised the score most through the dynamic
    graph (+) and those that lowered it (-), in logits. Where the model reads captions, a last row
    has the caption word by word, bright where the captioner looked.

    Args:
        explanation: with at least one reason.
        most: influences shown either way.
    """
    reasons = explanation.reasons
    lines = max(len(reason.list_causes(most)) for reason in reasons)
    height = _SIDE + _LINE * (1 + lines) + 8
    columns = min(_COLUMNS, len(reasons) + 1)
    rows = -(-(len(reasons) + 1) // columns)
    sheet = Image.new(
        "RGB",
        (columns * (_SIDE + _GAP) + _GAP, rows * (height + _GAP) + _GAP),
        _PAPER,
    )
    draw = ImageDraw.Draw(sheet)
    picture = explanation.picture.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    seen, first = "what the network saw", picture.copy()
    if explanation.face is not None:
        _mark_face(ImageDraw.Draw(first), explanation.face.on_square)
        seen = f"seen whole, and there (face {explanation.face.certainty:.0%})"
    sheet.paste(first, (_GAP, _GAP))
    _write(draw, (_GAP, _GAP + _SIDE + 4), seen, _SOFT)
    for place, reason in enumerate(reasons, start=1):
        left = _GAP + place % columns * (_SIDE + _GAP)
        top = _GAP + place // columns * (height + _GAP)
        low, high = reason.activation.min(), reason.activation.max()
        light = (reason.activation - low) / max(high - low, 1e-6)  # an even map has no place
        sheet.paste(light_up(picture, light), (left, top))
        _mark_peak(draw, (left, top), reason.activation)
        _describe(draw, (left, top + _SIDE + 4), reason, most)
    if explanation.caption is None:
        return sheet
    return _stack(sheet, _draw_caption(explanation, sheet.width))


def _draw_caption(explanation: Explanation, width: int) -> Image.Image:
    """Draw the words of the caption as far as they go, as many in a row as fit."""
    caption, picture = explanation.caption, explanation.captioned
    assert caption is not None, "whoever asks has one"
    assert picture is not None, "a captioner has seen something"
    side = _SIDE // 2 - _GAP // 2
    small = picture.resize((side, side), Image.Resampling.LANCZOS)
    columns = (width - _GAP) // (side + _GAP)
    rows = -(-len(caption.words) // columns)
    strip = Image.new("RGB", (width, _GAP + _LINE + rows * (side + _LINE + _GAP)), _PAPER)
    draw = ImageDraw.Draw(strip)
    draw.text((_GAP, 0), "what the captioner said, and where it looked", _SOFT, _font(14))
    looks = caption.attention.numpy()
    for place, (word, look) in enumerate(zip(caption.words, looks, strict=True)):
        left = _GAP + place % columns * (side + _GAP)
        top = _LINE + 4 + place // columns * (side + _LINE + _GAP)
        strip.paste(light_up(small, look / max(look.max(), 1e-6)), (left, top))
        _write(draw, (left, top + side + 3), word, _INK)
    return strip


def _stack(upper: Image.Image, lower: Image.Image) -> Image.Image:
    both = Image.new("RGB", (upper.width, upper.height + lower.height), _PAPER)
    both.paste(upper, (0, 0))
    both.paste(lower, (0, upper.height))
    return both


def _mark_peak(
    draw: ImageDraw.ImageDraw, corner: tuple[int, int], activation: NDArray[np.float32]
) -> None:
    rows, columns = activation.shape
    row, column = np.unravel_index(int(activation.argmax()), activation.shape)
    x = corner[0] + (column + 0.5) / columns * _SIDE
    y = corner[1] + (row + 0.5) / rows * _SIDE
    box = (x - _RING, y - _RING, x + _RING, y + _RING)
    draw.ellipse(box, outline="#ffffff", width=4)
    draw.ellipse(box, outline="#e0382c", width=2)


def _mark_face(draw: ImageDraw.ImageDraw, corners: tuple[float, float, float, float]) -> None:
    box = [share * _SIDE for share in corners]
    draw.rectangle(box, outline="#ffffff", width=4)
    draw.rectangle(box, outline="#e0382c", width=2)


def _describe(
    draw: ImageDraw.ImageDraw, corner: tuple[int, int], reason: Reason, most: int
) -> None:
    left, top = corner
    given = reason.score >= reason.threshold
    _write(draw, corner, f"{reason.name}  {reason.score:.2f}", _INK if given else _SOFT, large=True)
    if not given:
        beside = draw.textlength(f"{reason.name}  {reason.score:.2f}", _font(16))
        _write(draw, (left + int(beside) + 8, top + 1), f"below {reason.threshold:.2f}", _SOFT)
    for number, (name, by) in enumerate(reason.list_causes(most), start=1):
        place = left, top + 3 + number * _LINE
        _write(draw, place, f"{by:+.2f}  {name}", _UP if by > 0 else _DOWN)


def _write(
    draw: ImageDraw.ImageDraw,
    corner: tuple[int, int],
    text: str,
    colour: str,
    *,
    large: bool = False,
) -> None:
    font = _font(16 if large else 14)
    while draw.textlength(text, font) > _SIDE and len(text) > 4:
        text = text.rstrip("…")[:-1] + "…"
    draw.text(corner, text, colour, font)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
