"""One file changed in the way that was asked for: locked, journalled, whole."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from zokusei.errors import ConfigError, DataError, suggest
from zokusei.files import write_whole
from zokusei.inference.journal import Journal, hash_bytes

EXISTING = ("skip", "append", "prepend", "merge", "replace")
"""What may become of a caption that is there; the first is the default."""

# One name a folder, used under its lock: what a killed run left is overwritten by the next.
_TEMPORARY = ".zokusei-new"

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


def change_file(path: Path, compose: Compose, journal: Journal | None) -> Change:
    """Change one file whole, with its folder locked against other taggers.

    Args:
        path: the file; its folder is made where it is missing.
        compose: called with what the file holds.
        journal: told before the change; without one nothing is changed.

    Raises:
        ZokuseiError: it cannot be read or written.
    """
    if journal is None:
        before = read_bytes(path)
        return Change(path, before, compose(before))
    with _lock(path.parent):
        before = read_bytes(path)
        after = compose(before)
        if after is None or after == before:
            return Change(path, before, None)
        journal.note(path, hash_bytes(after))
        with write_whole(path, temporary_name=_TEMPORARY) as temporary:
            temporary.write_bytes(after)
    return Change(path, before, after)


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


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Lock a folder itself, which leaves no lock file behind; a killed process lets go."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise DataError(f"{folder} cannot be written to: {error.strerror}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
