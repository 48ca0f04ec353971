"""Folders of pictures, each with a `.txt` of comma-separated tags beside it."""

from collections.abc import Iterator
from pathlib import Path

from zokusei.corpora.problems import Problems
from zokusei.data.manifest import Record
from zokusei.errors import DataError
from zokusei.images import find_images
from zokusei.tag_text import parse_tags


def read_sidecars(folder: Path, problems: Problems, images: Path) -> Iterator[Record]:
    """Give one record for each picture under `folder` that has a sidecar.

    The sidecar of `a.png` is `a.txt` or `a.png.txt`. Pictures without one are reported, not
    taken for pictures without tags; an empty sidecar says that there are none.

    Args:
        folder: searched with its subfolders.
        problems: gets what was left out, and why.
        images: the same folder.

    Raises:
        DataError: the folder does not exist.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder of pictures")
    for picture in find_pictures(folder, problems):
        text = read_sidecar(picture, problems)
        if text is not None:
            path = picture.relative_to(images).as_posix()
            yield Record(path, parse_tags(text), source="folder", where=str(picture))


def find_pictures(folder: Path, problems: Problems) -> Iterator[Path]:
    """Give the pictures below a folder; links that lead nowhere or in a circle are reported."""
    yield from find_images(folder, complain=problems.remark)


def read_sidecar(picture: Path, problems: Problems, ending: str = ".txt") -> str | None:
    """Give the text beside a picture, or None and a problem."""
    candidates = (picture.with_suffix(ending), picture.with_name(picture.name + ending))
    sidecar = next((path for path in candidates if path.is_file()), None)
    if sidecar is None:
        problems.add(picture, f"no tags: {candidates[0].name} is missing")
        return None
    try:
        return sidecar.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = sidecar.read_bytes()[: error.start].count(b"\n") + 1
        what = f"not UTF-8 at byte {error.start}; save it as UTF-8"
        problems.add(sidecar, what, line)
        return None
    except OSError as error:
        problems.add(sidecar, f"cannot be read: {error.strerror}")
        return None
