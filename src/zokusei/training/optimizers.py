"""Optimisers with the paper's two groups, and schedules as functions of progress."""

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Protocol

from torch import nn
from torch.optim import SGD, AdamW, Optimizer

from zokusei.errors import ConfigError, suggest

OPTIMIZERS = ("adamw", "sgd")
SCHEDULES = ("one_cycle", "cosine", "step", "constant")

# Of torch's OneCycleLR: where the rate starts, and how far below that it ends.
_DIV_FACTOR, _FINAL_DIV_FACTOR = 25.0, 1e4


class HasBackbone(Protocol):
    """A model in two parts, which share no weight."""

    @property
    def backbone(self) -> nn.Module:
        """What sees, and was trained before."""

    @property
    def head(self) -> nn.Module:
        """What is new."""


def create_optimizer(
    model: HasBackbone,
    name: str = "adamw",
    *,
    lr: float,
    backbone_lr_factor: float = 1.0,
    momentum: float = 0.9,
    weight_decay: float = 0.0,
) -> Optimizer:
    """Build an optimiser in which the pre-trained backbone moves slower than the new head.

    The paper trains with SGD, 0.5 for the head and 0.05 for the backbone, momentum 0.9 and
    weight decay 1e-4 on all weights: `create_optimizer(model, "sgd", lr=0.5,
    backbone_lr_factor=0.1, weight_decay=1e-4)`. ADD-GCN's released code uses a tenth of these
    rates.

    Args:
        model: has `backbone` and `head`, which share no weight.
        name: `adamw` or `sgd`.
        lr: of the head.
        backbone_lr_factor: the backbone's rate as a share of `lr`.
        momentum: of SGD.
        weight_decay: on every weight, norms and biases included, as the published codes do.

    Raises:
        ConfigError: the name is unknown.
    """
    rates = ((model.head, lr), (model.backbone, lr * backbone_lr_factor))
    groups = [
        {"params": [weight for weight in part.parameters() if weight.requires_grad], "lr": rate}
        for part, rate in rates
    ]
    if name == "adamw":
        return AdamW(groups, lr=lr, weight_decay=weight_decay)
    if name == "sgd":
        return SGD(groups, lr=lr, momentum=momentum, weight_decay=weight_decay)
    raise ConfigError(f"unknown optimizer {name!r}{suggest(name, OPTIMIZERS)}")


def create_schedule(
    name: str,
    total_steps: int,
    *,
    warmup: float = 0.0,
    milestones: Sequence[float] = (),
    gamma: float = 0.1,
) -> Callable[[int], float]:
    """Give the factor on the learning rate as a function of the step, 0 to `total_steps` - 1.

    A function without a state: a resumed run needs nothing but the number of its step.

    Args:
        name: `one_cycle` (torch's OneCycleLR without its cycle of the momentum: a cosine from
            1/25 up to 1 during the warm-up, then a cosine down to 4e-6), `cosine` (a line up, a
            cosine down to 0), `step` (times `gamma` after each milestone) or `constant`.
        total_steps: of the whole training.
        warmup: share of the steps in which the rate rises.
        milestones: shares of the steps, for `step`.
        gamma: factor at each milestone.

    Raises:
        ConfigError: the name is unknown.

    >>> [round(create_schedule("step", 10, milestones=[0.6, 0.8])(s), 3) for s in (0, 5, 6, 8)]
    [1.0, 1.0, 0.1, 0.01]
    """
    if name not in SCHEDULES:
        raise ConfigError(f"unknown schedule {name!r}{suggest(name, SCHEDULES)}")
    warm_steps = warmup * total_steps

    def one_cycle(step: int) -> float:
        start, end = 1 / _DIV_FACTOR, 1 / _DIV_FACTOR / _FINAL_DIV_FACTOR
        peak = max(warm_steps - 1, 0.0)
        if step <= peak:
            return _cosine(start, 1.0, step / peak) if peak else 1.0
        return _cosine(1.0, end, (step - peak) / max(total_steps - 1 - peak, 1.0))

    def warm(step: int) -> float:
        return min(1.0, (step + 1) / warm_steps) if warm_steps >= 1 else 1.0

    def cosine(step: int) -> float:
        if step < warm_steps:
            return warm(step)
        return _cosine(1.0, 0.0, (step - warm_steps) / max(total_steps - warm_steps, 1.0))

    def steps(step: int) -> float:
        return warm(step) * float(gamma ** bisect_right(sorted(milestones), step / total_steps))

    schedules = {"one_cycle": one_cycle, "cosine": cosine, "step": steps, "constant": warm}
    return schedules[name]


def _cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * min(share, 1.0))) / 2
