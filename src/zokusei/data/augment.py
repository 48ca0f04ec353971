"""Training pictures varied a batch at a time, as a generator decides and nothing else."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import UInt8
from torch import Generator, Tensor
from torch.nn import functional as F
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional

from zokusei.data.crops import MultiScaleCrop, RandomResizedCrop, WholePicture, resample
from zokusei.errors import ConfigError, suggest

# torchvision does not mark what this module exports, so that type checkers find nothing in it.
vision: Any = functional

_CROPS = ("none", "random_resized_crop", "multi_scale_crop")
_BINS = 31

# White, as padding and transparency are; torchvision's black would be a frame of its own.
_FILL = [255.0, 255.0, 255.0]

# About ImageNet's mean, which is nothing once it is normalised.
_ERASED = 118
_ERASED_BOX = RandomResizedCrop(scale=(0.02, 0.33), ratio=(0.3, 3.3))


def create_augment(
    name: str,
    size: int,
    *,
    scale: tuple[float, float] = (0.6, 1.0),
    ratio: tuple[float, float] = (3 / 4, 4 / 3),
    flip: float = 0.0,
    trivial: bool = False,
    erase: float = 0.0,
    shrink: float = 0.0,
    jitter: float = 0.0,
) -> "Augment":
    """Build an augmentation from plain arguments.

    Args:
        name: the crop: `random_resized_crop`, `multi_scale_crop`, or `none`, which resizes the
            whole picture.
        size: side of the result, in pixels.
        scale: smallest and largest share of the area of a random resized crop.
        ratio: smallest and largest width / height of it.
        flip: probability of mirroring; 0 when a tag has a side.
        trivial: one random operation a picture (`apply_trivial`).
        erase: probability of blanking a random box (`erase_boxes`).
        shrink: probability of showing the crop smaller on a plain ground (`shrink_pictures`).
        jitter: how far brightness, contrast and saturation may change (`jitter_colours`).

    Raises:
        ConfigError: the name is unknown or a value impossible.

    >>> augment = create_augment("random_resized_crop", 8, flip=0.5)
    >>> pictures = torch.zeros((2, 3, 10, 10), dtype=torch.uint8)
    >>> augment(pictures, torch.Generator().manual_seed(0)).shape
    torch.Size([2, 3, 8, 8])
    """
    if name not in _CROPS:
        raise ConfigError(f"unknown crop {name!r}{suggest(name, _CROPS)}")
    crops: dict[str, Crop] = {
        "none": WholePicture(),
        "random_resized_crop": RandomResizedCrop(scale, ratio),
        "multi_scale_crop": MultiScaleCrop(size),
    }
    return Augment(
        crops[name], size, flip=flip, trivial=trivial, erase=erase, shrink=shrink, jitter=jitter
    )


Crop = WholePicture | RandomResizedCrop | MultiScaleCrop


@dataclass(frozen=True, eq=False)
class Share:
    """The pictures of a batch that one of several processes has.

    Chance is drawn for the whole batch and then shared, so that a picture is varied in the same way
    however many processes there are.

    Attributes:
        total: pictures of the whole batch.
        own: which of them these are; all by default.

    >>> Share(5, slice(1, None, 2)).of(torch.arange(5))
    tensor([1, 3])
    """

    total: int
    own: slice | list[int] = field(default_factory=lambda: slice(None))

    def of(self, drawn: Tensor) -> Tensor:
        """Give the share of what was drawn for all."""
        return drawn[self.own]


@dataclass(frozen=True)
class Augment:
    """Crop, mirror, shrink, change and erase, in this order.

    Attributes:
        crop: draws one box a picture.
        size: side of the result, in pixels.
        flip: probability of mirroring.
        trivial: whether TrivialAugment follows.
        erase: probability of a blank box.
        shrink: probability of a smaller picture on a plain ground.
        jitter: how far brightness, contrast and saturation may change.

    Raises:
        ConfigError: a probability is not between 0 and 1, or the size is not positive.
    """

    crop: Crop
    size: int
    flip: float = 0.0
    trivial: bool = False
    erase: float = 0.0
    shrink: float = 0.0
    jitter: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what is no probability and no size."""
        for name in ("flip", "erase", "shrink", "jitter"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"{name} = {getattr(self, name)}; give a probability from 0 to 1")
        if self.size < 1:
            raise ConfigError(f"size = {self.size}; give a side of at least one pixel")

    def __call__(
        self,
        images: UInt8[Tensor, "batch 3 height width"],
        generator: Generator,
        share: Share | None = None,
    ) -> UInt8[Tensor, "batch 3 size size"]:
        """Vary each picture by itself; `images` stay as they are.

        Args:
            images: decoded pictures of one size, on the CPU.
            generator: the only source of chance; in the same state it gives the same result.
            share: which pictures of the batch these are; all of it by default.
        """
        share = share or Share(len(images))
        height, width = images.shape[2:]
        boxes = self.crop.sample(share.total, height, width, generator)
        images = resample(images, share.of(boxes), self.size)
        mirrored = share.of(torch.rand(share.total, generator=generator)) < self.flip
        images[mirrored] = images[mirrored].flip(-1)
        if self.shrink:
            images = shrink_pictures(images, self.shrink, generator, share)
        if self.trivial:
            images = apply_trivial(images, generator, share)
        if self.jitter:
            images = jitter_colours(images, self.jitter, generator, share)
        return erase_boxes(images, self.erase, generator, share) if self.erase else images


def erase_boxes(
    images: UInt8[Tensor, "batch 3 height width"],
    probability: float,
    generator: Generator,
    share: Share | None = None,
) -> UInt8[Tensor, "batch 3 height width"]:
    """Blank a random box of some pictures with grey (Zhong et al., Random Erasing, 2017).

    The box takes 2 to 33 % of the area and is 0.3 to 3.3 times as wide as high.
    """
    share = share or Share(len(images))
    chosen = share.of(torch.rand(share.total, generator=generator)) < probability
    height, width = images.shape[2:]
    boxes = share.of(_ERASED_BOX.sample(share.total, height, width, generator))
    images = images.clone()
    for index in chosen.nonzero().flatten().tolist():
        left, top, w, h = boxes[index].tolist()
        images[index, :, top : top + h, left : left + w] = _ERASED
    return images


def shrink_pictures(
    images: UInt8[Tensor, "batch 3 height width"],
    probability: float,
    generator: Generator,
    share: Share | None = None,
) -> UInt8[Tensor, "batch 3 height width"]:
    """Show some pictures smaller, at a random place on a ground of one random colour.

    Their sides become half to all of what they were, uniformly.
    """
    share = share or Share(len(images))
    drawn = share.of(torch.rand((share.total, 4), generator=generator))
    grounds = share.of(torch.randint(256, (share.total, 3), generator=generator))
    height, width = images.shape[2:]
    images = images.clone()
    for index in (drawn[:, 0] < probability).nonzero().flatten().tolist():
        _, side, x, y = drawn[index].tolist()
        w, h = (max(1, round(full * (0.5 + side / 2))) for full in (width, height))
        small = F.interpolate(
            images[index : index + 1], (h, w), mode="bilinear", align_corners=False, antialias=True
        )
        left, top = int(x * (width - w + 1)), int(y * (height - h + 1))
        images[index] = grounds[index, :, None, None].to(torch.uint8)
        images[index, :, top : top + h, left : left + w] = small[0]
    return images


def jitter_colours(
    images: UInt8[Tensor, "batch 3 height width"],
    strength: float,
    generator: Generator,
    share: Share | None = None,
) -> UInt8[Tensor, "batch 3 height width"]:
    """Change brightness, contrast and saturation of each picture; its hues stay.

    Each is multiplied by a factor of 1 - `strength` to 1 + `strength`, in this order: brightness
    away from black, contrast from the picture's mean grey, saturation from each pixel's own grey
    (ITU-R BT.601).
    """
    share = share or Share(len(images))
    factors = share.of(torch.rand((share.total, 3, 1, 1, 1), generator=generator))
    brightness, contrast, saturation = (1 + strength * (2 * factors - 1)).unbind(1)
    values = (images * brightness).clamp_(0, 255)
    values = torch.lerp(_grey(values).mean((2, 3), keepdim=True), values, contrast).clamp_(0, 255)
    values = torch.lerp(_grey(values), values, saturation).clamp_(0, 255)
    return values.round_().to(torch.uint8)


def _grey(images: Tensor) -> Tensor:
    """Give the luma of pictures as one channel."""
    red, green, blue = images.unbind(1)
    return (0.299 * red + 0.587 * green + 0.114 * blue)[:, None]


def apply_trivial(
    images: UInt8[Tensor, "batch 3 height width"],
    generator: Generator,
    share: Share | None = None,
) -> UInt8[Tensor, "batch 3 height width"]:
    """Change each picture by one random operation of random strength (TrivialAugment Wide).

    Müller and Hutter, TrivialAugment, 2021 (https://arxiv.org/abs/2103.10158), with its 14
    operations, 31 strengths and signs. torchvision's class picks one operation for a whole batch
    and draws from the global generator. No operation mirrors a picture.
    """
    names = list(_OPERATIONS)
    share = share or Share(len(images))
    which, levels, negative = (
        share.of(torch.randint(options, (share.total,), generator=generator)).tolist()
        for options in (len(names), _BINS, 2)
    )
    out = images.clone()
    for index in range(len(images)):
        level = levels[index] / (_BINS - 1)
        out[index] = apply_operation(
            images[index], names[which[index]], level, negative=bool(negative[index])
        )
    return out


def apply_operation(
    image: UInt8[Tensor, "3 height width"], name: str, level: float, *, negative: bool = False
) -> UInt8[Tensor, "3 height width"]:
    """Apply one operation of TrivialAugment.

    Args:
        image: one picture.
        name: a key of `_OPERATIONS`.
        level: strength, 0 to 1 of the largest.
        negative: the other way; without meaning for operations that have one way only.
    """
    strongest, operation = _OPERATIONS[name]
    changed: Tensor = operation(image, -strongest * level if negative else strongest * level)
    return changed


def _affine(
    image: Tensor, *, shift: tuple[int, int] = (0, 0), shear: tuple[float, float]
) -> Tensor:
    moved: Tensor = vision.affine(
        image,
        angle=0.0,
        translate=list(shift),
        scale=1.0,
        shear=[math.degrees(math.atan(slope)) for slope in shear],
        interpolation=InterpolationMode.BILINEAR,
        fill=_FILL,
        # Shears keep the upper left corner, as in AutoAugment's code.
        center=[0.0, 0.0] if any(shear) else None,
    )
    return moved


# Strength at level 1 and the operation; bits and thresholds do not know a sign.
_OPERATIONS: dict[str, tuple[float, Callable[[Tensor, float], Tensor]]] = {
    "Identity": (0.0, lambda image, _: image),
    "ShearX": (0.99, lambda image, value: _affine(image, shear=(value, 0.0))),
    "ShearY": (0.99, lambda image, value: _affine(image, shear=(0.0, value))),
    "TranslateX": (32.0, lambda image, v: _affine(image, shift=(int(v), 0), shear=(0.0, 0.0))),
    "TranslateY": (32.0, lambda image, v: _affine(image, shift=(0, int(v)), shear=(0.0, 0.0))),
    "Rotate": (
        135.0,
        lambda image, value: vision.rotate(
            image, value, interpolation=InterpolationMode.BILINEAR, fill=_FILL
        ),
    ),
    "Brightness": (0.99, lambda image, value: vision.adjust_brightness(image, 1.0 + value)),
    "Color": (0.99, lambda image, value: vision.adjust_saturation(image, 1.0 + value)),
    "Contrast": (0.99, lambda image, value: vision.adjust_contrast(image, 1.0 + value)),
    "Sharpness": (0.99, lambda image, value: vision.adjust_sharpness(image, 1.0 + value)),
    "Posterize": (6.0, lambda image, value: vision.posterize(image, 8 - round(abs(value)))),
    "Solarize": (1.0, lambda image, value: vision.solarize(image, 255 * (1.0 - abs(value)))),
    "AutoContrast": (0.0, lambda image, _: vision.autocontrast(image)),
    "Equalize": (0.0, lambda image, _: vision.equalize(image)),
}
