"""`zokusei data`: draw, import, check and describe corpora."""

from pathlib import Path
from typing import Annotated

import typer

from zokusei.cli import danbooru, export, imports, stats

app = typer.Typer(no_args_is_help=True, help="Draw, import, check and describe corpora.")
app.command("import")(imports.import_)
app.command("stats")(stats.stats)
app.command("export")(export.export)
app.command("danbooru")(danbooru.danbooru)


@app.command()
def draw(
    out: Annotated[Path, typer.Argument(help="Folder for the pictures and labels.csv.")],
    count: Annotated[int, typer.Option(min=1, help="How many pictures.")] = 1000,
    size: Annotated[int, typer.Option(min=16, help="Side in pixels.")] = 128,
    seed: Annotated[int, typer.Option(min=0, help="Another seed draws other pictures.")] = 0,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that draw; one a core by default.")
    ] = None,
) -> None:
    """Draw labelled anime faces: a corpus that anyone has.

    Picture number i of a seed is the same everywhere. Killed, the same command goes on.
    """
    from zokusei.cli.console import counting, tell
    from zokusei.corpora.drawn import write_drawn_corpus
    from zokusei.environment import count_cores

    settings = {"count": count, "size": size, "seed": seed, "workers": workers or count_cores()}
    with counting("drawing", count) as progress:
        write_drawn_corpus(out, **settings, progress=progress)
    tell(f"{count} pictures in {out}; next: zokusei train --images {out}")


@app.command()
def check(
    manifest: Annotated[Path, typer.Argument(help="A manifest, CSV or folder.")],
) -> None:
    """Read every picture and name what a training would stumble over; exit code 3 if anything."""
    from zokusei.cli.console import counting, tell
    from zokusei.corpora import import_corpus
    from zokusei.data.inspect import check_manifest

    corpus, problems = import_corpus(manifest)
    with counting("reading pictures", len(corpus)) as progress:
        check_manifest(corpus, problems.add, progress=progress)
    if problems:
        for problem in problems:
            tell(f"{problem.where}: {problem.what}")
        tell(f"{len(problems)} problems in {len(corpus)} pictures")
        raise typer.Exit(3)
    tell(f"{len(corpus)} pictures, {len(corpus.tags)} tags: nothing to complain about")
