"""TagSet: the names a model knows, in a fixed order, with category and threshold."""

import csv
import io
import struct
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from zokusei.errors import DataError, suggest
from zokusei.files import write_text

CATEGORIES = {0: "general", 1: "artist", 3: "copyright", 4: "character", 5: "meta", 9: "rating"}
"""Danbooru's category numbers, as the WD v3 tag lists use them."""

RATING = 9
"""The category whose tags exclude each other."""

DEFAULT_THRESHOLD = 0.5
"""Where sigmoid(logit) says yes as soon as no; thresholds found on validation data replace it."""

_WORDS_WITH_A_SIDE = {"left", "right"}
_COLUMNS = ["tag_id", "name", "category", "count"]


@dataclass(frozen=True)
class Tag:
    """One attribute.

    Attributes:
        name: as Danbooru writes it: lower case, underscores.
        category: Danbooru's number (`CATEGORIES`).
        count: pictures of the training split that have it.
        threshold: probability from which the tag is given.
    """

    name: str
    category: int = 0
    count: int = 0
    threshold: float = DEFAULT_THRESHOLD

    @property
    def has_side(self) -> bool:
        """Whether mirroring a picture makes the tag wrong.

        >>> Tag("hand_on_left_hip").has_side, Tag("hand_on_hip").has_side
        (True, False)
        """
        return not _WORDS_WITH_A_SIDE.isdisjoint(self.name.replace("-", "_").split("_"))


@dataclass(frozen=True)
class TagSet:
    """Tags in a fixed order: position `i` is column `i` of every logit, target and score.

    Raises:
        DataError: a name occurs twice or is empty.

    >>> tags = TagSet.from_names(["blue_hair", "smile"])
    >>> tags.index("smile"), tags.names, len(tags)
    (1, ('blue_hair', 'smile'), 2)
    """

    tags: tuple[Tag, ...]

    def __post_init__(self) -> None:
        """Refuse names that cannot be told apart."""
        if len(self._positions) != len(self.tags):
            names = [tag.name for tag in self.tags]
            twice = sorted({name for name in names if names.count(name) > 1})
            raise DataError(f"tag names must be unique; given more than once: {', '.join(twice)}")
        if "" in self._positions:
            raise DataError("a tag has an empty name")

    @classmethod
    def from_names(cls, names: Iterable[str]) -> "TagSet":
        """Build general tags with the default threshold."""
        return cls(tuple(Tag(name) for name in names))

    def __len__(self) -> int:
        return len(self.tags)

    def __iter__(self) -> Iterator[Tag]:
        return iter(self.tags)

    def __contains__(self, name: str) -> bool:
        return name in self._positions

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {tag.name: position for position, tag in enumerate(self.tags)}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """All names, in order."""
        return tuple(self._positions)

    @property
    def thresholds(self) -> list[float]:
        """All thresholds, in order."""
        return [tag.threshold for tag in self.tags]

    def index(self, name: str) -> int:
        """Give the position of a name.

        Raises:
            DataError: no tag is called that.
        """
        try:
            return self._positions[name]
        except KeyError:
            raise DataError(f"unknown tag {name!r}{suggest(name, self.names)}") from None

    def with_thresholds(self, thresholds: Sequence[float]) -> "TagSet":
        """Give the same tags with other thresholds, one a tag, in order."""
        pairs = zip(self.tags, thresholds, strict=True)
        return TagSet(tuple(replace(tag, threshold=float(value)) for tag, value in pairs))

    def with_counts(self, counts: Sequence[int]) -> "TagSet":
        """Give the same tags with other counts, one a tag, in order."""
        pairs = zip(self.tags, counts, strict=True)
        return TagSet(tuple(replace(tag, count=int(value)) for tag, value in pairs))

    def save(self, path: Path | str) -> None:
        """Write the WD v3 columns and the threshold as CSV."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([*_COLUMNS, "threshold"])
        for position, tag in enumerate(self.tags):
            writer.writerow(
                [position, tag.name, tag.category, tag.count, write_threshold(tag.threshold)]
            )
        write_text(path, text.getvalue())

    @classmethod
    def load(cls, path: Path | str) -> "TagSet":
        """Read a `tags.csv`, or a `selected_tags.csv` of other taggers.

        Their thresholds are a column `best_threshold`, or missing.

        Raises:
            DataError: the file is missing, a column is missing, or a value is no number.
        """
        path = Path(path)
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                reader = csv.DictReader(file)
                columns = reader.fieldnames or []
                rows = list(reader)
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise DataError(f"{path} cannot be read as a tag list: {error}") from error
        for needed in ("name", "category", "count"):
            if needed not in columns:
                raise DataError(f"{path} has no column {needed!r}; it has: {', '.join(columns)}")
        tags = []
        for line, row in enumerate(rows, start=2):
            try:
                threshold = float(
                    row.get("threshold") or row.get("best_threshold") or DEFAULT_THRESHOLD
                )
                tags.append(Tag(row["name"], int(row["category"]), int(row["count"]), threshold))
            except (TypeError, ValueError) as error:
                raise DataError(f"{path}, line {line}: {error}") from error
        return cls(tuple(tags))


def write_threshold(value: float) -> str:
    """Write a threshold with as few digits as give the same single precision number again.

    Scores have that precision, and a threshold may lie between two neighbours.
    """
    texts = [f"{value:.{digits}g}" for digits in (6, 7, 8, 9)]
    same = (text for text in texts if struct.pack("f", float(text)) == struct.pack("f", value))
    return next(same, texts[-1])


def find_rating(names: Iterable[str], ratings: Container[str]) -> str | None:
    """Give the first of these names that is a rating.

    >>> find_rating(["smile", "safe"], {"safe", "explicit"}), find_rating(["smile"], {"safe"})
    ('safe', None)
    """
    return next((name for name in names if name in ratings), None)
