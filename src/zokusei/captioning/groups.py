"""Captions of several pictures at once that are to the last bit those of each picture alone.

A word costs a product of the state with every weight of the writer, and one picture after the
other reads all of them for each word of each. For a group they are read once. But in products of
different heights a library may add the same numbers in another order, and then the last digits of
a caption's vector would depend on how many pictures were given. Therefore a group always has the
same size: what lacks is filled up, and nobody leaves before all have ended. Sums over words depend
on their number in the same way, so that captions are filled up to the longest that there may be.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeVar, runtime_checkable

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from zokusei.captioning.beam import MAX_LENGTH, Generated, generate
from zokusei.captioning.model import CaptionModel
from zokusei.captioning.vocabulary import PAD

GROUP = 8
"""Pictures of a group. More would take still less time each. Fewer would let a picture that comes
by itself have its caption sooner, since it is filled up to as many, and more processors take part
in a batch. `python benchmarks/caption_cost.py` says what both cost."""
_CHECKED_WORDS = 2

Row = TypeVar("Row")


@runtime_checkable
class Map(Protocol):
    """What calls a function with each of some values: `map`, or that of a pool."""

    def __call__(
        self, function: Callable[[Tensor], Sequence[Row]], values: Iterable[Tensor], /
    ) -> Iterator[Sequence[Row]]:
        """Give the results in order."""
        ...


class GroupWriter:
    """Writes captions; what it says of a picture is the same whatever pictures come with it.

    That needs a library which computes equal rows of a product equally, wherever they stand in it.
    Whether the one that is here does is looked at with the first picture; if not, each picture is
    a group by itself, which takes longer.

    Args:
        model: in evaluation mode.
        each: calls a function with each group; that of a pool where several threads are to
            compute one each.
        search: see `generate`.

    >>> model = CaptionModel(9, "test_efficientnet", embedding=8, hidden=8, attention=8).eval()
    >>> writer = GroupWriter(model, max_length=3)
    >>> annotations = torch.randn(11, 4, model.backbone.num_features)
    >>> read = lambda found: found.scores.tolist()
    >>> together = writer.write(annotations, read)
    >>> together == [writer.write(row, read)[0] for row in annotations.split(1)]
    True
    """

    def __init__(self, model: CaptionModel, each: Map = map, **search: Any) -> None:
        self._model = model
        self._each = each
        self._search = search
        self._words = search.get("max_length", MAX_LENGTH)
        self._size: int | None = None

    def write(
        self,
        annotations: Float[Tensor, "pictures positions features"],
        read: Callable[[Generated], Sequence[Row]],
    ) -> list[Row]:
        """Give what is read from the caption of each picture.

        Args:
            annotations: of `CaptionModel.encode`.
            read: from the captions of a group to something of each picture.
        """
        if not len(annotations):
            return []
        if self._size is None:
            alike = next(iter(self._each(self._are_alike, [annotations[:1]])))
            self._size = GROUP if alike[0] else 1
        size = self._size

        def write_group(group: Tensor) -> Sequence[Row]:
            with torch.inference_mode():
                filled = F.pad(group, (0, 0, 0, 0, 0, size - len(group)))
                found = generate(self._model, filled, together=True, **self._search)
                return read(_fill_up(found, self._words))

        groups = (annotations[at : at + size] for at in range(0, len(annotations), size))
        rows = [row for found in self._each(write_group, groups) for row in found]
        return rows[: len(annotations)]  # only the last group is filled up

    def _are_alike(self, picture: Tensor) -> list[bool]:
        """Say whether one picture at each place of a group gets the same there to the last bit."""
        search = {**self._search, "max_length": _CHECKED_WORDS}
        with torch.inference_mode():
            group = picture.expand(GROUP, -1, -1).contiguous()
            found = generate(self._model, group, together=True, **search)
            parts = (found.scores, found.hidden, found.alphas)
            return [all(torch.equal(part, part[:1].expand_as(part)) for part in parts)]


def _fill_up(found: Generated, words: int) -> Generated:
    """Give captions with as many steps as words may be at most, as `Generated` fills them."""
    lacking = words - found.tokens.shape[1]
    return replace(
        found,
        tokens=F.pad(found.tokens, (0, lacking), value=PAD),
        alphas=F.pad(found.alphas, (0, 0, 0, lacking)),
        hidden=F.pad(found.hidden, (0, 0, 0, lacking)),
    )
