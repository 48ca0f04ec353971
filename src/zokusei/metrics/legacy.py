"""The figures exactly as the published ADD-GCN and ML-GCN code gives them, quirks included.

For comparing with numbers that were made with that code, and for nothing else. Labels are 1
(there), -1 (not there) and 0 (difficult).
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from zokusei.errors import DataError


def compute_legacy_metrics(
    logits: Float[Tensor, "pictures classes"], targets: Int[Tensor, "pictures classes"]
) -> dict[str, float]:
    """Compute mAP, OP OR OF1 CP CR CF1 and their top-3 forms as the published code does.

    What differs from `compute_metrics`:

    - A tag is given from logit 0 on.
    - A class that is never given counts as given once: CP counts 0 for it, and the denominator
      of OP grows by one.
    - A class without a positive makes CR and CF1 NaN, and there is no mAP.
    - The top 3 keep a tag only if its logit is at least 0 as well, so that they are three at most.
    - Difficult entries are left out of average precision, and are negatives in all rates.
    - Equal scores are ranked in the order of the data.

    The published meter also reports an mAP of 100 when it is given labels of 0 and 1, since it
    takes every 0 for difficult; such labels are refused here.

    Args:
        logits: scores before the sigmoid.
        targets: 1, -1, or 0 for difficult.

    Returns:
        Shares from 0 to 1: `map op or of1 cp cr cf1` and `top3_op` and so on.

    Raises:
        DataError: labels are only 0 and 1, or something else than -1, 0, 1; a class has no
            positive.

    >>> logits = torch.tensor([[2.0, -1.0], [-1.0, -2.0]])
    >>> figures = compute_legacy_metrics(logits, torch.tensor([[1, -1], [-1, 1]]))
    >>> figures["op"], figures["cp"]
    (0.5, 0.5)
    """
    if not torch.isin(targets, torch.tensor([-1, 0, 1])).all():
        raise DataError("labels of the published code are -1, 0 (difficult) and 1")
    if not (targets == -1).any():
        raise DataError("no label is -1: with labels of 0 and 1 the published meter says mAP 100")
    figures = {"map": float(_average_precision(logits, targets).mean())}
    figures |= _rates(logits >= 0, targets)
    top = torch.full_like(logits, -1.0).scatter_(
        1, *reversed(logits.topk(min(3, logits.shape[1]), dim=1))
    )
    top3 = _rates(top >= 0, targets)
    return figures | {f"top3_{name}": value for name, value in top3.items()}


def _average_precision(logits: Tensor, targets: Tensor) -> Tensor:
    order = logits.argsort(dim=0, descending=True, stable=True)
    ranked = targets.gather(0, order)
    counted, positive = (ranked != 0).cumsum(0), ranked == 1
    num_positives = positive.sum(0)
    if not num_positives.all():
        raise DataError("a class has no positive: the published code divides by zero there")
    precision = positive.cumsum(0) / counted.clamp(min=1)
    return (precision * positive).sum(0) / num_positives


def _rates(given: Tensor, targets: Tensor) -> dict[str, float]:
    true = targets == 1
    right, num_true = (given & true).sum(0).double(), true.sum(0).double()
    num_given = given.sum(0).double().clamp(min=1)
    op, or_ = right.sum() / num_given.sum(), right.sum() / num_true.sum()
    cp, cr = (right / num_given).mean(), (right / num_true).mean()
    rates = {
        "op": op, "or": or_, "of1": 2 * op * or_ / (op + or_),
        "cp": cp, "cr": cr, "cf1": 2 * cp * cr / (cp + cr),
    }  # fmt: skip
    return {name: float(value) for name, value in rates.items()}
