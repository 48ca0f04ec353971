"""`zokusei undo`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

_FAILED = 3


def undo(
    journal: Annotated[
        Path | None,
        typer.Argument(
            help="What `zokusei tag --write` named at its end. An output folder, or nothing for "
            "the user's own: only list what is there."
        ),
    ] = None,
) -> None:
    """Restore every file that a run of `zokusei tag --write` changed, byte for byte.

    Files it made are removed. A file that was changed since is left, named on stderr, and the exit
    code is 3. Journals lie in OUT/.zokusei/journals, or in the user's state folder:

        zokusei undo

    lists those, the newest last, and

        zokusei undo JOURNAL

    takes back what one of them says. Of several that changed the same file begin with the newest.
    """
    from zokusei.cli.console import tell
    from zokusei.cli.printing import printable
    from zokusei.errors import ZokuseiError
    from zokusei.inference.done_file import forget
    from zokusei.inference.journal import undo as restore

    if journal is None or journal.is_dir():
        _list(journal)
        return
    left = 0

    def complain(path: Path, what: str) -> None:
        nonlocal left
        left += 1
        tell(f"left: {printable(str(path))}: {what}")

    forgets = True

    def take_back(about: Mapping[str, Any], record: Mapping[str, Any]) -> None:
        nonlocal forgets
        if not forgets or "picture" not in record:
            return
        try:
            forget(Path(about["done"]), about["job"], Path(record["picture"]), record["path"])
        except ZokuseiError as error:
            # Files matter more than what is known of them.
            forgets = False
            tell(f"files are brought back, but still count as done: {error}")

    restored = restore(journal, complain, take_back)
    tell(f"{restored} files are as they were")
    if left:
        raise typer.Exit(_FAILED)


def _list(folder: Path | None) -> None:
    """Print the journals of an output or state folder, each with what it would take back."""
    from zokusei.cli.console import tell
    from zokusei.cli.keeping import default_state
    from zokusei.cli.printing import printable
    from zokusei.errors import DataError
    from zokusei.inference.journal import summarize

    places = [folder, folder / ".zokusei"] if folder is not None else [default_state(None)]
    found = sorted(path for place in places for path in place.glob("journals/*.jsonl"))
    for path in found:
        try:
            count, first = summarize(path)
        except DataError as error:
            tell(printable(str(error)))
            continue
        if not count:
            continue  # killed before it changed anything
        files = "1 file" if count == 1 else f"{count} files, the first"
        typer.echo(f"{printable(str(path))}: {files} {printable(first)}")
    if not found:
        tell(f"no journal lies in {places[-1] / 'journals'}")
