"""Precision, recall and F1 over everything (OP OR OF1), over classes (CP CR CF1), and mAP."""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from zokusei.errors import DataError
from zokusei.metrics.ranking import Ranking, average_precision

Empty = Literal["skip", "zero", "nan"]
_OVERALL = ("op", "or", "of1", "cp", "cr", "cf1")


@dataclass(frozen=True)
class Rates:
    """Precision, recall and F1, shares from 0 to 1.

    Attributes:
        op, or_, of1: over all decisions together; of1 is also called micro-F1.
        cp, cr: mean over the classes; cf1: the harmonic mean of these two means.
        macro_f1: mean over the classes of each one's own F1.
        precision, recall, f1: of each class.
    """

    op: float
    or_: float
    of1: float
    cp: float
    cr: float
    cf1: float
    macro_f1: float
    precision: Float[Tensor, " classes"]
    recall: Float[Tensor, " classes"]
    f1: Float[Tensor, " classes"]


@dataclass(frozen=True)
class MultiLabelMetrics(Rates):
    """All figures of a split, shares from 0 to 1.

    Attributes:
        map: mean average precision over the classes.
        ap: of each class; NaN where there is no positive.
        positives: known positives of each class.
        top3: rates when only the three most probable tags of a picture are given.
    """

    map: float
    ap: Float[Tensor, " classes"]
    positives: Int[Tensor, " classes"]
    top3: Rates

    def as_row(self) -> dict[str, float]:
        """Give the single figures in per cent, by the names of a result row."""
        row = {name: getattr(self, "or_" if name == "or" else name) for name in _OVERALL}
        row |= {
            f"top3_{name}": getattr(self.top3, "or_" if name == "or" else name) for name in _OVERALL
        }
        row = {"map": self.map, **row, "macro_f1": self.macro_f1}
        return {name: 100 * value for name, value in row.items()}


def compute_metrics(
    probs: Float[Tensor, "pictures classes"],
    targets: Bool[Tensor, "pictures classes"],
    known: Bool[Tensor, "pictures classes"] | None = None,
    *,
    thresholds: float | Float[Tensor, " classes"] = 0.5,
    empty: Empty = "skip",
) -> MultiLabelMetrics:
    r"""Compute every figure of the field; unknown entries contribute to none.

    With the decisions that are right (c), given (p) and true (g) of each class:

    .. math::
        OP = \frac{\sum N^c}{\sum N^p}, \quad OR = \frac{\sum N^c}{\sum N^g}, \quad
        CP = \operatorname{mean} \frac{N^c}{N^p}, \quad CR = \operatorname{mean} \frac{N^c}{N^g}

    OF1 and CF1 are the harmonic means of OP and OR, of CP and CR (Wang et al., CNN-RNN, 2016; the
    columns of the paper's Table 1). A class that has positives and is never given has precision 0.

    Args:
        probs: probabilities.
        targets: which pictures have the tag.
        known: entries that count; all by default.
        thresholds: a tag is given from this probability on; one for all or one a class.
        empty: what a class without a known positive does to the means over classes: it is left
            out (`skip`), counts 0 (`zero`), or makes them NaN (`nan`).

    Raises:
        DataError: targets are not truth values, or a score is not finite.

    >>> probs = torch.tensor([[0.9, 0.2], [0.4, 0.6]])
    >>> metrics = compute_metrics(probs, torch.tensor([[True, False], [True, True]]))
    >>> metrics.op, metrics.or_, round(metrics.of1, 3), metrics.map
    (1.0, 0.6666666865348816, 0.8, 1.0)
    """
    if targets.dtype != torch.bool:
        raise DataError(f"targets must be true or false, not {targets.dtype} (-1 and 0 differ)")
    ap = average_precision(Ranking.create(probs, targets, known))
    given = probs >= (thresholds if isinstance(thresholds, float) else thresholds[None])
    known = torch.ones_like(targets) if known is None else known
    return MultiLabelMetrics(
        **vars(compute_rates(given, targets, known, empty=empty)),
        map=float(mean_over_classes(ap, ~ap.isnan(), empty)),
        ap=ap,
        positives=(targets & known).sum(0),
        # What is unknown takes no other tag's place.
        top3=compute_rates(
            choose_top(probs.masked_fill(~known, -torch.inf), 3), targets, known, empty=empty
        ),
    )


def compute_rates(
    given: Bool[Tensor, "pictures classes"],
    targets: Bool[Tensor, "pictures classes"],
    known: Bool[Tensor, "pictures classes"],
    *,
    empty: Empty = "skip",
) -> Rates:
    """Compare decisions with the truth; see `compute_metrics`."""
    true, given = targets & known, given & known
    right = (true & given).sum(0).float()
    num_given, num_true = given.sum(0).float(), true.sum(0).float()
    occurs = num_true > 0
    precision, recall = _divide(right, num_given), _divide(right, num_true)
    f1 = _divide(2 * right, num_given + num_true)
    cp = mean_over_classes(precision, occurs, empty)
    cr = mean_over_classes(recall, occurs, empty)
    op = _divide(right.sum(), num_given.sum())
    or_ = _divide(right.sum(), num_true.sum())
    return Rates(
        op=float(op),
        or_=float(or_),
        of1=float(_divide(2 * op * or_, op + or_)),
        cp=float(cp),
        cr=float(cr),
        cf1=float(_divide(2 * cp * cr, cp + cr)),
        macro_f1=float(mean_over_classes(f1, occurs, empty)),
        precision=precision,
        recall=recall,
        f1=f1,
    )


def choose_top(
    scores: Float[Tensor, "pictures classes"], count: int
) -> Bool[Tensor, "pictures classes"]:
    """Give each picture its `count` highest tags, whatever their probability."""
    top = scores.topk(min(count, scores.shape[1]), dim=1).indices
    return torch.zeros_like(scores, dtype=torch.bool).scatter_(1, top, value=True)


def mean_over_classes(
    values: Float[Tensor, " classes"], occurs: Bool[Tensor, " classes"], empty: Empty = "skip"
) -> Float[Tensor, ""]:
    """Mean over the classes, with a policy for those that have no positive."""
    if empty == "skip":
        return values[occurs].mean() if occurs.any() else torch.tensor(torch.nan)
    return values.where(occurs, 0.0 if empty == "zero" else torch.nan).mean()


def _divide(above: Tensor, below: Tensor) -> Tensor:
    """0 where there is nothing to divide by; NaN stays NaN."""
    return torch.where(below == 0, torch.zeros_like(above), above / below)
