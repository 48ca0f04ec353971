"""One picture of a caption's words, each with where the model looked for it."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from zokusei.errors import ConfigError
from zokusei.files import write_whole
from zokusei.images import open_image
from zokusei.images.preprocess import Preprocess
from zokusei.inference.captioner import Caption
from zokusei.report.light import light_up

_COLUMNS = 6
_LINE = 22
_FORMATS = (".png", ".jpg", ".jpeg")
MOST_PICTURES = 20


def check_sheet(path: Path, pictures: int) -> None:
    """See that such a sheet can be drawn.

    Raises:
        ConfigError: its name has no ending of a picture or is a file's, or the pictures are too
            many.
    """
    if path.suffix.lower() not in _FORMATS:
        raise ConfigError(f"{path} must end in one of {', '.join(_FORMATS)}")
    if path.exists():  # perhaps a picture, where a pattern stands in place of a name
        raise ConfigError(f"{path} exists; remove it, or give the sheet of attention another name")
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
    side, tiles = preprocess.size, [("", picture)]
    for word, weights in zip(caption.words, caption.attention.numpy(), strict=True):
        tiles.append((word, light_up(picture, weights / weights.max())))
    rows = -(-len(tiles) // _COLUMNS)
    block = Image.new("RGB", (_COLUMNS * side, rows * (side + _LINE)), "white")
    draw, font = ImageDraw.Draw(block), ImageFont.load_default(_LINE - 8)
    for index, (word, tile) in enumerate(tiles):
        left, top = index % _COLUMNS * side, index // _COLUMNS * (side + _LINE)
        block.paste(tile, (left, top + _LINE))
        draw.text((left + 4, top + 2), word, fill="black", font=font)
    return block
