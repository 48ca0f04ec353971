"""What a manifest holds, and what in it would make a training stumble."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from zokusei.data.manifest import SPLITS, Manifest
from zokusei.data.splits import count_splits, find_crossing_groups
from zokusei.errors import ImageError
from zokusei.images import open_image


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


def _check_names(manifest: Manifest, complain: Callable[[Path | str, str], None]) -> None:
    """Tags that differ only in case or separators are usually one tag, written twice."""
    seen: dict[str, str] = {}
    for name in manifest.tags.names:
        plain = name.lower().replace("-", "_")
        if plain in seen:
            complain(f"tag {name}", f"looks like {seen[plain]!r} written in another way")
        seen.setdefault(plain, name)
