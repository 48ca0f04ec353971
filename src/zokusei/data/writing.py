"""Manifests written as their pictures are read, so that memory does not hold the collection."""

import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from zokusei.data.manifest import SCHEMA, Record, describe_header, record_batches
from zokusei.data.splits import assign_splits
from zokusei.errors import DataError
from zokusei.files import write_whole
from zokusei.tags import TagSet

Regroup = Callable[[Sequence[str], Sequence[str]], list[str]]
"""Told all paths and groups, gives new groups."""


@dataclass(frozen=True)
class Written:
    """What a manifest holds.

    Attributes:
        pictures: how many rows.
        tags: its vocabulary.
    """

    pictures: int
    tags: TagSet


def write_manifest(
    path: Path,
    records: Iterable[Record],
    tags: TagSet | None,
    root: Path,
    *,
    val: float,
    test: float,
    seed: int = 0,
    regroup: Regroup | None = None,
) -> Written:
    """Write a manifest with every split filled in.

    The rows go to a temporary file first, since splits need all groups and a vocabulary all tags;
    of each picture only path, group and split are kept in memory.

    Args:
        path: the file to write.
        records: the pictures.
        tags: the vocabulary; every tag that occurs by default, the most frequent first.
        root: folder that paths are relative to.
        val: share of the groups for validation.
        test: share for testing.
        seed: of the split.
        regroup: puts near copies together before the split.

    Raises:
        DataError: there are no records, or the splits are impossible.
    """
    counts: Counter[str] = Counter()
    groups: list[str] = []
    given: list[str] = []
    paths: list[str] = []
    with tempfile.TemporaryFile() as unsplit:
        with pa.ipc.new_stream(unsplit, SCHEMA) as writer:
            for batch in record_batches(records):
                writer.write_batch(batch)
                groups += batch.column("group").to_pylist()
                given += batch.column("split").to_pylist()
                if regroup is not None:
                    paths += batch.column("path").to_pylist()
                if tags is None:
                    counts.update(batch.column("tags").flatten().to_pylist())
        if not groups:
            raise DataError(f"no labelled picture was found under {root}")
        if tags is None:
            ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
            tags = TagSet.from_names([name for name, _ in ranked])
        if regroup is not None:
            groups = regroup(paths, groups)
        splits = assign_splits(groups, given, val=val, test=test, seed=seed)
        unsplit.seek(0)
        schema = SCHEMA.with_metadata(describe_header(tags, root, path))
        with (
            write_whole(path) as temporary,
            pq.ParquetWriter(temporary, schema, compression="zstd") as target,
        ):
            start = 0
            for batch in pa.ipc.open_stream(unsplit):
                end = start + batch.num_rows
                for name, values in (("split", splits), ("group", groups)):
                    column = pa.array(values[start:end], pa.string())
                    batch = batch.set_column(SCHEMA.get_field_index(name), name, column)
                target.write_batch(batch.cast(schema))
                start = end
    return Written(len(groups), tags)
