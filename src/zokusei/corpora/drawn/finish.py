"""What paper, paint, print and the web add to a drawing, in sums that are the same everywhere."""

import io
import random
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zokusei.corpora.drawn.scene import Scene

_Pixels = NDArray[np.float32]


def finish(pixels: NDArray[np.uint8], scene: Scene) -> NDArray[np.uint8]:
    """Give a rendered drawing the surface of its style.

    Args:
        pixels: uint8, (size, size, 3).
        scene: decides tint, softness, grain, screentone, wash, hatching and compression.

    Returns:
        uint8, (size, size, 3).
    """
    rng, style = scene.rng("finish"), scene.style
    size = pixels.shape[0]
    # One plane a colour (3, size, size): sums run along whole rows, not along three colours.
    out = pixels.transpose(2, 0, 1).astype(np.float32, order="C")
    if style.wash:
        out -= np.float32(style.wash) * _edges(out)
        out += (np.float32(255) - out) * np.float32(0.16) * _patches(rng, size)
    if style.blur:
        _soften(out, style.blur)
        _soften(out.swapaxes(1, 2), style.blur)
    if style.screentone:
        out += _tone(out, _dots(size)) * np.float32(style.screentone)
    if style.hatching:
        out += _tone(out, _strokes(size)) * np.float32(style.hatching)
    for plane in out:
        plane *= np.float32(0.97 + 0.06 * rng.random())
    fall = np.float32(0.14 * rng.random())
    if rng.random() < 0.5:
        down = np.linspace(0, 1, size, dtype=np.float32)[:, None]
        out *= 1 - fall * down * down
    if style.grain:
        out += _grain(rng, size, style.grain)
    out += np.float32(0.5)
    np.clip(out, 0, 255, out=out)
    finished: NDArray[np.uint8] = np.stack(list(out.astype(np.uint8)), axis=-1)
    if rng.random() < 0.35:
        return _compressed(finished, 40 + int(rng.random() * 50))
    return finished


def _soften(planes: _Pixels, weight: float) -> None:
    """Blend every row with its neighbours."""
    beside = np.empty_like(planes)
    np.add(planes[:, :-2], planes[:, 2:], out=beside[:, 1:-1])
    # The first and the last row are their own neighbours.
    np.add(planes[:, 0], planes[:, 1], out=beside[:, 0])
    np.add(planes[:, -2], planes[:, -1], out=beside[:, -1])
    beside *= np.float32(weight)
    planes *= np.float32(1 - 2 * weight)
    planes += beside


def _edges(planes: _Pixels) -> _Pixels:
    """Give how much each pixel differs from its neighbours: where wet paint dries darker."""
    padded = np.pad(planes.mean(axis=0), 1, mode="edge")
    across = np.abs(padded[1:-1, 2:] - padded[1:-1, :-2])
    down = np.abs(padded[2:, 1:-1] - padded[:-2, 1:-1])
    edges: _Pixels = np.minimum(across + down, np.float32(90))
    return edges


def _patches(rng: random.Random, size: int) -> _Pixels:
    """Give smooth patches in 0..1: where a wash has run thin."""
    coarse = np.frombuffer(rng.randbytes(64), dtype=np.uint8).reshape(8, 8)
    smooth = Image.fromarray(coarse).resize((size, size), Image.Resampling.BILINEAR)
    patches: _Pixels = np.asarray(smooth, dtype=np.float32) / np.float32(255)
    return patches


def _tone(planes: _Pixels, pattern: _Pixels) -> _Pixels:
    """Give a pattern's marks where the drawing is of middle lightness."""
    light = planes.mean(axis=0) / 255
    tone: _Pixels = pattern * (1 - np.abs(2 * light - 1))
    return tone


@cache
def _dots(size: int) -> _Pixels:
    """Give a screen of dots at 45 degrees, in -1..1."""
    step = np.float32(2 * np.pi / max(size / 64, 3))
    down, across = np.mgrid[0:size, 0:size].astype(np.float32) * step
    dots: _Pixels = np.sin(across + down) * np.sin(across - down)
    return dots


@cache
def _strokes(size: int) -> _Pixels:
    """Give slanting strokes, in -1..1."""
    step = np.float32(2 * np.pi / max(size / 56, 3))
    down, across = np.mgrid[0:size, 0:size].astype(np.float32) * step
    strokes: _Pixels = np.sin(across * np.float32(0.6) + down)
    return strokes


def _grain(rng: random.Random, size: int, amplitude: float) -> _Pixels:
    noise = np.frombuffer(rng.randbytes(size * size), dtype=np.uint8).reshape(size, size)
    scaled: _Pixels = (noise.astype(np.float32) / 127.5 - 1) * np.float32(amplitude)
    return scaled


def _compressed(pixels: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """Give the picture as JPEG leaves it."""
    memory = io.BytesIO()
    Image.fromarray(pixels).save(memory, "JPEG", quality=quality)
    with Image.open(memory) as picture:
        return np.asarray(picture.convert("RGB"))
