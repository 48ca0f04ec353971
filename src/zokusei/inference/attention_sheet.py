"""One picture of a caption's words, each with where the model looked for it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

from zokusei.errors import ConfigError
from zokusei.files import write_whole
from zokusei.images import open_image
from zokusei.images.preprocess import Preprocess
from zokusei.inference.captioner import Caption

_COLUMNS = 6
_LINE = 22
_SHADE = 0.2  # what is left of the light where the model did not look
_FORMATS = (".png", ".jpg", ".jpeg", ".webp")
MOST_PICTURES = 20


def check_sheet(path: Path, pictures: int) -> None:
    """See that such a sheet can be drawn.

    Raises:
        ConfigError: its name has no ending of a picture, or the pictures are too many.
    """
    if path.suffix.lower() not in _FORMATS:
        raise ConfigError(f"{path} must end in one of {', '.join(_FORMATS)}")
    if pictures > MOST_PICTURES:
        raise ConfigError(
            f"{pictures} pictures are too many for one sheet of attention; give {MOST_PICTURES} at "
            "most"
        )


def save_attention_sheet(path: Path, captions: Sequence[Caption], preprocess: Preprocess) -> None:
    """Draw pictures as the model sees them, once plain and once for each word.

    A tile is as bright as the attention there, bicubically enlarged, relative to its brightest.

    Args:
        path: of the sheet.
        captions: of pictures that have a path.
        preprocess: of the model.

    Raises:
        ZokuseiError: the file cannot be written.
    """
    blocks = [_draw_block(caption, preprocess) for caption in captions]
    sheet = Image.new("RGB", (blocks[0].width, sum(block.height for block in blocks)), "white")
    top = 0
    for block in blocks:
        sheet.paste(block, (0, top))
        top += block.height
    with write_whole(path) as temporary:
        sheet.save(temporary)


def _draw_block(caption: Caption, preprocess: Preprocess) -> Image.Image:
    """Draw one picture's tiles in rows."""
    picture = preprocess.fit_image(open_image(caption.path, at_least=preprocess.min_side))
    pixels, side = np.array(picture), preprocess.size
    tiles = [("", pixels)]
    for word, weights in zip(caption.words, caption.attention.numpy(), strict=True):
        tiles.append((word, _light(pixels, weights)))
    rows = -(-len(tiles) // _COLUMNS)
    block = Image.new("RGB", (_COLUMNS * side, rows * (side + _LINE)), "white")
    draw, font = ImageDraw.Draw(block), ImageFont.load_default(_LINE - 8)
    for index, (word, tile) in enumerate(tiles):
        left, top = index % _COLUMNS * side, index // _COLUMNS * (side + _LINE)
        block.paste(Image.fromarray(tile), (left, top + _LINE))
        draw.text((left + 4, top + 2), word, fill="black", font=font)
    return block


def _light(
    pixels: UInt8[np.ndarray, "height width 3"], weights: np.ndarray
) -> UInt8[np.ndarray, "height width 3"]:
    """Darken a picture where the model did not look."""
    size = pixels.shape[1], pixels.shape[0]
    field = Image.fromarray(weights / weights.max()).resize(size, Image.Resampling.BICUBIC)
    light = _SHADE + (1 - _SHADE) * np.array(field).clip(0, 1)
    return (pixels * light[..., None]).round().astype(np.uint8)
