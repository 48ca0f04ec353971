"""What a manifest holds, and what in it would make a training stumble."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from zokusei.data.manifest import SPLITS, Manifest
from zokusei.data.splits import count_splits, find_crossing_groups
from zokusei.errors import DataError, ImageError
from zokusei.images import open_image
from zokusei.label_graph import compute_adjacency, compute_conditional, describe_graph
from zokusei.labels import LabelSpace


def check_manifest(
    manifest: Manifest,
    complain: Callable[[Path | str, str], None],
    *,
    remark: Callable[[str], None] | None = None,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Decode every picture and look for labels that cannot be learnt or judged.

    Args:
        manifest: what to check.
        complain: told where and what, once a problem.
        remark: told what is worth knowing and no problem: tags of a given vocabulary that no
            picture has, which a training leaves out.
        progress: told after each picture.
    """
    for path in manifest.paths:
        try:
            open_image(path)
        except ImageError as error:
            complain(path, str(error))
        if progress is not None:
            progress(1)
    for group in find_crossing_groups(manifest):
        complain(f"group {group}", "has pictures in more than one split")
    splits = [split for split, count in count_splits(manifest).items() if count]
    for split in splits or [""]:
        rows = manifest.select(split) if split else manifest
        counts = rows.compute_targets().sum(axis=0)
        absent = [t.name for t, count in zip(manifest.tags, counts, strict=True) if not count]
        if absent:
            text = f"{len(absent)} of the {len(manifest.tags)} tags never occur: "
            text += ", ".join(absent)
            if split:
                complain(f"split {split}", text)
            elif remark is not None:
                remark(text)
    _check_names(manifest, complain)


def compute_statistics(manifest: Manifest) -> dict[str, Any]:
    """Count pictures, splits, groups, tags a picture, and pictures a tag.

    >>> from zokusei.data.manifest import Record
    >>> manifest = Manifest.from_records([Record("a", ["smile"]), Record("b", [])], None, ".")
    >>> compute_statistics(manifest)["tags_per_picture"]
    0.5
    """
    targets, known = manifest.compute_targets(), manifest.compute_known()
    positives, judged = targets.sum(axis=0), known.sum(axis=0)
    tags = [
        {
            "name": tag.name,
            "positives": int(positives[index]),
            "known": int(judged[index]),
            "share": float(100 * positives[index] / max(judged[index], 1)),
        }
        for index, tag in enumerate(manifest.tags)
    ]
    return {
        "pictures": len(manifest),
        **{f"{split}_pictures": count_splits(manifest)[split] for split in SPLITS},
        "groups": len(set(manifest.column("group"))),
        "tags_in_vocabulary": len(manifest.tags),
        "tags_per_picture": float(targets.sum() / max(len(manifest), 1)),
        "known_share": float(100 * known.mean()) if known.size else 100.0,
        "tags": sorted(tags, key=lambda tag: -int(str(tag["positives"]))),
    }


def compute_label_graph(
    manifest: Manifest, *, threshold: float = 0.4, reweight: float = 0.2
) -> dict[str, Any]:
    """Build the graph that ML-GCN's kind of model would get from this manifest.

    Only pictures of the training split are counted.

    Args:
        manifest: with its splits assigned.
        threshold: tau, the smallest conditional probability that makes an edge.
        reweight: p, the weight of a class's neighbours against itself.

    Returns:
        What `describe_graph` says, with `pictures`, `names`, `counts` (of every tag), `conditional`
        and `adjacency` (rows of numbers), and in every edge its `weight` in the adjacency.

    Raises:
        DataError: no picture is in the training split.
        ConfigError: the threshold or the re-weighting is out of range.
    """
    train = manifest.select("train")
    if not len(train):
        raise DataError(
            "no picture is in the training split, which alone may be counted; assign splits with "
            "`zokusei data import SOURCE OUT.parquet`"
        )
    targets = torch.from_numpy(train.compute_targets())
    labels = LabelSpace.from_targets(
        train.tags, targets, torch.from_numpy(train.compute_known())
    )  # fmt: skip
    names, counts = list(train.tags.names), labels.cooccurrence
    adjacency = compute_adjacency(counts, threshold, reweight)
    graph = describe_graph(names, counts, threshold)
    for edge in graph["strongest"]:
        receiver, sender = train.tags.index(edge["to"]), train.tags.index(edge["from"])
        edge["weight"] = float(adjacency[receiver, sender])
    return {
        "pictures": len(train),
        "reweight": reweight,
        **graph,
        "names": names,
        "counts": counts.diagonal().tolist(),
        "conditional": compute_conditional(counts).tolist(),
        "adjacency": adjacency.tolist(),
    }


def _check_names(manifest: Manifest, complain: Callable[[Path | str, str], None]) -> None:
    """Tags that differ only in case or separators are usually one tag, written twice."""
    seen: dict[str, str] = {}
    for name in manifest.tags.names:
        plain = name.lower().replace("-", "_")
        if plain in seen:
            complain(f"tag {name}", f"looks like {seen[plain]!r} written in another way")
        seen.setdefault(plain, name)
