"""The guided filter: smoothing that keeps the edges of another picture."""

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F


def box_mean(
    images: Float[Tensor, "batch channels height width"], radius: int
) -> Float[Tensor, "batch channels height width"]:
    """Mean over the square of side 2 radius + 1 around each pixel; only what is inside counts.

    >>> import torch
    >>> box_mean(torch.tensor([[[[1.0, 2.0, 6.0]]]]), 1)
    tensor([[[[1.5000, 3.0000, 4.0000]]]])
    """
    side = 2 * radius + 1
    return F.avg_pool2d(images, side, stride=1, padding=radius, count_include_pad=False)


def guided_filter(
    guide: Float[Tensor, "batch channels height width"],
    images: Float[Tensor, "batch channels height width"],
    *,
    radius: int,
    eps: float,
) -> Float[Tensor, "batch channels height width"]:
    r"""Smooth pictures except where a guide has edges, each channel by itself.

    He, Sun, Tang, Guided Image Filtering, ECCV 2010: in every window the result is a line in the
    guide $I$,

    .. math::
        a = \frac{\operatorname{cov}(I, p)}{\operatorname{var}(I) + \epsilon}, \quad
        b = \bar p - a \bar I, \quad q = \bar a I + \bar b

    with all means over windows of side 2 radius + 1, cut at the picture's border.

    Args:
        guide: whose edges are kept.
        images: what is smoothed; the guide itself for plain edge-preserving smoothing.
        radius: of the windows, in pixels.
        eps: variance of the guide below which a window counts as flat, in squared pixel values.

    >>> import torch
    >>> flat = guided_filter(torch.zeros(1, 1, 3, 3), torch.eye(3)[None, None], radius=1, eps=0.01)
    >>> float(flat[0, 0, 1, 1]) < 0.5
    True
    """
    mean_guide, mean_images = box_mean(guide, radius), box_mean(images, radius)
    covariance = box_mean(guide * images, radius) - mean_guide * mean_images
    variance = box_mean(guide * guide, radius) - mean_guide * mean_guide
    slope = covariance / (variance + eps)
    offset = mean_images - slope * mean_guide
    return box_mean(slope, radius) * guide + box_mean(offset, radius)
