"""How commands that read corpora end: a summary, a list of what was wrong, an exit code."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from zokusei.cli.console import tell

if TYPE_CHECKING:
    from zokusei.corpora import Problems

TOO_MUCH_LOST = 3


def report(problems: "Problems", path: Path) -> None:
    """Write the whole list, which may be empty, and print a summary."""
    problems.save(path)
    if problems:
        tell(problems.summary())
        tell(f"all of it: {path}")


def finish(problems: "Problems", *, used: int, max_lost: float) -> None:
    """End with exit code 3 when too large a share could not be used.

    Args:
        problems: what was left out.
        used: pictures that were not.
        max_lost: allowed share, per cent.
    """
    share = problems.share_lost(used)
    if share > max_lost:
        tell(
            f"{problems.lost} of {problems.lost + used} could not be used ({share:.1f} %), more "
            f"than the {max_lost:g} % that --max-lost allows"
        )
        raise typer.Exit(TOO_MUCH_LOST)
