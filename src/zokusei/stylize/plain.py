"""Cartoon-like pictures without any weights: smoothed, in patches of one colour, with lines."""

import torch
from jaxtyping import UInt8
from torch import Tensor

from zokusei.errors import MissingExtraError
from zokusei.stylize.guided_filter import guided_filter
from zokusei.stylize.superpixels import mean_colours
from zokusei.stylize.tiles import split_tiles

_CELL = 6
"""Side of a superpixel, in pixels, on average."""

_TILE, _OVERLAP = 2048, 16


class Plain:
    """Draws photographs by image processing alone; not the White-box model, nor meant to be it.

    A guided filter smooths all but edges, superpixels (SLIC) take their mean colour, a second
    guided filter lays those colours along the edges again, saturation rises, and a difference of
    Gaussians draws dark lines.

    Raises:
        MissingExtraError: scikit-image is not installed.

    >>> Plain()(torch.full((1, 4, 6, 3), 200, dtype=torch.uint8)).unique()
    tensor([200], dtype=torch.uint8)
    """

    def __init__(self) -> None:
        try:
            import skimage.segmentation  # noqa: F401
        except ModuleNotFoundError as error:
            raise MissingExtraError("scikit-image", "stylize", "the plain stylizer") from error

    def __call__(
        self, pictures: UInt8[Tensor, "batch height width 3"]
    ) -> UInt8[Tensor, "batch height width 3"]:
        """Draw pictures of one size."""
        drawn = torch.empty_like(pictures)
        tiles = list(split_tiles(*pictures.shape[1:3], side=_TILE, overlap=_OVERLAP))
        for picture, result in zip(pictures, drawn, strict=True):
            for tile in tiles:
                result[tile.inner] = _draw(picture[tile.outer])[tile.cut]
        return drawn


def _draw(picture: UInt8[Tensor, "height width 3"]) -> UInt8[Tensor, "height width 3"]:
    from skimage.segmentation import slic

    image = picture.permute(2, 0, 1)[None].float() / 255
    smooth = guided_filter(image, image, radius=2, eps=0.004)
    pixels = smooth[0].permute(1, 2, 0).numpy()
    segments = max(1, round(pixels.shape[0] * pixels.shape[1] / _CELL**2))
    regions = slic(pixels, n_segments=segments, compactness=4, start_label=0, max_num_iter=5)
    flat = torch.from_numpy(mean_colours(pixels, regions)).permute(2, 0, 1)[None].float()
    colours = guided_filter(smooth, flat, radius=2, eps=4e-4)
    grey = colours.mean(1, keepdim=True)
    colours = grey + 1.25 * (colours - grey)
    result = colours * (1 - _find_lines(smooth.mean(1, keepdim=True)))
    return (result.clamp(0, 1) * 255).round().to(torch.uint8)[0].permute(1, 2, 0)


def _find_lines(grey: Tensor) -> Tensor:
    """Give the darkness of lines, 0 to 0.6: where it is darker than around."""
    difference = _blur(grey, 1.6) - _blur(grey, 0.8)
    return ((difference - 0.012) * 15).clamp(0, 1) * 0.6


def _blur(grey: Tensor, sigma: float) -> Tensor:
    radius = int(3 * sigma)
    offsets = torch.arange(-radius, radius + 1, dtype=torch.float32)
    weights = torch.exp(-(offsets**2) / (2 * sigma**2))
    weights = weights / weights.sum()
    padded = torch.nn.functional.pad(grey, (radius,) * 4, mode="replicate")
    rows = torch.nn.functional.conv2d(padded, weights.view(1, 1, 1, -1))
    return torch.nn.functional.conv2d(rows, weights.view(1, 1, -1, 1))
