"""One file changed in the way that was asked for: locked, journalled, whole."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from zokusei.errors import ConfigError, DataError, ZokuseiError, suggest
from zokusei.files import (
    LOCKED_NAME,
    hash_bytes,
    hash_file,
    is_disk_full,
    lock_folder,
    write_whole,
)
from zokusei.images import ARCHIVE_SUFFIXES, IMAGE_SUFFIXES, UNREAD_SUFFIXES, VIDEO_SUFFIXES
from zokusei.inference.done_file import ManifestError
from zokusei.inference.journal import Journal, JournalError

EXISTING = ("skip", "append", "prepend", "merge", "replace")
"""What may become of a caption that is there; the first is the default."""

_FOREIGN_SUFFIXES = frozenset(
    {
        *(".psd", ".psb", ".clip", ".sai", ".kra", ".xcf", ".svg", ".ai", ".blend"),
        *(".raw", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2"),
        *(".rar", ".cbr", ".7z", ".cb7", ".tar", ".gz", ".pdf"),
    }
)

Compose = Callable[[bytes | None], bytes | None]
"""Told what a file holds (None: it is not there), gives what it shall hold (None: leave it)."""


@dataclass(frozen=True)
class Change:
    """What became of a file, or would have become.

    Attributes:
        path: the file.
        before: its content; None where it was not there.
        after: its content now; None where it was left as it is.
    """

    path: Path
    before: bytes | None
    after: bytes | None


def check_existing(mode: str) -> str:
    """Give the mode back.

    Raises:
        ConfigError: there is no such mode.
    """
    if mode not in EXISTING:
        raise ConfigError(f"unknown --existing {mode!r}{suggest(mode, EXISTING)}")
    return mode


def is_work_suffix(suffix: str) -> bool:
    """Say whether an ending is that of pictures, videos or archives, which nothing may replace.

    Those of other programs count as well, whether they can be read here or not.

    >>> is_work_suffix(".HEIC"), is_work_suffix(".txt")
    (True, False)
    """
    read_here = IMAGE_SUFFIXES | VIDEO_SUFFIXES | ARCHIVE_SUFFIXES
    return suffix.lower() in read_here | UNREAD_SUFFIXES | _FOREIGN_SUFFIXES


def change_file(
    path: Path,
    compose: Compose,
    journal: Journal | None,
    *,
    picture: Path | None = None,
    announce: Callable[[str], None] | None = None,
) -> Change:
    """Change one file whole, with its folder locked against other taggers.

    Of a link the file that it leads to is changed.

    Args:
        path: the file; its folder is made where it is missing.
        compose: called with what the file holds.
        journal: told before the change; without one nothing is changed.
        picture: whose file it is; the journal keeps it.
        announce: told the file that links lead to, before it is changed.

    Raises:
        DataError: this file cannot be read or written, or is a picture; others may be.
        ZokuseiError: the disk is full, or journal or manifest cannot be written.
    """
    real = Path(os.path.realpath(path))
    if picture is not None:
        _refuse_picture(real, picture)
    if journal is None:
        before = read_bytes(real)
        after = compose(before)
        return Change(path, before, None if after == before else after)
    with _one_file(), lock_folder(real.parent):
        before = read_bytes(real)
        after = compose(before)
        if after is None or after == before:
            return Change(path, before, None)
        with write_whole(real, temporary_name=LOCKED_NAME) as temporary:
            temporary.write_bytes(after)
            more = {} if picture is None else {"picture": str(picture.absolute())}
            journal.note(real, hash_bytes(after), **more)
            if announce is not None:
                announce(str(real))
    return Change(path, before, after)


def replace_file(
    path: Path,
    write: Callable[[Path], None],
    journal: Journal,
    announce: Callable[[str], None] | None = None,
) -> None:
    """Write one file anew, whole, with its folder locked.

    Args:
        path: the file.
        write: told where to write.
        journal: told before the change, where there is one.
        announce: told the SHA-256 that the file will have, before it has.

    Raises:
        ZokuseiError: it cannot be written.
    """
    path = Path(os.path.realpath(path))
    with (
        lock_folder(path.parent),
        write_whole(path, temporary_name=LOCKED_NAME) as temporary,
    ):
        write(temporary)
        after = hash_file(temporary)
        if announce is not None:
            announce(after)
        if not path.is_file() or hash_file(path) != after:
            journal.note(path, after)


def read_bytes(path: Path) -> bytes | None:
    """Give what a file holds; None where there is none.

    Raises:
        DataError: there is something that cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error


def _refuse_picture(target: Path, picture: Path) -> None:
    """Refuse to write over what is tagged, which a link or an odd name may lead to."""
    if is_work_suffix(target.suffix) or target == Path(os.path.realpath(picture)):
        raise DataError(
            f"its results would be written over {target}, which is a picture, video or archive; "
            "give another -o or --caption-extension, or remove the link that leads there"
        )


@contextmanager
def _one_file() -> Iterator[None]:
    """Tell what is wrong with one file from what is wrong with all of them."""
    try:
        yield
    except (DataError, JournalError, ManifestError):
        raise
    except ZokuseiError as error:
        if is_disk_full(error):
            raise
        raise DataError(str(error)) from error
