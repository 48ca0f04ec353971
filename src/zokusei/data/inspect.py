"""What a manifest holds, and what in it would make a training stumble."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from zokusei.data.manifest import SPLITS, Manifest
from zokusei.data.splits import count_splits, find_crossing_groups
from zokusei.errors import ImageError
from zokusei.images import open_image

Counts: TypeAlias = NDArray[np.int64]

_CHUNK = 4096


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
        counts = np.zeros(len(manifest.tags), dtype=np.int64)
        for chunk in _chunks(rows):
            counts += chunk.compute_targets().sum(axis=0)
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
    """Count pictures, splits, groups, captions, boxes, tags a picture, and pictures a tag.

    `pictures_by_tags` has at place n the number of pictures with n tags.

    >>> from zokusei.data.manifest import Record
    >>> manifest = Manifest.from_records([Record("a", ["smile"]), Record("b", [])], None, ".")
    >>> figures = compute_statistics(manifest)
    >>> figures["tags_per_picture"], figures["pictures_by_tags"]
    (0.5, [1, 1])
    """
    positives = np.zeros(len(manifest.tags), dtype=np.int64)
    judged, by_tags = np.zeros_like(positives), np.zeros(len(manifest.tags) + 1, dtype=np.int64)
    for rows in _chunks(manifest):
        targets = rows.compute_targets()
        positives += targets.sum(axis=0)
        judged += rows.compute_known().sum(axis=0)
        by_tags += np.bincount(targets.sum(axis=1), minlength=len(by_tags))
    tags = [
        {
            "name": tag.name,
            "positives": int(positives[index]),
            "known": int(judged[index]),
            "share": float(100 * positives[index] / max(judged[index], 1)),
        }
        for index, tag in enumerate(manifest.tags)
    ]
    pictures, entries = len(manifest), len(manifest) * len(manifest.tags)
    last = int(np.flatnonzero(by_tags)[-1]) if pictures else 0
    return {
        "pictures": pictures,
        **{f"{split}_pictures": count_splits(manifest)[split] for split in SPLITS},
        "groups": len(set(manifest.column("group"))),
        "captions": _count_listed(manifest, "captions"),
        "boxes": _count_listed(manifest, "boxes"),
        "tags_in_vocabulary": len(manifest.tags),
        "tags_per_picture": float(positives.sum() / max(pictures, 1)),
        "known_share": float(100 * judged.sum() / entries) if entries else 100.0,
        "pictures_by_tags": by_tags[: last + 1].tolist(),
        "tags": sorted(tags, key=lambda tag: -int(str(tag["positives"]))),
    }


def compute_cooccurrence(manifest: Manifest, most: int = 100) -> tuple[list[str], Counts]:
    """Count the pictures that have two tags, for the most frequent tags.

    Args:
        manifest: the pictures.
        most: how many tags.

    Returns:
        The tags by falling count, and a symmetric matrix (tags, tags) whose diagonal counts the
        pictures that have the tag.

    >>> from zokusei.data.manifest import Record
    >>> records = [Record("a", ["smile", "hat"]), Record("b", ["smile"])]
    >>> names, counts = compute_cooccurrence(Manifest.from_records(records, None, "."))
    >>> names, counts.tolist()
    (['smile', 'hat'], [[2, 1], [1, 1]])
    """
    counts = np.zeros(len(manifest.tags), dtype=np.int64)
    for rows in _chunks(manifest):
        counts += rows.compute_targets().sum(axis=0)
    chosen = np.argsort(-counts, kind="stable")[:most]
    together = np.zeros((len(chosen), len(chosen)), dtype=np.int64)
    for rows in _chunks(manifest):
        targets = rows.compute_targets()[:, chosen].astype(np.float32)
        # Exact: single precision holds whole numbers up to 2**24, a chunk has far fewer rows.
        together += np.rint(targets.T @ targets).astype(np.int64)
    return [manifest.tags.names[place] for place in chosen], together


def _chunks(manifest: Manifest) -> Iterator[Manifest]:
    """Give some thousand rows at a time: ten thousand tags of a million pictures are 10 GB."""
    for start in range(0, len(manifest), _CHUNK):
        yield Manifest(manifest.table.slice(start, _CHUNK), manifest.tags, manifest.root)


def _count_listed(manifest: Manifest, name: str) -> int:
    return int(pc.sum(pc.list_value_length(manifest.table.column(name))).as_py() or 0)


def _check_names(manifest: Manifest, complain: Callable[[Path | str, str], None]) -> None:
    """Tags that differ only in case or separators are usually one tag, written twice."""
    seen: dict[str, str] = {}
    for name in manifest.tags.names:
        plain = name.lower().replace("-", "_")
        if plain in seen:
            complain(f"tag {name}", f"looks like {seen[plain]!r} written in another way")
        seen.setdefault(plain, name)
