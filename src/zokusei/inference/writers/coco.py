"""COCO: images, categories, and an annotation for each tag of an image."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from zokusei.inference.done import Row
from zokusei.inference.writers.tables import Rows, check_name
from zokusei.tags import CATEGORIES, TagSet


class CocoTable:
    """Writes `tags.coco.json`.

    Tags are of the whole image, so annotations have a category and a score and no `bbox`; each
    image has its tags as a member `tags` besides. Categories are numbered from 1 in the order of
    the model; tags that it does not know follow.
    """

    file_name = "tags.coco.json"
    needs_size = by_place = True

    def __init__(self, tags: TagSet) -> None:
        self._tags = tags

    def check(self, row: Row) -> None:
        """Refuse a name that is no UTF-8.

        Raises:
            DataError: it is none.
        """
        check_name(row.relative, "COCO")

    def write(self, path: Path, rows: Rows) -> None:
        """Write the file; the rows are read twice, since images stand before annotations."""
        numbers = {tag.name: number for number, tag in enumerate(self._tags, start=1)}
        categories = [
            {"id": numbers[tag.name], "name": tag.name,
             "supercategory": CATEGORIES.get(tag.category, "general")}
            for tag in self._tags
        ]  # fmt: skip
        with path.open("w", encoding="utf-8") as file:
            file.write('{"info": {"description": "written by zokusei"},\n"images": [')
            _write_list(file, _images(rows(), numbers))
            file.write('],\n"annotations": [')
            _write_list(file, self._annotations(rows(), numbers))
            file.write('],\n"categories": [')
            new = list(numbers)[len(categories) :]
            more = [{"id": numbers[name], "name": name, "supercategory": "rule"} for name in new]
            _write_list(file, [*categories, *more])
            file.write("]}\n")

    def _annotations(self, rows: Iterator[Row], numbers: dict[str, int]) -> Iterator[Any]:
        count = 0
        for image, row in enumerate(rows, start=1):
            for name in row.names:
                count += 1
                note: dict[str, float] = {
                    "id": count,
                    "image_id": image,
                    "category_id": numbers[name],
                }
                if name in self._tags:
                    note["score"] = row.scores[self._tags.index(name)]
                yield note


def _images(rows: Iterator[Row], numbers: dict[str, int]) -> Iterator[Any]:
    for image, row in enumerate(rows, start=1):
        assert row.size is not None, "COCO says that it needs it"
        for name in row.names:
            numbers.setdefault(name, len(numbers) + 1)
        yield {
            "id": image, "file_name": row.relative, "width": row.size[0], "height": row.size[1],
            "tags": row.names,
        }  # fmt: skip


def _write_list(file: IO[str], values: Iterable[Any]) -> None:
    for number, value in enumerate(values):
        file.write(",\n" if number else "\n")
        json.dump(value, file, ensure_ascii=False)
