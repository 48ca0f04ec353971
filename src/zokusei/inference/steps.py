"""The steps by which other tools fit a picture, repeated exactly; imgutils keeps them as JSON."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from PIL import Image, ImageColor

from zokusei.errors import CheckpointError, ImageError
from zokusei.images import MAX_PIXELS, open_image
from zokusei.images.preprocess import Preprocess

Step: TypeAlias = Callable[[Image.Image], Image.Image]

PARTS = ("test", "val")
"""Of imgutils' preprocess.json: its clients take the first unless they are told otherwise."""

_READ_PARTS = (PARTS[0], "stages")  # the latter in its folder of Camie's tagger

_RESAMPLE = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "box": Image.Resampling.BOX,
    "hamming": Image.Resampling.HAMMING,
    "lanczos": Image.Resampling.LANCZOS,
}


@dataclass(frozen=True, kw_only=True)
class Stepwise(Preprocess):
    """Fits a picture by the steps of another tool; normalises as every preprocessing does.

    `fit` and `interpolation` say nothing here.

    Attributes:
        steps: applied one after the other to the upright picture on white.
        widest: largest side that a step resizes to, in pixels.

    >>> fit = Stepwise(
    ...     4, "pad", (0, 0, 0), (1, 1, 1), steps=(Resize((4, 4), "box"),), widest=4
    ... )
    >>> fit.fit_image(Image.new("RGB", (9, 5))).size
    (4, 4)
    """

    steps: tuple[Step, ...]
    widest: int

    @property
    def min_side(self) -> int:
        """Shorter side that `fit_image` needs; twice what it resizes to, as in `Preprocess`."""
        return 2 * self.widest

    def fit_image(self, image: Image.Image) -> Image.Image:
        """Make a picture of any size and mode an RGB square, step by step.

        Raises:
            ImageError: the picture cannot be decoded.
        """
        if image.mode != "RGB" or image.info:
            image = open_image(image)
        for step in self.steps:
            image = step(image)
        return image


@dataclass(frozen=True)
class PadToSize:
    """Make the longer side fit, and fill the rest with a colour; imgutils' `pad_to_size`.

    With `rounds_down` a part of a pixel of the shorter side goes, as Camie's clients have it.
    """

    size: tuple[int, int]
    interpolation: str
    colour: tuple[int, int, int]
    rounds_down: bool = False

    def __call__(self, image: Image.Image) -> Image.Image:
        """Fit a picture."""
        (width, height), (wide, high) = image.size, self.size
        scale = min(wide / width, high / height)
        # The longer side, too, may have come out a little below the whole number that it is.
        less = 0.5 - 1e-6 if self.rounds_down else 0
        inner = max(1, round(width * scale - less)), max(1, round(height * scale - less))
        square = Image.new("RGB", self.size, self.colour)
        place = (wide - inner[0]) // 2, (high - inner[1]) // 2
        square.paste(image.resize(inner, _RESAMPLE[self.interpolation]), place)
        return square


@dataclass(frozen=True)
class PadWithEdges:
    """Make the longer side fit by averaging areas, and repeat the outermost pixels.

    What DeepDanbooru does, up to half a pixel where the margins cannot be equal.
    """

    side: int

    def __call__(self, image: Image.Image) -> Image.Image:
        """Fit a picture."""
        scale = self.side / max(image.size)
        width, height = (max(1, round(length * scale)) for length in image.size)
        pixels = np.asarray(image.resize((width, height), Image.Resampling.BOX))
        left, top = (self.side - width) // 2, (self.side - height) // 2
        margins = (top, self.side - height - top), (left, self.side - width - left), (0, 0)
        return Image.fromarray(np.pad(pixels, margins, mode="edge"))


@dataclass(frozen=True)
class Resize:
    """Resize to a width and height, or the shorter side to a length; as torchvision does."""

    size: int | tuple[int, int]
    interpolation: str

    def __call__(self, image: Image.Image) -> Image.Image:
        """Fit a picture.

        Raises:
            ImageError: it would become larger than pictures may be.
        """
        if isinstance(self.size, int):
            short = min(image.size)
            wide, high = (int(self.size * length / short) for length in image.size)
        else:
            wide, high = self.size
        if (wide, high) == image.size:
            return image
        if wide * high > MAX_PIXELS:
            raise ImageError(
                f"is so narrow ({image.width} x {image.height}) that this model's preprocessing "
                f"makes {wide} x {high} pixels of it"
            )
        return image.resize((wide, high), _RESAMPLE[self.interpolation])


@dataclass(frozen=True)
class CenterCrop:
    """Cut the middle out; what is too small gets a black margin, as imgutils has it."""

    size: tuple[int, int]

    def __call__(self, image: Image.Image) -> Image.Image:
        """Fit a picture."""
        (wide, high), (width, height) = self.size, image.size
        if width < wide or height < high:
            larger = Image.new("RGB", (max(width, wide), max(height, high)))
            larger.paste(image, (max(wide - width, 0) // 2, max(high - height, 0) // 2))
            image, (width, height) = larger, larger.size
        left, top = (width - wide) // 2, (height - high) // 2
        return image.crop((left, top, left + wide, top + high))


def load_steps(path: Path) -> Stepwise:
    """Read the steps of imgutils' preprocess.json that its clients take.

    Raises:
        CheckpointError: the file is of another form, or has a step that is not known.
    """
    described = json.loads(path.read_text(encoding="utf-8"))
    part = next((part for part in _READ_PARTS if part in described), None)
    if part is None:
        raise CheckpointError(
            f"{path} is a preprocess.json that is not zokusei's and not imgutils', which has steps "
            f"under {PARTS[0]!r}; remove it where the model takes pictures as WD v3's do"
        )
    steps: list[Step] = []
    mean, std, is_tensor = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), False
    for given in described[part]:
        name = given["type"]
        if name in _READERS and not is_tensor:
            steps.append(_READERS[name](given))
        elif name in ("to_tensor", "maybe_to_tensor"):
            is_tensor = True
        elif name == "normalize" and is_tensor:
            mean, std = tuple(given["mean"]), tuple(given["std"])
        elif name != "convert_rgb":  # pictures are that already
            known = ", ".join([*_READERS, "maybe_to_tensor", "normalize"])
            raise CheckpointError(
                f"{path} has the step {name!r} in a place where it is not known; zokusei knows "
                f"{known}, in this order"
            )
    sizes = {_try(steps, size) for size in ((64, 48), (48, 64))}
    (wide, high), *others = sizes
    if others or wide != high:
        raise CheckpointError(f"{path} makes no squares of one size, but {sorted(sizes)}")
    sized = (given["size"] for given in described[part] if "size" in given)
    widest = max(wide, *(max(_as_pair(size)) for size in sized))
    return Stepwise(wide, "pad", mean, std, steps=tuple(steps), widest=widest)


def describe_steps(preprocess: Preprocess) -> dict[str, list[dict[str, Any]]]:
    """Give a preprocessing as imgutils' preprocess.json has it.

    >>> half = Preprocess(448, "pad", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    >>> [step["type"] for step in describe_steps(half)["test"]]
    ['pad_to_size', 'maybe_to_tensor', 'normalize']
    """
    side, interpolation = preprocess.size, preprocess.interpolation
    square, resized = {"size": [side, side]}, {"interpolation": interpolation}
    fits: dict[str, list[dict[str, Any]]] = {
        "pad": [{"type": "pad_to_size", **square, **resized, "background_color": "white"}],
        "squash": [{"type": "resize", **square, **resized}],
        "crop": [{"type": "resize", "size": side, **resized}, {"type": "center_crop", **square}],
    }
    numbers = {"mean": list(preprocess.mean), "std": list(preprocess.std)}
    steps = [*fits[preprocess.fit], {"type": "maybe_to_tensor"}, {"type": "normalize", **numbers}]
    return dict.fromkeys(PARTS, steps)


def _try(steps: Sequence[Step], size: tuple[int, int]) -> tuple[int, int]:
    """Give the size that the steps make of a picture."""
    image = Image.new("RGB", size)
    for step in steps:
        image = step(image)
    return image.size


def _read_pad(given: Mapping[str, Any]) -> Step:
    colour = given.get("background_color", "white")
    colour = ImageColor.getrgb(colour) if isinstance(colour, str) else tuple(colour)
    red, green, blue = colour[:3]
    return PadToSize(_as_pair(given["size"]), _name_filter(given), (red, green, blue))


def _read_resize(given: Mapping[str, Any]) -> Step:
    if given.get("max_size") is not None or not given.get("antialias", True):
        raise CheckpointError(
            "preprocess.json: a resize with max_size or without antialias is not known"
        )
    size = given["size"]
    if isinstance(size, list) and len(size) == 1:
        (size,) = size
    # Unlike the others this one is given height first.
    return Resize(size if isinstance(size, int) else (size[1], size[0]), _name_filter(given))


def _read_crop(given: Mapping[str, Any]) -> Step:
    high, wide = _as_pair(given["size"])
    return CenterCrop((wide, high))


_READERS: dict[str, Callable[[Mapping[str, Any]], Step]] = {
    "pad_to_size": _read_pad,
    "resize": _read_resize,
    "center_crop": _read_crop,
}


def _as_pair(size: int | Sequence[int]) -> tuple[int, int]:
    if isinstance(size, int):
        return size, size
    return (size[0], size[0]) if len(size) == 1 else (size[0], size[1])


def _name_filter(given: Mapping[str, Any]) -> str:
    name = str(given.get("interpolation", "bilinear")).lower()
    if name not in _RESAMPLE:
        raise CheckpointError(
            f"preprocess.json: interpolation {name!r} is not known, but {', '.join(_RESAMPLE)}"
        )
    return name
