"""What an import could not use: counted, named, and never silently dropped."""

import json
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from zokusei.errors import ConfigError
from zokusei.files import write_whole

_SHOWN = 5
_LINE = 1 << 20  # bytes; the first line of a list is no longer
_IN_MEMORY = 1 << 20  # bytes; more of them wait on the disk
_MEMBERS = ("file", "line", "problem", "lost")


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a corpus.

    Attributes:
        file: what it is about, or where it stands.
        line: of that file, from 1; None where it has no lines.
        what: what is wrong, and what to do.
        lost: whether a picture was left out because of it; otherwise it is a remark.
    """

    file: str
    line: int | None
    what: str
    lost: bool

    @property
    def where(self) -> str:
        """File and line in words.

        >>> Problem("tags.csv", 3, "no file name", True).where
        'tags.csv, line 3'
        """
        return self.file if self.line is None else f"{self.file}, line {self.line}"

    def to_json(self) -> bytes:
        r"""Give one line of a list of problems: an object with file, line, problem, lost.

        >>> Problem("a.png", None, "is empty", True).to_json()
        b'{"file": "a.png", "line": null, "problem": "is empty", "lost": true}\n'
        """
        record = dict(zip(_MEMBERS, (self.file, self.line, self.what, self.lost), strict=True))
        # A name that is not UTF-8 must not end the report about it.
        text = json.dumps(record, ensure_ascii=False).encode("utf-8", "backslashreplace")
        return text + b"\n"


def check_list(path: Path) -> None:
    """See that a list of problems can be written to a place without the loss of anything else.

    Raises:
        ConfigError: the name does not end in `.jsonl`, or something else than an earlier list is
            there.
    """
    what = "of what is left out; give a new file that ends in .jsonl"
    if path.suffix.lower() != ".jsonl":
        raise ConfigError(f"{path} is no name of a list {what}")
    try:
        with path.open("rb") as file:
            line = file.readline(_LINE)
    except (FileNotFoundError, NotADirectoryError):
        return  # what it is to lie in is another matter
    except OSError as error:
        raise ConfigError(f"{path} is there, {error.strerror}, and is no list {what}") from error
    try:
        names = set(json.loads(line)) if line else set(_MEMBERS)
    except (ValueError, TypeError):
        names = set()
    if names != set(_MEMBERS):
        raise ConfigError(f"{path} is there and is no list {what}")


@dataclass
class Problems:
    """A growing list of what was left out of a corpus, and why; kept on disk once it is long.

    >>> problems = Problems()
    >>> problems.add(Path("a.png"), "no tags: a.txt is missing")
    >>> problems.remark("tags.csv", "smile is listed as present and as unsure", line=3)
    >>> print(problems.summary())
    1 left out:
      a.png: no tags: a.txt is missing
    1 remark:
      tags.csv, line 3: smile is listed as present and as unsure
    """

    lost: int = 0
    remarks: int = 0
    _first: dict[bool, list[Problem]] = field(default_factory=lambda: {True: [], False: []})

    def __post_init__(self) -> None:
        """Open the temporary file, which goes with the list."""
        self._spool: IO[bytes] = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115
        weakref.finalize(self, self._spool.close)

    def add(self, where: Path | str, what: str, line: int | None = None) -> None:
        """Report one picture, row or file that was left out."""
        self.lost += 1
        self._keep(Problem(str(where), line, what, lost=True))

    def remark(self, where: Path | str, what: str, line: int | None = None) -> None:
        """Report something that is wrong although its picture was kept."""
        self.remarks += 1
        self._keep(Problem(str(where), line, what, lost=False))

    def _keep(self, problem: Problem) -> None:
        first = self._first[problem.lost]
        if len(first) < _SHOWN:
            first.append(problem)
        self._spool.seek(0, 2)
        self._spool.write(problem.to_json())

    def __len__(self) -> int:
        return self.lost + self.remarks

    def __iter__(self) -> Iterator[Problem]:
        self._spool.seek(0)
        for line in self._spool:
            record = json.loads(line)
            yield Problem(record["file"], record["line"], record["problem"], record["lost"])

    @property
    def found(self) -> list[tuple[str, str]]:
        """All of them: where and what."""
        return [(problem.where, problem.what) for problem in self]

    def share_lost(self, used: int) -> float:
        """Give the share of what was read that could not be used, in per cent.

        >>> problems = Problems()
        >>> problems.add("a.png", "is empty")
        >>> problems.share_lost(used=3)
        25.0
        """
        return 100 * self.lost / max(self.lost + used, 1)

    def summary(self) -> str:
        """Give the numbers and the first few, for people; empty when there are none."""
        parts = []
        for lost, count, title in (
            (True, self.lost, "left out"),
            (False, self.remarks, "remark" if self.remarks == 1 else "remarks"),
        ):
            if not count:
                continue
            lines = [f"  {_one_line(p.where)}: {_one_line(p.what)}" for p in self._first[lost]]
            if count > _SHOWN:
                lines.append(f"  and {count - _SHOWN} more")
            parts += [f"{count} {title}:", *lines]
        return "\n".join(parts)

    def save(self, path: Path) -> None:
        """Write all of them, one JSON object a line: file, line, problem, lost."""
        self._spool.seek(0)
        with write_whole(path) as temporary, temporary.open("wb") as file:
            shutil.copyfileobj(self._spool, file)


def _one_line(text: str) -> str:
    """Keep a name with line breaks or half characters from spoiling the message around it."""
    return " ".join(text.encode("utf-8", "backslashreplace").decode().split())
