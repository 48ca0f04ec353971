"""A journal of every file that a run changes, from which each is restored byte for byte."""

import base64
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from zokusei.errors import DataError
from zokusei.files import write_whole

_INLINE = 1 << 16  # bytes; what was in larger files is kept beside the journal


class Journal:
    """Says what was in a file before it is changed; on the disk before the change is.

    Args:
        path: the journal; made with its first record.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> journal, caption = Journal(folder / "j.jsonl"), folder / "a.txt"
    >>> journal.note(caption, hash_bytes(b"smile"))
    >>> _ = caption.write_bytes(b"smile")
    >>> journal.close()
    >>> undo(folder / "j.jsonl", print), caption.exists()
    (1, False)
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self._file: IO[bytes] | None = None

    def note(self, target: Path, after: str) -> None:
        """Write down what a file holds now, and the SHA-256 of what it will hold."""
        record = {"path": str(target.absolute()), "after": after, **self._keep(target)}
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("ab")
        # Half characters of a name stay as escapes: JSON in ASCII holds any path.
        self._file.write(json.dumps(record).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self.count += 1

    def _keep(self, target: Path) -> dict[str, Any]:
        try:
            size = target.stat().st_size
        except FileNotFoundError:
            return {"before": None}
        if size <= _INLINE:
            return {"before": base64.b64encode(target.read_bytes()).decode()}
        name = f"{self.count:09d}"
        with write_whole(_kept_folder(self.path) / name) as temporary:
            shutil.copyfile(target, temporary)
        return {"kept": name}

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()


def hash_bytes(data: bytes) -> str:
    """Give the SHA-256 of bytes in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def hash_file(path: Path) -> str:
    """Give the SHA-256 of a file in hexadecimal, in memory that does not grow."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def undo(journal: Path, complain: Callable[[Path, str], None]) -> int:
    """Restore every file of a journal, the last change first.

    A file that holds something else than the run wrote was changed by somebody since: it is left,
    and reported. Doing it twice changes nothing.

    Args:
        journal: what `Journal` wrote; a last line that a kill cut off is passed over, since its
            file was not changed yet.
        complain: told of files that were left, and why.

    Returns:
        How many files were restored or removed.

    Raises:
        DataError: the journal is missing or damaged.
    """
    restored = 0
    for record in reversed(list(_read(journal))):
        target = Path(record["path"])
        kept = _kept_folder(journal) / record["kept"] if "kept" in record else None
        if kept is not None:
            wanted: str | None = hash_file(kept)
        else:
            before = None if record["before"] is None else base64.b64decode(record["before"])
            wanted = None if before is None else hash_bytes(before)
        now = hash_file(target) if target.is_file() else None
        if now == wanted:
            continue  # the kill came before the change, or it is undone already
        if now != record["after"]:
            complain(target, "was changed since, and is left as it is")
        elif wanted is None:
            target.unlink()
            restored += 1
        else:
            with write_whole(target) as temporary:
                if kept is not None:
                    shutil.copyfile(kept, temporary)
                else:
                    temporary.write_bytes(before or b"")
            restored += 1
    return restored


def _read(journal: Path) -> Iterator[dict[str, Any]]:
    try:
        with journal.open("rb") as file:
            for number, line in enumerate(file, start=1):
                try:
                    record = json.loads(line)
                    known = {"path", "after"} <= set(record) and {"before", "kept"} & set(record)
                except (ValueError, TypeError):
                    known = False
                if not known and not line.endswith(b"\n"):
                    return
                if not known:
                    raise DataError(
                        f"{journal}, line {number}, is no record of a change; nothing was undone"
                    )
                yield record
    except OSError as error:
        raise DataError(
            f"{journal} cannot be read: {error.strerror}; give the journal that `zokusei tag` named"
        ) from error


def _kept_folder(journal: Path) -> Path:
    return journal.with_name(f"{journal.name}.kept")
