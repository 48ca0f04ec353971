"""Posts on their way from metadata to a choice: in a temporary file, a few numbers each."""

import tempfile
import weakref
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from zokusei.corpora.danbooru_posts import Post

_ROWS_PER_BATCH = 20_000
_SCHEMA = pa.schema(
    [
        ("id", pa.int64()),
        ("parent", pa.int64()),
        ("rating", pa.uint8()),
        ("extension", pa.string()),
        ("file", pa.int32()),
        ("line", pa.int64()),
        ("tags", pa.list_(pa.int32())),
    ]
)


@dataclass
class Batch:
    """Some posts as columns.

    Attributes:
        id, parent, rating, file, line: one number a post; a rating is its letter's code.
        tag_ids: tags of all of them, one after the other.
        tag_rows: which post each of these belongs to.
        table: the same with extensions.
    """

    table: Any
    id: NDArray[np.int64]
    parent: NDArray[np.int64]
    rating: NDArray[np.uint8]
    file: NDArray[np.int32]
    line: NDArray[np.int64]
    tag_ids: NDArray[np.int32]
    tag_rows: NDArray[np.int64]

    @classmethod
    def from_table(cls, table: Any) -> "Batch":
        """Look at the columns of a record batch."""
        columns = {name: table.column(name).to_numpy() for name in _SCHEMA.names[:3]}
        tags = table.column("tags")
        return cls(
            table,
            **columns,
            file=table.column("file").to_numpy(),
            line=table.column("line").to_numpy(),
            tag_ids=tags.flatten().to_numpy(),
            tag_rows=np.repeat(np.arange(len(tags)), np.diff(tags.offsets.to_numpy())),
        )

    def __len__(self) -> int:
        return len(self.id)


class _Numbering(dict[str, int]):
    """Gives each name that is looked up the next number; thirty a post, so without a call each."""

    def __missing__(self, name: str) -> int:
        self[name] = number = len(self)
        return number


@dataclass
class Spool:
    """Writes posts to a temporary file, counts their tags, and gives them back in batches.

    Memory holds one batch and the names of all tags, however many posts there are.

    Attributes:
        names: number of each general tag.
        counts: posts with each tag, by the code of their rating.
        is_dated_old: whether a post had the old form.
    """

    names: dict[str, int] = field(default_factory=_Numbering)
    counts: dict[int, NDArray[np.int64]] = field(default_factory=dict)
    is_dated_old: bool = False
    files: dict[Path, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Open the temporary file, which goes with the object."""
        self._file = tempfile.TemporaryFile()  # noqa: SIM115
        weakref.finalize(self, self._file.close)
        self._writer: Any = pa.ipc.new_stream(self._file, _SCHEMA)
        self._rows: dict[str, list[Any]] = {name: [] for name in _SCHEMA.names[:-1]}
        # Thirty a post: as flat numbers, since lists of lists cost the time of reading them.
        self._tags, self._ends = array("i"), array("i", [0])

    @property
    def letters(self) -> set[str]:
        """All ratings that occur."""
        return {chr(code) for code in self.counts}

    def add(self, post: Post) -> None:
        """Keep a post."""
        rows = self._rows
        rows["id"].append(post.id)
        rows["parent"].append(post.parent)
        rows["rating"].append(ord(post.rating))
        rows["extension"].append(post.extension)
        rows["file"].append(self.files.setdefault(post.file, len(self.files)))
        rows["line"].append(post.line)
        self._tags.extend(map(self.names.__getitem__, post.general))
        self._ends.append(len(self._tags))
        self.is_dated_old = self.is_dated_old or post.is_dated_old
        if len(rows["id"]) == _ROWS_PER_BATCH:
            self._flush()

    def close(self) -> None:
        """Write what is left; from then on it can be read."""
        self._flush()
        self._writer.close()

    def read(self) -> Iterator[Batch]:
        """Give all posts in order."""
        self._file.seek(0)
        for table in pa.ipc.open_stream(self._file):
            yield Batch.from_table(table)

    def count(self, letters: set[str]) -> NDArray[np.int64]:
        """Count the posts with each tag among those of some ratings."""
        total = np.zeros(len(self.names), dtype=np.int64)
        for code, counts in self.counts.items():
            if chr(code) in letters:
                total[: len(counts)] += counts
        return total

    def _flush(self) -> None:
        if not self._rows["id"]:
            return
        columns = [pa.array(self._rows[field.name], field.type) for field in list(_SCHEMA)[:-1]]
        ends, values = (np.array(part, dtype=np.int32) for part in (self._ends, self._tags))
        tags = pa.ListArray.from_arrays(pa.array(ends), pa.array(values))
        table = pa.RecordBatch.from_arrays([*columns, tags], schema=_SCHEMA)
        self._writer.write_batch(table)
        batch = Batch.from_table(table)
        ratings = batch.rating[batch.tag_rows]
        for code in np.unique(batch.rating):
            counts = np.bincount(batch.tag_ids[ratings == code], minlength=len(self.names))
            before = self.counts.get(int(code), np.zeros(0, dtype=np.int64))
            counts[: len(before)] += before
            self.counts[int(code)] = counts
        for column in self._rows.values():
            column.clear()
        self._tags, self._ends = array("i"), array("i", [0])
