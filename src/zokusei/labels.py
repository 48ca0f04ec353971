"""LabelSpace: a tag set with what the training split says of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from zokusei.errors import DataError
from zokusei.tags import TagSet

_COUNTS = ("cooccurrence", "judged")
# Entries that are counted at once: 256 MB as numbers.
_ENTRIES = 2**26


@dataclass(frozen=True)
class LabelSpace:
    """Tags in a fixed order, and how often they occur and meet in the training split.

    Validation and test data never touch it.

    Attributes:
        tags: names, categories, thresholds.
        cooccurrence: entry [i, j] counts the pictures that have both tags; the diagonal counts
            those that have tag i. Only pictures in which both are known count.
        num_pictures: of the training split.
        embeddings: a vector a tag, for models that start from what a tag means.
        judged: entry [i, j] counts the pictures that have tag i and in which tag j is known; None
            where everything is known, so that each row of it is the diagonal's entry.

    Raises:
        DataError: the counts or the embeddings are those of another number of tags.

    >>> targets = torch.tensor([[True, True], [True, False]])
    >>> labels = LabelSpace.from_targets(TagSet.from_names(["smile", "hat"]), targets)
    >>> labels.cooccurrence.tolist(), labels.num_classes
    ([[2, 1], [1, 1]], 2)
    """

    tags: TagSet
    cooccurrence: Int[Tensor, "rows columns"]
    num_pictures: int
    embeddings: Float[Tensor, "vectors width"] | None = None
    judged: Int[Tensor, "present known"] | None = None

    def __post_init__(self) -> None:
        """Refuse statistics of other tags."""
        count = self.num_classes
        for counts in (self.cooccurrence, self.judged):
            if counts is not None and counts.shape != (count, count):
                shape = tuple(counts.shape)
                raise DataError(f"the co-occurrence of {count} tags has shape {shape}")
        if self.embeddings is None:
            return
        if self.embeddings.ndim != 2 or not self.embeddings.is_floating_point():
            raise DataError(
                "label embeddings are one row of floating point numbers a tag, not "
                f"{self.embeddings.dtype} of shape {tuple(self.embeddings.shape)}"
            )
        if len(self.embeddings) != count:
            raise DataError(f"{len(self.embeddings)} label embeddings for {count} tags")
        if not self.embeddings.isfinite().all():
            raise DataError("label embeddings must be finite numbers")

    @classmethod
    def from_targets(
        cls,
        tags: TagSet,
        targets: Bool[Tensor, "pictures classes"],
        known: Bool[Tensor, "pictures classes"] | None = None,
    ) -> "LabelSpace":
        """Count, and write each tag's count into the tag set."""
        if known is not None and known.all():
            known = None
        count = targets.shape[1]
        cooccurrence = torch.zeros(count, count, dtype=torch.long)
        judged = None if known is None else torch.zeros_like(cooccurrence)
        # In blocks: as numbers all of it would take four times its memory, and a product of single
        # precision is exact up to 2**24 pictures.
        rows = max(1, _ENTRIES // max(count, 1))
        for start in range(0, len(targets), rows):
            block = slice(start, start + rows)
            judging = None if known is None else known[block].float()
            present = targets[block].float()
            present = present if judging is None else present * judging
            cooccurrence += (present.T @ present).round().long()
            if judged is not None and judging is not None:
                judged += (present.T @ judging).round().long()
        tags = tags.with_counts(cooccurrence.diagonal().tolist())
        return cls(tags, cooccurrence, len(targets), judged=judged)

    @property
    def num_classes(self) -> int:
        """How many tags there are."""
        return len(self.tags)

    def with_tags(self, tags: TagSet) -> "LabelSpace":
        """Give the same statistics with other thresholds."""
        return replace(self, tags=tags)

    def with_embeddings(self, embeddings: Float[Tensor, "vectors width"]) -> "LabelSpace":
        """Give the same statistics with a vector for every tag."""
        return replace(self, embeddings=embeddings)

    def to_tensors(self) -> dict[str, Tensor]:
        """Give the counts by name; of most pairs of many tags there are none, which are left out.

        The tags have a file of their own, and embeddings are weights of the model that needs them.
        """
        tensors = {}
        for name in _COUNTS:
            counts = getattr(self, name)
            if counts is not None:
                places = counts.nonzero()
                tensors[f"labels.{name}.places"] = places.int()
                tensors[f"labels.{name}.counts"] = counts[tuple(places.T)]
        return tensors

    @classmethod
    def from_tensors(
        cls, tags: TagSet, tensors: Mapping[str, Tensor], num_pictures: int
    ) -> "LabelSpace":
        """Undo `to_tensors`.

        Raises:
            DataError: the counts are missing, damaged, or those of more tags.
        """
        found: dict[str, Tensor | None] = dict.fromkeys(_COUNTS)
        for name in _COUNTS:
            places = tensors.get(f"labels.{name}.places")
            if places is None:
                continue
            given, size = tensors.get(f"labels.{name}.counts"), len(tags)
            if given is None or places.shape != (len(given), 2):
                raise DataError(f"{name}: places and counts do not fit together")
            if len(places) and not 0 <= int(places.min()) <= int(places.max()) < size:
                raise DataError(f"{name}: counts of more than {size} tags; of another model?")
            counts = torch.zeros(size, size, dtype=torch.long)
            counts[tuple(places.long().T)] = given.long()
            found[name] = counts
        cooccurrence = found["cooccurrence"]
        if cooccurrence is None:
            raise DataError("the counts of the tags are missing")
        return cls(tags, cooccurrence, num_pictures, judged=found["judged"])
