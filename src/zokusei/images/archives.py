"""Pictures inside of ZIP and CBZ archives, read one at a time and never unpacked to the disk."""

import io
import re
import threading
import weakref
import zipfile
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from zokusei.errors import ImageError
from zokusei.images.folders import IMAGE_SUFFIXES, UNREAD, is_unread

ARCHIVE_SUFFIXES = frozenset({".zip", ".cbz"})
"""Endings, in lower case, of the archives that are looked into."""

MAX_MEMBERS = 100_000
MAX_MEMBER_BYTES = 256 << 20
MAX_TOTAL_BYTES = 32 << 30
MAX_RATIO = 200
"""Bytes unpacked of one that is packed. Drawings of few colours come near it, bombs far above."""

_HARMLESS_BYTES = 16 << 20  # of any ratio: a plain BMP of one colour is packed a thousandfold
_PACKED = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_ENCRYPTED = 1
# Two signs side by side that are written in Japan: by chance one of them is in many Western names.
_JAPANESE = "[\u3005\u3040-\u30ff\u4e00-\u9fff]{2}"
_UTF8 = 0x800
_OPEN = 8  # archives at a time, each with a file and its list of members
_MAX_LIST_BYTES = 32 << 20  # of names and places of members; MAX_MEMBERS need a third of it
_opening = threading.Lock()


@dataclass(frozen=True)
class Member:
    """A picture inside of an archive; it is unpacked whenever it is read, into memory.

    Attributes:
        archive: the file on the disk.
        path: the archive with the member's name behind it, as if it were a folder.
    """

    archive: Path
    path: Path
    _stamp: tuple[int, int] = field(repr=False)
    _info: zipfile.ZipInfo = field(repr=False, compare=False)

    def __str__(self) -> str:
        return str(self.path)

    @property
    def stamp(self) -> tuple[int, int]:
        """The archive's bytes and the time of its last change in ns, when it was looked into."""
        return self._stamp

    def read(self) -> bytes:
        """Unpack the member.

        Raises:
            ImageError: the archive is gone, was changed since, or is damaged here.
        """
        try:
            if _stamp(self.archive) != self._stamp:
                raise ImageError(f"{self} cannot be read: the archive was changed; start again")
            archive = _open(self.archive, self._stamp)  # held, since the cache may let go of it
            with archive.open(self._info) as file:
                # No more is unpacked than the archive claims, whatever is in it: asked for all
                # there is, zipfile would unpack first and count then.
                return file.read(self._info.file_size)
        except ImageError:
            raise
        except Exception as error:
            # Of damaged archives zipfile raises BadZipFile, zlib.error, EOFError and more.
            raise ImageError(
                f"{self} cannot be unpacked: {_reason(error)}; copy or download the archive again"
            ) from error


def list_members(
    archive: Path,
    complain: Callable[[Path, str], None],
    suffixes: Set[str] = IMAGE_SUFFIXES,
) -> Iterator[Member]:
    """Give the pictures inside of an archive, in the order of their names.

    As in a folder, a picture is a member whose name ends in one of `suffixes`, and names that begin
    with a dot are skipped. Names lead nowhere else: one with `..`, a root or a drive is left out.

    Args:
        archive: a ZIP file.
        complain: told of an archive that cannot be read or holds too much, and of members that are
            left out: with such a name, of a format that is not read, encrypted, packed in an odd
            way, too large or packed too tightly (a zip bomb), there twice, or archives themselves.
        suffixes: endings of pictures, in lower case.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.cbz"
    >>> with zipfile.ZipFile(path, "w") as file:
    ...     for name in ("2.png", "1.png", "notes.txt", "../out.png"):
    ...         file.writestr(name, b"content")
    >>> [member.path.name for member in list_members(path, lambda path, what: print(what[:30]))]
    its name leads out of the arch
    ['1.png', '2.png']
    """
    try:
        stamp = _stamp(archive)
        infos = _open(archive, stamp).infolist()
    except Exception as error:
        what = f"cannot be read as a ZIP archive: {_reason(error)}; copy or download it again"
        complain(archive, what)
        return
    total = sum(info.file_size for info in infos)
    if len(infos) > MAX_MEMBERS or total > MAX_TOTAL_BYTES:
        complain(
            archive,
            f"claims {len(infos)} members of {total} bytes together, more than {MAX_MEMBERS} or "
            f"{MAX_TOTAL_BYTES}; part it",
        )
        return
    found: dict[Path, zipfile.ZipInfo] = {}
    for info in infos:
        # Old programs for Windows part folders with backslashes.
        name = _read_name(info).replace("\\", "/")
        parts = [part for part in name.split("/") if part not in ("", ".")]
        kind = Path(parts[-1]).suffix.lower() if parts else ""
        unread = bool(parts) and is_unread(parts[-1], suffixes)
        if name.endswith("/") or not (unread or kind in suffixes | ARCHIVE_SUFFIXES):
            continue
        if any(part.startswith(".") and part != ".." for part in parts):
            continue
        if problem := UNREAD if unread else _find_problem(info, name, kind):
            complain(Path(f"{archive}/{name}".replace("\0", "\\0")), problem)
        elif (path := archive.joinpath(*parts)) in found:
            complain(path, "is there twice in its archive; only the first is read")
        else:
            found[path] = info
    for path in sorted(found):
        yield Member(archive, path, stamp, found[path])


def _read_name(info: zipfile.ZipInfo) -> str:
    """Give a member's name as whoever packed it saw it.

    Without the flag of UTF-8 the standard says code page 437, as zipfile reads it. Programs write
    what their system has: UTF-8 (macOS), or Shift-JIS, of which most archives of drawings are. As
    Shift-JIS nearly every name can be read, `München` too: only what then has signs that are
    written in Japan alone, and two of them side by side, is taken for it.
    """
    name = info.orig_filename
    if info.flag_bits & _UTF8 or name.isascii():
        return name
    raw = name.encode("cp437")
    for encoding, pattern in (("utf-8", ""), ("cp932", _JAPANESE)):
        try:
            decoded = raw.decode(encoding)
        except UnicodeError:
            continue
        if re.search(pattern, decoded):
            return decoded
    return name


def _find_problem(info: zipfile.ZipInfo, name: str, kind: str) -> str | None:
    """Say why a member is not read."""
    if name.startswith("/") or re.match("[A-Za-z]:", name) or ".." in name.split("/"):
        return "its name leads out of the archive; pack it anew"
    if "\0" in name:
        return "its name holds a zero byte; pack it anew"
    if kind in ARCHIVE_SUFFIXES:
        return "is an archive inside of an archive, which is not looked into; unpack it"
    if info.flag_bits & _ENCRYPTED:
        return "is encrypted; unpack the archive with its password"
    if info.compress_type not in _PACKED:
        return f"is packed by method {info.compress_type}, not stored or deflated; pack it anew"
    if info.file_size > MAX_MEMBER_BYTES:
        return f"claims {info.file_size} bytes, more than {MAX_MEMBER_BYTES}; unpack it"
    if info.file_size > max(MAX_RATIO * info.compress_size, _HARMLESS_BYTES):
        return (
            f"claims {info.file_size} bytes packed in {info.compress_size}, as zip bombs do; "
            "unpack it if you trust it"
        )
    return None


def _open(archive: Path, stamp: tuple[int, int]) -> zipfile.ZipFile:
    """Open an archive, of which some stay open: its list of members is read only once."""
    with _opening:
        return _open_anew(archive, stamp)


@lru_cache(maxsize=_OPEN)
def _open_anew(archive: Path, stamp: tuple[int, int]) -> zipfile.ZipFile:
    del stamp  # another content, another entry
    file = _Cautious(io.FileIO(archive))
    try:
        opened = zipfile.ZipFile(file)
    except BaseException:
        file.close()
        raise
    file.most = MAX_MEMBER_BYTES
    weakref.finalize(opened, file.close)
    return opened


class _Cautious(io.BufferedReader):
    """A file of which zipfile, when it opens it, reads no list of members that fills the memory."""

    most = _MAX_LIST_BYTES

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > self.most:
            raise zipfile.BadZipFile(f"its list of members claims {size} bytes")
        return super().read(size)


def _stamp(archive: Path) -> tuple[int, int]:
    status = archive.stat()
    return status.st_size, status.st_mtime_ns


def _reason(error: Exception) -> str:
    reason = getattr(error, "strerror", None) or str(error)
    return " ".join(reason.split())[:200] or type(error).__name__
