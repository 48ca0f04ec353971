"""The manifest of what is done: which picture, by which model, with which options.

It is one SQLite database. A picture is known by its content, so that one which was changed is done
again. Where one file is made of all pictures, what was found in each lies here until it is written.
"""

import hashlib
import json
import os
import threading
import time
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zokusei.errors import ImageError
from zokusei.files import hash_bytes, hash_file
from zokusei.images import Member
from zokusei.inference.done_file import connect, release, speaking, to_key

_CLOCK = 2_000_000_000  # ns: two changes of a file within this time may bear the same time


@dataclass(frozen=True)
class Mark:
    """What tells one content of a picture from another.

    Attributes:
        digest: SHA-256 of the file.
        size: in bytes.
        changed: when the file was last changed, in ns; -1 where that may be said of two contents.
    """

    digest: str
    size: int
    changed: int


@dataclass(frozen=True)
class Row:
    """What was found in one picture.

    Attributes:
        path: as it was given.
        relative: where its results lie below an output folder.
        names: its tags.
        scores: probability of each tag of the model, in its order.
        size: width and height in pixels; None where no format asks for it.
        caption: where one was asked for.
        embedding: where it was asked for.
    """

    path: str
    relative: str
    names: tuple[str, ...]
    scores: Sequence[float]
    size: tuple[int, int] | None = None
    caption: str | None = None
    embedding: Sequence[float] | None = None


class Done:
    """What was done with one model and one set of options; several processes may share the file.

    Args:
        path: the database; made where it is missing.
        options: all that results depend on, in the form of JSON.
        dry: only look, and keep what is new for as long as this object lives.

    Raises:
        DataError: the file is something else.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> picture = folder / "a.png"
    >>> _ = picture.write_bytes(b"pixels")
    >>> done = Done(folder / "done.sqlite", {"write": ["kohya"]})
    >>> known, mark = done.look(picture)
    >>> done.record(picture, mark)
    >>> known, done.look(picture)[0]
    (False, True)
    """

    def __init__(self, path: Path, options: Mapping[str, Any], *, dry: bool = False) -> None:
        self.path, self._dry = path, dry
        self._lock = threading.Lock()
        text = json.dumps(options, sort_keys=True)
        self.job_hash = hashlib.sha256(text.encode()).hexdigest()
        with self._speaking():
            self._rows = connect(path, dry=dry)
            self._rows.execute("CREATE TEMP TABLE gone (picture PRIMARY KEY)")
            if dry:
                # Of the same name, it is what is looked into from here on.
                self._rows.execute("CREATE TEMP TABLE owners (job, target PRIMARY KEY, picture)")
                found = self._rows.execute("SELECT id FROM jobs WHERE hash = ?", (self.job_hash,))
                self._job = (found.fetchone() or (-1,))[0]
                return
            self._rows.execute(
                "INSERT OR IGNORE INTO jobs (hash, options) VALUES (?, ?)", (self.job_hash, text)
            )
            found = self._rows.execute("SELECT id FROM jobs WHERE hash = ?", (self.job_hash,))
            self._job = found.fetchone()[0]

    def has(self, picture: Path) -> bool:
        """Say whether a picture of that name was ever done, whatever is in it now."""
        with self._speaking():
            query = "SELECT 1 FROM pictures WHERE job = ? AND picture = ?"
            return self._rows.execute(query, (self._job, to_key(picture))).fetchone() is not None

    def look(self, picture: Path, member: Member | None = None) -> tuple[bool, Mark | None]:
        """Say whether a picture is done, and what tells its content; None where it is unreadable.

        The file is read where its size or its time are not those that were recorded. Of a member of
        an archive, they are the archive's.
        """
        with self._speaking():
            row = self._rows.execute(
                "SELECT digest, size, changed FROM pictures WHERE job = ? AND picture = ?",
                (self._job, to_key(picture)),
            ).fetchone()
        try:
            file = picture if member is None else member.archive
            if not os.path.isfile(file):  # noqa: PTH113 (`Path` raises in a closed folder)
                return False, None
            before = file.stat()
            if row is not None and row[1:] == (before.st_size, before.st_mtime_ns):
                return True, Mark(*row)
            digest = hash_file(picture) if member is None else hash_bytes(member.read())
        except (OSError, ImageError):
            return False, None  # whoever decodes it says what is wrong
        settled = time.time_ns() - before.st_mtime_ns > _CLOCK
        mark = Mark(digest, before.st_size, before.st_mtime_ns if settled else -1)
        if row is None or row[0] != digest:
            return False, mark
        if settled and not self._dry:  # it was touched, and need not be read the next time
            with self._speaking():
                self._rows.execute(
                    "UPDATE pictures SET size = ?, changed = ? WHERE job = ? AND picture = ?",
                    (mark.size, mark.changed, self._job, to_key(picture)),
                )
        return True, mark

    def knows(self, name: Path, digest: str) -> bool:
        """Say whether a picture that is no file here is done.

        Args:
            name: an absolute path that stands for it.
            digest: of its content.
        """
        with self._speaking():
            row = self._rows.execute(
                "SELECT 1 FROM pictures WHERE job = ? AND picture = ? AND digest = ?",
                (self._job, to_key(name), digest),
            ).fetchone()
        return row is not None

    def record(self, picture: Path, mark: Mark, row: Row | None = None) -> None:
        """Write down that a picture is done, and what was found where it is asked for later."""
        found: tuple[Any, ...] = (None,) * 8
        if row is not None:
            found = (
                os.fsencode(row.path), os.fsencode(row.relative), json.dumps(row.names),
                array("f", row.scores).tobytes(), *(row.size or (None, None)), row.caption,
                None if row.embedding is None else array("f", row.embedding).tobytes(),
            )  # fmt: skip
        with self._speaking():
            self._rows.execute(
                f"INSERT OR REPLACE INTO pictures VALUES ({', '.join('?' * 13)})",
                (self._job, to_key(picture), mark.digest, mark.size, mark.changed, *found),
            )

    def claim(self, target: str, picture: Path) -> Path | None:
        """Take a file for a picture's results; the picture whose file it is already, or None."""
        with self._speaking():
            values = (self._job, os.fsencode(target), to_key(picture))
            self._rows.execute("INSERT OR IGNORE INTO owners VALUES (?, ?, ?)", values)
            (owner,) = self._rows.execute(
                "SELECT picture FROM owners WHERE job = ? AND target = ?", values[:2]
            ).fetchone()
            if owner == values[2]:
                return None
            other = Path(os.fsdecode(owner))
            if _is_there(other):
                return other
            self._rows.execute("INSERT OR REPLACE INTO owners VALUES (?, ?, ?)", values)
            return None

    def holds(self, target: str, picture: Path) -> bool:
        """Say whether a file was claimed for a picture, and nobody changed it since.

        Other options may have changed it, and after them these for another picture.
        """
        # The table on the disk: a dry look has another of that name.
        query = "SELECT 1 FROM main.owners WHERE job = ? AND target = ? AND picture = ?"
        with self._speaking():
            values = (self._job, os.fsencode(target), to_key(picture))
            return self._rows.execute(query, values).fetchone() is not None

    def unclaim(self, target: str, picture: Path) -> None:
        """Let go of a place that a picture's results had."""
        with self._speaking():
            self._rows.execute(
                "DELETE FROM owners WHERE job = ? AND target = ? AND picture = ?",
                (self._job, os.fsencode(target), to_key(picture)),
            )

    def take_over(self, target: str, picture: Path) -> None:
        """Write down, before a file is changed, that it is not what other options made any more."""
        with self._speaking():
            release(self._rows, target, "id != ?", self._job)
            values = (self._job, os.fsencode(target), to_key(picture))
            self._rows.execute("INSERT OR IGNORE INTO owners VALUES (?, ?, ?)", values)

    def find_place(self, picture: Path) -> tuple[str, str] | None:
        """Give `path` and `relative` of what was found in a picture; None where nothing was."""
        query = (
            "SELECT path, relative FROM pictures WHERE job = ? AND picture = ? AND path IS NOT NULL"
        )
        with self._speaking():
            found = self._rows.execute(query, (self._job, to_key(picture))).fetchone()
        return None if found is None else (os.fsdecode(found[0]), os.fsdecode(found[1]))

    def move(self, picture: Path, path: str, relative: str) -> None:
        """Write down how a picture that is done is named now, and where its results lie."""
        with self._speaking():
            self._rows.execute(
                "UPDATE pictures SET path = ?, relative = ? WHERE job = ? AND picture = ? "
                "AND path IS NOT NULL",
                (os.fsencode(path), os.fsencode(relative), self._job, to_key(picture)),
            )

    def drop(self, picture: Path) -> None:
        """Forget what was found in a picture that cannot be read any more."""
        with self._speaking():
            self._rows.execute(
                "DELETE FROM pictures WHERE job = ? AND picture = ?", (self._job, to_key(picture))
            )

    def find_gone(self) -> int:
        """Leave out of `read` the pictures that are not there any more; how many they are."""
        with self._speaking():
            self._rows.execute("DELETE FROM gone")
            query = "SELECT picture FROM pictures WHERE job = ? AND path IS NOT NULL"
            known = self._rows.execute(query, (self._job,))
            gone = ((key,) for (key,) in known if not _is_there(Path(os.fsdecode(key))))
            self._rows.executemany("INSERT INTO gone VALUES (?)", gone)
            (count,) = self._rows.execute("SELECT COUNT(*) FROM gone").fetchone()
        return int(count)

    def read(self) -> Iterator[Row]:
        """Give what was found in every picture, in the order of their paths, one at a time.

        Those that `find_gone` found are left out; they are kept, and come back with their pictures.
        """
        query = (
            "SELECT path, relative, tags, scores, width, height, caption, embedding FROM pictures "
            "WHERE job = ? AND path IS NOT NULL AND picture NOT IN (SELECT picture FROM gone) "
            "ORDER BY picture"
        )
        with self._speaking():
            cursor = self._rows.execute(query, (self._job,))
        while True:
            with self._speaking():
                found = cursor.fetchone()
            if found is None:
                return
            path, relative, names, scores, width, height, caption, embedding = found
            size = None if width is None else (width, height)
            yield Row(
                os.fsdecode(path), os.fsdecode(relative), tuple(json.loads(names)),
                array("f", scores), size, caption,
                None if embedding is None else array("f", embedding),
            )  # fmt: skip

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """See the same rows throughout the block, whatever other taggers add to them."""
        with self._speaking():
            self._rows.execute("BEGIN")
        try:
            yield
        finally:
            with self._speaking():
                self._rows.execute("COMMIT")

    def wrote(self, path: Path) -> bool:
        """Say whether a file holds what these options once wrote into it."""
        try:
            digest = hash_file(path)
        except OSError:
            return False  # a folder, or nobody's to read: not ours
        with self._speaking():
            values = (to_key(path), digest, self._job)
            query = "SELECT 1 FROM files WHERE path = ? AND hash = ? AND job = ?"
            return self._rows.execute(query, values).fetchone() is not None

    def record_file(self, path: Path, digest: str) -> None:
        """Write down what a file that is made of all pictures holds."""
        with self._speaking():
            values = (to_key(path), digest, self._job)
            self._rows.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?)", values)

    def close(self) -> None:
        """Let go of the database."""
        self._rows.close()

    @contextmanager
    def _speaking(self) -> Iterator[None]:
        with self._lock, speaking(self.path):
            yield


def _is_there(picture: Path) -> bool:
    """Say whether a picture exists; what lies in an archive does as long as the archive does."""
    try:
        picture.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return any(map(os.path.isfile, picture.parents))
    except OSError:
        return True  # nobody may look now, and it may well be there
    return True
