"""`zokusei data stats`: what a corpus holds."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from zokusei.data.manifest import Manifest


def stats(
    manifest: Annotated[Path, typer.Argument(help="A manifest, table or folder.")],
    html: Annotated[
        Path | None, typer.Option(help="Write a page with plots (one file, no network).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    pictures: Annotated[
        bool, typer.Option(help="Read every picture: which are damaged, which are near copies.")
    ] = True,
    distance: Annotated[
        int, typer.Option(min=0, max=7, help="Bits of 64 that near copies differ in at most.")
    ] = 4,
    tags: Annotated[
        int, typer.Option(min=1, help="How many tags of the matrix, the most frequent.")
    ] = 100,
) -> None:
    """Count pictures, splits and tags, which tags meet, near copies and unreadable files."""
    import json

    from zokusei.cli.console import tell
    from zokusei.corpora import import_corpus
    from zokusei.data.inspect import compute_cooccurrence, compute_statistics

    corpus, problems = import_corpus(manifest)
    if problems:
        tell(problems.summary())
    figures = compute_statistics(corpus)
    names, together = compute_cooccurrence(corpus, tags)
    figures |= {"near_copies": None, "unreadable": None}
    if pictures:
        figures |= look_at_pictures(corpus, distance)
    if html is not None:
        from zokusei.report import write_corpus_page

        write_corpus_page(html, str(manifest), figures, names, together, corpus.root)
        tell(f"written: {html}")
    if as_json:
        figures["cooccurrence"] = {"tags": names, "pictures": together.tolist()}
        typer.echo(json.dumps(figures, ensure_ascii=False))
    elif html is None:
        print_statistics(str(manifest), figures)


def look_at_pictures(corpus: "Manifest", distance: int) -> dict[str, Any]:
    """Read every picture: groups of near copies, and those that cannot be read."""
    from zokusei.cli.console import counting
    from zokusei.data.duplicates import find_copies, hash_pictures, join_groups
    from zokusei.environment import count_cores

    unreadable: list[dict[str, str]] = []
    with counting("reading pictures", len(corpus)) as progress:
        hashes = hash_pictures(
            corpus.paths,
            workers=count_cores(),
            complain=lambda path, what: unreadable.append(
                {"path": path.relative_to(corpus.root).as_posix(), "problem": what}
            ),
            progress=progress,
        )
    paths = corpus.column("path")
    groups: dict[str, list[str]] = {}
    joined = join_groups(paths, find_copies(hashes, distance))
    for path, name in zip(paths, joined, strict=True):
        groups.setdefault(name, []).append(path)
    copies = [group for group in groups.values() if len(group) > 1]
    return {"near_copies": copies, "unreadable": unreadable}


def print_statistics(title: str, figures: dict[str, Any]) -> None:
    """Print the figures, and a line a tag."""
    from zokusei.cli.tables import print_counts

    plain = {name: value for name, value in figures.items() if isinstance(value, (int, float))}
    for name in ("near_copies", "unreadable"):
        if figures[name] is not None:
            plain["groups_of_near_copies" if name == "near_copies" else name] = len(figures[name])
    shown = {name: f"{v:.1f}" if isinstance(v, float) else f"{v}" for name, v in plain.items()}
    print_counts(title, [(name.replace("_", " "), text) for name, text in shown.items()])
    rows = [
        (tag["name"], f"{tag['positives']} of {tag['known']} known ({tag['share']:.1f} %)")
        for tag in figures["tags"]
    ]
    print_counts("pictures per tag", rows)
