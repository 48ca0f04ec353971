"""Which of the pictures that a corpus names may be used."""

import weakref
from pathlib import Path, PurePosixPath, PureWindowsPath

from zokusei.corpora.joining import open_temporary
from zokusei.corpora.problems import Problems


class Seen:
    """A set of names that lies on disk once it is large, so that memory does not grow with it.

    >>> seen = Seen()
    >>> seen.add("a.png"), seen.add("a.png")
    (True, False)
    """

    def __init__(self) -> None:
        self._names = open_temporary()
        self._names.execute("CREATE TABLE names (name BLOB PRIMARY KEY) WITHOUT ROWID")
        self._names.execute("BEGIN")
        weakref.finalize(self, self._names.close)

    def add(self, name: str) -> bool:
        """Add a name; whether it is new."""
        key = name.encode("utf-8", "surrogateescape")
        return self._names.execute("INSERT OR IGNORE INTO names VALUES (?)", (key,)).rowcount == 1


class Pictures:
    """The pictures of one corpus: each inside its folder, there, and listed once."""

    def __init__(self, root: Path, problems: Problems) -> None:
        self.root = root
        self._problems = problems
        self._seen = Seen()

    def admit(self, name: str, file: Path | str, line: int | None = None) -> bool:
        """Decide whether a picture may be used; report it when not.

        Args:
            name: as the corpus writes it, relative to the root.
            file: where it is named.
            line: of that file.
        """
        reason = refuse_path(name, self.root)
        if not reason and not (self.root / name).is_file():
            reason = f"{self.root / name} does not exist"
        if not reason and not self._seen.add(str(PurePosixPath(name))):
            reason = f"{name} is listed twice; the first one counts"
        if reason:
            self._problems.add(file, reason, line)
        return not reason


def refuse_path(name: str, root: Path) -> str:
    r"""Say why a name from metadata may not be followed, or nothing.

    >>> refuse_path("a/b.png", Path("pictures"))
    ''
    >>> [bool(refuse_path(name, Path("."))) for name in ("", "/etc/a", "../a", r"C:\a", r"..\a")]
    [True, True, True, True, True]
    """
    if not name:
        return "no file name"
    if "\0" in name:
        return f"{name!r} is no file name"
    windows = PureWindowsPath(name)
    if windows.drive or windows.root or ".." in windows.parts:
        return f"{name} leads out of {root}"
    return ""


def find_folder(folder: Path, *names: str) -> Path:
    """Give the first of some folders inside `folder` that is there, or `folder` itself."""
    return next((folder / name for name in names if (folder / name).is_dir()), folder)
