"""Several corpora as one, each knowing only what was looked for in it."""

import os
from collections.abc import Iterator, Mapping, Set
from pathlib import Path

from zokusei.data.manifest import Box, Manifest, Record
from zokusei.errors import DataError
from zokusei.tags import TagSet

_ROWS_AT_ONCE = 10_000


def merge_manifests(parts: Mapping[str, Manifest]) -> Manifest:
    """Give all pictures of several corpora in one manifest.

    The vocabulary is the union, in the order of the parts. A tag that a corpus does not have was
    not looked for in its pictures, so that it is unknown there, neither present nor absent. Splits
    stay; groups stay apart, but for those that share a picture; `source` becomes the part's name.

    Args:
        parts: the corpora by name.

    Raises:
        DataError: there is no part, or one picture is held out in one and not in another.

    >>> from zokusei.tags import TagSet
    >>> faces = Manifest.from_records([Record("a.png", ["red_hair"])], None, "faces")
    >>> drawn = Manifest.from_records([Record("a.png", ["hat"])], None, "drawn")
    >>> both = merge_manifests({"faces": faces, "drawn": drawn})
    >>> both.tags.names, both.compute_known().tolist()
    (('red_hair', 'hat'), [[True, False], [False, True]])
    """
    if not parts:
        raise DataError("there is nothing to merge; give at least one manifest")
    tags = {tag.name: tag for part in [*parts.values()][::-1] for tag in part.tags}
    names = dict.fromkeys(name for part in parts.values() for name in part.tags.names)
    root = Path(os.path.commonpath([part.root.absolute() for part in parts.values()]))
    merged = TagSet(tuple(tags[name] for name in names))
    joined = _join_groups(parts, root)
    manifest = Manifest.from_records(_read(parts, root, joined, len(merged)), merged, root)
    _check_splits(manifest, set(joined.values()))
    return manifest


def _join_groups(parts: Mapping[str, Manifest], root: Path) -> dict[str, str]:
    """Give groups of different parts that share a picture one name.

    Whatever is held out in one part would otherwise be learnt in another.
    """
    first: dict[str, tuple[str, str]] = {}  # part and group of each picture
    leader: dict[str, str] = {}

    def find(group: str) -> str:
        while group in leader:
            group = leader[group]
        return group

    for name, part in parts.items():
        folder = part.root.absolute().relative_to(root)
        for path, own in zip(part.column("path"), part.column("group"), strict=True):
            group = f"{name}:{own}"
            part_of_first, other = first.setdefault(str(folder / path), (name, group))
            if part_of_first != name and (group := find(group)) != (other := find(other)):
                leader[group] = other
    joined = {group: find(group) for group in leader}
    return joined | {group: group for group in joined.values()}


def _check_splits(manifest: Manifest, groups: Set[str]) -> None:
    """See that what parts share is in one split.

    Raises:
        DataError: one part holds it out, and another does not.
    """
    named: dict[str, str] = {}
    columns = (manifest.column(name) for name in ("path", "group", "split"))
    for path, group, split in zip(*columns, strict=True):
        if split and group in groups and named.setdefault(group, split) != split:
            raise DataError(
                f"{path} or a near copy is in several parts, for {named[group]} in one and for "
                f"{split} in another; leave it out of all but one, or name the same split"
            )


def _read(
    parts: Mapping[str, Manifest], root: Path, joined: Mapping[str, str], num_tags: int
) -> Iterator[Record]:
    for name, part in parts.items():
        folder = part.root.absolute().relative_to(root)
        own = set(part.tags.names)
        batches = part.table.to_batches(max_chunksize=_ROWS_AT_ONCE)
        for row in (row for batch in batches for row in batch.to_pylist()):
            # A name that only another part's vocabulary holds was left out here on purpose.
            known = own if row["known"] is None else own.intersection(row["known"])
            is_all = len(known) == num_tags  # which takes a word instead of a list of them
            yield Record(
                path=str(folder / row["path"]),
                tags=[tag for tag in row["tags"] if tag in own],
                known=None if is_all else [tag for tag in part.tags.names if tag in known],
                split=row["split"],
                group=joined.get(f"{name}:{row['group']}", f"{name}:{row['group']}"),
                captions=row["captions"] or (),
                boxes=[Box(**box) for box in row["boxes"] or ()],
                source=name,
            )
