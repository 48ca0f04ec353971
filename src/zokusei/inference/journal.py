"""A journal of every file that a run changes, from which each is restored byte for byte."""

import base64
import json
import os
import shutil
from array import array
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from zokusei.errors import DataError, ZokuseiError
from zokusei.files import (
    LOCKED_NAME,
    hash_bytes,
    hash_file,
    is_disk_full,
    lock_folder,
    write_whole,
)

_INLINE = 1 << 16  # bytes; what was in larger files is kept beside the journal


class JournalError(ZokuseiError):
    """The journal cannot be written, so that no file at all may be changed."""


class Journal:
    """Says what was in a file before it is changed; on the disk before the change is.

    A run changes no file twice.

    Args:
        path: the journal; made with its first record, and never added to by another run.
        about: kept as its first line.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> journal, caption = Journal(folder / "j.jsonl"), folder / "a.txt"
    >>> journal.note(caption, hash_bytes(b"smile"))
    >>> _ = caption.write_bytes(b"smile")
    >>> journal.close()
    >>> undo(folder / "j.jsonl", print, print), caption.exists()
    {} {'path': '...a.txt', ...}
    (1, False)
    """

    def __init__(self, path: Path, about: Mapping[str, Any] | None = None) -> None:
        self.path = path
        self.count = 0
        self._about = dict(about or {})
        self._file: IO[bytes] | None = None

    def note(self, target: Path, after: str, **more: str) -> None:
        """Write down what a file holds now, and the SHA-256 of what it will hold.

        Args:
            target: the file.
            after: the hash.
            more: kept with it.

        Raises:
            JournalError: the journal cannot be written; the file may not be changed then.
        """
        try:
            record = {"path": str(target.absolute()), "after": after, **more, **self._keep(target)}
            if self._file is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._file = self.path.open("xb")
                self._write({"about": self._about})
            self._write(record)
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise JournalError(
                f"the journal {self.path} was not written: {error.strerror}; {target} is unchanged"
            ) from error
        self.count += 1

    def _write(self, value: Mapping[str, Any]) -> None:
        assert self._file is not None, "it is opened first"
        # Half characters of a name stay as escapes: JSON in ASCII holds any path.
        self._file.write(json.dumps(value).encode() + b"\n")

    def _keep(self, target: Path) -> dict[str, Any]:
        try:
            size = target.stat().st_size
        except FileNotFoundError:
            return {"before": None}
        if size <= _INLINE:
            return {"before": base64.b64encode(target.read_bytes()).decode()}
        name = f"{self.count:09d}"
        try:
            with write_whole(_kept_folder(self.path) / name) as temporary:
                shutil.copyfile(target, temporary)
        except ZokuseiError as error:
            raise JournalError(str(error)) from error
        return {"kept": name}

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            # Each record was flushed when it was written. What is left is of one that could not
            # be, which was said then, and which cannot be written now either.
            with suppress(OSError):
                self._file.close()


def undo(
    journal: Path,
    complain: Callable[[Path, str], None],
    forget: Callable[[Mapping[str, Any], Mapping[str, Any]], None],
) -> int:
    """Restore every file of a journal, the last change first.

    A file that holds something else than the run wrote was changed by somebody since: it is left,
    and reported. Doing it twice changes nothing.

    Args:
        journal: what `Journal` wrote; a last line that a kill cut off is passed over, since its
            file was not changed yet.
        complain: told of files that were left, and why.
        forget: told what the journal is about and each record whose file is as it was.

    Returns:
        How many files were restored or removed.

    Raises:
        DataError: the journal is missing or damaged; nothing was undone.
        ZokuseiError: the disk is full.
    """
    restored = 0
    about, records = _read(journal)
    for record in records:
        target = Path(record["path"])
        if not target.parent.is_dir():
            complain(target, "its folder is gone")
            continue
        try:
            with lock_folder(target.parent):
                restored += _restore(target, record, journal)
        except (OSError, ZokuseiError) as error:
            if is_disk_full(error):
                raise
            complain(target, getattr(error, "strerror", None) or str(error))
            continue
        forget(about, record)
    return restored


def summarize(journal: Path) -> tuple[int, str]:
    """Give how many files a journal is of, and the first of them.

    Raises:
        DataError: the journal is missing or damaged.
    """
    _, places = _find_records(journal)
    return len(places), "".join(record["path"] for record in _backwards(journal, places[:1]))


def _restore(target: Path, record: Mapping[str, Any], journal: Path) -> bool:
    """Bring one file back; whether it had to be."""
    kept = _kept_folder(journal) / record["kept"] if "kept" in record else None
    before = base64.b64decode(record.get("before") or "")
    if kept is not None:
        if not kept.is_file():
            raise DataError(f"{kept}, which held it, is gone")
        wanted: str | None = hash_file(kept)
    else:
        wanted = None if record["before"] is None else hash_bytes(before)
    now = hash_file(target) if target.is_file() else None
    if now == wanted:
        return False  # the kill came before the change, or it is undone already
    if now != record["after"]:
        raise DataError("was changed since, and is left as it is")
    if wanted is None:
        target.unlink()
        return True
    with write_whole(target, temporary_name=LOCKED_NAME) as temporary:
        if kept is not None:
            shutil.copyfile(kept, temporary)
        else:
            temporary.write_bytes(before)
    return True


def _read(journal: Path) -> tuple[Mapping[str, Any], Iterator[dict[str, Any]]]:
    """Check the whole journal; give its first line, and its records from the last to the first."""
    about, places = _find_records(journal)
    return about, _backwards(journal, places)


def _find_records(journal: Path) -> tuple[Mapping[str, Any], "array[int]"]:
    """Check the whole journal; give its first line, and where its records begin."""
    about: Mapping[str, Any] = {}
    places = array("q")  # memory holds no more of the records
    try:
        with journal.open("rb") as file:
            place = 0
            for number, line in enumerate(file, start=1):
                record = _parse(line)
                if record is None and not line.endswith(b"\n"):
                    break
                if record is None or ("about" in record) != (number == 1):
                    raise DataError(
                        f"{journal}, line {number}, is no record of a change; nothing was undone"
                    )
                if number == 1:
                    about = record["about"]
                else:
                    places.append(place)
                place += len(line)
    except OSError as error:
        raise DataError(
            f"{journal} cannot be read: {error.strerror}; give the journal that `zokusei tag` named"
        ) from error
    return about, places


def _backwards(journal: Path, places: "array[int]") -> Iterator[dict[str, Any]]:
    with journal.open("rb") as file:
        for place in reversed(places):
            file.seek(place)
            record = _parse(file.readline())
            assert record is not None, "all lines were checked"
            yield record


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
        before = base64.b64decode(record.get("before") or "", validate=True)
        del before
    except (ValueError, TypeError, AttributeError):
        return None
    known = {"path", "after"} <= set(record) and {"before", "kept"} & set(record)
    return record if known or isinstance(record.get("about"), dict) else None


def _kept_folder(journal: Path) -> Path:
    return journal.with_name(f"{journal.name}.kept")
