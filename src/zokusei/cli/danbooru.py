"""`zokusei data danbooru`: the paper's part of a Danbooru data set."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from zokusei.corpora import Problems
    from zokusei.data.manifest import Manifest

# What a list has settled.
_OF_A_CHOICE = "classes pictures labels ratings rating_scheme exclude test val seed".split()


def danbooru(
    context: typer.Context,
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
        typer.Option(
            help="Folder that this command wrote elsewhere: the same tags, pictures and splits; "
            "the options of a choice are refused."
        ),
    ] = None,
    test: Annotated[float, typer.Option(min=0, max=0.9, help="Share for testing.")] = 0.25,
    val: Annotated[
        float, typer.Option(min=0, max=0.9, help="Share of all pictures for validation.")
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
    from zokusei.cli.console import tell
    from zokusei.cli.losses import finish, report
    from zokusei.corpora import Problems, explain_nothing
    from zokusei.corpora.danbooru import split_ratings
    from zokusei.corpora.danbooru_list import save_list
    from zokusei.errors import ConfigError, DataError

    given = [name for name in _OF_A_CHOICE if _is_given(context, name)]
    if like is not None and given:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise ConfigError(f"--like {like} repeats a choice as it was made; leave out {options}")
    if like is not None and like.resolve() == out.resolve():
        raise ConfigError(f"--out {out} would write over the list of --like; give another folder")
    problems = Problems()
    try:
        if like is not None:
            manifest, excluded, facts = repeat(root, problems, like)
        else:
            manifest, excluded, facts = choose(
                root,
                problems,
                classes=classes,
                pictures=pictures,
                labels=labels,
                ratings=split_ratings(ratings),
                rating_scheme=rating_scheme,
                exclude=exclude,
                test=test,
                val=val,
                seed=seed,
            )
    except DataError as error:
        raise explain_nothing(error, problems) from error
    # What is wrong with a dump concerns all its pictures, not only those that were drawn.
    used = len(manifest) if like is not None else facts["eligible_pictures"]
    facts |= describe(manifest)
    manifest.save(out / "manifest.parquet")
    save_list(out, manifest, excluded, facts)
    for name, value in facts.items():
        tell(f"{name.replace('_', ' ')}: {value}")
    tell("tags: " + ", ".join(f"{tag.name} ({tag.count})" for tag in manifest.tags))
    report(problems, out / "errors.jsonl")
    tell(f"{len(manifest)} pictures in {out / 'manifest.parquet'}")
    finish(problems, used=used, max_lost=max_lost)


def choose(
    root: Path,
    problems: "Problems",
    *,
    classes: int,
    pictures: int,
    labels: float,
    ratings: tuple[str, ...],
    rating_scheme: str | None,
    exclude: Path | None,
    test: float,
    val: float,
    seed: int,
) -> tuple["Manifest", list[str], dict[str, Any]]:
    """Choose classes, pictures and splits; give them, what was excluded, and how it was done."""
    from zokusei.cli.console import counting
    from zokusei.corpora.danbooru_subset import choose_subset, read_exclusions
    from zokusei.data.manifest import Manifest
    from zokusei.data.splits import split_manifest

    excluded = read_exclusions(exclude)
    with counting("reading metadata", None) as progress:
        subset = choose_subset(
            root,
            problems,
            classes=classes,
            pictures=pictures,
            labels_per_picture=labels,
            seed=seed,
            ratings=ratings,
            scheme=rating_scheme,
            excluded=excluded,
            progress=progress,
        )
    manifest = Manifest.from_records(subset.records, subset.tags, root)
    facts = {
        "seed": seed,
        "ratings": subset.ratings,
        "rating_scheme": subset.scheme,
        "eligible_pictures": subset.eligible,
        "labels_per_picture": subset.labels_per_picture,
    }
    return split_manifest(manifest, val=val, test=test, seed=seed), excluded, facts


def repeat(
    root: Path, problems: "Problems", like: Path
) -> tuple["Manifest", list[str], dict[str, Any]]:
    """Take what a list names; give it, what was excluded for the list, and how it was chosen."""
    from zokusei.cli.console import counting
    from zokusei.corpora.danbooru_list import load_list, read_listed
    from zokusei.data.manifest import Manifest

    chosen = load_list(like)
    with counting("reading metadata", None) as progress:
        records = read_listed(root, problems, chosen, progress)
        manifest = Manifest.from_records(records, chosen.tags, root)
    return manifest, chosen.excluded, {**chosen.facts, "like": str(like)}


def _is_given(context: typer.Context, name: str) -> bool:
    """Say whether an option was written, be it with the value it has anyway."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def describe(manifest: "Manifest") -> dict[str, Any]:
    """Give what a list says of its pictures."""
    from zokusei.data.splits import count_splits

    return {
        "classes": len(manifest.tags),
        "pictures": len(manifest),
        **{f"{split}_pictures": count for split, count in count_splits(manifest).items()},
        "mean_labels": round(float(manifest.compute_targets().sum() / len(manifest)), 3),
    }
