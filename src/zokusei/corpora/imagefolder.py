"""Hugging Face's ImageFolder: `metadata.csv` or `.jsonl` at the top or in a split's folder."""

from collections.abc import Iterator
from pathlib import Path

from zokusei.corpora.problems import Problems
from zokusei.corpora.table import read_table
from zokusei.data.manifest import Record

SPLIT_FOLDERS = {"train": "train", "validation": "val", "val": "val", "dev": "val", "test": "test"}
"""Names of folders that the `datasets` library takes for splits, with ours."""

_METADATA = ("metadata.jsonl", "metadata.csv")


def is_imagefolder(path: Path) -> bool:
    """Say whether a folder, or the folder of a split in it, has such a table."""
    return path.is_dir() and bool(find_tables(path))


def find_tables(path: Path) -> list[tuple[str, Path]]:
    """Give the split of a folder (empty: none) and its table, for each table there is."""
    found = []
    for folder, split in {"": "", "data": "", **SPLIT_FOLDERS}.items():
        for name in _METADATA:
            if (path / folder / name).is_file():
                found.append((split, path / folder / name))
                break
    return found


def read_imagefolder(path: Path, problems: Problems, images: Path) -> Iterator[Record]:
    """Give one record a line of each table; columns are those of `read_table`.

    Args:
        path: the folder.
        problems: gets the lines that were left out, and why.
        images: the same folder, or another that holds the pictures.
    """
    for split, table in find_tables(path):
        folder = table.parent.relative_to(path)
        for record in read_table(table, problems, images / folder):
            # ImageFolder's own place for a split is the folder, and it wins.
            yield Record(
                path=(folder / record.path).as_posix(),
                tags=record.tags,
                known=record.known,
                split=split or record.split,
                group=record.group,
                captions=record.captions,
                boxes=record.boxes,
                source=record.source if record.source != table.stem else "imagefolder",
                where=record.where,
            )
