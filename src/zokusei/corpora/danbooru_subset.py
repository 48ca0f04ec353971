"""The paper's part of Danbooru: the most common attributes, and pictures with enough of them."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zokusei.corpora.danbooru import (
    DanbooruPictures,
    check_ratings,
    ratings_to_letters,
    remark_absent,
)
from zokusei.corpora.danbooru_posts import (
    Families,
    find_metadata,
    read_posts,
    settle_scheme,
)
from zokusei.corpora.danbooru_spool import Batch, Spool
from zokusei.corpora.problems import Problems
from zokusei.data.manifest import Record
from zokusei.errors import DataError
from zokusei.tags import Tag, TagSet

_TOLERANCE = 0.005  # of the mean, in labels
_STEEPEST = 12.0  # a picture with one label more is exp(12) times as likely: only the richest are
_KEPT = 1_000_000  # candidates in memory before all but the chosen ones are dropped


@dataclass(frozen=True)
class Subset:
    """What was chosen.

    Attributes:
        tags: the classes, the most common first, with the posts that have them.
        records: the pictures with those of their tags, by number.
        ratings: of the pictures, in words.
        scheme: what the letters of ratings mean here: `old` or `new`.
        eligible: pictures with a class and one of the ratings, chosen or not.
        labels_per_picture: mean of the chosen ones.
    """

    tags: TagSet
    records: list[Record]
    ratings: list[str]
    scheme: str
    eligible: int
    labels_per_picture: float


def choose_subset(
    root: Path,
    problems: Problems,
    *,
    classes: int = 100,
    pictures: int = 25_000,
    labels_per_picture: float = 6.3,
    seed: int = 0,
    ratings: tuple[str, ...] = (),
    scheme: str | None = None,
    excluded: Sequence[str] = (),
    progress: Callable[[int], None] | None = None,
) -> Subset:
    """Choose classes and pictures as section 4 of the paper describes its data.

    Classes are the general tags that most posts of the ratings have. Pictures are drawn by lot,
    each with a chance of min(1, c exp(t k)) for its number of classes k; c and t are such that
    as many as asked are drawn and their mean k is the one asked for: of all ways to reach that
    mean, the one that changes the mix of pictures least. Pictures without any class never are.

    Args:
        root: the copy of the data set.
        problems: gets what could not be used.
        classes: how many tags.
        pictures: how many pictures.
        labels_per_picture: their mean number of classes.
        seed: another seed draws other pictures.
        ratings: in words; the safest by default.
        scheme: `old` or `new`; found in the data where it can be.
        excluded: patterns of tags that are no attributes (`read_exclusions`).
        progress: told after each post.

    Raises:
        ConfigError: the ratings cannot be told.
        DataError: there are too few tags or pictures, or no choice has that mean.
    """
    check_ratings(ratings, scheme)
    there = DanbooruPictures(root)
    spool, families = Spool(), Families()
    for post in read_posts(find_metadata(root), problems, families):
        spool.add(post)
        if progress is not None:
            progress(1)
    spool.close()
    scheme = settle_scheme(
        scheme, is_dated_old=spool.is_dated_old, letters=spool.letters, root=root
    )
    letters = ratings_to_letters(scheme, ratings)
    tags = choose_classes(spool, set(letters), classes, excluded)
    chooser = _Chooser(spool, tags, letters, there, problems, families)
    histogram = chooser.count_pictures()
    quotas = choose_quotas(histogram, pictures, labels_per_picture)
    numbers = chooser.draw(quotas, seed)
    records = sorted(chooser.make_records(numbers), key=lambda record: int(Path(record.path).stem))
    mean = float(np.average(np.arange(len(quotas)), weights=quotas))
    return Subset(tags, records, list(letters.values()), scheme, int(histogram.sum()), mean)


def read_exclusions(path: Path | None = None) -> list[str]:
    """Read patterns of tags, one a line; the packaged list by default.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        source = path or files("zokusei.corpora").joinpath("danbooru_excluded.txt")
        text = source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as a list of tags: {error}") from error
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def choose_classes(spool: Spool, letters: set[str], count: int, excluded: Sequence[str]) -> TagSet:
    """Give the tags that most posts have, those of equal count by name.

    Raises:
        DataError: there are too few.
    """
    pattern = "|".join(re.escape(tag).replace(r"\*", ".*") for tag in excluded)
    is_excluded = re.compile(pattern or r"(?!)").fullmatch
    counts = spool.count(letters).tolist()
    ranked = sorted(
        ((name, counts[number]) for name, number in spool.names.items() if counts[number]),
        key=lambda pair: (-pair[1], pair[0]),
    )
    # Patterns are slow and the tail is long: names are looked at until there are enough.
    fitting = (pair for pair in ranked if not is_excluded(pair[0]))
    chosen = [Tag(name, 0, number) for name, number in islice(fitting, count)]
    if len(chosen) < count:
        raise DataError(f"{len(chosen)} tags are not {count} classes; ask for fewer with --classes")
    return TagSet(tuple(chosen))


def choose_quotas(histogram: NDArray[np.int64], count: int, mean: float) -> NDArray[np.int64]:
    """Say how many pictures of each number of labels to draw.

    With h_k pictures that have k labels, p_k = min(1, c exp(t k)) of them are drawn, where c and
    t solve sum h_k p_k = count and sum k h_k p_k = mean count.

    Args:
        histogram: pictures with 0, 1, 2, ... labels; those with none are never drawn.
        count: how many to draw.
        mean: of their labels.

    Raises:
        DataError: there are too few pictures, or the mean is out of reach.

    >>> choose_quotas(np.array([9, 50, 50]), 40, 1.25).tolist()
    [0, 30, 10]
    """
    there = histogram.astype(np.float64)
    there[0] = 0
    labels = np.arange(len(there))
    if there.sum() < count:
        raise DataError(
            f"{int(there.sum())} pictures have one of the classes, not {count}; ask for fewer with "
            "--pictures, or allow more with --ratings"
        )

    def draw(tilt: float) -> NDArray[np.float64]:
        steps = tilt * labels
        low, high = -np.abs(steps).max() - 60, np.abs(steps).max()  # log c: next to none, all
        for _ in range(60):
            middle = (low + high) / 2
            enough = (there * np.exp(np.minimum(0, middle + steps))).sum() >= count
            low, high = (low, middle) if enough else (middle, high)
        return np.asarray(there * np.exp(np.minimum(0, high + steps)))

    def mean_of(drawn: NDArray[np.float64]) -> float:
        return float((labels * drawn).sum() / drawn.sum())

    low, high = -_STEEPEST, _STEEPEST
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if mean_of(draw(middle)) >= mean else (middle, high)
    drawn = draw(high)
    if abs(mean_of(drawn) - mean) > _TOLERANCE:
        reach = f"{mean_of(draw(-_STEEPEST)):.2f} to {mean_of(draw(_STEEPEST)):.2f}"
        raise DataError(
            f"no {count} of these pictures have {mean} labels each in the mean, only {reach}; "
            "change --labels, --pictures or --classes"
        )
    quotas = np.floor(drawn).astype(np.int64)
    short = np.argsort(quotas - drawn, kind="stable")[: count - int(quotas.sum())]
    quotas[short] += 1
    return quotas


class _Chooser:
    """Goes through the spooled posts: counts, draws, and makes records of what was drawn."""

    def __init__(
        self,
        spool: Spool,
        tags: TagSet,
        letters: dict[str, str],
        there: DanbooruPictures,
        problems: Problems,
        families: Families,
    ) -> None:
        self._families = families
        self._spool, self._tags, self._letters, self._there = spool, tags, letters, there
        self._problems = problems
        self._numbers = there.list_numbers()
        self._class_of = np.full(len(spool.names), -1, dtype=np.int32)
        for position, tag in enumerate(tags):
            self._class_of[spool.names[tag.name]] = position
        self._codes = np.array([ord(letter) for letter in letters], dtype=np.uint8)
        self._buckets = np.zeros(1000, dtype=bool)
        self._buckets[list(there.buckets)] = True

    def count_pictures(self) -> NDArray[np.int64]:
        """Count the pictures with 0, 1, 2, ... classes, and report those that are missing."""
        histogram = np.zeros(len(self._tags) + 1, dtype=np.int64)
        absent = 0
        files = list(self._spool.files)
        for batch, usable, labels in self._batches():
            asked = np.isin(batch.rating, self._codes)
            copied = self._buckets[batch.id % 1000]
            absent += int((asked & ~copied).sum())
            for row in np.flatnonzero(asked & copied & ~usable):
                extension = batch.table.column("extension")[row].as_py()
                path = self._there.root / self._there.path_of(int(batch.id[row]), extension)
                what = f"post {batch.id[row]}: {path} does not exist"
                self._problems.add(files[batch.file[row]], what, int(batch.line[row]))
            histogram += np.bincount(labels[usable], minlength=len(histogram))
        remark_absent(self._problems, self._there, absent)
        histogram[0] = 0
        return histogram

    def draw(self, quotas: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
        """Give the numbers of the drawn posts, sorted: of each k those with the smallest hash."""
        kept = np.zeros((3, 0), dtype=np.uint64)
        for batch, usable, labels in self._batches():
            numbers = batch.id[usable].astype(np.uint64)
            fresh = np.stack([labels[usable].astype(np.uint64), _hash(numbers, seed), numbers])
            kept = np.concatenate([kept, fresh], axis=1)
            if kept.shape[1] > _KEPT:
                kept = _smallest(kept, quotas)
        return np.sort(_smallest(kept, quotas)[2].astype(np.int64))

    def make_records(self, numbers: NDArray[np.int64]) -> Iterator[Record]:
        """Give a record for each of these posts, with its classes alone."""
        names, files = self._tags.names, list(self._spool.files)
        for batch, _, _ in self._batches():
            rows = np.flatnonzero(np.isin(batch.id, numbers))
            starts = np.searchsorted(batch.tag_rows, np.arange(len(batch) + 1))
            for row in rows.tolist():
                found = self._class_of[batch.tag_ids[starts[row] : starts[row + 1]]]
                extension = batch.table.column("extension")[row].as_py()
                yield Record(
                    path=self._there.path_of(int(batch.id[row]), extension),
                    tags=[names[place] for place in dict.fromkeys(found.tolist()) if place >= 0],
                    group=str(self._families.find(int(batch.parent[row]))),
                    source=f"danbooru:{self._letters[chr(batch.rating[row])]}",
                    where=f"{files[batch.file[row]]}, line {batch.line[row]}",
                )

    def _batches(self) -> Iterator[tuple[Batch, NDArray[np.bool_], NDArray[np.int64]]]:
        """Give posts, whether each has a rating asked for and a picture, and its classes."""
        for batch in self._spool.read():
            usable = np.isin(batch.rating, self._codes) & self._numbers.find(batch.id)
            hot = np.zeros((len(batch), len(self._tags)), dtype=bool)
            classes = self._class_of[batch.tag_ids]
            hot[batch.tag_rows[classes >= 0], classes[classes >= 0]] = True
            yield batch, usable, hot.sum(axis=1)


def _hash(numbers: NDArray[np.uint64], seed: int) -> NDArray[np.uint64]:
    """Mix each number with the seed (the finaliser of SplitMix64), the same on every machine."""
    with np.errstate(over="ignore"):
        mixed = numbers + np.uint64((seed + 1) % 2**64) * np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))


def _smallest(kept: NDArray[np.uint64], quotas: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Keep, of each number of labels, as many as its quota, by hash."""
    kept = kept[:, np.lexsort((kept[2], kept[1], kept[0]))]
    labels = kept[0].astype(np.int64)
    first = np.searchsorted(labels, labels)
    return kept[:, np.arange(len(labels)) - first < quotas[labels]]
