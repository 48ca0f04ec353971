"""The list of pictures that `zokusei tag` leaves out."""

import threading
from pathlib import Path
from types import TracebackType
from typing import IO

from zokusei.errors import ZokuseiError


class LeftOut:
    """Counts what was left out, from any thread, and lists it in a file as it becomes known.

    A line is in the file before the next picture is looked at: whatever ends the run, it stays.

    Args:
        path: the file that was asked for; made with the block, even if nothing is left out, in the
            place of an earlier list.

    Attributes:
        path: the file, where there is one.
        lost: how many there are.

    Raises:
        ConfigError: the file is there and is no earlier list, or its name is none of a list.
        ZokuseiError: from `add`, or with the block: the file cannot be written.
    """

    def __init__(self, path: Path | None) -> None:
        from zokusei.corpora.problems import check_list

        if path is not None:
            check_list(path)
        self.path, self.lost = path, 0
        self._file: IO[bytes] | None = None
        self._lock = threading.Lock()
        self._asked = path is not None

    def offer(self, path: Path) -> None:
        """Name the file for when none was asked for; it is made when there is something to list."""
        self.path = self.path or path

    def add(self, where: Path | str, what: str) -> None:
        """Count and list one picture."""
        # Its home is imported late, as all that commands need.
        from zokusei.corpora.problems import Problem

        with self._lock:
            self.lost += 1
            if self.path is not None:
                self._write(self.path, Problem(str(where), None, what, lost=True).to_json())

    def summarize(self, of: int | None) -> None:
        """Say how many there are, and of how many where nothing was written."""
        from zokusei.cli.console import tell

        if of is None:
            tell(f"{self.lost} pictures could not be read or written")
        else:
            tell(f"{self.lost} of {of} pictures could not be read")
        if self.path is not None:
            tell(f"they are listed in {self.path}")

    def __enter__(self) -> "LeftOut":
        if self._asked and self.path is not None:
            self._write(self.path, b"")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()

    def _write(self, path: Path, line: bytes) -> None:
        try:
            if self._file is None:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._file = path.open("wb", buffering=0)
            self._file.write(line)
        except OSError as error:
            raise ZokuseiError(
                f"{path}, the list of what is left out, was not written: {error.strerror}; make "
                "room, or give another --errors"
            ) from error
