"""Paired bootstrap: would other test pictures have said the same?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from zokusei.captioning.metrics import compute_bleu, compute_cider_each, count_bleu_matches
from zokusei.reproduce.tables import show_interval

# Resamples times pictures that are held at once: 64 MB of double precision.
_ENTRIES = 8_000_000


@dataclass(frozen=True)
class Difference:
    """Mean average precision of one model less that of another, in per cent.

    Attributes:
        mean: on the test pictures as they are.
        low, high: 95 % interval over resampled test pictures.
    """

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        """Write it with its interval."""
        return show_interval(self.mean, self.low, self.high, "+")


def resample_map(
    scores: Float[Tensor, "pictures classes"],
    targets: Bool[Tensor, "pictures classes"],
    known: Bool[Tensor, "pictures classes"],
    weights: Float[Tensor, "resamples pictures"],
) -> Float[Tensor, " resamples"]:
    r"""Mean average precision when every picture counts as often as its weight says.

    The scores of a class are sorted once. In each resample

    .. math:: AP = \frac{\sum_i w_i y_i\, P_i}{\sum_i w_i y_i}, \quad
        P_i = \frac{\sum_{s_j \ge s_i} w_j y_j}{\sum_{s_j \ge s_i} w_j}

    so that equal scores share their precision. A class without a positive in a resample is left
    out of that one's mean.
    """
    precisions = []
    for scored, positive, judged in zip(scores.T, targets.T, known.T, strict=True):
        order = scored.argsort(descending=True)
        counted = weights[:, order] * judged[order]
        hits = counted * positive[order]
        ordered = scored[order]
        # Where each run of equal scores ends: pictures with a score at least as high.
        ends = torch.searchsorted(-ordered, -ordered, right=True) - 1
        above, right = counted.cumsum(1)[:, ends], hits.cumsum(1)[:, ends]
        precision = right / above.clamp(min=1e-12)
        precisions.append((hits * precision).sum(1) / hits.sum(1))  # 0 / 0: no positive
    return torch.stack(precisions).nanmean(0)


def resample_runs(
    runs: Sequence[Float[Tensor, "pictures classes"]],
    targets: Bool[Tensor, "pictures classes"],
    known: Bool[Tensor, "pictures classes"],
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> Float[Tensor, " values"]:
    """Give a model's mean average precision as it is, then on pictures drawn with replacement.

    A seed draws the same pictures for every model, so that differences of these values are paired.

    Args:
        runs: scores of each training of the model, whose figures are averaged.
        targets: what is true.
        known: what is judged.
        resamples: how many.
        seed: which.

    Returns:
        1 + resamples values, in per cent.
    """
    generator = torch.Generator().manual_seed(seed)
    count = len(targets)
    whole = torch.ones(1, count, dtype=torch.float64)
    values = []
    at_once = max(1, _ENTRIES // count)
    for start in range(0, resamples, at_once):
        size = (min(at_once, resamples - start), count)
        drawn = torch.randint(count, size, generator=generator)
        weights = torch.zeros(size, dtype=torch.float64)
        weights.scatter_add_(1, drawn, torch.ones_like(weights))
        if start == 0:
            weights = torch.cat([whole, weights])
        means = [resample_map(scores, targets, known, weights) for scores in runs]
        values.append(100 * torch.stack(means).mean(0))
    return torch.cat(values)


def resample_captions(
    entries: Sequence[dict[str, Any]], *, resamples: int = 1000, seed: int = 0
) -> Float[Tensor, "values figures"]:
    """Give BLEU-1 to 4 and CIDEr of captions as they are, then on pictures drawn with replacement.

    A seed draws the same pictures for every captioner, so that differences of these values are
    paired. Document frequencies of CIDEr stay those of all pictures.

    Args:
        entries: `caption` and `references` of each picture, as `judge_captions` gives them.
        resamples: how many.
        seed: which.

    Returns:
        1 + resamples rows, in per cent.

    Raises:
        DataError: there is no picture, or one without a reference.
    """
    said = [entry["caption"] for entry in entries]
    wanted = [entry["references"] for entry in entries]
    matches, cider = count_bleu_matches(said, wanted), 100 * compute_cider_each(said, wanted)
    rng = np.random.default_rng(seed)
    draws = [np.arange(len(said))]
    draws += [rng.integers(len(said), size=len(said)) for _ in range(resamples)]
    rows = [[*compute_bleu(matches[drawn].sum(0)), float(cider[drawn].mean())] for drawn in draws]
    return torch.tensor(rows, dtype=torch.float64)


def find_interval(values: Float[Tensor, " values"], *, centred: bool = False) -> Difference:
    """Give the first of some values, with the 95 % interval of the others.

    Args:
        values: a figure as it is, then resampled.
        centred: move the interval so that the others' mean lies on the first. A picture that is
            drawn twice raises AP, and a class without a positive drops out, so that resampled mAPs
            lie above the figure, the more the fewer pictures there are and the worse the model:
            in a difference of two models it does not quite fall out.

    >>> values = torch.tensor([0.5, *range(101)], dtype=torch.float64)
    >>> str(find_interval(values)), str(find_interval(values, centred=True))
    ('+0.5 (+2.5 to +97.5)', '+0.5 (-47.0 to +48.0)')
    """
    found = float(values[0])
    quantiles = values[1:].nanquantile(torch.tensor([0.025, 0.975], dtype=values.dtype))
    low, high = quantiles.tolist()
    shift = found - float(values[1:].nanmean()) if centred else 0.0
    return Difference(found, low + shift, high + shift)


def compare_paired(
    model: Sequence[Float[Tensor, "pictures classes"]],
    baseline: Sequence[Float[Tensor, "pictures classes"]],
    targets: Bool[Tensor, "pictures classes"],
    known: Bool[Tensor, "pictures classes"],
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> Difference:
    """Compare two models on the same pictures, drawn again with replacement.

    Every resample draws the same pictures for both, so that what makes a picture hard for both
    falls out of the difference. Each model's figure is the mean over its trainings.

    Args:
        model: scores of each training of one.
        baseline: scores of each training of the other, of the same seeds.
        targets: what is true.
        known: what is judged.
        resamples: how many.
        seed: which.
    """
    ours, theirs = (
        resample_runs(runs, targets, known, resamples=resamples, seed=seed)
        for runs in (model, baseline)
    )
    return find_interval(ours - theirs, centred=True)
