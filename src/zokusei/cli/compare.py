"""`zokusei compare`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from zokusei.cli.console import TrainingProgress


def compare(
    plan: Annotated[Path, typer.Argument(metavar="PLAN.yaml", help="Models, seeds, settings.")],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(metavar="[key=value ...]", help="Settings of every run (data.path=FOLDER)."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder; runs/NAME by default. Continued when killed.")
    ] = None,
    costs: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="What models cost, by benchmarks/heads.py, for the table."
        ),
    ] = None,
) -> None:
    """Train several models alike and write their table; killed, the same command goes on.

    Every model gets the same pictures, split, backbone, schedule and seeds. The folder gets one row
    a run (results.csv), a table with intervals and a paired bootstrap against the best plain
    baseline (table.md), and a plot of every tag (tags.svg).
    """
    from zokusei.cli.console import counting, tell
    from zokusei.cli.console import out as console
    from zokusei.errors import MissingExtraError

    try:
        from zokusei.reproduce.compare import compare as run_plan
        from zokusei.reproduce.plan import load_plan
    except ModuleNotFoundError as error:
        if error.name != "accelerate":
            raise
        raise MissingExtraError("accelerate", "train", "training") from error
    loaded = load_plan(plan, overrides or [])
    table = run_plan(loaded, out or Path("runs") / loaded.name, _progress, tell, counting, costs)
    console.print(table.read_text(encoding="utf-8"), markup=False)
    tell(f"written: {table}")


@contextmanager
def _progress() -> "Iterator[TrainingProgress]":
    from zokusei.cli.console import TrainingProgress

    progress = TrainingProgress()
    try:
        yield progress
    finally:
        progress.close()
