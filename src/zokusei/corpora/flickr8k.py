"""Flickr8k and what is written like it: `NAME.jpg#0<TAB>caption`, or Kaggle's `image,caption`."""

from collections.abc import Callable, Iterator
from pathlib import Path

from zokusei.corpora.joining import Captions
from zokusei.corpora.lines import read_beginning, read_header, read_lines, read_rows
from zokusei.corpora.pictures import Pictures, find_folder
from zokusei.corpora.problems import Problems
from zokusei.data.manifest import Record

TOKENS, KAGGLE = "Flickr8k.token.txt", "captions.txt"
_SPLITS = {"train": "train", "dev": "val", "test": "test"}


def is_flickr8k(path: Path) -> bool:
    """Say whether a file, or a folder's, has captions of this form."""
    return find_captions(path) is not None


def find_captions(path: Path) -> Path | None:
    """Give the caption file at or in `path`."""
    for file in [path] if path.is_file() else [path / TOKENS, path / KAGGLE]:
        if file.is_file() and (_is_tokens(file) or _is_kaggle(file)):
            return file
    return None


def find_pictures(path: Path) -> Path:
    """Give the folder of pictures beside a caption file."""
    folder = path.parent if path.is_file() else path
    return find_folder(folder, "Images", "images", "Flicker8k_Dataset", "Flickr8k_Dataset")


def read_flickr8k(path: Path, problems: Problems, images: Path) -> Iterator[Record]:
    """Give one record a picture with its captions, in their order; nobody looked for tags.

    Args:
        path: the caption file, or the folder it lies in.
        problems: gets captions of pictures that are not there, and lines that are no caption.
        images: folder of the pictures.
    """
    file = find_captions(path)
    assert file is not None, "the format was recognised by this file"
    splits = _read_splits(file.parent, problems)
    captions = Captions()
    read: Callable[[Path, Problems], Iterator[tuple[int, str, str, int]]]
    read = _read_kaggle if _is_kaggle(file) else _read_tokens
    for line, name, caption, number in read(file, problems):
        captions.add(name, caption, number, line)
    pictures = Pictures(images, problems)
    for name, texts, line in captions.read():
        if pictures.admit(name, file, line):
            yield Record(
                path=name,
                tags=[],
                known=[],
                split=splits.get(name, ""),
                captions=texts,
                source="flickr8k",
                where=f"{file}, line {line}",
            )


def _is_tokens(file: Path) -> bool:
    name, tab, _ = next(iter(read_beginning(file)), "").partition("\t")
    return bool(tab) and "#" in name


def _is_kaggle(file: Path) -> bool:
    return file.suffix in (".txt", ".csv") and read_header(file) == ["image", "caption"]


def _read_tokens(file: Path, problems: Problems) -> Iterator[tuple[int, str, str, int]]:
    for line, text in read_lines(file, problems):
        key, tab, caption = text.partition("\t")
        name, _, number = key.rpartition("#")
        if not (tab and name and number.isdecimal() and len(number) < 10 and caption.strip()):
            problems.add(file, "no line of the form NAME.jpg#0<TAB>caption", line)
            continue
        yield line, name, caption.strip(), int(number)


def _read_kaggle(file: Path, problems: Problems) -> Iterator[tuple[int, str, str, int]]:
    for line, row in read_rows(file, problems):
        if not row["caption"].strip():
            problems.add(file, "an empty caption", line)
            continue
        yield line, row["image"], row["caption"].strip(), line


def _read_splits(folder: Path, problems: Problems) -> dict[str, str]:
    """Read the official lists, of which there may be none."""
    splits: dict[str, str] = {}
    for theirs, ours in _SPLITS.items():
        file = folder / f"Flickr_8k.{theirs}Images.txt"
        if not file.is_file():
            continue
        for line, text in read_lines(file, problems):
            name = text.strip()
            if splits.setdefault(name, ours) != ours:
                what = f"{name} is of two splits; {splits[name]} counts"
                problems.remark(file, what, line)
    return splits
