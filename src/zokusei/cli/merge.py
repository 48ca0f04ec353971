"""`zokusei data merge`."""

from pathlib import Path
from typing import Annotated

import typer


def merge(
    out: Annotated[Path, typer.Argument(help="The manifest to write (.parquet).")],
    parts: Annotated[
        list[str],
        typer.Argument(help="Manifests, or corpora with splits of their own, as NAME=PATH."),
    ],
) -> None:
    """Make one manifest of several, so that a model learns from all of them.

    A tag that one corpus does not have is unknown in its pictures, and teaches nothing there. What
    is held out stays held out. `data.repeat` in a training says how often an epoch shows the
    pictures of each NAME.
    """
    from zokusei.cli.console import tell
    from zokusei.corpora import find_manifest, import_corpus
    from zokusei.data.merging import merge_manifests
    from zokusei.data.splits import count_splits
    from zokusei.errors import ConfigError

    if out.suffix != ".parquet":
        raise ConfigError(f"{out} is no name of a manifest; give one that ends in .parquet")
    found = {}
    for part in parts:
        name, sign, path = part.partition("=")
        if not sign or not name or name in found:
            raise ConfigError(f"{part!r}: write each part NAME=PATH, with a name of its own")
        if find_manifest(Path(path)).resolve() == out.resolve():
            raise ConfigError(f"{out} would be written over {part}; give another name")
        found[name], problems = import_corpus(path)
        if problems:
            tell(f"{path}: {problems.summary()}")
        splits = count_splits(found[name])
        if sum(splits.values()) < len(found[name]):
            raise ConfigError(
                f"{path}: not every picture has a split; make a manifest of it first: "
                f"zokusei data import {path} {name}.parquet"
            )
    merged = merge_manifests(found)
    merged.save(out)
    for name, corpus in found.items():
        shares = ", ".join(f"{count} {split}" for split, count in count_splits(corpus).items())
        tell(f"{name}: {len(corpus)} pictures ({shares}), {len(corpus.tags)} tags")
    tell(f"{len(merged)} pictures with {len(merged.tags)} tags in {out}")
