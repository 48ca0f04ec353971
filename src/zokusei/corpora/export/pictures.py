"""Copies of pictures under names that no other picture has."""

import hashlib
import re
import shutil
from pathlib import Path, PurePosixPath

from zokusei.corpora.pictures import Seen
from zokusei.corpora.problems import Problems
from zokusei.data.manifest import Record

# What some file system refuses, or some reader takes for the beginning of an ending.
_AWKWARD = re.compile(r'[\\/:*?"<>|\x00-\x1f.]+')


_LONGEST = 200  # bytes of a name, of 255 that file systems allow; endings and numbers follow


class Copier:
    """Copies pictures to one folder, each under a name of its own.

    Args:
        root: where they lie.
        problems: gets those that are missing.
    """

    def __init__(self, root: Path, problems: Problems) -> None:
        self._root, self._problems = root, problems
        self._seen = Seen()

    def choose_name(self, record: Record) -> str:
        """Give a name without its ending, made of the whole path; capitals make no difference."""
        path = PurePosixPath(record.path)
        wanted = _shorten(_AWKWARD.sub("_", str(path.with_suffix(""))).strip("_ ") or "picture")
        name, number = wanted, 1
        while not self._seen.add(name.casefold()):
            number += 1
            name = f"{wanted}-{number}"
        return name

    def copy(self, record: Record, folder: Path) -> str | None:
        """Copy one picture into a folder; its new name, or None and a problem."""
        source = self.find(record)
        if source is None:
            return None
        name = self.choose_name(record) + source.suffix.lower()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, folder / name)
        except OSError as error:
            if source.is_file() and error.filename != str(source):
                raise  # it is the disk that is full, not the picture that is bad
            self._problems.add(source, f"cannot be copied: {error.strerror}")
            return None
        return name

    def find(self, record: Record) -> Path | None:
        """Give where a picture lies, or None and a problem."""
        source = self._root / record.path
        if source.is_file():
            return source
        self._problems.add(source, "does not exist")
        return None


def _shorten(name: str) -> str:
    """Keep the end of a long name, which tells most, behind what tells it from others."""
    written = name.encode()
    if len(written) <= _LONGEST:
        return name
    digest = hashlib.sha256(written).hexdigest()[:8]
    return f"{digest}_{written[-_LONGEST:].decode(errors='ignore')}"
