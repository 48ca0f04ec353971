"""Hugging Face's ImageFolder: a folder a split, each with `metadata.jsonl`."""

import json
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from zokusei.corpora.export.pictures import Copier
from zokusei.corpora.problems import Problems
from zokusei.data.manifest import Record

_FOLDERS = {"": "data", "train": "train", "val": "validation", "test": "test"}


def write_imagefolder(records: Iterable[Record], root: Path, out: Path, problems: Problems) -> int:
    """Write a folder for each split; how many pictures.

    `text` is the first caption. All lines have the same members, as `datasets` wants them.
    """
    copier, count = Copier(root, problems), 0
    with ExitStack() as stack:
        tables: dict[str, IO[str]] = {}
        for record in records:
            folder = out / _FOLDERS[record.split]
            name = copier.copy(record, folder)
            if name is None:
                continue
            if record.split not in tables:
                file = (folder / "metadata.jsonl").open("w", encoding="utf-8", newline="")
                tables[record.split] = stack.enter_context(file)
            line = {
                "file_name": name,
                "text": record.captions[0] if record.captions else "",
                "tags": list(record.tags),
                "known": None if record.known is None else list(record.known),
                "captions": list(record.captions),
                "objects": {
                    "bbox": [[box.x, box.y, box.width, box.height] for box in record.boxes],
                    "categories": [box.tag for box in record.boxes],
                },
                "group": record.group,
                "source": record.source,
            }
            tables[record.split].write(json.dumps(line, ensure_ascii=False) + "\n")
            count += 1
    return count
