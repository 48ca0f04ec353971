"""Preprocess: how a decoded picture becomes the input of a model, in training as in use.

Torch is imported where a tensor is made: a model that was exported needs none.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zokusei.errors import ConfigError, suggest
from zokusei.files import write_json
from zokusei.images.reading import Picture, open_image

if TYPE_CHECKING:
    from jaxtyping import Float, UInt8
    from torch import Tensor

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

_MAX_SIZE = 8192
_FITS = ("squash", "pad", "crop")
_INTERPOLATIONS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}

# A JPEG decoded at one and a half times the size it is resized to lies 9 grey levels (root mean
# square, on drawings with black outlines at 112 px) from the one decoded whole; at twice, 1.
_SPARE = 2


@dataclass(frozen=True)
class Preprocess:
    """Fit a picture into a square and normalise it.

    Attributes:
        size: side of the square, in pixels.
        fit: `squash` ignores the aspect; `pad` keeps it, centred on white; `crop` makes the
            shorter side fit and keeps the centre.
        mean: of red, green and blue, where 1 is the brightest; subtracted.
        std: their standard deviations; divided by.
        interpolation: `bicubic`, `bilinear` or `lanczos`, smoothed when the picture shrinks.

    Raises:
        ConfigError: a value is of the wrong type or impossible.

    >>> preprocess = Preprocess(4, "pad", mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
    >>> preprocess(Image.new("RGB", (2, 1)))[0]
    tensor([[ 1.,  1.,  1.,  1.],
            [-1., -1., -1., -1.],
            [-1., -1., -1., -1.],
            [ 1.,  1.,  1.,  1.]])
    """

    size: int
    fit: Literal["squash", "pad", "crop"]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: Literal["bicubic", "bilinear", "lanczos"] = "bicubic"

    def __post_init__(self) -> None:
        """Refuse impossible values; lists of numbers become tuples."""
        if type(self.size) is not int or not 1 <= self.size <= _MAX_SIZE:
            raise _wrong("size", self.size, f"a whole number from 1 to {_MAX_SIZE}")
        for name, known in (("fit", _FITS), ("interpolation", tuple(_INTERPOLATIONS))):
            if getattr(self, name) not in known:
                raise _wrong(name, getattr(self, name), "one of " + ", ".join(known))
        for name in ("mean", "std"):
            values = getattr(self, name)
            if not (isinstance(values, list | tuple) and len(values) == 3):
                raise _wrong(name, values, "three numbers")
            if not all(type(v) in (int, float) and math.isfinite(v) for v in values):
                raise _wrong(name, values, "three finite numbers")
            object.__setattr__(self, name, tuple(float(value) for value in values))
        if min(self.std) <= 0:
            raise _wrong("std", self.std, "three numbers above 0")

    @property
    def min_side(self) -> int:
        """Shorter side, in pixels, that `fit_image` needs: `at_least` of `open_image`.

        Twice what it resizes to, so that the scaled decoding is not seen in the result. With
        `pad` the shorter side ends below `size`; how far is not known before the picture is.
        """
        return _SPARE * self.size

    def fit_image(self, image: Image.Image) -> Image.Image:
        """Make a picture of any size and mode an RGB square of `size` pixels a side.

        Raises:
            ImageError: the picture cannot be decoded.
        """
        if image.mode != "RGB" or image.info:
            image = open_image(image)
        side, (width, height) = self.size, image.size
        resample = _INTERPOLATIONS[self.interpolation]
        if self.fit == "squash":
            return image.resize((side, side), resample)
        if self.fit == "crop":
            # The box is cut from the source: resizing a long strip first would take memory
            # without bound.
            short = min(width, height)
            left, top = (width - short) / 2, (height - short) / 2
            return image.resize((side, side), resample, (left, top, left + short, top + short))
        scale = side / max(width, height)
        inner = max(1, round(width * scale)), max(1, round(height * scale))
        resized = image.resize(inner, resample)
        if inner == (side, side):
            return resized  # nothing would be seen of the white below it
        square = Image.new("RGB", (side, side), "white")
        square.paste(resized, ((side - inner[0]) // 2, (side - inner[1]) // 2))
        return square

    def find_source(self, point: tuple[float, float], size: tuple[int, int]) -> tuple[float, float]:
        """Give the place in the picture that a place on the square shows.

        Args:
            point: shares of the square's width and height, from the top left.
            size: width and height of the picture.

        Returns:
            Shares of the picture's width and height; what lies on the white of `pad` gives the
            nearest place on the picture.

        >>> half = Preprocess(8, "pad", mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
        >>> half.find_source((0.25, 0.5), (200, 100)), half.find_source((0.25, 0.3), (200, 100))
        ((0.25, 0.5), (0.25, 0.1))
        """
        if self.fit == "squash":
            return point
        whole = max(size) if self.fit == "pad" else min(size)
        left, top = ((0.5 + (share - 0.5) * whole / side) for share, side in zip(
            point, size, strict=True
        ))  # fmt: skip
        return round(min(max(left, 0.0), 1.0), 6), round(min(max(top, 0.0), 1.0), 6)

    def to_tensor(self, picture: Picture) -> Float[Tensor, "3 size size"]:
        """Open, fit and normalise one picture; the same numbers as in any batch.

        Raises:
            ImageError: the picture cannot be read.
        """
        return self.normalize(self.to_pixels(picture)[None])[0]

    __call__ = to_tensor

    def to_pixels(self, picture: Picture) -> UInt8[Tensor, "3 size size"]:
        """Open and fit one picture; what `normalize` takes a batch of.

        Raises:
            ImageError: the picture cannot be read.
        """
        import torch

        fitted = self.to_array(open_image(picture, at_least=self.min_side))
        return torch.from_numpy(fitted).permute(2, 0, 1)

    def to_array(self, image: Image.Image) -> NDArray[np.uint8]:
        """Fit one open picture: bytes of size x size x 3, red first.

        Raises:
            ImageError: the picture cannot be decoded.
        """
        return np.array(self.fit_image(image))

    def normalize(
        self, images: UInt8[Tensor, "batch 3 height width"]
    ) -> Float[Tensor, "batch 3 height width"]:
        r"""Compute $(x / 255 - \mu) / \sigma$ a channel, on the device of `images`.

        Every number is computed by itself, so that a picture never depends on its batch.

        Args:
            images: decoded pictures, 0 to 255, of any size.

        Raises:
            TypeError: `images` are not bytes; floats have been normalised already.
        """
        import torch

        if images.dtype != torch.uint8:
            raise TypeError(f"normalize takes uint8 pictures, not {images.dtype}")
        mean, std = (
            torch.tensor(values, device=images.device).view(3, 1, 1)
            for values in (self.mean, self.std)
        )
        return (
            images.to(torch.float32, memory_format=torch.contiguous_format)
            .div_(255)
            .sub_(mean)
            .div_(std)
        )

    def to_dict(self) -> dict[str, Any]:
        """Give the attributes as JSON knows them."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Preprocess:
        """Build from `to_dict`'s result.

        Raises:
            ConfigError: a key is unknown or missing, or a value is impossible.
        """
        known = [field.name for field in fields(cls)]
        for key in values:
            if key not in known:
                raise ConfigError(f"unknown preprocessing key {key!r}{suggest(str(key), known)}")
        missing = [key for key in known if key not in values]
        if missing:
            raise ConfigError(f"preprocessing lacks {', '.join(missing)}")
        return cls(**values)

    def save(self, path: str | Path) -> None:
        """Write `preprocess.json`, whole or not at all."""
        write_json(path, self.to_dict())

    @classmethod
    def load(cls, path: str | Path) -> Preprocess:
        """Read what `save` wrote.

        Raises:
            ConfigError: the file is missing, is no JSON object, or holds impossible values.
        """
        try:
            values = json.loads(Path(path).read_text(encoding="utf-8"))
            if not isinstance(values, dict):
                raise ConfigError(f"holds {type(values).__name__}, not an object")
            return cls.from_dict(values)
        except (OSError, ValueError, ConfigError) as error:
            raise ConfigError(f"{path} is no preprocessing: {error}") from error


def _wrong(name: str, value: object, wanted: str) -> ConfigError:
    return ConfigError(f"preprocessing: {name} = {value!r}; give {wanted}")
