"""Pictures of a folder tree, in an order that does not depend on the file system."""

import os
from collections.abc import Callable, Iterator, Set
from pathlib import Path

from zokusei.errors import DataError

IMAGE_SUFFIXES = frozenset(
    {
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".gif", ".webp", ".avif", ".avifs"),
        *(".bmp", ".dib", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm", ".pfm"),
    }
)
"""Endings, in lower case, of the formats that `open_image` reads."""

UNREAD_SUFFIXES = frozenset({".jxl", ".heic", ".heif", ".hif"})
"""Endings of pictures that nothing here reads; to skip them without a word would lose them."""

UNREAD = "is JPEG XL or HEIC by its name, which is not read; convert it to PNG, WebP or AVIF"
"""What is said of them."""


def find_images(
    folder: str | Path,
    complain: Callable[[Path, str], None] | None = None,
    *,
    go_on: bool = False,
    suffixes: Set[str] = IMAGE_SUFFIXES,
) -> Iterator[Path]:
    """Give every picture below a folder, one at a time, in the order of `sorted`.

    A picture is a file whose name ends in one of `suffixes`, in capitals or not; its
    content is not looked at. Names that begin with a dot are skipped, folders too. Links are
    followed, but no folder is entered twice, so that a link to a parent ends nothing and
    repeats nothing.

    Args:
        folder: where to look; paths are given as `folder / ...`.
        complain: told of links that lead nowhere, in a circle, or to a folder entered before,
            none of which is followed, and of pictures in a format that is not read.
        go_on: tell `complain` of a folder below that may not be read, too, and leave it out.
        suffixes: endings, in lower case.

    Raises:
        DataError: the folder is missing or may not be read, or one below it and not `go_on`.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name in ("b.PNG", "a.jpg", "a.txt", ".hidden.png"):
    ...     (folder / name).touch()
    >>> [path.name for path in find_images(folder)]
    ['a.jpg', 'b.PNG']
    """
    entered: set[tuple[int, int]] = set()
    # A stack of our own: folders may be nested deeper than Python lets functions call.
    stack = [_scan(Path(folder), entered, complain)]
    while stack:
        entry = next(stack[-1], None)
        if entry is None:
            stack.pop()
        elif _leads_nowhere(entry):
            if complain is not None:
                complain(Path(entry.path), "a link that leads nowhere or to itself")
        elif entry.is_dir():
            try:
                stack.append(_scan(Path(entry.path), entered, complain))
            except DataError as error:
                if not go_on or complain is None:
                    raise
                complain(Path(entry.path), str(error))
        elif Path(entry.name).suffix.lower() in suffixes and entry.is_file():
            yield Path(entry.path)
        elif complain is not None and is_unread(entry.name, suffixes) and entry.is_file():
            complain(Path(entry.path), UNREAD)


def is_unread(name: str, suffixes: Set[str] = IMAGE_SUFFIXES) -> bool:
    """Say whether a name is that of a picture in a format that is not read.

    >>> is_unread("a.JXL"), is_unread("a.txt")
    (True, False)
    """
    return Path(name).suffix.lower() in UNREAD_SUFFIXES - suffixes


def _leads_nowhere(entry: os.DirEntry[str]) -> bool:
    if not entry.is_symlink():
        return False
    try:
        entry.stat()
    except OSError:
        return True
    return False


def _scan(
    folder: Path,
    entered: set[tuple[int, int]],
    complain: Callable[[Path, str], None] | None,
) -> Iterator[os.DirEntry[str]]:
    """List one folder by name, unless it was entered before under any name."""
    try:
        status = folder.stat()
        identity = (status.st_dev, status.st_ino)
        if identity in entered:
            if complain is not None:
                complain(folder, "a link to a folder that was read before; not followed")
            return iter(())
        entered.add(identity)
        with os.scandir(folder) as entries:
            visible = [entry for entry in entries if not entry.name.startswith(".")]
    except OSError as error:
        raise DataError(
            f"{folder} cannot be searched for pictures: {error.strerror}; "
            "check the path and that you may read it"
        ) from error
    return iter(sorted(visible, key=lambda entry: entry.name))
