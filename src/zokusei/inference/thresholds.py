"""Which of a picture's scores become tags: thresholds, the widest gap, the best few."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from zokusei.errors import ConfigError, suggest
from zokusei.tags import CATEGORIES, RATING, Tag, TagSet

ORDERS = ("probability", "vocabulary")
"""The most probable tag first, or as in the model's list, which kohya's tagger keeps to."""


@dataclass(frozen=True)
class Selection:
    """Decides about one picture; what it says depends on no other picture.

    Attributes:
        thresholds: probability from which each tag is given, in the order of the model.
        categories: Danbooru's number of each tag.
        topk: at most so many tags, the most probable ones; None for all.
        mcut: cut each category at its widest gap too (`compute_mcut`).
        order: one of `ORDERS`.
    """

    thresholds: tuple[float, ...]
    categories: tuple[int, ...]
    topk: int | None = None
    mcut: bool = False
    order: str = "probability"

    def choose(self, scores: Sequence[float]) -> list[int]:
        """Give the positions of the tags that are given, in their order.

        Ratings exclude each other: the most probable one is given, if it reaches its threshold, and
        takes no place of the `topk`.

        >>> Selection((0.5, 0.5, 0.9), (0, 0, 4)).choose([0.6, 0.7, 0.8])
        [1, 0]
        >>> Selection((0.5, 0.5), (0, 0), order="vocabulary").choose([0.6, 0.7])
        [0, 1]
        >>> Selection((0.5, 0.0, 0.0), (0, RATING, RATING)).choose([0.6, 0.2, 0.3])
        [0, 2]
        """
        least = list(self.thresholds)
        if self.mcut:
            for inside in self._groups:
                cut = compute_mcut([scores[i] for i in inside])
                for i in inside:
                    least[i] = max(least[i], cut)
        given = [i for i, score in enumerate(scores) if score >= least[i]]
        ranked = sorted(given, key=lambda i: -scores[i])
        ratings = [i for i in ranked if self.categories[i] == RATING]
        others = [i for i in ranked if self.categories[i] != RATING]
        chosen = sorted([*others[: self.topk], *ratings[:1]])
        # The most probable first, and of equal ones as in the model's list.
        return chosen if self.order == "vocabulary" else sorted(chosen, key=lambda i: -scores[i])

    @cached_property
    def _groups(self) -> list[list[int]]:
        """Positions of the tags of each category that several may be given of."""
        groups: dict[int, list[int]] = {}
        for position, category in enumerate(self.categories):
            if category != RATING:
                groups.setdefault(category, []).append(position)
        return list(groups.values())


def create_selection(
    tags: TagSet,
    thresholds: Iterable[str] = (),
    tag_thresholds: Iterable[str] = (),
    *,
    topk: int | None = None,
    mcut: bool = False,
    order: str = "probability",
) -> Selection:
    """Build a selection from what a user wrote.

    A threshold of a tag counts more than one of its category, that more than one of all, and that
    more than the model's own. With `mcut` the model's own do not count. Ratings have only those
    that were written for them, so that there is one otherwise.

    Args:
        tags: of the model.
        thresholds: `0.35` for all, `character=0.85` for a category.
        tag_thresholds: `smile=0.6`.
        topk: at most so many tags.
        mcut: cut each category at its widest gap.
        order: one of `ORDERS`.

    Raises:
        ConfigError: a name or an order is unknown, or a number not between 0 and 1.

    >>> tags = TagSet.from_names(["smile", "hat"])
    >>> create_selection(tags, ["0.3", "general=0.4"], ["hat=0.9"]).thresholds
    (0.4, 0.9)
    """
    if order not in ORDERS:
        raise ConfigError(f"unknown --order {order!r}{suggest(order, ORDERS)}")
    written = _read(tags, thresholds, tag_thresholds)
    chosen = []
    for tag in tags:
        own = 0.0 if mcut else tag.threshold
        general = own if written.of_all is None else written.of_all
        chosen.append(written.find(tag, 0.0 if tag.category == RATING else general))
    return Selection(tuple(chosen), tuple(tag.category for tag in tags), topk, mcut, order)


def find_rating_thresholds(
    tags: TagSet, thresholds: Iterable[str] = (), tag_thresholds: Iterable[str] = ()
) -> dict[str, float]:
    """Give the probability from which on each rating counts, to programs that know no best one.

    Args:
        tags: of the model.
        thresholds: as for `create_selection`.
        tag_thresholds: the same.

    Raises:
        ConfigError: see `create_selection`.
    """
    written = _read(tags, thresholds, tag_thresholds)
    return {
        tag.name: written.find(tag, tag.threshold if written.of_all is None else written.of_all)
        for tag in tags
        if tag.category == RATING
    }


class _Written(NamedTuple):
    """What a user wrote."""

    of_all: float | None
    of_category: Mapping[int, float]
    of_tag: Mapping[str, float]

    def find(self, tag: Tag, otherwise: float) -> float:
        """Give the threshold of a tag."""
        return self.of_tag.get(tag.name, self.of_category.get(tag.category, otherwise))


def _read(tags: TagSet, thresholds: Iterable[str], tag_thresholds: Iterable[str]) -> _Written:
    numbers = {name: number for number, name in CATEGORIES.items()}
    of_all: float | None = None
    of_category: dict[int, float] = {}
    of_tag: dict[str, float] = {}
    for text in thresholds:
        # Names of tags may hold the sign themselves.
        name, equals, value = text.rpartition("=")
        if not equals:
            of_all = _parse(value, text)
        elif name in numbers:
            of_category[numbers[name]] = _parse(value, text)
        else:
            hint = "; of a tag: --tag-threshold" if name in tags else suggest(name, numbers)
            raise ConfigError(f"unknown category {name!r} in --threshold {text}{hint}")
    for text in tag_thresholds:
        name, equals, value = text.rpartition("=")
        if name not in tags:
            raise ConfigError(
                f"--tag-threshold {text}: {name!r} is no tag of this model; write TAG=0.5"
                f"{suggest(name, tags.names) if name and len(tags) < 10**5 else ''}"
            )
        of_tag[name] = _parse(value, text)
    return _Written(of_all, of_category, of_tag)


def compute_mcut(scores: Sequence[float]) -> float:
    """Give the middle of the widest gap between scores that follow each other.

    MCut (Largeron, Moulin and Géry 2012): with the scores in falling order, i* is the first that
    maximises s_i - s_(i+1), and the threshold (s_i* + s_(i*+1)) / 2. Fewer than two scores have no
    gap, and are given from one half on.

    >>> compute_mcut([0.1, 0.9, 0.8, 0.2])
    0.5
    """
    ranked = sorted(scores, reverse=True)
    if len(ranked) < 2:
        return 0.5
    gaps = [high - low for high, low in pairwise(ranked)]
    widest = gaps.index(max(gaps))
    return (ranked[widest] + ranked[widest + 1]) / 2


def _parse(value: str, text: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        raise ConfigError(f"a threshold is a number between 0 and 1, not {value!r} in {text!r}")
    return number
