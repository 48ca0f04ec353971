"""`zokusei reproduce`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from zokusei.cli.console import TrainingProgress
    from zokusei.reproduce.places import Tools

_INCOMPLETE = 3


def reproduce(
    what: Annotated[
        str,
        typer.Argument(help="table1, table2, figure2 or all; report writes up what is there."),
    ],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[key=value ...]",
            help="Settings of the scale (seeds=[0], base.train.epochs=1, cartoons.method=plain).",
        ),
    ] = None,
    scale: Annotated[
        str, typer.Option(help="desk (two cores), paper (GPUs), or a FILE.yaml of that form.")
    ] = "desk",
    out: Annotated[
        Path | None,
        typer.Option(help="Folder; runs/reproduce-SCALE by default. Continued when killed."),
    ] = None,
    corpus: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Learn only this corpus now; may be given repeatedly."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List stages and runs, and what is there already.")
    ] = False,
    anime_faces: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Real face crops with hair and eye colours.")
    ] = Path("../shared/data/anime-faces"),
    real_art: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Real illustrations, labelled by hand.")
    ] = Path("../shared/data/real-art"),
    flickr8k: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Photographs with captions.")
    ] = Path("../shared/data/flickr8k"),
    danbooru: Annotated[
        Path, typer.Option(metavar="FOLDER", help="A copy of Danbooru2020, for --scale paper.")
    ] = Path("../shared/data/danbooru"),
    white_box: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="The cartoonizer's published weights, where none were imported."
        ),
    ] = None,
    photographs: Annotated[
        Path | None,
        typer.Option(metavar="RUN", help="A captioner of photographs, in place of training one."),
    ] = None,
    adapted: Annotated[
        Path | None,
        typer.Option(metavar="RUN", help="A captioner adapted to drawings, likewise."),
    ] = None,
    costs: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="What models cost, by benchmarks/heads.py, for Table 1."),
    ] = None,
) -> None:
    """Run the paper's experiments: two tables and a figure; killed, the same command goes on.

    Draws its corpus, trains the two captioners (Flickr8k, then its photographs as cartoons) and
    every model with its seeds, each one row of a table, and writes report.html and report.md:
    means with intervals, paired bootstraps, the paper's figures beside ours. A corpus that is not
    there is named, and the rest goes on (exit code 3). It can be done in parts, by --corpus and
    seeds=[0]: rows that are there stay, and the report has all of the given seeds.
    """
    from zokusei.cli.console import out as console
    from zokusei.errors import MissingExtraError

    try:
        from zokusei.reproduce.experiments import plan_work, run_work
        from zokusei.reproduce.outlook import describe_work
        from zokusei.reproduce.places import Places
        from zokusei.reproduce.scale import load_scale
    except ModuleNotFoundError as error:
        if error.name != "accelerate":
            raise
        raise MissingExtraError("accelerate", "train", "training") from error
    settings = load_scale(scale, overrides or [])
    captioners = {"photographs": photographs, "adapted": adapted}
    places = Places(
        out or Path("runs") / f"reproduce-{settings.name}",
        {"anime-faces": anime_faces, "real-art": real_art, "flickr8k": flickr8k,
         "danbooru": danbooru},
        white_box,
        {name: path for name, path in captioners.items() if path is not None},
        costs,
    )  # fmt: skip
    work = plan_work(settings, what, places, corpus or ())
    if dry_run:
        for line in describe_work(settings, work, places):
            console.print(line, markup=False)
        return
    tools = _create_tools()
    report, broken = run_work(settings, work, places, tools)
    tools.tell(f"written: {report} and {report.with_suffix('.md')}")
    if broken or work.missing:
        for line in [*work.missing, *broken]:
            tools.tell(f"not done: {line}")
        raise typer.Exit(_INCOMPLETE)


def _create_tools() -> "Tools":
    """Give messages and bars to the first process, silence to the others."""
    from zokusei.cli.console import CaptionerProgress, TrainingProgress, counting, tell
    from zokusei.data.row_file import no_counting
    from zokusei.reproduce.places import Tools
    from zokusei.training.prepare import create_state

    def keep_quiet(message: str) -> None:
        del message

    is_first = create_state().is_main_process
    return Tools(
        tell if is_first else keep_quiet,
        counting if is_first else no_counting,
        lambda: _showing(TrainingProgress()),
        lambda: _showing(CaptionerProgress()),
    )


@contextmanager
def _showing(progress: "TrainingProgress") -> "Iterator[TrainingProgress]":
    try:
        yield progress
    finally:
        progress.close()
