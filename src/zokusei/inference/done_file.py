"""The file in which what is done is written down: one SQLite database."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from zokusei.errors import DataError, ZokuseiError
from zokusei.files import lock_folder

_VERSION = 2
_WAIT = 60.0  # seconds, for another tagger that is writing
_TABLES = """
CREATE TABLE jobs (id INTEGER PRIMARY KEY, hash TEXT UNIQUE, options TEXT);
CREATE TABLE pictures (
  job INTEGER, picture BLOB, digest TEXT, size INTEGER, changed INTEGER,
  path BLOB, relative BLOB, tags TEXT, scores BLOB, width INTEGER, height INTEGER,
  caption TEXT, embedding BLOB,
  PRIMARY KEY (job, picture)
);
CREATE TABLE files (path BLOB, hash TEXT, job INTEGER, PRIMARY KEY (path, hash)) WITHOUT ROWID;
CREATE TABLE owners (job INTEGER, target BLOB, picture BLOB, PRIMARY KEY (job, target))
  WITHOUT ROWID;
"""


class ManifestError(ZokuseiError):
    """The manifest cannot be used, so that no file at all can be said to be done."""


@contextmanager
def speaking(path: Path) -> Iterator[None]:
    """Turn what SQLite says into one line."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise ManifestError(
            f"{path} cannot be used: {error}; see that its folder can be written to and is not "
            "full, or give another --state"
        ) from error
    except sqlite3.DatabaseError as error:
        raise DataError(f"{path} is no manifest of what is done: {error}; move it away") from error


def connect(path: Path, *, dry: bool) -> sqlite3.Connection:
    """Open the database, and make its tables where it is new.

    Args:
        path: the file.
        dry: only look; where there is no file, what is new is kept in memory.

    Raises:
        DataError: the file is of another version.
        ZokuseiError: its folder cannot be made.
    """
    if dry:
        there = f"{path.absolute().as_uri()}?mode=ro"
        is_there = os.path.isfile(path)  # noqa: PTH113 (`Path` raises where a folder is closed)
        rows = _open(there if is_there else "", uri=True)
        if is_there:
            _check_version(rows, path)
        else:
            rows.executescript(_TABLES)
        return rows
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ZokuseiError(
            f"{path.parent} cannot be made: {error.strerror}; give another --state"
        ) from error
    rows = _open(str(path))
    # Of two who turn on the log of a new file at once SQLite lets one wait, and refuses the other.
    with lock_folder(path.parent):
        # A kill loses nothing that was committed; a power cut the last moments, done again then.
        rows.execute("PRAGMA journal_mode = WAL")
        rows.execute("PRAGMA synchronous = NORMAL")
        rows.execute("BEGIN IMMEDIATE")
        if not rows.execute("SELECT 1 FROM sqlite_master").fetchone():
            for statement in _TABLES.split(";\n"):
                rows.execute(statement)
            rows.execute(f"PRAGMA user_version = {_VERSION}")
        rows.execute("COMMIT")
    _check_version(rows, path)
    return rows


def forget(path: Path, job_hash: str, picture: Path, target: str) -> None:
    """Take back that a picture is done, so that the same command does it again.

    Args:
        path: the database.
        job_hash: of what did it.
        picture: the picture.
        target: its file that is as it was, and therefore not what other options made, either.

    Raises:
        DataError: the database is something else.
    """
    if path.is_file():
        with speaking(path):
            rows = connect(path, dry=False)
            rows.execute(
                "DELETE FROM pictures WHERE picture = ? "
                "AND job IN (SELECT id FROM jobs WHERE hash = ?)",
                (to_key(picture), job_hash),
            )
            release(rows, target, "hash != ?", job_hash)
            rows.close()


def release(rows: sqlite3.Connection, target: str, others: str, own: int | str) -> None:
    """Take a file from the jobs that fit; asked for by job first, as the table is sorted."""
    rows.execute(
        f"DELETE FROM owners WHERE job IN (SELECT id FROM jobs WHERE {others}) AND target = ?",
        (own, os.fsencode(target)),
    )


def to_key(path: Path) -> bytes:
    """Give the form in which the database has a path."""
    return os.fsencode(path.absolute())


def _open(name: str, *, uri: bool = False) -> sqlite3.Connection:
    return sqlite3.connect(
        name, timeout=_WAIT, isolation_level=None, check_same_thread=False, uri=uri
    )


def _check_version(rows: sqlite3.Connection, path: Path) -> None:
    version = rows.execute("PRAGMA user_version").fetchone()[0]
    if version != _VERSION:
        raise DataError(
            f"{path} has version {version}, this zokusei reads {_VERSION}; give another --state"
        )
