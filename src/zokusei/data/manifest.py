"""The manifest: one Parquet table, one row a picture, that every corpus becomes.

Columns: `path` (relative to the manifest's root), `tags`, `known` (which tags somebody looked
for; null: all of them), `split`, `group` (near copies share one), `captions`, `boxes`, `source`.
The vocabulary and the root travel in the table's metadata. Everything downstream reads only this.
"""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from zokusei.errors import DataError
from zokusei.files import write_whole
from zokusei.tags import Tag, TagSet

SPLITS = ("train", "val", "test")

_BOX = pa.struct(
    [("tag", pa.string()), *((side, pa.float32()) for side in ("x", "y", "width", "height"))]
)
SCHEMA = pa.schema(
    [
        ("path", pa.string()),
        ("tags", pa.list_(pa.string())),
        ("known", pa.list_(pa.string())),
        ("split", pa.string()),
        ("group", pa.string()),
        ("captions", pa.list_(pa.string())),
        ("boxes", pa.list_(_BOX)),
        ("source", pa.string()),
    ]
)
_ROWS_PER_BATCH = 10_000
_VERSION = 1


class Box(NamedTuple):
    """Where a tag is seen, in pixels of the picture."""

    tag: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Record:
    """One picture as a corpus describes it.

    Attributes:
        path: relative to the corpus's root.
        tags: what is seen.
        known: what somebody looked for, so that the rest of it is absent; None: every tag.
        split: `train`, `val`, `test`, or empty to be assigned.
        group: near copies share one; empty: the picture stands alone.
        captions: sentences that describe it.
        boxes: where its tags are.
        source: which corpus it came from.
        where: file and line that say so, for messages; not kept in the table.
    """

    path: str
    tags: Sequence[str]
    known: Sequence[str] | None = None
    split: str = ""
    group: str = ""
    captions: Sequence[str] = ()
    boxes: Sequence[Box] = ()
    source: str = ""
    where: str = ""


@dataclass(frozen=True)
class Manifest:
    """A table of pictures with its vocabulary.

    Attributes:
        table: the columns above.
        tags: the vocabulary; tags of a row that are not in it are ignored.
        root: folder that paths are relative to.

    >>> records = [Record("a.png", ["smile"]), Record("b.png", [], known=["smile"])]
    >>> manifest = Manifest.from_records(records, TagSet.from_names(["smile", "hat"]), ".")
    >>> manifest.compute_targets().tolist()
    [[True, False], [False, False]]
    >>> manifest.compute_known().tolist()
    [[True, True], [True, False]]
    """

    table: pa.Table
    tags: TagSet
    root: Path

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @classmethod
    def from_records(
        cls, records: Iterable[Record], tags: TagSet | None, root: Path | str
    ) -> "Manifest":
        """Build the table in batches; without a vocabulary it is every tag that occurs.

        Raises:
            DataError: there are no records.
        """
        batches = list(record_batches(records))
        if not batches:
            raise DataError(f"no labelled picture was found under {root}")
        table = pa.Table.from_batches(batches, schema=SCHEMA)
        if tags is None:
            tags = TagSet.from_names(_names_by_count(table))
        return cls(table, tags, Path(root))

    @classmethod
    def load(cls, path: Path | str) -> "Manifest":
        """Read a manifest.

        Raises:
            DataError: the file is missing, no Parquet, or no manifest of this version.
        """
        path = Path(path)
        try:
            table = pq.read_table(path)
        except (OSError, pa.ArrowException) as error:
            message = " ".join(str(error).split())
            raise DataError(f"{path} cannot be read as a manifest: {message}") from error
        tags, root = _parse_header(table.schema, path)
        return cls(table.select(SCHEMA.names).cast(SCHEMA), tags, root)

    def save(self, path: Path | str) -> None:
        """Write the table, its vocabulary and its root (relative where it is beside the file)."""
        table = self.table.replace_schema_metadata(describe_header(self.tags, self.root, path))
        with write_whole(path) as temporary:
            pq.write_table(table, temporary, compression="zstd")

    def select(self, split: str) -> "Manifest":
        """Give the rows of one split, in order."""
        if split not in SPLITS:
            raise DataError(f"unknown split {split!r}; known: {', '.join(SPLITS)}")
        return Manifest(self.table.filter(pc.field("split") == split), self.tags, self.root)

    def with_column(self, name: str, values: Sequence[Any]) -> "Manifest":
        """Give the same table with one column replaced."""
        position = SCHEMA.get_field_index(name)
        column = pa.chunked_array([pa.array(values, SCHEMA.field(name).type)])
        return Manifest(self.table.set_column(position, name, column), self.tags, self.root)

    def with_tags(self, tags: TagSet) -> "Manifest":
        """Give the same table read with another vocabulary."""
        return Manifest(self.table, tags, self.root)

    @cached_property
    def paths(self) -> list[Path]:
        """Where each row's picture lies."""
        return [self.root / path for path in self.column("path")]

    def column(self, name: str) -> list[Any]:
        """Give one column as a list."""
        values: list[Any] = self.table.column(name).to_pylist()
        return values

    def compute_targets(self) -> NDArray[np.bool_]:
        """Multi-hot tags: (pictures, classes), true where the row has the tag."""
        return self._multi_hot("tags")

    def compute_known(self) -> NDArray[np.bool_]:
        """Which entries of the targets mean something: (pictures, classes).

        A tag that a row has is known whatever the `known` column says.
        """
        all_known = self.table.column("known").is_null().to_numpy()
        known = self._multi_hot("known") | self._multi_hot("tags")
        known[all_known] = True
        return known

    def _multi_hot(self, name: str) -> NDArray[np.bool_]:
        hot = np.zeros((len(self), len(self.tags)), dtype=bool)
        names, start = pa.array(self.tags.names, pa.string()), 0
        for chunk in self.table.column(name).chunks:  # all names at once may be too long for one
            found = pc.index_in(chunk.flatten(), names).fill_null(-1)
            classes = found.to_numpy(zero_copy_only=False)
            rows = start + pc.list_parent_indices(chunk).to_numpy()
            in_vocabulary = classes >= 0
            hot[rows[in_vocabulary], classes[in_vocabulary]] = True
            start += len(chunk)
        return hot


def describe_header(tags: TagSet, root: Path, path: Path | str) -> dict[str, str]:
    """Give the metadata of a manifest's table: its vocabulary and root, as seen from the file."""
    folder, root = Path(path).parent.absolute(), root.absolute()
    about = {
        "version": _VERSION,
        "root": str(root.relative_to(folder) if root.is_relative_to(folder) else root),
        "tags": [{"name": tag.name, "category": tag.category} for tag in tags],
    }
    return {"zokusei": json.dumps(about)}


def read_header(path: Path) -> tuple[TagSet, Path]:
    """Give the vocabulary and the root of a manifest's file without its rows.

    Raises:
        DataError: the file is missing, no Parquet, or no manifest of this version.
    """
    try:
        schema = pq.read_schema(path)
    except (OSError, pa.ArrowException) as error:
        message = " ".join(str(error).split())
        raise DataError(f"{path} cannot be read as a manifest: {message}") from error
    return _parse_header(schema, path)


def _parse_header(schema: pa.Schema, path: Path) -> tuple[TagSet, Path]:
    header = (schema.metadata or {}).get(b"zokusei")
    missing = [name for name in SCHEMA.names if name not in schema.names]
    if header is None or missing:
        lacks = f"column {missing[0]!r}" if missing else "the vocabulary in its metadata"
        raise DataError(f"{path} is not a manifest of zokusei: it lacks {lacks}")
    about = json.loads(header)
    if about.get("version") != _VERSION:
        raise DataError(
            f"{path} is a manifest of version {about.get('version')!r}, this zokusei reads "
            f"{_VERSION}; import the corpus again"
        )
    tags = TagSet(tuple(Tag(**tag) for tag in about["tags"]))
    return tags, Path(os.path.normpath(path.parent / about["root"]))


def read_records(path: Path) -> Iterator[Record]:
    """Give the rows of a manifest's file one at a time, as a corpus would describe them."""
    try:
        for batch in pq.ParquetFile(path).iter_batches(_ROWS_PER_BATCH, columns=SCHEMA.names):
            for row in batch.to_pylist():
                boxes = [Box(**box) for box in row.pop("boxes") or ()]
                yield Record(**row, boxes=boxes)
    except (OSError, pa.ArrowException) as error:
        message = " ".join(str(error).split())
        raise DataError(f"{path} cannot be read as a manifest: {message}") from error


def record_batches(records: Iterable[Record]) -> Iterator[pa.RecordBatch]:
    """Give records as rows of the table, ten thousand at a time."""
    iterator = iter(records)
    while chunk := list(islice(iterator, _ROWS_PER_BATCH)):
        columns = {
            "path": [record.path for record in chunk],
            "tags": [list(record.tags) for record in chunk],
            "known": [None if r.known is None else list(r.known) for r in chunk],
            "split": [record.split for record in chunk],
            "group": [record.group or record.path for record in chunk],
            "captions": [list(record.captions) for record in chunk],
            "boxes": [[box._asdict() for box in record.boxes] for record in chunk],
            "source": [record.source for record in chunk],
        }
        yield pa.RecordBatch.from_pydict(columns, schema=SCHEMA)


def _names_by_count(table: pa.Table) -> list[str]:
    """All tags that occur, the most frequent first, then by name."""
    counts = pc.value_counts(pc.list_flatten(table.column("tags")))
    pairs = [(count["values"].as_py(), count["counts"].as_py()) for count in counts]
    return [name for name, _ in sorted(pairs, key=lambda pair: (-pair[1], pair[0]))]
