"""Batch norms folded into the convolutions before them: the same numbers, sooner."""

import copy
from typing import Any, TypeVar

import torch
from timm.layers import BatchNormAct2d
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)

_ROUNDING = 1e-3  # relative and absolute; what folding moves is a hundredth of that


def fold_batch_norms(network: Network, *inputs: Tensor) -> Network:
    r"""Give a copy of a network without the batch norms that follow a convolution.

    In evaluation a batch norm multiplies and adds what does not depend on the picture, which the
    weights of the convolution can do as well:

    .. math:: W' = W \gamma / \sqrt{\sigma^2 + \epsilon}, \quad
              b' = \beta + (b - \mu) \gamma / \sqrt{\sigma^2 + \epsilon}

    Only a pass shows what follows what. A network that reads the output of a convolution in some
    other way too is given back with all its batch norms.

    Args:
        network: in evaluation; stays as it is.
        inputs: of a pass through all of it, by which both are compared.

    >>> network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()).eval()
    >>> fold_batch_norms(network, torch.zeros(1, 3, 8, 8))
    Sequential(
      (0): Conv2d(3, 4, kernel_size=(3, 3), stride=(1, 1))
      (1): Identity()
      (2): ReLU()
    )
    """
    folded = copy.deepcopy(network).eval()
    pairs, before = _find_pairs(folded, inputs)
    for convolution, norm in pairs.items():
        _fold(folded.get_submodule(convolution), folded.get_submodule(norm))
        parent, _, name = norm.rpartition(".")
        old = folded.get_submodule(norm)
        rest = old.act if isinstance(old, BatchNormAct2d) else nn.Identity()
        setattr(folded.get_submodule(parent), name, rest)
    with torch.inference_mode():
        after = folded(*inputs)
    same = torch.allclose(before, after, rtol=_ROUNDING, atol=_ROUNDING)
    return folded if same else copy.deepcopy(network)


def _find_pairs(network: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[dict[str, str], Tensor]:
    """Name each convolution whose output goes straight into a batch norm, and that norm.

    Returns:
        Those, and what the network gives.
    """
    last: tuple[str, Tensor] | None = None
    pairs: dict[str, str] = {}
    hooks = []

    def note(name: str) -> Any:
        def hook(_module: nn.Module, _given: tuple[Tensor, ...], output: Tensor) -> None:
            nonlocal last
            last = name, output

        return hook

    def match(name: str) -> Any:
        def hook(_module: nn.Module, given: tuple[Tensor, ...]) -> None:
            if last is not None and given[0] is last[1]:
                pairs[last[0]] = name

        return hook

    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            hooks.append(module.register_forward_hook(note(name)))
        elif isinstance(module, nn.BatchNorm2d):
            hooks.append(module.register_forward_pre_hook(match(name)))
    try:
        with torch.inference_mode():
            output: Tensor = network(*inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return pairs, output


@torch.no_grad()
def _fold(convolution: Any, norm: Any) -> None:
    scale = (norm.running_var + norm.eps).rsqrt()
    scale = scale if norm.weight is None else scale * norm.weight
    bias = 0.0 if convolution.bias is None else convolution.bias
    shift = (bias - norm.running_mean) * scale
    shift = shift if norm.bias is None else shift + norm.bias
    convolution.weight = nn.Parameter(convolution.weight * scale.view(-1, 1, 1, 1))
    convolution.bias = nn.Parameter(shift)
