"""Rows that are dear to compute, one a picture, computed once and kept on the disk.

One file a set of pictures, in the order of the pictures. Its name is a digest of all that its
content depends on, so that no setting ever meets rows that were made by another. While it grows it
ends in `.part`; killed, it goes on at its last batch.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
import torch
from filelock import FileLock
from numpy.typing import NDArray

from zokusei.errors import DataError, ZokuseiError

Counting = Callable[[str, int | None], AbstractContextManager[Callable[[int], None]]]
"""Shows a bar with a description and a total, if it is known; gives the function that moves it."""

_BATCH = 32


@contextmanager
def no_counting(description: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show nothing."""
    del description, total
    yield _move_nothing


def _move_nothing(count: int) -> None:
    del count


def cache_folder(what: str) -> Path:
    """Say where rows of this kind are kept when nobody says otherwise."""
    return Path(platformdirs.user_cache_dir("zokusei")) / what


def open_rows(
    path: Path,
    compute: Callable[[list[int]], NDArray[Any]],
    *,
    shape: tuple[int, ...],
    dtype: type[np.floating[Any]],
    description: str,
    counting: Counting,
) -> NDArray[Any]:
    """Read the rows of a file from the disk as they are used; make the file if it is not there.

    Args:
        path: the file, whose name tells its content from every other.
        compute: gives the rows of some pictures, in their order.
        shape: of all rows, pictures first.
        dtype: of their numbers.
        description: what is done, for the bar.
        counting: shows how far it is.

    Raises:
        DataError: the file has another size than its rows.
        ZokuseiError: the folder cannot be written to, or the disk is full.
    """
    if not path.exists():
        try:
            with _alone(path), counting(description, shape[0]) as progress:
                if not path.exists():  # another process may have made it meanwhile
                    _write(path, compute, shape, dtype, progress)
        except OSError as error:
            raise ZokuseiError(f"{path} was not written: {error.strerror or error}") from error
    _check_size(path, int(np.prod(shape)) * np.dtype(dtype).itemsize)
    return np.memmap(path, dtype, "r", shape=shape)


def _check_size(path: Path, wanted: int) -> None:
    """See that a file is whole: rows of a longer one would be read as those of other pictures.

    Raises:
        DataError: it is not.
    """
    found = path.stat().st_size
    if found != wanted:
        raise DataError(
            f"{path} holds {found} bytes, not {wanted}: it is damaged; remove it, and it is made "
            "anew"
        )


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Let no other process add to the growing file: both would begin where it ended."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock")):
        yield


def _write(
    path: Path,
    compute: Callable[[list[int]], NDArray[Any]],
    shape: tuple[int, ...],
    dtype: type[np.floating[Any]],
    progress: Callable[[int], None],
) -> None:
    """Append whole batches to the growing file, and name it once it is complete."""
    part = path.with_suffix(".part")
    size = _BATCH * int(np.prod(shape[1:])) * np.dtype(dtype).itemsize
    with part.open("ab") as file:
        # Only whole batches count: the numbers of a picture can differ in their last digit with
        # those that it is computed beside, and a resumed file is to be the same.
        done = file.tell() // size
        file.truncate(done * size)
        progress(min(done * _BATCH, shape[0]))
        for start in range(done * _BATCH, shape[0], _BATCH):
            rows = list(range(start, min(start + _BATCH, shape[0])))
            file.write(compute(rows).astype(dtype, copy=False).tobytes())
            progress(len(rows))
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def name_rows(about: Sequence[Any], paths: Sequence[Path]) -> str:
    """Digest all that rows depend on; a picture's content goes by its size and its date.

    A path that leads to the same file in another way (`..`, a link) is the same path: a manifest
    may write it otherwise than the corpus that it was made from.

    Args:
        about: what makes the rows, as plain values.
        paths: the pictures.
    """
    files = []
    for path in map(os.path.realpath, paths):
        try:
            status = Path(path).stat()
            files.append([path, status.st_size, status.st_mtime_ns])
        except OSError:
            files.append([path, 0, 0])
    return hashlib.sha256(json.dumps([*about, files]).encode()).hexdigest()[:32]


def digest_weights(model: torch.nn.Module) -> str:
    """Give a digest of all weights and statistics of a network."""
    digest = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
