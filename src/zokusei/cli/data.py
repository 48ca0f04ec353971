"""`zokusei data`: draw, import, check and describe corpora."""

from pathlib import Path
from typing import Annotated

import typer

from zokusei.cli import danbooru, export, imports, merge, stats

app = typer.Typer(no_args_is_help=True, help="Draw, import, check and describe corpora.")
app.command("import")(imports.import_)
app.command("merge")(merge.merge)
app.command("stats")(stats.stats)
app.command("export")(export.export)
app.command("danbooru")(danbooru.danbooru)


@app.command()
def draw(
    out: Annotated[Path, typer.Argument(help="Folder for the pictures and what is known of them.")],
    count: Annotated[int, typer.Option(min=1, help="How many pictures.")] = 1000,
    size: Annotated[int, typer.Option(min=16, help="Side in pixels.")] = 256,
    seed: Annotated[int, typer.Option(min=0, help="Another seed draws other pictures.")] = 0,
    styles: Annotated[
        str,
        typer.Option(help="trained, unseen (kept for testing), all, or names: cel,pencil."),
    ] = "trained",
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that draw; one a core by default.")
    ] = None,
) -> None:
    """Draw anime characters with labels, boxes and captions: a corpus that anyone has.

    100 attributes, which meet in a picture as in posts of people; a label is there if and only if
    it can be seen. Picture number i of a seed is the same everywhere. Killed, the same command
    goes on.
    """
    from zokusei.cli.console import counting, tell
    from zokusei.corpora.drawn import write_drawn_corpus
    from zokusei.environment import count_cores

    with counting("drawing", count) as progress:
        write_drawn_corpus(
            out,
            count=count,
            size=size,
            seed=seed,
            styles=styles,
            workers=workers or count_cores(),
            progress=progress,
        )
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
    remarks: list[str] = []
    with counting("reading pictures", len(corpus)) as progress:
        check_manifest(corpus, problems.add, remark=remarks.append, progress=progress)
    for text in remarks:
        tell(text)
    if problems:
        for problem in problems:
            tell(f"{problem.where}: {problem.what}")
        tell(f"{len(problems)} problems in {len(corpus)} pictures")
        raise typer.Exit(3)
    tell(f"{len(corpus)} pictures, {len(corpus.tags)} tags: nothing to complain about")


@app.command()
def graph(
    manifest: Annotated[Path, typer.Argument(help="A manifest with its splits assigned.")],
    threshold: Annotated[
        float, typer.Option(help="Smallest probability of a tag, given another, for an edge.")
    ] = 0.4,
    reweight: Annotated[
        float, typer.Option(help="Weight of a tag's neighbours against the tag itself.")
    ] = 0.2,
    out: Annotated[
        Path | None, typer.Option(help="Draw it into this file (.png, .svg or .pdf).")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object, matrices included.")
    ] = False,
) -> None:
    """Show which tags imply which in the training split: the graph of ml_gcn and p_gcn.

    An edge leads from a tag to one that its pictures have with at least that probability. Warns
    when one tag dominates the graph.
    """
    import json

    from zokusei.cli.console import tell
    from zokusei.cli.tables import print_label_graph
    from zokusei.corpora import import_corpus
    from zokusei.data.graph import compute_label_graph

    corpus, problems = import_corpus(manifest)
    if problems:
        tell(problems.summary())
    found = compute_label_graph(corpus, threshold=threshold, reweight=reweight)
    if out is not None:
        from zokusei.report.label_graph import draw_label_graph

        draw_label_graph(found, out)
        tell(f"written: {out}")
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
    else:
        print_label_graph(str(manifest), found)
    for warning in found["warnings"]:
        tell(f"warning: {warning}")
