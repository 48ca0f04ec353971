"""The gradients of wide depthwise kernels on processors: the same numbers, much sooner."""

from typing import Any

import torch
import torch.nn.functional as F
from timm.layers import Conv2dSame, pad_same
from torch import Tensor, nn

_COLUMNS = 3
"""The widest kernel whose gradient oneDNN has a depthwise routine for. What is wider goes through
that for dense kernels, where each channel is multiplied with fifteen that are not its own."""


def quicken_depthwise(model: nn.Module) -> int:
    r"""Have the gradients of a model's wide depthwise kernels computed in strips of columns.

    An entry of such a gradient is a sum of its own, whatever the kernel's other entries are:

    .. math:: \partial_{c,i,j} = \sum_{n,y,x} g_{n,c,y,x} \; p_{n,c,sy+i,sx+j}

    with the gradient :math:`g` of the output, the padded input :math:`p` and the stride :math:`s`.
    So five columns are as well computed as three and two, each with its own part of the input, and
    for those there is a fast routine. What is computed forwards, and the names and the values of
    the parameters, stay as they are.

    Args:
        model: to be trained. Those of its convolutions that learn are replaced in place, by ones
            with the same parameters.

    Returns:
        How many were replaced.

    >>> model = nn.Sequential(nn.Conv2d(3, 8, 1), nn.Conv2d(8, 8, 5, groups=8))
    >>> quicken_depthwise(model), list(model.state_dict())
    (1, ['0.weight', '0.bias', '1.weight', '1.bias'])
    """
    wide = [
        (name, module)
        for name, module in model.named_modules()
        if isinstance(module, nn.Conv2d) and _is_wide_depthwise(module)
    ]
    for name, module in wide:
        model.set_submodule(name, DepthwiseConv2d(module))
    return len(wide)


def _is_wide_depthwise(module: nn.Conv2d) -> bool:
    return (
        type(module) in (nn.Conv2d, Conv2dSame)  # others may compute something else
        and module.groups == module.in_channels == module.out_channels
        and module.kernel_size[1] > _COLUMNS
        and module.dilation == (1, 1)
        and module.padding_mode == "zeros"
        and not isinstance(module.padding, str)
        and module.weight.requires_grad
    )


class DepthwiseConv2d(nn.Module):
    """A depthwise convolution whose gradient is computed as `quicken_depthwise` describes.

    Args:
        convolution: whose parameters become this one's.
    """

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__()
        self.weight, self.bias = convolution.weight, convolution.bias
        self.kernel, self.stride = list(convolution.kernel_size), list(convolution.stride)
        self.same = isinstance(convolution, Conv2dSame)  # padded as TensorFlow does
        self.padding = (0, 0) if self.same else convolution.padding

    def forward(self, features: Tensor) -> Tensor:
        """Convolve batch x channels x rows x columns."""
        if self.same:
            features = pad_same(features, self.kernel, self.stride)
        is_quick = (
            features.device.type == "cpu"
            and torch.is_grad_enabled()
            and not torch.is_autocast_enabled("cpu")
        )
        if is_quick:
            output: Tensor = _InStrips.apply(features, self.weight, self.stride, self.padding)
            return output if self.bias is None else output + self.bias[:, None, None]
        channels = len(self.weight)
        return F.conv2d(
            features, self.weight, self.bias, self.stride, self.padding, groups=channels
        )


class _InStrips(torch.autograd.Function):
    """A depthwise convolution, and its gradients."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, weight: Tensor, stride: Any, padding: Any) -> Tensor:
        ctx.save_for_backward(features, weight)
        ctx.settings = stride, padding
        return F.conv2d(features, weight, None, stride, padding, groups=len(weight))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor, None, None]:
        (gradient,), (features, weight) = gradients, ctx.saved_tensors
        stride, padding = ctx.settings
        of_features = None
        if ctx.needs_input_grad[0]:
            of_features = _differentiate(gradient, features, weight, stride, padding)
        # All padding is made here: the routine refuses much of it beside a small input.
        top, left = padding
        rows = (gradient.shape[2] - 1) * stride[0] + weight.shape[2]
        strips = []
        for first in range(0, weight.shape[3], _COLUMNS):
            strip = weight[..., first : first + _COLUMNS]
            columns = (gradient.shape[3] - 1) * stride[1] + strip.shape[3]
            right = columns - features.shape[3] - left + first
            sides = (left - first, right, top, rows - features.shape[2] - top)
            part = F.pad(features, sides)  # less than nothing crops
            strips.append(_differentiate(gradient, part, strip, stride, (0, 0), of_weight=True))
        return of_features, torch.cat(strips, dim=3), None, None


def _differentiate(
    gradient: Tensor,
    features: Tensor,
    weight: Tensor,
    stride: Any,
    padding: Any,
    *,
    of_weight: bool = False,
) -> Tensor:
    """Give the gradient of a depthwise convolution's input, or of its weight."""
    found = torch.ops.aten.convolution_backward(
        gradient,
        features,
        weight,
        bias_sizes=None,
        stride=stride,
        padding=padding,
        dilation=(1, 1),
        transposed=False,
        output_padding=(0, 0),
        groups=len(weight),
        output_mask=(not of_weight, of_weight, False),
    )
    wanted: Tensor = found[1 if of_weight else 0]
    return wanted
