"""`zokusei data danbooru`: the paper's part of a Danbooru data set."""

from pathlib import Path
from typing import Annotated, Any

import typer


def danbooru(
    root: Annotated[Path, typer.Argument(help="The copy: metadata/ and 512px/ (or original/).")],
    out: Annotated[Path, typer.Option(help="Folder for the manifest and the list.")],
    classes: Annotated[int, typer.Option(min=1, help="How many tags, the most common.")] = 100,
    pictures: Annotated[int, typer.Option(min=1, help="How many pictures.")] = 25_000,
    labels: Annotated[float, typer.Option(min=1, help="Their mean number of tags.")] = 6.3,
    ratings: Annotated[
        str | None,
        typer.Option(
            help="In words, separated by commas. By default the safest: safe in dumps until "
            "2021, general in later ones."
        ),
    ] = None,
    rating_scheme: Annotated[
        str | None,
        typer.Option(help="old (s is safe) or new (s is sensitive), where the data do not tell."),
    ] = None,
    exclude: Annotated[
        Path | None,
        typer.Option(help="Tags that are no attributes, one a line; a list of ours by default."),
    ] = None,
    like: Annotated[
        Path | None,
        typer.Option(help="Folder that this command wrote elsewhere: the same tags and pictures."),
    ] = None,
    test: Annotated[float, typer.Option(min=0, max=0.9, help="Share for testing.")] = 0.25,
    val: Annotated[
        float, typer.Option(min=0, max=0.9, help="Share for validation, out of the training part.")
    ] = 0.075,
    seed: Annotated[int, typer.Option(min=0, help="Of the choice and the split.")] = 0,
    max_lost: Annotated[
        float, typer.Option(min=0, max=100, help="Exit with 3 when more was left out, per cent.")
    ] = 5.0,
) -> None:
    """Choose the most common attributes of a Danbooru data set, and pictures that have them.

    Writes `manifest.parquet`, and a list (`tags.csv`, `pictures.csv`, `excluded.txt`,
    `subset.json`) from which `--like` makes the same choice on another copy.
    """
    from zokusei.cli.console import counting, tell
    from zokusei.cli.losses import finish, report
    from zokusei.corpora import Problems
    from zokusei.corpora.danbooru_list import load_list, read_listed, save_list
    from zokusei.corpora.danbooru_subset import choose_subset, read_exclusions
    from zokusei.data.manifest import Manifest
    from zokusei.data.splits import split_manifest
    from zokusei.errors import ConfigError

    if rating_scheme not in (None, "old", "new"):
        raise ConfigError(f"--rating-scheme is old or new, not {rating_scheme!r}")
    problems, facts = Problems(), dict[str, Any]()
    excluded = read_exclusions(exclude)
    if like is not None:
        tags, listed = load_list(like)
        with counting("reading metadata", None) as progress:
            records = read_listed(root, problems, tags, listed, progress)
            manifest = Manifest.from_records(records, tags, root)
        facts = {"like": str(like)}
    else:
        with counting("reading metadata", None) as progress:
            subset = choose_subset(
                root,
                problems,
                classes=classes,
                pictures=pictures,
                labels_per_picture=labels,
                seed=seed,
                ratings=tuple(word.strip() for word in ratings.split(",")) if ratings else (),
                scheme=rating_scheme,
                excluded=excluded,
                progress=progress,
            )
        manifest = Manifest.from_records(subset.records, subset.tags, root)
        manifest = split_manifest(manifest, val=val, test=test, seed=seed)
        facts = {
            "seed": seed,
            "ratings": subset.ratings,
            "rating_scheme": subset.scheme,
            "eligible_pictures": subset.eligible,
            "labels_per_picture": subset.labels_per_picture,
        }
    manifest.save(out / "manifest.parquet")
    save_list(out, manifest, excluded, {**facts, **describe(manifest)})
    for name, value in {**facts, **describe(manifest)}.items():
        tell(f"{name.replace('_', ' ')}: {value}")
    tell("tags: " + ", ".join(f"{tag.name} ({tag.count})" for tag in manifest.tags))
    report(problems, out / "errors.jsonl")
    tell(f"{len(manifest)} pictures in {out / 'manifest.parquet'}")
    finish(problems, used=len(manifest), max_lost=max_lost)


def describe(manifest: Any) -> dict[str, Any]:
    """Give what a list says of its pictures."""
    from zokusei.data.splits import count_splits

    return {
        "classes": len(manifest.tags),
        "pictures": len(manifest),
        **{f"{split}_pictures": count for split, count in count_splits(manifest).items()},
        "mean_labels": round(float(manifest.compute_targets().sum() / len(manifest)), 3),
    }
