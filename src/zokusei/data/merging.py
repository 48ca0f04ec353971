"""Several corpora as one, each knowing only what was looked for in it."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from zokusei.data.manifest import Box, Manifest, Record
from zokusei.errors import DataError
from zokusei.tags import TagSet


def merge_manifests(parts: Mapping[str, Manifest]) -> Manifest:
    """Give all pictures of several corpora in one manifest.

    The vocabulary is the union, in the order of the parts. A tag that a corpus does not have was
    not looked for in its pictures, so that it is unknown there, neither present nor absent. Splits
    stay; groups stay apart; `source` becomes the name of the part.

    Args:
        parts: the corpora by name.

    Raises:
        DataError: there is no part.

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
    return Manifest.from_records(_read(parts, root), merged, root)


def _read(parts: Mapping[str, Manifest], root: Path) -> Iterator[Record]:
    for name, part in parts.items():
        folder = part.root.absolute().relative_to(root)
        own = set(part.tags.names)
        for row in part.table.to_pylist():
            # A name that only another part's vocabulary holds was left out here on purpose.
            known = own if row["known"] is None else own.intersection(row["known"])
            yield Record(
                path=str(folder / row["path"]),
                tags=[tag for tag in row["tags"] if tag in own],
                known=[tag for tag in part.tags.names if tag in known],
                split=row["split"],
                group=f"{name}:{row['group']}",
                captions=row["captions"] or (),
                boxes=[Box(**box) for box in row["boxes"] or ()],
                source=name,
            )
