"""From scene to pixels: the order of the layers, the renderer, and what paper and scanner add."""

import io
import random
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zokusei.corpora.drawn.accessories import draw_behind, draw_worn
from zokusei.corpora.drawn.background import draw_background
from zokusei.corpora.drawn.body import draw_body
from zokusei.corpora.drawn.eyes import draw_brows, draw_eyes, draw_lashes
from zokusei.corpora.drawn.face import draw_face, draw_features, draw_tears
from zokusei.corpora.drawn.hair import draw_ahoge, draw_back_hair, draw_fringe
from zokusei.corpora.drawn.hairstyles import draw_braids, draw_buns, draw_front_locks, draw_tails
from zokusei.corpora.drawn.scene import Scene
from zokusei.corpora.drawn.svg import Sheet
from zokusei.errors import MissingExtraError

_NECK = 46.0
"""The height about which the head leans, below the middle of the face."""


def draw_scene(scene: Scene) -> Sheet:
    """Draw a scene from back to front."""
    sheet, pose = Sheet(), scene.pose
    draw_background(sheet, scene)
    features = pose.turn * 4.5
    with sheet.moved(pose.x, pose.y, scale=pose.scale, mirrored=pose.mirrored):
        with _head(sheet, scene):
            draw_tails(sheet, scene)
            draw_back_hair(sheet, scene)
        with sheet.moved(0, -4):
            draw_body(sheet, scene)
        with _head(sheet, scene):
            draw_face(sheet, scene)
            with sheet.moved(features, 0):
                draw_features(sheet, scene)
                draw_eyes(sheet, scene)
                draw_tears(sheet, scene)
            draw_behind(sheet, scene)
            draw_buns(sheet, scene)
            draw_front_locks(sheet, scene)
            draw_fringe(sheet, scene)
            draw_braids(sheet, scene)
            with sheet.moved(features, 0):
                draw_lashes(sheet, scene, opacity=0.4)
                draw_brows(sheet, scene)
            draw_ahoge(sheet, scene)
            draw_worn(sheet, scene)
    return sheet


@contextmanager
def _head(sheet: Sheet, scene: Scene) -> Iterator[None]:
    """Draw in the frame of the head, which leans about the neck."""
    with sheet.moved(0, _NECK, turn=scene.pose.tilt), sheet.moved(0, -_NECK):
        yield


def render(sheet: Sheet, scene: Scene, size: int) -> NDArray[np.uint8]:
    """Turn a drawn sheet into pixels.

    Args:
        sheet: what `draw_scene` gave.
        scene: decides the style's softness and grain.
        size: width and height in pixels.

    Returns:
        uint8, (size, size, 3).

    Raises:
        MissingExtraError: resvg is not installed.
    """
    png = load_resvg().svg_to_bytes(
        svg_string=sheet.svg(), width=size, height=size, skip_system_fonts=True
    )
    with Image.open(io.BytesIO(bytes(png))) as picture:
        pixels = np.asarray(picture.convert("RGB"))
    return _finish(pixels, scene)


def load_resvg() -> ModuleType:
    """Give the renderer, which is only needed to draw.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import resvg_py
    except ImportError:
        raise MissingExtraError("resvg_py", "draw", "drawing pictures") from None
    return resvg_py


def _finish(pixels: NDArray[np.uint8], scene: Scene) -> NDArray[np.uint8]:
    """Tint, soften and grain the picture, in float32 sums that are the same everywhere."""
    rng, style = scene.rng("finish"), scene.style
    size = pixels.shape[0]
    out = pixels.astype(np.float32)
    if style.blur:
        out = _soften(_soften(out, style.blur).swapaxes(0, 1), style.blur).swapaxes(0, 1)
    gain = np.array([0.96 + 0.08 * rng.random() for _ in range(3)], dtype=np.float32)
    fall = np.float32(0.2 * rng.random())
    down = np.linspace(0, 1, size, dtype=np.float32)[:, None, None]
    out = out * gain * (1 - fall * down * down)
    if style.grain:
        out += _grain(rng, size, style.grain)
    finished: NDArray[np.uint8] = np.clip(out + 0.5, 0, 255).astype(np.uint8)
    return finished


def _soften(pixels: NDArray[np.float32], weight: float) -> NDArray[np.float32]:
    """Blend every row with its neighbours."""
    padded = np.pad(pixels, ((1, 1), (0, 0), (0, 0)), mode="edge")
    blended: NDArray[np.float32] = padded[1:-1] * np.float32(1 - 2 * weight)
    blended += (padded[:-2] + padded[2:]) * np.float32(weight)
    return blended


def _grain(rng: random.Random, size: int, amplitude: float) -> NDArray[np.float32]:
    noise = np.frombuffer(rng.randbytes(size * size), dtype=np.uint8).reshape(size, size, 1)
    scaled: NDArray[np.float32] = (noise.astype(np.float32) / 127.5 - 1) * np.float32(amplitude)
    return scaled
