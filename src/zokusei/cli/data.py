"""`zokusei data`: draw, import, check and describe corpora."""

from pathlib import Path
from typing import Annotated

import typer

from zokusei.cli import danbooru

app = typer.Typer(no_args_is_help=True, help="Draw, import, check and describe corpora.")
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


@app.command("import")
def import_(
    source: Annotated[Path, typer.Argument(help="A CSV, or a folder with sidecars or a CSV.")],
    out: Annotated[Path, typer.Argument(help="The manifest to write (.parquet).")],
    column: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=PATTERN",
            help="A column that holds one attribute, and the tag it becomes: 'hair={}_hair'.",
        ),
    ] = None,
    group: Annotated[str | None, typer.Option(help="Column that names near copies.")] = None,
    images: Annotated[Path | None, typer.Option(help="Folder the file names start at.")] = None,
    vocabulary: Annotated[Path | None, typer.Option(help="File with one tag a line.")] = None,
    val: Annotated[float, typer.Option(min=0, max=0.9, help="Share for validation.")] = 0.1,
    test: Annotated[float, typer.Option(min=0, max=0.9, help="Share for testing.")] = 0.15,
    seed: Annotated[int, typer.Option(help="Of the split.")] = 0,
) -> None:
    """Make a manifest of labelled pictures: one table that everything downstream reads."""
    from zokusei.cli.console import tell
    from zokusei.corpora import import_corpus
    from zokusei.data.splits import split_manifest
    from zokusei.errors import ConfigError

    pairs = [entry.partition("=") for entry in column or []]
    if any(not pattern for _, _, pattern in pairs):
        raise ConfigError(f"--column is written NAME=PATTERN, not {column}")
    manifest, problems = import_corpus(
        source,
        images=images,
        columns={name: pattern for name, _, pattern in pairs},
        group_column=group,
        vocabulary=vocabulary,
    )
    split_manifest(manifest, val=val, test=test, seed=seed).save(out)
    if problems:
        tell(problems.summary())
    tell(f"{len(manifest)} pictures with {len(manifest.tags)} tags in {out}")


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
        for where, what in problems.found:
            tell(f"{where}: {what}")
        tell(f"{len(problems)} problems in {len(corpus)} pictures")
        raise typer.Exit(3)
    tell(f"{len(corpus)} pictures, {len(corpus.tags)} tags: nothing to complain about")


@app.command()
def stats(
    manifest: Annotated[Path, typer.Argument(help="A manifest, CSV or folder.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Count pictures, splits and tags."""
    import json

    from zokusei.cli.console import tell
    from zokusei.cli.tables import print_counts
    from zokusei.corpora import import_corpus
    from zokusei.data.inspect import compute_statistics

    corpus, problems = import_corpus(manifest)
    if problems:
        tell(problems.summary())
    figures = compute_statistics(corpus)
    if as_json:
        typer.echo(json.dumps(figures, ensure_ascii=False))
        return
    plain = {name: value for name, value in figures.items() if not isinstance(value, list)}
    shown = {name: f"{v:.1f}" if isinstance(v, float) else f"{v}" for name, v in plain.items()}
    print_counts(str(manifest), [(name.replace("_", " "), text) for name, text in shown.items()])
    rows = [
        (tag["name"], f"{tag['positives']} of {tag['known']} known ({tag['share']:.1f} %)")
        for tag in figures["tags"]
    ]
    print_counts("pictures per tag", rows)
