r"""What the White-box generator is trained by: surface, texture, structure, content, smoothness.

Wang and Yu, CVPR 2020. The released code divides feature distances by height x width x channels of
the feature map and the variation by 3 x height x width, and the paper's weights are quoted beside
it; here every loss is a plain mean, and the presets hold the quotients for its 256 px and VGG19's
32 x 32 x 512, so that they mean the same at every size.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from zokusei.stylize.guided_filter import guided_filter

_FEATURES, _PIXELS = 32 * 32 * 512, 3 * 256 * 256
_SURFACE_RADIUS, _SURFACE_EPS = 5, 0.2

# Bounds of the weights of blue, green and red: those of luminance, give or take a tenth.
_GREY_BOUNDS = ((0.014, 0.214), (0.487, 0.687), (0.199, 0.399))


@dataclass(frozen=True)
class LossWeights:
    """How much each loss counts.

    Attributes:
        surface: of the critic that sees smoothed pictures.
        texture: of the critic that sees grey ones.
        structure: of the distance to the picture's own superpixels.
        content: of the distance to the photograph.
        variation: of the differences between neighbouring pixels.
    """

    surface: float
    texture: float
    structure: float
    content: float
    variation: float


PRESETS = {
    "code": LossWeights(0.1, 1.0, 200 / _FEATURES, 200 / _FEATURES, 1e4 / _PIXELS),
    "paper": LossWeights(1.0, 10.0, 2e3 / _FEATURES, 2e3 / _FEATURES, 1e4 / _PIXELS),
}
"""Weights of the released code and of the paper."""


def smooth_surface(
    images: Float[Tensor, "batch 3 height width"],
) -> Float[Tensor, "batch 3 height width"]:
    """Give what the surface critic sees: shapes and colours without texture.

    A guided filter with the picture as its own guide, windows of 11 x 11 and eps 0.2.
    """
    return guided_filter(images, images, radius=_SURFACE_RADIUS, eps=_SURFACE_EPS)


def draw_grey_weights(generator: torch.Generator | None = None) -> Float[Tensor, "3"]:
    """Draw the random weights of blue, green and red for one batch.

    >>> weights = draw_grey_weights(torch.Generator().manual_seed(0))
    >>> bool((weights > 0).all()), round(float(weights.sum()), 4)
    (True, 1.0)
    """
    low, high = torch.tensor(_GREY_BOUNDS).unbind(1)
    weights = low + (high - low) * torch.rand(3, generator=generator)
    return weights / weights.sum()


def shift_to_grey(
    images: Float[Tensor, "batch 3 height width"], weights: Float[Tensor, "3"]
) -> Float[Tensor, "batch 1 height width"]:
    """Give what the texture critic sees: lines and details without colour.

    Args:
        images: blue, green, red.
        weights: from `draw_grey_weights`, the same for drawn and generated pictures.
    """
    return (images * weights.to(images).view(3, 1, 1)).sum(1, keepdim=True)


def compute_critic_loss(real: Tensor, fake: Tensor) -> Float[Tensor, ""]:
    r"""Least-squares loss of a critic (Mao et al., ICCV 2017).

    .. math:: L_D = \tfrac{1}{2} \left[ \operatorname{mean} (D(x) - 1)^2
        + \operatorname{mean} D(G(z))^2 \right]

    >>> compute_critic_loss(torch.ones(2), torch.ones(2))
    tensor(0.5000)
    """
    return 0.5 * ((real - 1).square().mean() + fake.square().mean())


def compute_fooling_loss(fake: Tensor) -> Float[Tensor, ""]:
    r"""Least-squares loss of the generator: $\operatorname{mean} (D(G(z)) - 1)^2$.

    >>> compute_fooling_loss(torch.zeros(2))
    tensor(1.)
    """
    return (fake - 1).square().mean()


def compute_feature_distance(one: Tensor, two: Tensor) -> Float[Tensor, ""]:
    """Mean absolute difference of feature maps: of structure and content alike.

    >>> compute_feature_distance(torch.zeros(1, 2, 1, 1), torch.ones(1, 2, 1, 1))
    tensor(1.)
    """
    return (one - two).abs().mean()


def compute_variation(images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, ""]:
    """Mean squared difference of neighbours below and to the right, the two means added.

    >>> float(compute_variation(torch.tensor([0.0, 1.0, 1.0, 0.0]).expand(1, 3, 2, 4)))
    0.6666666865348816
    """
    below = (images[..., 1:, :] - images[..., :-1, :]).square().mean()
    right = (images[..., 1:] - images[..., :-1]).square().mean()
    return below + right
