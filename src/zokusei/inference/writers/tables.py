"""One file for all pictures: JSON lines, CSV, Parquet. Memory holds some rows of it."""

import csv
import json
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from zokusei.errors import DataError
from zokusei.inference.done import Row
from zokusei.inference.tagger import describe
from zokusei.tag_text import parse_tags
from zokusei.tags import TagSet, find_rating

_VALUES = 1 << 22  # scores in memory at a time, 16 MB of them
# Of each column of each group of rows some 800 bytes are kept until the file is closed: with more
# tags than these, columns of their own would fill the memory.
_MOST_COLUMNS = 300

Rows = Callable[[], Iterator[Row]]
"""Gives all rows, as often as it is called."""


@dataclass(frozen=True)
class Columns:
    """What rows hold besides tags: captions, embeddings, the rating where there are any."""

    captions: bool = False
    embeddings: bool = False
    ratings: Set[str] = frozenset()


PLAIN = Columns()


class JsonLines:
    """Writes `tags.jsonl`: on each line the object that `zokusei tag --json` prints."""

    file_name = "tags.jsonl"
    needs_size = by_place = False

    def __init__(self, tags: TagSet, ratings: Set[str] = frozenset()) -> None:
        self._names, self._ratings = tags.names, ratings

    def check(self, row: Row) -> None:
        """Take any row: of a name that is no UTF-8, JSON holds the escapes."""

    def write(self, path: Path, rows: Rows) -> None:
        """Write the file."""
        with path.open("wb") as file:
            for row in rows():
                scores = dict(zip(self._names, row.scores, strict=True))
                rating = find_rating(row.names, self._ratings)
                record = describe(row.path, row.names, scores, rating, row.caption)
                text = json.dumps(record, ensure_ascii=False)
                file.write(f"{text}\n".encode("utf-8", "backslashreplace"))


class CsvTable:
    """Writes `tags.csv`: `file,tags`, which `zokusei train` and `zokusei data import` read.

    Columns `rating` and `caption` follow, of a model with ratings and where captions were written.
    """

    file_name = "tags.csv"
    needs_size, by_place = False, True

    def __init__(self, tags: TagSet, columns: Columns = PLAIN) -> None:
        del tags  # a row says all
        self._columns = columns

    def check(self, row: Row) -> None:
        """Refuse what would be read as something else.

        Raises:
            DataError: the name is no UTF-8, or a tag holds a comma.
        """
        check_name(row.relative, "CSV")
        if parse_tags(", ".join(row.names)) != list(row.names):
            raise DataError(
                f"tags of {row.path} cannot be written with commas: {', '.join(row.names)}; "
                "write another format, or replace them in a rules file"
            )

    def write(self, path: Path, rows: Rows) -> None:
        """Write the file."""
        with path.open("w", encoding="utf-8", newline="") as file:
            # Lines end as RFC 4180 has it: a name with a carriage return is quoted only then.
            writer = csv.writer(file, lineterminator="\r\n")
            rated, captioned = bool(self._columns.ratings), self._columns.captions
            writer.writerow(["file", "tags", *["rating"] * rated, *["caption"] * captioned])
            for row in rows():
                rating = find_rating(row.names, self._columns.ratings)
                more = [*[rating] * rated, *[row.caption] * captioned]
                writer.writerow([row.relative, ", ".join(row.names), *more])


class ParquetTable:
    """Writes `tags.parquet`: path, tags, and the score of every tag in `scores`.

    Up to 300 tags each is a member of `scores`. Of more, a row of `scores` is a list as long as the
    model has tags (float32), and their names in the same order are a JSON list in the metadata of
    the schema, under `tags`. Columns `rating`, of a model with ratings, `caption` and `embedding`
    follow where there are any.
    """

    file_name = "tags.parquet"
    needs_size = by_place = False

    def __init__(self, tags: TagSet, columns: Columns = PLAIN) -> None:
        self._names = tags.names
        self._listed = len(tags) > _MOST_COLUMNS
        scores = (
            pa.list_(pa.float32(), len(tags))
            if self._listed
            else pa.struct([pa.field(name, pa.float32()) for name in tags.names])
        )
        fields = [("path", pa.string()), ("tags", pa.list_(pa.string())), ("scores", scores)]
        self._more = []
        if columns.captions:
            self._more.append(("caption", pa.string()))
        if columns.embeddings:
            self._more.append(("embedding", pa.list_(pa.float32())))
        self._ratings = columns.ratings
        if self._ratings:
            fields.append(("rating", pa.string()))
        told = {"tags": json.dumps(tags.names, ensure_ascii=False)} if self._listed else None
        self._schema = pa.schema([*fields, *self._more], metadata=told)

    def check(self, row: Row) -> None:
        """Refuse a name that is no UTF-8.

        Raises:
            DataError: it is none.
        """
        check_name(row.path, "Parquet")

    def write(self, path: Path, rows: Rows) -> None:
        """Write the file, a group of rows after the other."""
        # An embedding counts as if there were as many scores again.
        size = max(1, _VALUES // (len(self._names) + 2048 * bool(self._more)))
        with pq.ParquetWriter(path, self._schema, compression="zstd") as writer:
            stream = rows()
            while group := list(islice(stream, size)):
                values = [
                    pa.array([row.path for row in group], pa.string()),
                    pa.array([row.names for row in group], pa.list_(pa.string())),
                    self._arrange([row.scores for row in group]),
                    *self._rate(group),
                    *(
                        pa.array([getattr(row, name) for row in group], kind)
                        for name, kind in self._more
                    ),
                ]
                writer.write_batch(pa.record_batch(values, schema=self._schema))

    def _rate(self, group: Sequence[Row]) -> list[pa.Array]:
        """Give the column of ratings, where there is one."""
        found = [find_rating(row.names, self._ratings) for row in group]
        return [pa.array(found, pa.string())] if self._ratings else []

    def _arrange(self, scores: Sequence[Sequence[float]]) -> pa.Array:
        kind = self._schema.field("scores").type
        rows = np.array(scores, np.float32)
        if self._listed:
            return pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), type=kind)
        columns = [pa.array(column) for column in np.ascontiguousarray(rows.T)]
        return pa.StructArray.from_arrays(columns, fields=list(kind))


def check_name(name: str, form: str) -> None:
    """Refuse a name that is no text.

    Raises:
        DataError: it is none.
    """
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise DataError(
            f"{name} is no UTF-8, and {form} holds nothing else; rename it, or write jsonl"
        ) from error
