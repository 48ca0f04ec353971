"""`zokusei undo`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

_FAILED = 3


def undo(
    journal: Annotated[Path, typer.Argument(help="What `zokusei tag --write` named at its end.")],
) -> None:
    """Restore every file that a run of `zokusei tag --write` changed, byte for byte.

    Files it made are removed. A file that was changed since is left, named on stderr, and the exit
    code is 3. Journals lie in OUT/.zokusei/journals, or in the user's state folder.
    """
    from zokusei.cli.console import tell
    from zokusei.cli.printing import printable
    from zokusei.errors import ZokuseiError
    from zokusei.inference.done_file import forget
    from zokusei.inference.journal import undo as restore

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
