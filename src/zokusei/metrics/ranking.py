"""Figures that look at the order of the scores: average precision, and the best threshold."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from torch import Tensor

from zokusei.errors import DataError
from zokusei.tags import DEFAULT_THRESHOLD

_SIGN = np.uint32(0x8000_0000)
_CERTAIN = 1e-4  # thresholds nearer to 0 or 1 weigh as this one, whose log-odds are finite


@dataclass(frozen=True)
class Ranking:
    """The scores of every class from the highest down, sorted once for all figures.

    Attributes:
        keys: (classes, pictures), descending; a score's bits in an order-preserving form with its
            target in the lowest bit, 0 for unknown entries, which therefore come last.
        num_known: (classes,), entries that count.
    """

    keys: NDArray[np.uint64]
    num_known: NDArray[np.int64]

    @classmethod
    def create(cls, scores: Tensor, targets: Tensor, known: Tensor | None) -> "Ranking":
        """Sort; one integer a score carries everything, so that nothing is gathered after it."""
        # Adding zero makes -0.0 and 0.0 the tie that they are.
        values = np.ascontiguousarray(scores.detach().cpu().float().numpy().T) + np.float32(0)
        if not np.isfinite(values).all():
            raise DataError("scores hold NaN or infinity; figures of a broken model mean nothing")
        bits = values.view(np.uint32)
        # Floats order like their bits, negative ones in reverse.
        np.bitwise_xor(bits, np.where(bits & _SIGN, ~np.uint32(0), _SIGN), out=bits)
        keys = bits.astype(np.uint64)
        keys <<= np.uint64(1)
        keys |= np.ascontiguousarray(targets.cpu().numpy().T)
        num_known = np.full(len(keys), keys.shape[1], dtype=np.int64)
        if known is not None:
            mask = np.ascontiguousarray(known.cpu().numpy().T)
            keys[~mask] = 0
            num_known = mask.sum(1)
        with ThreadPoolExecutor() as pool:  # sorting lets go of the interpreter lock
            list(pool.map(lambda row: row.sort(), keys))
        return cls(keys[:, ::-1], num_known)

    @cached_property
    def hits(self) -> NDArray[np.int32]:
        """Positives from the top down to each place: (classes, pictures)."""
        return np.cumsum(self.keys & np.uint64(1), axis=1, dtype=np.int32)

    @cached_property
    def ends_group(self) -> NDArray[np.bool_]:
        """Whether a place is the last of its tie: (classes, pictures)."""
        values = self.keys >> np.uint64(1)
        ends = np.ones(self.keys.shape, dtype=bool)
        np.not_equal(values[:, 1:], values[:, :-1], out=ends[:, :-1])
        return ends

    @property
    def num_positives(self) -> NDArray[np.int32]:
        """Known positives of each class."""
        if not self.keys.shape[1]:
            return np.zeros(len(self.keys), dtype=np.int32)
        return self.hits[:, -1]

    def scores_at(
        self, classes: NDArray[np.int64], places: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Undo the order-preserving form at some places."""
        bits = (self.keys[classes, places] >> np.uint64(1)).astype(np.uint32)
        return np.where(bits & _SIGN, bits ^ _SIGN, ~bits).astype(np.uint32).view(np.float32)


def compute_average_precision(
    scores: Float[Tensor, "pictures classes"],
    targets: Bool[Tensor, "pictures classes"],
    known: Bool[Tensor, "pictures classes"] | None = None,
) -> Float[Tensor, " classes"]:
    r"""Average precision of each class; NaN for one without a positive.

    .. math:: AP = \sum_k (R_k - R_{k-1}) P_k

    over the distinct scores from the highest down, with precision P_k and recall R_k of everything
    scored at least as high: pictures with equal scores enter together, so that their order in the
    data changes nothing. This is scikit-learn's definition; without ties it is the mean precision
    at each positive, as the published codes compute it.

    Args:
        scores: anything that ranks, logits or probabilities.
        targets: which pictures have the tag.
        known: entries that count; all by default.

    Raises:
        DataError: a score is not finite.

    >>> scores = torch.tensor([[0.9], [0.8], [0.7]])
    >>> compute_average_precision(scores, torch.tensor([[True], [False], [True]]))
    tensor([0.8333])
    """
    return average_precision(Ranking.create(scores, targets, known))


def average_precision(ranking: Ranking) -> Float[Tensor, " classes"]:
    """Average precision from scores that are sorted already."""
    num_classes, num_pictures = ranking.keys.shape
    places = np.flatnonzero(ranking.keys & np.uint64(1))
    ends = np.flatnonzero(ranking.ends_group)
    # Each positive counts with the precision at the end of its tie; without ties that is here.
    tied = ~ranking.ends_group.ravel()[places]
    at = places.copy()
    at[tied] = ends[np.searchsorted(ends, places[tied])]
    classes = places // max(num_pictures, 1)
    precision = ranking.hits.ravel()[at] / (at - classes * num_pictures + 1)
    total = np.bincount(classes, weights=precision, minlength=num_classes)
    with np.errstate(invalid="ignore"):
        return torch.from_numpy((total / ranking.num_positives).astype(np.float32))


def find_best_thresholds(
    scores: Float[Tensor, "pictures classes"],
    targets: Bool[Tensor, "pictures classes"],
    known: Bool[Tensor, "pictures classes"] | None = None,
    *,
    shared_weight: float = 0.0,
) -> Float[Tensor, " classes"]:
    r"""Threshold of each class with the best F1 on these pictures, which must not be test pictures.

    .. math:: F_1 = 2 \, TP / (N_{predicted} + N_{positive})

    is taken at every distinct score; the threshold lies halfway to the next lower one, so that
    equal scores are never divided. Of equally good ones it is the highest.

    With a handful of positives the best of a class is often to give it to everything. So a class
    with n positives may lean on the threshold that is best for all classes together:

    .. math:: \operatorname{logit} t_c = \frac{n \operatorname{logit} t_c^{own}
        + k \operatorname{logit} t^{shared}}{n + k}

    Args:
        scores: probabilities.
        targets: which pictures have the tag.
        known: entries that count; all by default.
        shared_weight: k, positives with which its own threshold weighs as much as the shared one.

    Returns:
        One threshold a class; 0.5 where there is no known positive or no known negative, of the
        class or, where it leans on the others, of all.

    >>> scores = torch.tensor([[0.9], [0.6], [0.2]])
    >>> find_best_thresholds(scores, torch.tensor([[True], [True], [False]]))
    tensor([0.4000])
    """
    known = torch.ones_like(targets) if known is None else known
    own = _find_best_thresholds(scores, targets, known)
    if not shared_weight:
        return own
    shared = _find_best_thresholds(*(e.reshape(-1, 1) for e in (scores, targets, known)))
    positives, negatives = ((side & known).sum(0) for side in (targets, ~targets))
    # What has no known negative has no threshold of its own, however many positives it has.
    weight = torch.where(negatives > 0, positives / (positives + shared_weight), 0.0)
    odds = weight * own.logit(_CERTAIN) + (1 - weight) * shared.logit(_CERTAIN)
    return odds.sigmoid()


def _find_best_thresholds(scores: Tensor, targets: Tensor, known: Tensor) -> Tensor:
    """Give each class its own threshold."""
    ranking = Ranking.create(scores, targets, known)
    num_classes, num_pictures = ranking.keys.shape
    thresholds = np.full(num_classes, DEFAULT_THRESHOLD, dtype=np.float32)
    positives = ranking.num_positives
    usable = (positives > 0) & (positives < ranking.num_known)
    if not usable.any():
        return torch.from_numpy(thresholds)
    predicted = np.arange(1, num_pictures + 1)
    f1 = 2 * ranking.hits / (predicted + positives[:, None])
    f1[~ranking.ends_group | (predicted > ranking.num_known[:, None])] = -1
    best = f1.argmax(1)
    classes = np.arange(num_classes)
    following = np.minimum(best + 1, np.maximum(ranking.num_known - 1, 0))
    middle = (ranking.scores_at(classes, best) + ranking.scores_at(classes, following)) / 2
    # Halfway between neighbouring floats can round down to the lower one, which must stay out.
    below = (middle <= ranking.scores_at(classes, following)) & (following > best)
    middle[below] = ranking.scores_at(classes, best)[below]
    thresholds[usable] = middle[usable]
    return torch.from_numpy(thresholds)
