"""Posts of Danbooru's metadata dumps, in the form of every year, one line at a time."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zokusei.corpora.lines import read_json_lines
from zokusei.corpora.problems import Problems
from zokusei.errors import ConfigError, DataError

SCHEMES: Mapping[str, Mapping[str, str]] = {
    "old": {"s": "safe", "q": "questionable", "e": "explicit"},
    "new": {"g": "general", "s": "sensitive", "q": "questionable", "e": "explicit"},
}
"""What a rating's letter means. `s` was *safe* until 2022 and is *sensitive* since `g` exists."""

_LETTERS = ("g", "s", "q", "e")
_NAMES_A_PARENT = re.compile(r'"parent_id":\s*"?[1-9]')
_LARGEST_ID = 1 << 31  # a bit of memory each: 256 MB; Danbooru has some ten million


@dataclass(slots=True)
class Post:
    """One post.

    Attributes:
        id: its number.
        parent: number of the picture it varies, or its own.
        extension: of the original file.
        rating: one letter; what it says depends on the scheme.
        general: tags that say what is seen.
        is_dated_old: the form of the line is older than the new ratings.
        file: of metadata.
        line: of that file, from 1.
    """

    id: int
    parent: int
    extension: str
    rating: str
    general: list[str]
    is_dated_old: bool
    file: Path
    line: int


def find_metadata(root: Path) -> list[Path]:
    """Give the metadata files of a copy of the data set, in order.

    Danbooru2020 and before call them `metadata/2020000000000000.json`, or without an ending;
    2021 and later `metadata/posts000000000000.json`.

    Raises:
        DataError: there are none.
    """
    if root.is_file():
        return [root]
    for folder in (root / "metadata", root):
        found = [
            path
            for path in (sorted(folder.iterdir()) if folder.is_dir() else [])
            if path.is_file() and _is_metadata_name(path.name)
        ]
        if found:
            return found
    raise DataError(
        f"{root} holds no Danbooru metadata; expected JSON lines in {root / 'metadata'} "
        "(unpack metadata.json.tar.xz there)"
    )


def _is_metadata_name(name: str) -> bool:
    stem, _, ending = name.partition(".")
    return ending in ("json", "jsonl", "") and (stem.isdigit() or stem.startswith("posts"))


class Families:
    """Which posts are variants of one picture, though each names only the one that it varies.

    >>> families = Families()
    >>> for post, parent in ((11, 11), (13, 12), (12, 11), (20, 21)):
    ...     families.add(post, parent)
    >>> families.find(13), families.find(21), families.find(30)
    (11, 20, 30)
    """

    def __init__(self) -> None:
        self._above: dict[int, int] = {}  # of those that are not the first of their family

    def add(self, post: int, parent: int) -> None:
        """Put a post and its parent into one family; a post may be its own."""
        first, second = sorted((self.find(post), self.find(parent)))
        if first != second:
            self._above[second] = first

    def find(self, post: int) -> int:
        """Give the smallest number of a post's family."""
        while (above := self._above.get(post, post)) != post:
            self._above[post] = post = self._above.get(above, above)
        return post


def read_posts(
    files: list[Path], problems: Problems, families: Families | None = None
) -> Iterator[Post]:
    """Give every post that can be understood and was not deleted, each number once.

    Args:
        files: of JSON lines, of one form or the other.
        problems: gets the lines that cannot be used, with their number.
        families: gets those of all posts, and has them once the last one was given; who needs one
            before that calls `read_families`.
    """
    seen = IdSet()
    for file in files:
        for line, row in read_json_lines(file, problems):
            if families is not None:
                _note_family(row, families)
            try:
                post = parse_post(row, file, line)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                what = f"no field {error}" if isinstance(error, KeyError) else str(error)
                problems.add(file, f"no post as Danbooru writes it: {what}", line)
                continue
            if post is None:
                continue
            if not seen.add(post.id):
                problems.add(file, f"post {post.id} is listed twice; the first one counts", line)
                continue
            yield post


def parse_post(row: Mapping[str, Any], file: Path, line: int) -> Post | None:
    """Read one object of either form; None for a deleted post.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: it is not of either form.

    >>> tags = [{"id": "540830", "name": "1boy", "category": "0"}]
    >>> row = {"id": "263162", "rating": "s", "file_ext": "jpg", "is_deleted": False, "tags": tags}
    >>> post = parse_post(row, Path("2020000000000000.json"), 1)
    >>> post.id, post.general, post.is_dated_old
    (263162, ['1boy'], True)
    >>> row = {"id": 5, "rating": "g", "file_ext": "png", "tag_string_general": "1girl hat"}
    >>> parse_post(row, Path("posts000000000000.json"), 1).general
    ['1girl', 'hat']
    """
    if row.get("is_deleted") in (True, "true"):
        return None
    number = int(row["id"])
    if not 0 < number < _LARGEST_ID:
        raise ValueError(f"its id is {row['id']!r}")
    extension = row["file_ext"]
    if not extension.isalnum():
        raise ValueError(f"its file_ext is {extension!r}")
    rating = row["rating"]
    if rating not in _LETTERS:
        raise ValueError(f"its rating is {rating!r}, not one of {', '.join(_LETTERS)}")
    listed = row.get("tags")
    if listed is None:
        general = row["tag_string_general"].split()
    else:
        general = [tag["name"] for tag in listed if tag["category"] in ("0", 0)]
    "".join(general)  # raises where a name is no text
    parent = int(row.get("parent_id") or 0)
    return Post(
        id=number,
        parent=parent if 0 < parent < _LARGEST_ID else number,
        extension=extension,
        rating=rating,
        general=general,
        is_dated_old=listed is not None,
        file=file,
        line=line,
    )


def settle_scheme(asked: str | None, *, is_dated_old: bool, letters: set[str], root: Path) -> str:
    """Decide what the letters of ratings mean, or ask; `s` alone must not be guessed.

    Args:
        asked: `old`, `new`, or None.
        is_dated_old: the lines have the form that ended before the new ratings began.
        letters: all ratings that occur.
        root: for the message.

    Raises:
        ConfigError: nothing tells, or what tells contradicts what was asked.

    >>> settle_scheme(None, is_dated_old=False, letters={"g", "s"}, root=Path("danbooru2023"))
    'new'
    """
    if asked == "old" and "g" in letters:
        raise ConfigError(
            f"{root} has posts rated g, which the old ratings do not know; give --rating-scheme new"
        )
    if asked:
        return asked
    if "g" in letters:
        return "new"
    if is_dated_old:
        return "old"
    raise ConfigError(
        f"{root} does not tell whether its rating s means safe (dumps until the end of 2021) or "
        "sensitive (later ones); say it with --rating-scheme old or new: zokusei data import "
        f"{root} manifest.parquet --rating-scheme old|new"
    )


def read_families(files: list[Path]) -> Families:
    """Find the families of all posts, those included that have no picture or were deleted.

    A picture may vary one that varies a third, and numbers come in any order: before the last line
    no family is complete. Lines that name no parent, most of them, are only searched for one.

    Args:
        files: of JSON lines. What is wrong with a line is left to `read_posts` to say.
    """
    families = Families()
    for file in files:
        for _, row in read_json_lines(file, Problems(), only=_NAMES_A_PARENT):
            _note_family(row, families)
    return families


def _note_family(row: Mapping[str, Any], families: Families) -> None:
    """Put a post, deleted or not, beside the one it varies, where it names one."""
    try:
        post, parent = int(row["id"]), int(row["parent_id"])
    except (KeyError, TypeError, ValueError):
        return
    if 0 < parent < _LARGEST_ID:
        families.add(post, parent)


class IdSet:
    """A set of post numbers: one bit each, so that ten million take a megabyte.

    >>> ids = IdSet()
    >>> ids.add(7), ids.add(7), 7 in ids, 8 in ids
    (True, False, True, False)
    """

    def __init__(self) -> None:
        self._bits = bytearray()

    def add(self, number: int) -> bool:
        """Add a number; whether it is new."""
        place, bit = number >> 3, 1 << (number & 7)
        if place >= len(self._bits):
            self._bits.extend(bytes(place + 1 - len(self._bits) + (1 << 16)))
        if self._bits[place] & bit:
            return False
        self._bits[place] |= bit
        return True

    def find(self, numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Say of each of many numbers whether it is in the set."""
        bits = np.frombuffer(self._bits, dtype=np.uint8)
        places = numbers >> 3
        inside = places < len(bits)
        found = np.zeros(len(numbers), dtype=bool)
        shifted = bits[places[inside]] >> (numbers[inside] & 7).astype(np.uint8)
        found[inside] = shifted & 1
        return found

    def __contains__(self, number: int) -> bool:
        place = number >> 3
        return place < len(self._bits) and bool(self._bits[place] & (1 << (number & 7)))
