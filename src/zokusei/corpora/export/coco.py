"""COCO: `annotations/instances_SPLIT.json` and `captions_SPLIT.json`, pictures in `SPLIT/`."""

import json
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from zokusei.corpora.export.pictures import Copier
from zokusei.corpora.problems import Problems
from zokusei.data.manifest import Record
from zokusei.errors import ImageError
from zokusei.images import open_image

UNSPLIT = "all"


class _List:
    """A JSON list that is written element by element into a file of its own."""

    def __init__(self, file: IO[str]) -> None:
        self._file, self.count = file, 0

    def add(self, value: dict[str, Any]) -> None:
        self._file.write(",\n" if self.count else "")
        json.dump(value, self._file, ensure_ascii=False)
        self.count += 1


def write_coco(records: Iterable[Record], root: Path, out: Path, problems: Problems) -> int:
    """Write one folder of pictures and two documents a split; how many pictures.

    Every tag is a category, numbered from 1 in the order in which tags occur. COCO has no labels
    of whole images: each image has members `tags`, `known`, `group` and `source` besides, which
    other readers pass over. Elements go to the disk as they come; a document is put together from
    them at the end.
    """
    copier, numbers = Copier(root, problems), dict[str, int]()
    pictures = 0
    with ExitStack() as stack:
        lists: dict[tuple[str, str], _List] = {}

        def list_of(split: str, kind: str) -> _List:
            if (split, kind) not in lists:
                file = _part(out, split, kind).open("w", encoding="utf-8")
                lists[split, kind] = _List(stack.enter_context(file))
            return lists[split, kind]

        for record in records:
            split = record.split or UNSPLIT
            size = _measure(record, root, problems)
            name = copier.copy(record, out / split) if size is not None else None
            if size is None or name is None:
                continue
            pictures += 1
            image = {
                "id": pictures,
                "file_name": name,
                "width": size[0],
                "height": size[1],
                "tags": list(record.tags),
                "known": None if record.known is None else list(record.known),
                "group": record.group,
                "source": record.source,
            }
            list_of(split, "images").add(image)
            for tag in record.tags:
                numbers.setdefault(tag, len(numbers) + 1)
            for kind, note in _notes(record, numbers):
                notes = list_of(split, kind)
                notes.add({"id": notes.count + 1, "image_id": pictures, **note})
    _put_together(out, numbers)
    return pictures


def _measure(record: Record, root: Path, problems: Problems) -> tuple[int, int] | None:
    try:
        return open_image(root / record.path).size
    except ImageError as error:
        problems.add(root / record.path, str(error))
        return None


def _notes(record: Record, numbers: dict[str, int]) -> Iterator[tuple[str, dict[str, Any]]]:
    for caption in record.captions:
        yield "captions", {"caption": caption}
    for box in record.boxes:
        number = numbers.setdefault(box.tag, len(numbers) + 1)
        sides = [box.x, box.y, box.width, box.height]
        about = {"bbox": sides, "area": box.width * box.height, "iscrowd": 0}
        yield "instances", {"category_id": number, **about}


def _part(out: Path, split: str, kind: str) -> Path:
    return out / f".{split}-{kind}"


def _put_together(out: Path, numbers: dict[str, int]) -> None:
    """Make documents of the lists: images come first in both, categories in the instances."""
    folder = out / "annotations"
    folder.mkdir()
    categories = [{"id": number, "name": name} for name, number in numbers.items()]
    for images in sorted(out.glob(".*-images")):
        split = images.name[1:].removesuffix("-images")
        for kind in ("captions", "instances"):
            notes = _part(out, split, kind)
            if kind == "captions" and not notes.exists():
                continue
            with (folder / f"{kind}_{split}.json").open("w", encoding="utf-8") as document:
                document.write('{"info": {"description": "written by zokusei"},\n')
                if kind == "instances":
                    document.write(f'"categories": {json.dumps(categories, ensure_ascii=False)},\n')
                for name, part in (("images", images), ("annotations", notes)):
                    document.write(f'"{name}": [')
                    _append(document, part)
                    document.write("],\n" if name == "images" else "]}\n")
            notes.unlink(missing_ok=True)
        images.unlink()


def _append(document: IO[str], part: Path) -> None:
    if part.exists():
        with part.open(encoding="utf-8") as file:
            document.writelines(file)
