"""What a user names on the command line, as a stream of pictures to tag."""

import glob
import os
from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from zokusei.errors import DataError
from zokusei.images import (
    ARCHIVE_SUFFIXES,
    IMAGE_SUFFIXES,
    UNREAD,
    Member,
    Picture,
    find_images,
    is_unread,
    list_members,
)

_CHUNK = 1 << 16
_LONGEST = 1 << 15  # bytes of a path; systems allow 4096

Complain = Callable[[Path, str], None]
"""Told of a folder, link, archive or member of one that was left out, and why."""


@dataclass(frozen=True)
class Item:
    """One picture of a collection.

    Attributes:
        path: the file on the disk; of a member of an archive, its name behind the archive's.
        relative: where its results lie below an output folder; never leads out of it.
        member: the member of an archive, where it is one.
    """

    path: Path
    relative: Path
    member: Member | None = None

    @property
    def picture(self) -> Picture:
        """What a tagger is given."""
        return self.member or self.path


def find_items(
    given: Iterable[Path | str], complain: Complain, *, also: Set[str] = frozenset()
) -> Iterator[Item]:
    """Give every picture that is meant, one at a time.

    A folder means the pictures below it, a pattern (`art/**/*.png`) the pictures and folders that
    fit it (each picture once and in order; memory holds the names that fit), and anything else is
    a picture, which need not be there. The content of one folder that is given alone comes to lie
    directly in an output folder; whatever else keeps the path it was given by.

    Args:
        given: folders, patterns and pictures; read as they are needed. Only text may be a pattern:
            a path is a name, whatever signs it holds.
        complain: told of folders that may not be read and of links that are not followed, of
            pictures in a format that is not read, of what is wrong with archives, and of patterns
            that nothing fits: the rest is done all the same.
        also: endings of what else is meant besides pictures; with those of archives in it,
            archives are looked into as if they were folders.

    >>> [item.relative.as_posix() for item in find_items(["art/a.png", "/x/../b.png"], print)]
    ['art/a.png', 'b.png']
    """
    suffixes = IMAGE_SUFFIXES | also
    iterator = iter(given)
    first = [path for _, path in zip(range(2), iterator, strict=False)]
    alone = len(first) == 1
    for text in (text for part in (first, iterator) for text in part):
        path = Path(text)
        # Not the path's own methods, which raise where a folder on the way may not be entered.
        if os.path.isdir(path):  # noqa: PTH112
            below = Path() if alone else _place(path)
            for found in _search(path, complain, suffixes):
                yield from _look_into(found, below / found.relative_to(path), complain, suffixes)
        elif isinstance(text, str) and glob.has_magic(text) and not os.path.lexists(path):
            yield from _fitting(text, complain, suffixes)
        else:
            inside = alone and _is_archive(path, suffixes)
            yield from _look_into(path, Path() if inside else _place(path), complain, suffixes)


def _search(folder: Path, complain: Complain, suffixes: Set[str]) -> Iterator[Path]:
    """Give the pictures of a folder; one that may not be read ends nothing."""
    try:
        yield from find_images(folder, complain, go_on=True, suffixes=suffixes)
    except DataError as error:
        complain(folder, str(error))


def _look_into(
    path: Path, relative: Path, complain: Complain, suffixes: Set[str]
) -> Iterator[Item]:
    """Give a picture, or those of an archive."""
    if not _is_archive(path, suffixes):
        yield Item(path, relative)
        return
    for member in list_members(path, complain, suffixes - ARCHIVE_SUFFIXES):
        yield Item(member.path, relative / member.path.relative_to(path), member)


def _is_archive(path: Path, suffixes: Set[str]) -> bool:
    return path.suffix.lower() in ARCHIVE_SUFFIXES & suffixes and os.path.isfile(path)  # noqa: PTH113


def _fitting(pattern: str, complain: Complain, suffixes: Set[str]) -> Iterator[Item]:
    """Give the pictures that fit, and those below folders that do, each once and in order."""
    fits, kept = False, set()
    for text in glob.iglob(pattern, recursive=True):  # noqa: PTH207 (of any anchor, lazily)
        fits = True
        # As in a folder: what else lies there, captions of an earlier run too, is not meant.
        known = Path(text).suffix.lower() in suffixes or is_unread(text, suffixes)
        if known or os.path.isdir(text):  # noqa: PTH112
            kept.add(text)
    if not fits:
        complain(Path(pattern), "nothing fits this pattern; check it, or put it in quotes")
    entered: set[Path] = set()
    # A folder before what is in it, as it is in the order of `find_images`.
    for path in map(Path, sorted(kept, key=lambda text: Path(text).parts)):
        if not entered.isdisjoint((path, *path.parents)):
            continue
        if os.path.isdir(path):  # noqa: PTH112
            entered.add(path)
            for found in _search(path, complain, suffixes):
                yield from _look_into(found, _place(found), complain, suffixes)
        elif is_unread(path.name, suffixes):
            complain(path, UNREAD)
        else:
            yield from _look_into(path, _place(path), complain, suffixes)


def _place(path: Path) -> Path:
    """Give a path as it lies below an output folder: without root, and without a way out."""
    if ".." in path.parts:
        path = path.resolve()
    return path.relative_to(path.anchor)


def read_list(stream: BinaryIO, *, zero: bool = False) -> Iterator[Path]:
    r"""Give the paths that a stream lists, each as soon as its line is there.

    Args:
        stream: names as the system writes them; they need not be UTF-8.
        zero: whether names end with a zero byte (`find -print0`), not with a line break.

    Raises:
        DataError: there is a name that is longer than any path.

    >>> import io
    >>> [path.name for path in read_list(io.BytesIO(b"a.png\n\nb c.png"))]
    ['a.png', 'b c.png']
    """
    end, rest = (b"\0" if zero else b"\n"), b""
    read = getattr(stream, "read1", stream.read)
    while chunk := read(_CHUNK):
        *names, rest = (rest + chunk).split(end)
        for name in names:
            yield from _to_path(name, zero=zero)
        if len(rest) > _LONGEST:
            raise DataError(f"no file name, {rest[:40]!r}..., in the list of pictures")
    yield from _to_path(rest, zero=zero)


def _to_path(name: bytes, *, zero: bool) -> Iterator[Path]:
    if not zero:
        name = name.removesuffix(b"\r")
    if name:
        yield Path(os.fsdecode(name))
