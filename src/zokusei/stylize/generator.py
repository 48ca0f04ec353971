"""The White-box generator, operation for operation as its authors run it in TensorFlow."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

SIZE_MULTIPLE = 4
"""Sides that the network halves and doubles without a rest."""

_SLOPE = 0.2


class WhiteBoxGenerator(nn.Module):
    """Photographs to cartoon pictures: a U-Net with added skips, no norms and no final tanh.

    Wang and Yu, Learning to Cartoonize Using White-box Cartoon Representations, CVPR 2020, as
    released: 18 convolutions in TensorFlow's order, padded as its SAME does (at stride 2 and even
    sizes a row below and a column to the right only), with its legacy bilinear up-sampling, where
    pixel 2i is pixel i and pixel 2i + 1 the mean of pixels i and i + 1.

    The released code cuts pictures to multiples of 8, since it fails on sides that are none of 4.
    Here they are continued by their last row and column to the next multiple of 4, and the result
    is cut, so that every size works and keeps its pixels.

    Args:
        width: channels of the first convolution; 32 as released.
        blocks: residual blocks; 4 as released.

    >>> generator = WhiteBoxGenerator()
    >>> sum(weight.numel() for weight in generator.parameters())
    1467075
    >>> generator(torch.zeros(1, 3, 9, 6)).shape
    torch.Size([1, 3, 9, 6])
    """

    def __init__(self, width: int = 32, blocks: int = 4) -> None:
        super().__init__()
        self.width = w = width
        self.stem = SameConv2d(3, w, 7)
        self.down1, self.conv1 = SameConv2d(w, w, 3, stride=2), SameConv2d(w, 2 * w, 3)
        self.down2, self.conv2 = SameConv2d(2 * w, 2 * w, 3, stride=2), SameConv2d(2 * w, 4 * w, 3)
        self.blocks = nn.Sequential(*(ResidualBlock(4 * w) for _ in range(blocks)))
        self.conv3 = SameConv2d(4 * w, 2 * w, 3)
        self.up1, self.conv4 = SameConv2d(2 * w, 2 * w, 3), SameConv2d(2 * w, w, 3)
        self.up2, self.last = SameConv2d(w, w, 3), SameConv2d(w, 3, 7)

    @property
    def receptive_radius(self) -> int:
        """Pixels around one of the output, at most, that it depends on; a multiple of 4.

        >>> WhiteBoxGenerator().receptive_radius
        68
        """
        # A block's two convolutions see one pixel each, at a quarter of the size.
        return 36 + 8 * len(self.blocks)

    def forward(
        self, images: Float[Tensor, "batch 3 height width"]
    ) -> Float[Tensor, "batch 3 height width"]:
        """Draw pictures.

        Args:
            images: blue, green, red, from -1 to 1: the released weights expect this order.

        Returns:
            The same, not clipped and not yet filtered.
        """
        height, width = images.shape[-2:]
        padding = (0, -width % SIZE_MULTIPLE, 0, -height % SIZE_MULTIPLE)
        x = F.pad(images, padding, mode="replicate")
        full = _leaky(self.stem(x))
        half = _leaky(self.conv1(_leaky(self.down1(full))))
        x = self.blocks(_leaky(self.conv2(_leaky(self.down2(half)))))
        x = double_bilinear(_leaky(self.conv3(x))) + half
        x = double_bilinear(_leaky(self.conv4(_leaky(self.up1(x))))) + full
        drawn: Tensor = self.last(_leaky(self.up2(x)))
        return drawn[..., :height, :width]


class ResidualBlock(nn.Module):
    """Two convolutions of 3 x 3 whose result is added to what went in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = SameConv2d(channels, channels, 3)
        self.second = SameConv2d(channels, channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Keep size and channels."""
        changed: Tensor = self.second(_leaky(self.first(x)))
        return changed + x


class SameConv2d(nn.Conv2d):
    """A convolution that pads as TensorFlow's SAME: the odd row goes below, the column right."""

    def __init__(self, channels: int, out_channels: int, kernel: int, stride: int = 1) -> None:
        super().__init__(channels, out_channels, kernel, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve; the result has ceil(size / stride) rows and columns."""
        kernel, stride = self.kernel_size[0], self.stride[0]
        if stride == 1:  # padded inside the convolution, which saves a copy
            return F.conv2d(x, self.weight, self.bias, padding=kernel // 2)
        height, width = (_same_padding(size, kernel, stride) for size in x.shape[-2:])
        return super().forward(F.pad(x, (*width, *height)))


def double_bilinear(
    x: Float[Tensor, "batch channels height width"],
) -> Float[Tensor, "batch channels double_height double_width"]:
    """Double the size as TensorFlow's legacy `resize_bilinear`: no half-pixel centres.

    >>> double_bilinear(torch.tensor([[[[0.0, 2.0, 8.0]]]]))[0, 0, 0]
    tensor([0., 1., 2., 5., 8., 8.])
    """
    height, width = x.shape[-2:]
    # With one more row and column and aligned corners the source of pixel i is exactly i / 2.
    padded = F.pad(x, (0, 1, 0, 1), mode="replicate")
    size = (2 * height + 1, 2 * width + 1)
    doubled = F.interpolate(padded, size=size, mode="bilinear", align_corners=True)
    return doubled[..., :-1, :-1]


def _same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def _leaky(x: Tensor) -> Tensor:
    return F.leaky_relu(x, _SLOPE, inplace=not torch.is_grad_enabled())
