"""COCO: `annotations/*.json` with images, captions and boxes; one file or several with splits."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zokusei.corpora.fields import SPLIT_NAMES, take_split, take_tags, take_text
from zokusei.corpora.joining import Notes
from zokusei.corpora.json_parts import read_parts
from zokusei.corpora.pictures import Pictures, refuse_path
from zokusei.corpora.problems import Problems
from zokusei.data.manifest import Box, Record
from zokusei.errors import DataError

# `captions_train2014.json` is of train2014, whose pictures may lie in a folder of that name.
_NAME = re.compile(r"(?:captions|instances|person_keypoints|image_info)_(.+)")
_SPLIT = re.compile("|".join(SPLIT_NAMES))


def is_coco(path: Path) -> bool:
    """Say whether a document, or a folder's, is of this form."""
    if path.is_dir():
        return any(is_coco(document) for document in find_documents(path))
    if path.suffix != ".json":
        return False
    try:
        return any(
            name == "images" and isinstance(value, dict) and "file_name" in value
            for name, value, _ in read_parts(path)
            if name in ("images", "annotations")
        )
    except DataError:
        return False


def find_documents(path: Path) -> list[Path]:
    """Give the annotation files at or in `path`, in order."""
    if path.is_file():
        return [path]
    folder = path if path.name == "annotations" else path / "annotations"
    return sorted(folder.glob("*.json"))


def find_pictures(path: Path) -> Path:
    """Give the folder that holds the folders of pictures."""
    folder = path.parent if path.is_file() else path
    return folder.parent if folder.name == "annotations" else folder


def read_coco(path: Path, problems: Problems, images: Path) -> Iterator[Record]:
    """Give one record an image, with captions, boxes and the boxes' categories as tags.

    Several documents of one split (captions and instances) are read as one. The split is the one
    the file's name says (`captions_train2014.json`), or a member `split` of the image. A member
    `tags` of an image, which COCO does not know, adds tags without a box; `known` likewise.

    Args:
        path: a document, or the folder that holds `annotations/`.
        problems: gets images that are not there, and annotations of no image.
        images: folder of the pictures, or of `train2014/` and the like.
    """
    documents = find_documents(path)
    by_split: dict[str, list[Path]] = {}
    for document in documents:
        found = _NAME.fullmatch(document.stem)
        by_split.setdefault(found[1] if found else document.stem, []).append(document)
    pictures = Pictures(images, problems)
    for name, files in by_split.items():
        yield from _read_split(name, files, problems, pictures)


def _read_split(
    name: str, files: list[Path], problems: Problems, pictures: Pictures
) -> Iterator[Record]:
    notes, categories = Notes(), dict[str, str]()
    for file in files:
        _gather(file, notes, categories, problems)
    found = _SPLIT.match(name)
    for image, line, said in notes.read():
        file = Path(image["zokusei:file"])
        at = _place(image.get("file_name"), name, pictures.root)
        if not pictures.admit(at, file, line):
            continue
        try:
            split = take_split(image.get("split"), problems, file, line)
            record = _make_record(at, image, said, categories, problems)
        except TypeError as error:
            problems.add(file, f"a value of another form than expected: {error}", line)
            continue
        split = split or (SPLIT_NAMES[found[0]] if found else "")
        yield Record(**record, split=split, where=f"{file}, line {line}")
    for number, note, line in notes.find_orphans():
        problems.add(
            note["zokusei:file"], f"an annotation of image {number}, which there is not", line
        )


def _gather(file: Path, notes: Notes, categories: dict[str, str], problems: Problems) -> None:
    """Read one document; images that another document of the split lists too are the same."""
    try:
        for name, value, line in read_parts(file):
            if name not in ("images", "annotations", "categories"):
                continue
            if not isinstance(value, dict):
                problems.add(file, f"{value!r} in {name} is no object", line)
            elif name == "categories":
                words = value["name"].split() if isinstance(value.get("name"), str) else []
                if words:
                    categories[_key(value.get("id"))] = "_".join(words)
                else:
                    problems.add(file, f"category {value.get('id')} has no name", line)
            elif name == "images":
                entry = {**value, "zokusei:file": str(file)}
                if not notes.add_picture(_key(value.get("id")), entry, line):
                    _report_twice(file, value, notes, problems, line)
            else:
                notes.add(_key(value.get("image_id")), {**value, "zokusei:file": str(file)}, line)
    except DataError as error:
        # What came before the damage is used.
        problems.add(file, str(error).removeprefix(f"{file}, "))


def _report_twice(
    file: Path, image: dict[str, Any], notes: Notes, problems: Problems, line: int
) -> None:
    first = notes.find_picture(_key(image.get("id")))
    if first["zokusei:file"] == str(file) or first.get("file_name") != image.get("file_name"):
        problems.add(file, f"image {image.get('id')} is listed twice; the first one counts", line)


def _place(name: Any, split: str, root: Path) -> str:
    """Give where an image lies below the root: as named, or in a folder called as the split."""
    if not isinstance(name, str) or refuse_path(name, root):
        return name if isinstance(name, str) else ""
    for folder in ("", split, "images", f"images/{split}"):
        if (root / folder / name).is_file():
            return (Path(folder) / name).as_posix()
    return name


def _make_record(
    path: str,
    image: dict[str, Any],
    said: list[tuple[dict[str, Any], int]],
    categories: dict[str, str],
    problems: Problems,
) -> dict[str, Any]:
    tags: dict[str, None] = dict.fromkeys(take_tags(image.get("tags")))
    captions, boxes = [], []
    for note, line in said:
        file = note["zokusei:file"]
        if isinstance(note.get("caption"), str):
            captions.append(note["caption"].strip())
        if "category_id" not in note:
            continue
        tag = categories.get(_key(note["category_id"]))
        if tag is None:
            what = f"category {note['category_id']} is not among the categories"
            problems.remark(file, what, line)
            continue
        tags[tag] = None
        if "bbox" not in note:
            continue  # it is of the whole image
        sides = note["bbox"]
        try:
            x, y, width, height = (float(side) for side in sides or ())
        except (TypeError, ValueError, OverflowError):
            problems.remark(file, f"bbox {sides!r} is not x, y, width, height", line)
            continue
        boxes.append(Box(tag, x, y, width, height))
    known = image.get("known")
    if known is None and not categories and "tags" not in image:
        known = []  # captions alone: nobody looked for tags
    return {
        "path": path,
        "tags": list(tags),
        "known": None if known is None else take_tags(known),
        "group": take_text(image.get("group")),
        "source": take_text(image.get("source")) or "coco",
        "captions": captions,
        "boxes": boxes,
    }


def _key(number: Any) -> str:
    """Write an id, of whatever type, as it can be looked up in the notes."""
    return str(number).encode("utf-8", "backslashreplace").decode()
