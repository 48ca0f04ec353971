"""What an import could not use: counted, named, and never silently dropped."""

from dataclasses import dataclass, field
from pathlib import Path

from zokusei.files import write_text

_SHOWN = 5


@dataclass
class Problems:
    """A growing list of what was left out of a corpus, and why.

    >>> problems = Problems()
    >>> problems.add(Path("a.png"), "no tags: a.txt is missing")
    >>> print(problems.summary())
    1 left out:
      a.png: no tags: a.txt is missing
    """

    found: list[tuple[str, str]] = field(default_factory=list)

    def add(self, where: Path | str, what: str) -> None:
        """Report one thing that was left out."""
        self.found.append((str(where), what))

    def __len__(self) -> int:
        return len(self.found)

    def summary(self) -> str:
        """Give the number and the first few, for people; empty when there are none."""
        if not self.found:
            return ""
        lines = [f"  {where}: {what}" for where, what in self.found[:_SHOWN]]
        if len(self.found) > _SHOWN:
            lines.append(f"  and {len(self.found) - _SHOWN} more")
        return "\n".join([f"{len(self.found)} left out:", *lines])

    def save(self, path: Path) -> None:
        """Write all of them, one tab-separated line each."""
        write_text(path, "".join(f"{where}\t{what}\n" for where, what in self.found))
