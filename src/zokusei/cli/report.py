"""`zokusei report`."""

from pathlib import Path
from typing import Annotated

import typer


def report(
    run: Annotated[Path, typer.Argument(help="A run folder that was evaluated.")],
    out: Annotated[
        Path | None, typer.Option(help="The HTML file; RUN/report.html, or RUN/report-NAME.html.")
    ] = None,
    split: Annotated[str, typer.Option(help="Which evaluation to show, by its name.")] = "test",
) -> None:
    """Write one HTML file to look at: unseen pictures with their tags, a table per tag, curves.

    It opens without a network. Needs `zokusei evaluate RUN` first.
    """
    from zokusei.cli.console import tell
    from zokusei.report import write_report

    tell(f"written: {write_report(run, out, split=split)}")
