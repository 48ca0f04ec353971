"""One drawn picture with its labels."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zokusei.corpora.drawn.attributes import DRAWN_TAGS, IMPLIED
from zokusei.corpora.drawn.render import draw_scene, render
from zokusei.corpora.drawn.scene import Scene, sample_scene


@dataclass(frozen=True, eq=False)
class Drawing:
    """A picture, and what can be seen in it.

    Attributes:
        image: uint8, (height, width, 3), RGB.
        tags: names of `DRAWN_TAGS`, in its order.
        style: name of the drawing style.
    """

    image: NDArray[np.uint8]
    tags: tuple[str, ...]
    style: str


def draw(index: int, *, seed: int = 0, size: int = 128) -> Drawing:
    """Draw the picture of an index: the same one whenever and wherever it is asked for.

    Args:
        index: which picture of the seed's endless row.
        seed: which row.
        size: width and height in pixels.

    Raises:
        MissingExtraError: resvg is not installed.

    >>> drawing = draw(0, size=64)
    >>> drawing.image.shape, set(drawing.tags) <= set(DRAWN_TAGS.names)
    ((64, 64, 3), True)
    """
    return draw_from(sample_scene(index, seed), size)


def draw_from(scene: Scene, size: int) -> Drawing:
    """Draw a scene, and label it with the attributes that can be seen."""
    sheet = draw_scene(scene)
    return Drawing(render(sheet, scene, size), in_order(sheet.visible()), scene.style.name)


def visible_tags(scene: Scene) -> tuple[str, ...]:
    """Give the labels of a scene without rendering it."""
    return in_order(draw_scene(scene).visible())


def in_order(tags: set[str]) -> tuple[str, ...]:
    """Add what the tags imply, and put them in the order of `DRAWN_TAGS`.

    >>> in_order({"cat_ears", "black_hair"})
    ('black_hair', 'animal_ears', 'cat_ears')
    """
    tags = tags | {IMPLIED[tag] for tag in tags if tag in IMPLIED}
    return tuple(sorted(tags, key=DRAWN_TAGS.index))
