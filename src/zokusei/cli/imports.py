"""`zokusei data import`: a manifest of labelled pictures, whatever form they have."""

from pathlib import Path
from typing import Annotated

import typer


def import_(
    source: Annotated[
        Path, typer.Argument(help="A table, a file of annotations, or a folder of pictures.")
    ],
    out: Annotated[Path, typer.Argument(help="The manifest to write (.parquet).")],
    format_: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="danbooru, deepdanbooru, flickr8k, imagefolder, webdataset, coco, kohya, table, "
            "folder or manifest; recognised by default.",
        ),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=PATTERN",
            help="A column that holds one attribute, and the tag it becomes: 'hair={}_hair'.",
        ),
    ] = None,
    group: Annotated[str | None, typer.Option(help="Column that names near copies.")] = None,
    images: Annotated[
        Path | None,
        typer.Option(help="Folder the file names start at; WebDataset is unpacked into it."),
    ] = None,
    vocabulary: Annotated[
        Path | None, typer.Option(help="File with one tag a line, or a selected_tags.csv.")
    ] = None,
    aliases: Annotated[
        Path | None, typer.Option(help="File of lines 'old_tag -> new_tag', applied first.")
    ] = None,
    implications: Annotated[
        Path | None, typer.Option(help="File of lines 'tag -> implied_tag', applied to all.")
    ] = None,
    ratings: Annotated[
        str | None, typer.Option(help="Of Danbooru, in words; the safest by default.")
    ] = None,
    rating_scheme: Annotated[
        str | None, typer.Option(help="Of Danbooru: old (s is safe) or new (s is sensitive).")
    ] = None,
    val: Annotated[float, typer.Option(min=0, max=0.9, help="Share for validation.")] = 0.1,
    test: Annotated[float, typer.Option(min=0, max=0.9, help="Share for testing.")] = 0.15,
    seed: Annotated[int, typer.Option(help="Of the split.")] = 0,
    near_copies: Annotated[
        bool,
        typer.Option(
            "--near-copies", help="Read every picture and keep those that look alike in one group."
        ),
    ] = False,
    errors: Annotated[
        Path | None,
        typer.Option(help="Where to list what was wrong; errors.jsonl beside the manifest."),
    ] = None,
    max_lost: Annotated[
        float, typer.Option(min=0, max=100, help="Exit with 3 when more was left out, per cent.")
    ] = 5.0,
) -> None:
    """Make a manifest of labelled pictures: one table that everything downstream reads.

    What cannot be used is left out, summed up at the end, and listed in `errors.jsonl` with file
    and line.
    """
    from functools import partial

    from zokusei.cli.console import counting, tell
    from zokusei.cli.losses import finish, report
    from zokusei.corpora import TagRules, explain_nothing, open_corpus
    from zokusei.corpora.danbooru import split_ratings
    from zokusei.corpora.problems import check_list
    from zokusei.data.duplicates import regroup_near_copies
    from zokusei.data.writing import write_manifest
    from zokusei.environment import count_cores
    from zokusei.errors import ConfigError, DataError

    if errors is not None:
        check_list(errors)
    if out.suffix != ".parquet":
        # A table is easily given twice, and would be overwritten.
        raise ConfigError(f"{out} is no name of a manifest; give one that ends in .parquet")
    pairs = [entry.partition("=") for entry in column or []]
    if any(not pattern for _, _, pattern in pairs):
        raise ConfigError(f"--column is written NAME=PATTERN, not {column}")
    rules = TagRules.load(aliases, implications)
    with counting("reading", None) as progress:
        corpus = open_corpus(
            source,
            format=format_,
            images=images,
            vocabulary=vocabulary,
            rules=rules,
            progress=progress,
            columns={name: pattern for name, _, pattern in pairs},
            group_column=group,
            ratings=split_ratings(ratings),
            rating_scheme=rating_scheme,
        )
        tell(f"{source}: read as {corpus.format}")
        regroup = partial(
            regroup_near_copies,
            corpus.root,
            workers=count_cores(),
            complain=lambda path, what: corpus.problems.remark(path, what),
            progress=progress,
        )
        try:
            written = write_manifest(
                out,
                corpus.records,
                corpus.tags,
                corpus.root,
                val=val,
                test=test,
                seed=seed,
                regroup=regroup if near_copies else None,
            )
        except DataError as error:
            raise explain_nothing(error, corpus.problems) from error
    report(corpus.problems, errors or out.with_name("errors.jsonl"))
    tell(f"{written.pictures} pictures with {len(written.tags)} tags in {out}")
    finish(corpus.problems, used=written.pictures, max_lost=max_lost)
