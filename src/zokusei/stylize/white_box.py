"""The White-box generator in use: colour order, guided filter, any size, memory that stays flat."""

import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn import functional as F

from zokusei.stylize.generator import SIZE_MULTIPLE, WhiteBoxGenerator
from zokusei.stylize.guided_filter import guided_filter
from zokusei.stylize.tiles import split_tiles

# The authors' inference: the filter's windows are 3 x 3.
_RADIUS, _EPS = 1, 5e-3

_TILE = 768
"""Largest side computed at once, which bounds the memory that activations take."""


class WhiteBox:
    """Draws photographs as the White-box authors do.

    Blue comes first, 0 to 255 becomes -1 to 1, and the network's result is smoothed by a guided
    filter (windows of 3 x 3, eps 0.005) whose guide is the photograph. The published TFLite exports
    hold that filter as well; the weights here are the network's alone.

    A large picture is computed in tiles that overlap by what a pixel can depend on, so that its
    memory is bounded and the result that of the whole.

    Args:
        generator: with its weights.
        device: where to compute.

    >>> white_box = WhiteBox(WhiteBoxGenerator(width=4, blocks=1))
    >>> white_box(torch.zeros(2, 5, 3, 3, dtype=torch.uint8)).shape
    torch.Size([2, 5, 3, 3])
    """

    def __init__(self, generator: WhiteBoxGenerator, *, device: torch.device | str = "cpu") -> None:
        self.device = torch.device(device)
        # The layout that convolutions on processors and tensor cores work in.
        self.generator = generator.eval().to(self.device).to(memory_format=torch.channels_last)

    def __call__(
        self, pictures: UInt8[Tensor, "batch height width 3"]
    ) -> UInt8[Tensor, "batch height width 3"]:
        """Draw pictures of one size; red comes first, as everywhere in this package."""
        drawn = torch.empty_like(pictures)
        overlap = self.generator.receptive_radius
        with torch.inference_mode():
            for tile in split_tiles(*pictures.shape[1:3], side=_TILE, overlap=overlap):
                drawn[:, *tile.inner] = self._draw(pictures[:, *tile.outer])[:, *tile.cut]
        return drawn

    def _draw(self, pictures: Tensor) -> Tensor:
        flipped = pictures.to(self.device).permute(0, 3, 1, 2).flip(1)
        images = flipped.float().div_(127.5).sub_(1)
        images = cartoonize(self.generator, images.contiguous(memory_format=torch.channels_last))
        pixels = images.clamp_(-1, 1).add_(1).mul_(127.5).round_().to(torch.uint8)
        return pixels.flip(1).permute(0, 2, 3, 1).cpu()


def cartoonize(
    generator: WhiteBoxGenerator,
    images: Float[Tensor, "batch 3 height width"],
    *,
    radius: int = _RADIUS,
    eps: float = _EPS,
) -> Float[Tensor, "batch 3 height width"]:
    """Generate and filter: what the authors' inference computes, without its clipping.

    Network and filter see pictures continued to a multiple of 4 by their last row and column.

    Args:
        generator: the network.
        images: blue, green, red, from -1 to 1.
        radius: of the guided filter.
        eps: of the guided filter; 0.005 in the authors' inference, 0.01 in their training.
    """
    height, width = images.shape[-2:]
    padding = (0, -width % SIZE_MULTIPLE, 0, -height % SIZE_MULTIPLE)
    padded = F.pad(images, padding, mode="replicate")
    drawn = guided_filter(padded, generator(padded), radius=radius, eps=eps)
    return drawn[..., :height, :width]
