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
    out = pixels.astype(np.float32)
    if style.wash:
        out -= np.float32(style.wash) * _edges(out)
        out += (np.float32(255) - out) * np.float32(0.16) * _patches(rng, size)
    if style.blur:
        out = _soften(_soften(out, style.blur).swapaxes(0, 1), style.blur).swapaxes(0, 1)
    if style.screentone:
        out += _tone(out, _dots(size)) * np.float32(style.screentone)
    if style.hatching:
        out += _tone(out, _strokes(size)) * np.float32(style.hatching)
    gain = np.array([0.97 + 0.06 * rng.random() for _ in range(3)], dtype=np.float32)
    out *= gain
    fall = np.float32(0.14 * rng.random())
    if rng.random() < 0.5:
        down = np.linspace(0, 1, size, dtype=np.float32)[:, None, None]
        out *= 1 - fall * down * down
    if style.grain:
        out += _grain(rng, size, style.grain)
    finished: NDArray[np.uint8] = np.clip(out + 0.5, 0, 255).astype(np.uint8)
    if rng.random() < 0.35:
        return _compressed(finished, 40 + int(rng.random() * 50))
    return finished


def _soften(pixels: _Pixels, weight: float) -> _Pixels:
    """Blend every row with its neighbours."""
    padded = np.pad(pixels, ((1, 1), (0, 0), (0, 0)), mode="edge")
    blended: _Pixels = padded[1:-1] * np.float32(1 - 2 * weight)
    blended += (padded[:-2] + padded[2:]) * np.float32(weight)
    return blended


def _edges(pixels: _Pixels) -> _Pixels:
    """Give how much each pixel differs from its neighbours: where wet paint dries darker."""
    light = pixels.mean(axis=2)
    padded = np.pad(light, 1, mode="edge")
    across = np.abs(padded[1:-1, 2:] - padded[1:-1, :-2])
    down = np.abs(padded[2:, 1:-1] - padded[:-2, 1:-1])
    edges: _Pixels = np.minimum(across + down, np.float32(90))[:, :, None]
    return edges


def _patches(rng: random.Random, size: int) -> _Pixels:
    """Give smooth patches in 0..1: where a wash has run thin."""
    coarse = np.frombuffer(rng.randbytes(64), dtype=np.uint8).reshape(8, 8)
    smooth = Image.fromarray(coarse).resize((size, size), Image.Resampling.BILINEAR)
    patches: _Pixels = np.asarray(smooth, dtype=np.float32)[:, :, None] / np.float32(255)
    return patches


def _tone(pixels: _Pixels, pattern: _Pixels) -> _Pixels:
    """Give a pattern's marks where the drawing is of middle lightness."""
    light = pixels.mean(axis=2, keepdims=True) / 255
    tone: _Pixels = pattern * (1 - np.abs(2 * light - 1))
    return tone


@cache
def _dots(size: int) -> _Pixels:
    """Give a screen of dots at 45 degrees, in -1..1."""
    step = np.float32(2 * np.pi / max(size / 64, 3))
    down, across = np.mgrid[0:size, 0:size].astype(np.float32) * step
    dots: _Pixels = (np.sin(across + down) * np.sin(across - down))[:, :, None]
    return dots


@cache
def _strokes(size: int) -> _Pixels:
    """Give slanting strokes, in -1..1."""
    step = np.float32(2 * np.pi / max(size / 56, 3))
    down, across = np.mgrid[0:size, 0:size].astype(np.float32) * step
    strokes: _Pixels = np.sin(across * np.float32(0.6) + down)[:, :, None]
    return strokes


def _grain(rng: random.Random, size: int, amplitude: float) -> _Pixels:
    noise = np.frombuffer(rng.randbytes(size * size), dtype=np.uint8).reshape(size, size, 1)
    scaled: _Pixels = (noise.astype(np.float32) / 127.5 - 1) * np.float32(amplitude)
    return scaled


def _compressed(pixels: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """Give the picture as JPEG leaves it."""
    memory = io.BytesIO()
    Image.fromarray(pixels).save(memory, "JPEG", quality=quality)
    with Image.open(memory) as picture:
        return np.asarray(picture.convert("RGB"))
