"""Losses of (logits, targets, known); unknown entries contribute nothing.

`bce` and `asl` are means over the known entries: a batch with half of its labels unknown counts as
much as any other, and the learning rate that suits depends neither on the batch size nor on the
number of tags. `dan` is a sum over the tags, as published, and wants a smaller one for more tags.
"""

import inspect
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from zokusei.errors import ConfigError, suggest

Loss = Callable[[Tensor, Tensor, Tensor | None], Tensor]


def binary_cross_entropy(
    logits: Float[Tensor, "batch classes"],
    targets: Float[Tensor, "batch classes"],
    known: Bool[Tensor, "batch classes"] | None = None,
) -> Float[Tensor, ""]:
    r"""Sigmoid cross-entropy, the loss of ADD-GCN, ML-GCN and of the paper's equation (4).

    .. math:: L = -\operatorname{mean}_{c}
        \left[ y_c \log \sigma(s_c) + (1 - y_c) \log (1 - \sigma(s_c)) \right]

    The paper prints neither the minus nor the mean. A sum would be this times the number of
    classes: for SGD a rate as many times larger, but for the limit of the gradient's norm and for
    weight decay, which is why the published rates, found with a mean, go with a mean.

    >>> binary_cross_entropy(torch.zeros(1, 2), torch.tensor([[1.0, 0.0]]))
    tensor(0.6931)
    """
    entries = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    return _mean(entries, known)


def asymmetric_loss(
    logits: Float[Tensor, "batch classes"],
    targets: Float[Tensor, "batch classes"],
    known: Bool[Tensor, "batch classes"] | None = None,
    *,
    gamma_pos: float = 0.0,
    gamma_neg: float = 4.0,
    clip: float = 0.05,
) -> Float[Tensor, ""]:
    r"""Asymmetric loss: easy negatives, which are most entries, hardly count.

    Ridnik et al., Asymmetric Loss for Multi-Label Classification, ICCV 2021, equations (5)-(7):

    .. math::
        L_+ = -(1 - p)^{\gamma_+} \log p, \quad
        L_- = -p_m^{\gamma_-} \log (1 - p_m), \quad p_m = \max(p - m, 0)

    As in the released code the weights carry no gradient; unlike it, the result is a mean, and no
    global gradient switch is touched.

    Args:
        logits: scores before the sigmoid.
        targets: 1 or 0, or between.
        known: entries that count.
        gamma_pos: focusing of positives.
        gamma_neg: focusing of negatives.
        clip: the margin m, a probability below which negatives do not count at all.

    >>> asymmetric_loss(torch.tensor([[-5.0]]), torch.tensor([[0.0]]))
    tensor(0.)
    """
    probs = logits.sigmoid()
    shifted = (probs - clip).clamp(min=0)
    # log(1 - p) from the logit is exact where 1 - p rounds to nothing; with a margin it never does.
    log_negative = torch.log1p(-shifted) if clip > 0 else F.logsigmoid(-logits)
    with torch.no_grad():
        weight, weight_negative = (1 - probs) ** gamma_pos, shifted**gamma_neg
    # A target between the two, of `train.self_distillation`, has its share of both.
    entries = targets * weight * F.logsigmoid(logits)
    entries = entries + (1 - targets) * weight_negative * log_negative
    return _mean(-entries, known)


def batch_weighted_cross_entropy(
    logits: Float[Tensor, "batch classes"],
    targets: Float[Tensor, "batch classes"],
    known: Bool[Tensor, "batch classes"] | None = None,
) -> Float[Tensor, ""]:
    r"""DAN's loss: each attribute is weighted by how rare it is in this very batch.

    Banik, Lauri, Frintrop, Multi-label Object Attribute Classification using a Convolutional Neural
    Network, 2018, and the authors' layer:

    .. math:: L = \frac{1}{B} \sum_i \sum_c \left(1 - \frac{\#\{y_c > 0\}}{B}\right) BCE_{ic}

    The weight is on positive and negative samples alike, so that it does not balance them. As
    published it is a sum over the attributes; counts and B are of the known entries of each.

    >>> batch_weighted_cross_entropy(torch.zeros(2, 1), torch.tensor([[1.0], [0.0]]))
    tensor(0.3466)
    """
    mask = torch.ones_like(logits) if known is None else known.to(logits)
    size = mask.sum(0).clamp(min=1)
    weight = 1 - ((targets > 0) * mask).sum(0) / size
    entries = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    return (weight * (entries * mask).sum(0) / size).sum()


LOSSES: dict[str, Callable[..., Tensor]] = {
    "bce": binary_cross_entropy,
    "asl": asymmetric_loss,
    "dan": batch_weighted_cross_entropy,
}


def create_loss(name: str, **options: Any) -> Loss:
    """Give a loss by name, with its options bound.

    Raises:
        ConfigError: the loss or an option is unknown, or an option has an impossible value.

    >>> create_loss("asl", gamma_neg=2)(torch.zeros(1, 1), torch.ones(1, 1), None)
    tensor(0.6931)
    """
    if name not in LOSSES:
        raise ConfigError(f"unknown loss {name!r}{suggest(name, LOSSES)}")
    function = LOSSES[name]
    known = set(inspect.signature(function).parameters) - {"logits", "targets", "known"}
    for option in options:
        if option not in known:
            raise ConfigError(f"loss {name!r} has no option {option!r}{suggest(option, known)}")
        _check_option(name, option, options[option])
    return partial(function, **options)


def _check_option(name: str, option: str, value: Any) -> None:
    """Refuse a focusing that has no value at a certain prediction, and a margin that adds to it."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    most = 1.0 if option == "clip" else math.inf
    if not is_number or not 0 <= value < most:
        bounds = "at least 0 and below 1" if option == "clip" else "0 or more"
        raise ConfigError(f"loss {name!r}: {option} is a number, {bounds}, not {value!r}")


def _mean(entries: Tensor, known: Tensor | None) -> Tensor:
    """Mean over the known entries; 0 when there are none."""
    if known is None:
        return entries.mean()
    return (entries * known).sum() / known.sum().clamp(min=1)
