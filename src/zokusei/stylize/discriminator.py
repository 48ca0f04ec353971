"""The two critics of the White-box training: one network, twice."""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from zokusei.stylize.generator import SameConv2d

_SLOPE = 0.2


class PatchDiscriminator(nn.Module):
    """Judges patches of a picture: drawn by people, or by the generator.

    Three times a convolution of stride 2 and one of stride 1, then one of 1 x 1, all under spectral
    normalisation (Miyato et al., ICLR 2018), so that its slope is bounded: one value for every 8 x
    8 pixels, as released.

    Args:
        channels: of the pictures: 3 for the surface, 1 for the texture.
        width: channels after the first convolution; 32 as released.

    >>> import torch
    >>> PatchDiscriminator(1)(torch.zeros(2, 1, 64, 48)).shape
    torch.Size([2, 1, 8, 6])
    """

    def __init__(self, channels: int = 3, width: int = 32) -> None:
        super().__init__()
        layers = []
        for index in range(3):
            out = width * 2**index
            layers += [SameConv2d(channels, out, 3, stride=2), SameConv2d(out, out, 3)]
            channels = out
        self.layers = nn.ModuleList(spectral_norm(layer) for layer in layers)
        self.last = spectral_norm(SameConv2d(channels, 1, 1))

    def forward(
        self, images: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch 1 rows columns"]:
        """Give a score a patch; 1 means drawn by people (least squares, no sigmoid)."""
        x = images
        for layer in self.layers:
            x = F.leaky_relu(layer(x), _SLOPE)
        scores: Tensor = self.last(x)
        return scores
