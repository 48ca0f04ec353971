"""From scene to pixels: the order of the layers, and the renderer."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zokusei.corpora.drawn.accessories import draw_earrings, draw_facewear
from zokusei.corpora.drawn.body import draw_arm, draw_legs, draw_skin, raised
from zokusei.corpora.drawn.clothes import create_sleeve, draw_clothes
from zokusei.corpora.drawn.creature import draw_behind, draw_on_head
from zokusei.corpora.drawn.eyes import draw_brows, draw_eyes, draw_lashes
from zokusei.corpora.drawn.face import draw_face, draw_features, draw_tears
from zokusei.corpora.drawn.hair import draw_ahoge, draw_back_hair, draw_fringe
from zokusei.corpora.drawn.hairstyles import draw_braids, draw_buns, draw_front_locks, draw_tails
from zokusei.corpora.drawn.headwear import draw_headwear
from zokusei.corpora.drawn.held import draw_canopy, draw_held
from zokusei.corpora.drawn.outerwear import draw_cape, draw_outerwear
from zokusei.corpora.drawn.place import draw_place
from zokusei.corpora.drawn.scene import Scene
from zokusei.corpora.drawn.svg import Sheet
from zokusei.errors import MissingExtraError

_NECK = 46.0
"""The height about which the head leans, below the middle of the face."""

_AS_IT_IS = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
"""The transform that changes nothing, row by row."""


def draw_scene(scene: Scene) -> Sheet:
    """Draw a scene from back to front."""
    sheet, pose = Sheet(), scene.pose
    draw_place(sheet, scene)
    with sheet.moved(pose.x, pose.y, scale=pose.scale, mirrored=pose.mirrored):
        draw_behind(sheet, scene)
        draw_canopy(sheet, scene)
        draw_cape(sheet, scene)
        with _head(sheet, scene):
            draw_tails(sheet, scene)
            draw_back_hair(sheet, scene)
        _draw_body(sheet, scene)
        with _head(sheet, scene):
            _draw_head(sheet, scene)
        for side in (-1, 1):
            if raised(scene, side):
                _draw_arm(sheet, scene, side)
    return sheet


def _draw_body(sheet: Sheet, scene: Scene) -> None:
    draw_legs(sheet, scene)
    draw_skin(sheet, scene)
    draw_clothes(sheet, scene)
    for side in (-1, 1):
        if not raised(scene, side):
            _draw_arm(sheet, scene, side)
    draw_outerwear(sheet, scene)


def _draw_arm(sheet: Sheet, scene: Scene, side: int) -> None:
    draw_held(sheet, scene, side, front=False)
    draw_arm(sheet, scene, side, create_sleeve(scene))
    draw_held(sheet, scene, side, front=True)


def _draw_head(sheet: Sheet, scene: Scene) -> None:
    features = scene.pose.turn * 4.5
    draw_face(sheet, scene)
    with sheet.moved(features, 0):
        draw_features(sheet, scene)
        draw_eyes(sheet, scene)
        draw_tears(sheet, scene)
    hatted = scene.has("hat")
    if not hatted:
        draw_on_head(sheet, scene)
    draw_buns(sheet, scene)
    draw_front_locks(sheet, scene)
    draw_fringe(sheet, scene)
    draw_braids(sheet, scene)
    with sheet.moved(features, 0):
        draw_lashes(sheet, scene, opacity=0.4)
        draw_brows(sheet, scene)
    draw_earrings(sheet, scene)
    draw_ahoge(sheet, scene)
    draw_headwear(sheet, scene)
    if hatted:  # Ears and horns come through the hat.
        draw_on_head(sheet, scene)
    draw_facewear(sheet, scene)


@contextmanager
def _head(sheet: Sheet, scene: Scene) -> Iterator[None]:
    """Draw in the frame of the head, which leans about the neck."""
    with sheet.moved(0, _NECK, turn=scene.pose.tilt), sheet.moved(0, -_NECK):
        yield


def rasterise(svg: str) -> NDArray[np.uint8]:
    """Turn SVG text into pixels.

    Args:
        svg: a drawing that names its width and height, as a `Sheet` gives it.

    Returns:
        uint8, (height, width, 3), RGB; black where nothing is drawn.

    Raises:
        MissingExtraError: resvg is not installed.
    """
    resvg = load_resvg()
    tree = resvg.usvg.Tree.from_str(svg, resvg.usvg.Options.default())
    png = resvg.render(tree, _AS_IT_IS)
    with Image.open(io.BytesIO(png)) as picture:
        return np.asarray(picture.convert("RGB"))


def load_resvg() -> ModuleType:
    """Give the renderer, which is only needed to draw.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import resvg
    except ImportError:
        raise MissingExtraError("resvg", "draw", "drawing pictures") from None
    return resvg
