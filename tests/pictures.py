"""Small labelled pictures that tests make for themselves."""

from pathlib import Path

import numpy as np
from PIL import Image

COLOURS = {"red": (200, 40, 40), "green": (40, 180, 60), "blue": (50, 60, 210)}
SHAPES = ("square", "stripe")


def write_picture(path: Path, colour: str, shape: str, rng: np.random.Generator, size: int) -> None:
    """Draw one shape of a colour on noise, somewhere in the picture."""
    pixels = rng.integers(90, 160, (size, size, 3), dtype=np.uint8)
    start, side = rng.integers(0, size // 2), size // 3
    if shape == "square":
        pixels[start : start + side, start : start + side] = COLOURS[colour]
    else:
        pixels[start : start + side // 2] = COLOURS[colour]
    Image.fromarray(pixels).save(path)


def write_corpus(folder: Path, count: int = 60, size: int = 32, seed: int = 0) -> Path:
    """Write pictures with sidecars: a colour and a shape each, in turn."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    for index in range(count):
        colour = list(COLOURS)[index % 3]
        shape = SHAPES[index // 3 % 2]
        write_picture(folder / f"{index:03d}.png", colour, shape, rng, size)
        (folder / f"{index:03d}.txt").write_text(f"{colour}, {shape}\n")
    return folder


def write_tree(folder: Path) -> Path:
    """Write three pictures at three depths of a folder in which nothing else lies; give it."""
    for index, name in enumerate(["a.png", "sub/b.png", "sub/deep/c.jpg"]):
        path = folder / "art" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 30), (60 * index, 200, 90)).save(path)
    return folder / "art"
