"""Files that are written whole or not at all."""

import errno
import hashlib
import json
import math
import os
import platform
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from zokusei.errors import ZokuseiError

# The mask can only be read by changing it, for all threads at once; so it is read here, once.
_UMASK = os.umask(0o022)
os.umask(_UMASK)

LOCKED_NAME = f".zokusei-new-{re.sub('[^0-9A-Za-z.-]', '-', platform.node())[:60]}"
"""The temporary file of who holds a folder's lock: what a killed run left is overwritten.

On a share the lock of one machine may not be seen by another; so each has a name of its own. It
holds no process, since what a killed one left would stay then: on one machine the lock is enough.
"""


@contextmanager
def write_whole(path: Path | str, *, temporary_name: str | None = None) -> Iterator[Path]:
    """Give a temporary path beside `path`; move it there once the block ends well.

    The bytes are flushed to the disk before the rename, so that a power cut leaves either
    the old file or the new one. When the block raises, the temporary file is removed and
    the old file stays as it was.

    Args:
        path: the file.
        temporary_name: of the temporary file; for who holds a lock on the folder, so that what a
            killed process left is overwritten by the next one. A new name each time by default.

    Raises:
        ZokuseiError: the folder cannot be written to, or the disk is full.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with write_whole(folder / "a.txt") as temporary:
    ...     _ = temporary.write_text("all of it")
    >>> [p.name for p in folder.iterdir()]
    ['a.txt']
    """
    path = Path(path)
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if temporary_name is not None:
            temporary = path.parent / temporary_name
            temporary.unlink(missing_ok=True)
        else:
            # The same ending, since writers go by it; names end at 255 bytes, four a letter.
            handle, name = tempfile.mkstemp(
                dir=path.parent, prefix=f".{path.stem[:40]}.", suffix=path.suffix[:16]
            )
            os.close(handle)
            temporary = Path(name)
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.chmod(_find_mode(path))
        temporary.replace(path)
        _flush_folder(path.parent)
    except OSError as error:
        raise ZokuseiError(f"{path} was not written: {error.strerror or error}") from error
    finally:
        if temporary is not None:
            # On a read-only disk this fails too, and what was said before is what matters.
            with suppress(OSError):
                temporary.unlink()


@contextmanager
def write_folder_whole(folder: Path | str) -> Iterator[Path]:
    """Give a temporary folder beside `folder`; move it there once the block ends well.

    `folder` must be empty or not there. When the block raises, nothing is left.

    Raises:
        ZokuseiError: the folder is the current one or cannot be made, or the disk is full.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp()) / "new"
    >>> with write_folder_whole(folder) as temporary:
    ...     _ = (temporary / "a.txt").write_text("all of it")
    >>> [path.name for path in folder.iterdir()]
    ['a.txt']
    """
    folder = Path(folder).resolve()
    if folder == Path.cwd():
        # It would be replaced under the feet of whoever stands in it.
        raise ZokuseiError(f"{folder} is the current folder; name a new one")
    temporary: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name[:40]}."))
        yield temporary
        temporary.chmod(0o777 & ~_UMASK)
        temporary.replace(folder)
        _flush_folder(folder.parent)
    except OSError as error:
        raise ZokuseiError(f"{folder} was not written: {error.strerror or error}") from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def lock_folder(folder: Path, *, taken: str | None = None) -> Iterator[None]:
    """Let nobody else who locks this folder in while the block runs.

    The folder itself is locked, which leaves no lock file behind; it is made where it is missing. A
    killed process lets go.

    Args:
        folder: to lock.
        taken: what to say where somebody has it; waits for them by default.

    Raises:
        ZokuseiError: the folder cannot be made or opened, or is taken, or the system cannot lock
            one.
    """
    try:
        import fcntl
    except ModuleNotFoundError as error:
        raise ZokuseiError(
            f"{folder} cannot be locked: this system has no flock; use Linux, macOS or WSL"
        ) from error
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise ZokuseiError(f"{folder} cannot be written to: {error.strerror}") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX if taken is None else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ZokuseiError(f"{folder} {taken}") from error
        except OSError as error:
            raise ZokuseiError(f"{folder} cannot be locked: {error.strerror}") from error
        yield
    finally:
        os.close(handle)


def hash_file(path: Path) -> str:
    """Give the SHA-256 of a file in hexadecimal, in memory that does not grow."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_bytes(data: bytes) -> str:
    """Give the SHA-256 of bytes in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def write_text(path: Path | str, text: str) -> None:
    """Write UTF-8 text, whole or not at all."""
    with write_whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path | str, value: Any) -> None:
    """Write readable JSON, whole or not at all; see `to_json`."""
    write_text(path, to_json(value, indent=2) + "\n")


def to_json(value: Any, *, indent: int | None = None) -> str:
    """Give JSON that every reader takes: null for a number that is none, such as a mean of nothing.

    >>> to_json({"map": float("nan"), "tags": ("笑顔",)})
    '{"map": null, "tags": ["笑顔"]}'
    """
    return json.dumps(_without_nan(value), indent=indent, ensure_ascii=False, allow_nan=False)


def _without_nan(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return value


def is_disk_full(error: BaseException) -> bool:
    """Say whether what was caught concerns every file, because nothing more can be written."""
    number = getattr(error, "errno", None) or getattr(error.__cause__, "errno", None)
    return number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def _find_mode(path: Path) -> int:
    """Give who may read and write a file: as it is, or as a plain write would make it."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return 0o666 & ~_UMASK


def _flush_folder(folder: Path) -> None:
    """Make the rename itself survive a power cut (a folder is a file of names)."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
