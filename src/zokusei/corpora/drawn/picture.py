"""One drawn picture with its labels, boxes and captions."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from zokusei.corpora.drawn.attributes import DRAWN_TAGS, FACE, FRAMING, IMPLIED, PLACE, WORN
from zokusei.corpora.drawn.captions import write_captions
from zokusei.corpora.drawn.finish import finish
from zokusei.corpora.drawn.render import draw_scene, rasterise
from zokusei.corpora.drawn.scene import Scene, sample_scene
from zokusei.corpora.drawn.svg import Sheet

_TRUTH = 128
"""Width and height at which it is decided what can be seen, whatever the size of the picture."""

_LEAST = 12
_LEAST_SMALL = 4
"""Pixels of the truth that a tag needs; what sits in a face or on an ear needs fewer."""

_SMALL = {*FACE, *WORN, "ahoge"} - {"hat", "witch_hat", "maid_headdress", "headphones"}


class Box(NamedTuple):
    """Where something is, as shares of the picture's width and height."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, eq=False)
class Drawing:
    """A picture, and what can be seen in it.

    Attributes:
        image: uint8, (height, width, 3), RGB.
        tags: names of `DRAWN_TAGS`, in its order.
        boxes: tag to where it is; what is about the whole picture has none.
        captions: five sentences.
        style: name of the drawing style.
    """

    image: NDArray[np.uint8]
    tags: tuple[str, ...]
    boxes: dict[str, Box]
    captions: tuple[str, ...]
    style: str


@dataclass(frozen=True)
class Truth:
    """What can be seen of a scene.

    Attributes:
        tags: names of `DRAWN_TAGS`, in its order.
        boxes: tag to where it is.
        parts: parts of which something can be seen, to where it is.
    """

    tags: tuple[str, ...]
    boxes: dict[str, Box]
    parts: dict[str, Box]


def draw(index: int, *, seed: int = 0, size: int = 256) -> Drawing:
    """Draw the picture of an index: the same one whenever and wherever it is asked for.

    Args:
        index: which picture of the seed's endless row.
        seed: which row.
        size: width and height in pixels.

    Raises:
        MissingExtraError: resvg is not installed.

    >>> drawing = draw(0, size=64)
    >>> drawing.image.shape, set(drawing.tags) <= set(DRAWN_TAGS.names), len(drawing.captions)
    ((64, 64, 3), True, 5)
    """
    return draw_from(sample_scene(index, seed), size)


def draw_from(scene: Scene, size: int) -> Drawing:
    """Draw a scene, and label it with the attributes that can be seen."""
    sheet = draw_scene(scene)
    truth = find_truth(sheet, scene)
    return Drawing(
        image=finish(rasterise(sheet.svg(size)), scene),
        tags=truth.tags,
        boxes=truth.boxes,
        captions=write_captions(scene, truth.tags, truth.parts),
        style=scene.style.name,
    )


def label(scene: Scene) -> Truth:
    """Say what can be seen of a scene, without its picture."""
    return find_truth(draw_scene(scene), scene)


def find_truth(sheet: Sheet, scene: Scene) -> Truth:
    """Find what is visible on a sheet: the parts whose numbers are left in its truth."""
    numbers = rasterise(sheet.truth(_TRUTH))[:, :, 2]
    count = len(sheet.parts) + 1
    # For every number the rows and the columns in which it is: one pass for all parts.
    rows = np.zeros((count, _TRUTH), dtype=bool)
    columns = np.zeros((count, _TRUTH), dtype=bool)
    rows[numbers, np.arange(_TRUTH)[:, None]] = True
    columns[numbers, np.arange(_TRUTH)] = True
    parts: dict[str, Box] = {}
    sizes: dict[str, int] = {}
    found: dict[str, list[Box]] = {}
    counts = np.bincount(numbers.ravel(), minlength=count)
    for number, (part, tags) in enumerate(sheet.parts.items(), start=1):
        if not counts[number]:
            continue
        box = parts[part] = _box(rows[number], columns[number])
        for tag in tags:
            sizes[tag] = sizes.get(tag, 0) + int(counts[number])
            found.setdefault(tag, []).append(box)
    seen = {
        tag for tag, size in sizes.items() if size >= (_LEAST_SMALL if tag in _SMALL else _LEAST)
    }
    framing = scene.pose.framing(seated=scene.has("sitting"))
    if framing:
        seen.add(framing)
    boxes = {
        tag: _around(found[tag]) for tag in in_order(seen) if tag in found and tag not in _WHOLE
    }
    return Truth(in_order(seen), boxes, parts)


_WHOLE = {*FRAMING, *PLACE} - {"sitting", "tree", "window", "water"}
"""Tags that are about the whole picture."""


def _box(rows: NDArray[np.bool_], columns: NDArray[np.bool_]) -> Box:
    down, across = np.flatnonzero(rows), np.flatnonzero(columns)
    return Box(
        float(across[0] / _TRUTH),
        float(down[0] / _TRUTH),
        float((across[-1] + 1) / _TRUTH),
        float((down[-1] + 1) / _TRUTH),
    )


def _around(boxes: list[Box]) -> Box:
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return Box(min(lefts), min(tops), max(rights), max(bottoms))


def in_order(tags: set[str]) -> tuple[str, ...]:
    """Add what the tags imply, and put them in the order of `DRAWN_TAGS`.

    >>> in_order({"twin_braids", "black_hair"})
    ('black_hair', 'braid', 'twin_braids')
    """
    tags = tags | {IMPLIED[tag] for tag in tags if tag in IMPLIED}
    return tuple(sorted(tags, key=DRAWN_TAGS.index))
