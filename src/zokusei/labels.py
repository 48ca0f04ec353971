"""LabelSpace: a tag set with what the training split says of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from zokusei.errors import DataError
from zokusei.tags import TagSet


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
        present = (targets if known is None else targets & known).float()
        # Exact: single precision holds whole numbers up to 2**24 pictures.
        cooccurrence = (present.T @ present).round().long()
        tags = tags.with_counts(cooccurrence.diagonal().tolist())
        judged = None
        if known is not None and not known.all():
            judged = (present.T @ known.float()).round().long()
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

    def to_dict(self) -> dict[str, Any]:
        """Give the statistics as plain values.

        The tags have a file of their own, and embeddings are weights of the model that needs them.
        """
        values: dict[str, Any] = {
            "num_pictures": self.num_pictures,
            "cooccurrence": self.cooccurrence.tolist(),
        }
        if self.judged is not None:
            values["judged"] = self.judged.tolist()
        return values

    @classmethod
    def from_dict(cls, tags: TagSet, values: Mapping[str, Any]) -> "LabelSpace":
        """Undo `to_dict`."""
        cooccurrence = torch.tensor(values["cooccurrence"], dtype=torch.long)
        judged = values.get("judged")
        if judged is not None:
            judged = torch.tensor(judged, dtype=torch.long)
        return cls(tags, cooccurrence, int(values["num_pictures"]), judged=judged)
