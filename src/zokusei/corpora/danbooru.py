"""Danbooru2017 to 2020, 2021 and later: `512px/0NNN/ID.jpg` with JSON lines beside them."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

from zokusei.corpora.danbooru_posts import (
    SCHEMES,
    IdSet,
    find_metadata,
    parse_post,
    read_families,
    read_posts,
    settle_scheme,
)
from zokusei.corpora.lines import read_beginning
from zokusei.corpora.problems import Problems
from zokusei.data.manifest import Record
from zokusei.errors import ConfigError, DataError
from zokusei.images import IMAGE_SUFFIXES

_BUCKETS = 1000
_KINDS = ("512px", "original")
_SAMPLE = 20_000  # posts that tell the ratings' scheme


class DanbooruPictures:
    """Which pictures of a copy are there; a copy may hold some of the thousand folders only.

    Args:
        root: of the copy; pictures lie in `512px` or `original`.

    Raises:
        DataError: there is no folder of pictures.
    """

    def __init__(self, root: Path) -> None:
        kinds = [name for name in _KINDS if (root / name).is_dir()]
        if not kinds:
            raise DataError(f"{root} holds no pictures; expected {root / '512px'}")
        self.root, self.kind = root, kinds[0]
        self.buckets = {
            number for number in range(_BUCKETS) if (self.folder / f"{number:04d}").is_dir()
        }
        first = next((entry.name for _, entry in self._entries()), "")
        # Small copies all have one format, whatever the original's is: JPEG, or WebP since 2023.
        self._ending = "." + first.rpartition(".")[2] if self.kind == "512px" else ""

    @property
    def folder(self) -> Path:
        """Where the thousand folders lie."""
        return self.root / self.kind

    def path_of(self, number: int, extension: str) -> str:
        """Give where a post's picture belongs, relative to the root.

        Args:
            number: of the post.
            extension: of the original file.
        """
        ending = self._ending or f".{extension}"
        return f"{self.kind}/{number % _BUCKETS:04d}/{number}{ending}"

    def list_numbers(self) -> IdSet:
        """Give the posts that have a picture."""
        numbers = IdSet()
        for number, _ in self._entries():
            numbers.add(number)
        return numbers

    def _entries(self) -> Iterator[tuple[int, os.DirEntry[str]]]:
        for bucket in sorted(self.buckets):
            with os.scandir(self.folder / f"{bucket:04d}") as entries:
                for entry in entries:
                    stem, _, ending = entry.name.partition(".")
                    # Captions of pictures may lie beside them.
                    is_picture = f".{ending.lower()}" in IMAGE_SUFFIXES
                    if is_picture and stem.isdecimal() and len(stem) < 10:
                        yield int(stem), entry


def is_danbooru(path: Path) -> bool:
    """Say whether this is a copy of the data set, or a file of its metadata."""
    if path.is_dir() and not any((path / name).is_dir() for name in _KINDS):
        return False
    if path.is_file() and path.suffix not in (".json", ".jsonl", ""):
        return False
    try:
        lines = read_beginning(find_metadata(path)[0])
    except DataError:
        return False
    for line in lines:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            continue  # a damaged line says nothing of the others
        try:
            return parse_post(row, path, 1) is not None or "is_deleted" in row
        except (KeyError, TypeError, ValueError, AttributeError):
            return False
    return False


def find_root(path: Path) -> Path:
    """Give the folder that holds `512px`, seen from itself or from a file of metadata."""
    folder = path.parent if path.is_file() else path
    return folder.parent if folder.name == "metadata" else folder


def read_danbooru(
    path: Path,
    problems: Problems,
    images: Path | None = None,
    *,
    scheme: str | None = None,
    ratings: tuple[str, ...] = (),
) -> Iterator[Record]:
    """Give one record for each post whose picture is there, with its general tags.

    Args:
        path: holds `metadata/` and `512px/` (or `original/`), or one file of the metadata.
        problems: gets what was left out, and why.
        images: holds `512px/`; found from `path` by default.
        scheme: what the ratings' letters mean: `old`, `new`, or found in the data.
        ratings: only these, in words; by default the safest there is: `safe` in old dumps,
            `general` in new ones.

    Raises:
        ConfigError: the ratings' scheme cannot be told, or does not know a rating.
        DataError: there is no metadata or no folder of pictures.
    """
    root, files = images or find_root(path), find_metadata(path)
    pictures, absent = DanbooruPictures(root), 0
    letters = choose_letters(path, files, scheme, ratings)
    families = read_families(files)
    for post in read_posts(files, problems):
        if post.rating not in letters:
            continue
        place = pictures.path_of(post.id, post.extension)
        if post.id % _BUCKETS not in pictures.buckets:
            absent += 1
        elif (root / place).is_file():
            yield Record(
                path=place,
                tags=list(dict.fromkeys(post.general)),
                group=str(families.find(post.parent)),  # variants of one picture
                source=f"danbooru:{letters[post.rating]}",
                where=f"{post.file}, line {post.line}",
            )
        else:
            problems.add(post.file, f"post {post.id}: {root / place} does not exist", post.line)
    remark_absent(problems, pictures, absent)


def remark_absent(problems: Problems, pictures: DanbooruPictures, count: int) -> None:
    """Say how many posts a copy of some folders only leaves out; they are no mistakes."""
    if count:
        what = f"{count} posts lie in folders that this copy does not hold"
        problems.remark(pictures.folder, what)


def choose_letters(
    path: Path, files: list[Path], scheme: str | None, ratings: tuple[str, ...]
) -> dict[str, str]:
    """Give the letters of the asked ratings with their words, from the first posts' scheme."""
    check_ratings(ratings, scheme)
    letters, old = set(), False
    for count, post in enumerate(read_posts(files, Problems())):
        letters.add(post.rating)
        old = old or post.is_dated_old
        if count == _SAMPLE or "g" in letters or (old and scheme is None):
            break
    settled = settle_scheme(scheme, is_dated_old=old, letters=letters, root=path)
    return ratings_to_letters(settled, ratings)


def ratings_to_letters(scheme: str, ratings: tuple[str, ...]) -> dict[str, str]:
    """Give the letters that stand for ratings in words.

    Raises:
        ConfigError: the scheme has no such rating.

    >>> ratings_to_letters("new", ())
    {'g': 'general'}
    """
    words = SCHEMES[scheme]
    if not ratings:
        first = next(iter(words))
        return {first: words[first]}
    check_ratings(ratings, scheme)
    return {letter: word for letter, word in words.items() if word in ratings}


def check_ratings(ratings: tuple[str, ...], scheme: str | None) -> None:
    """Refuse ratings that no scheme has, before hours of metadata are read.

    Args:
        ratings: in words.
        scheme: `old`, `new`, or None: either.

    Raises:
        ConfigError: there is no such scheme, or it does not know a rating.
    """
    if scheme not in (None, *SCHEMES):
        raise ConfigError(f"--rating-scheme is {' or '.join(SCHEMES)}, not {scheme!r}")
    schemes = SCHEMES if scheme is None else {scheme: SCHEMES[scheme]}
    known = list(dict.fromkeys(word for words in schemes.values() for word in words.values()))
    for rating in ratings:
        if rating not in known:
            trap = " (s is safe in old dumps, sensitive in new ones: write the word)"
            raise ConfigError(
                f"the {scheme or 'old and new'} ratings have no {rating!r}"
                f"{trap if len(rating) == 1 else ''}; known: {', '.join(known)}"
            )


def split_ratings(text: str | None) -> tuple[str, ...]:
    """Give ratings that are separated by commas; none are the safest.

    >>> split_ratings("safe, questionable"), split_ratings(None)
    (('safe', 'questionable'), ())
    """
    return tuple(word.strip() for word in text.split(",")) if text else ()
