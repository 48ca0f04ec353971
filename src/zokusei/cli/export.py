"""`zokusei data export`: any corpus in the form of another tool."""

from pathlib import Path
from typing import Annotated

import typer


def export(
    source: Annotated[Path, typer.Argument(help="A manifest, or any corpus that is understood.")],
    out: Annotated[Path, typer.Argument(help="A new or empty folder.")],
    to: Annotated[str, typer.Option(help="kohya, coco, webdataset or imagefolder.")],
    split: Annotated[str | None, typer.Option(help="Only train, val or test.")] = None,
    errors: Annotated[
        Path | None,
        typer.Option(help="Where to list what was wrong; OUT.errors.jsonl beside the folder."),
    ] = None,
    max_lost: Annotated[
        float, typer.Option(min=0, max=100, help="Exit with 3 when more was left out, per cent.")
    ] = 5.0,
) -> None:
    """Write a corpus in another form, with copies of its pictures; read back, it is the same.

    A kohya folder cannot say what is unknown, nor splits, groups or boxes; the others hold
    everything. The folder appears when it is complete.
    """
    from zokusei.cli.console import counting, tell
    from zokusei.cli.losses import finish, report
    from zokusei.corpora import open_corpus
    from zokusei.corpora.export import export_corpus
    from zokusei.corpora.problems import check_list
    from zokusei.data.manifest import SPLITS
    from zokusei.errors import ConfigError, suggest

    if errors is not None:
        check_list(errors)
    if split is not None and split not in SPLITS:
        raise ConfigError(f"unknown split {split!r}{suggest(split, SPLITS)}")
    with counting("exporting", None) as progress:
        corpus = open_corpus(source, progress=progress)
        records = (record for record in corpus.records if split in (None, record.split))
        written = export_corpus(records, corpus.root, out, to, corpus.problems)
    report(corpus.problems, errors or out.with_name(f"{out.name}.errors.jsonl"))
    tell(f"{written} pictures in {out}")
    finish(corpus.problems, used=written, max_lost=max_lost)
