"""kohya folders: `10_name/a.png` with `a.txt`; the number says how often a trainer repeats them."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from zokusei.corpora.problems import Problems
from zokusei.corpora.sidecars import find_pictures, read_sidecar
from zokusei.data.manifest import Record
from zokusei.tag_text import FACES, parse_tags

_REPEATS = re.compile(r"\d+_.+")


def is_kohya(path: Path) -> bool:
    """Say whether a folder has folders named like `10_name`."""
    return path.is_dir() and any(_folders(path))


def read_kohya(path: Path, problems: Problems, images: Path) -> Iterator[Record]:
    """Give one record a picture of the numbered folders; others are reported, and not read.

    Tags are separated by commas; or by spaces when no file of them all has a comma and one has an
    underscore, which names written for commas do not. As kohya's trainer does, only the first line
    of a file counts. `a.caption` beside a picture holds its captions, one a line.

    Args:
        path: the folder of folders.
        problems: gets pictures without tags or elsewhere, and files that are not UTF-8.
        images: the same folder.
    """
    split_tags = _find_separator(path)
    for picture in find_pictures(path, Problems()):
        if not _REPEATS.fullmatch(picture.relative_to(path).parts[0]):
            problems.remark(picture, "lies in no folder like 10_name; --format folder reads it too")
    for folder in _folders(path):
        owners: dict[Path, Path] = {}
        for picture in find_pictures(folder, problems):
            text = read_sidecar(picture, problems)
            if text is None:
                continue
            owner = owners.setdefault(picture.with_suffix(""), picture)
            if owner != picture:
                problems.remark(picture, f"shares its tags with {owner.name}")
            first, _, rest = text.lstrip("\n").partition("\n")
            if rest.strip():
                problems.remark(picture, "more than one line of tags; kohya reads the first only")
            caption = picture.with_suffix(".caption")
            captions = _read_caption(caption, problems) if caption.is_file() else ""
            yield Record(
                path=picture.relative_to(images).as_posix(),
                tags=split_tags(first),
                captions=captions.splitlines() if captions else [],
                source=f"kohya:{folder.name}",
                where=str(picture),
            )


def _read_caption(file: Path, problems: Problems) -> str:
    """Give the captions of a picture that is kept without them where they cannot be read."""
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        problems.remark(file, f"not UTF-8 at byte {error.start}; save it as UTF-8")
    except OSError as error:
        problems.remark(file, f"cannot be read: {error.strerror}")
    return ""


def _folders(path: Path) -> list[Path]:
    return sorted(
        entry for entry in path.iterdir() if _REPEATS.fullmatch(entry.name) and entry.is_dir()
    )


def _find_separator(path: Path) -> Callable[[str], list[str]]:
    """Decide for all files together: `long hair` may be the only tag of its picture."""
    underscores = False
    for folder in _folders(path):
        for file in folder.rglob("*.txt"):
            try:
                with file.open(encoding="utf-8", errors="replace") as opened:
                    line = opened.readline()
            except OSError:
                continue  # a link that leads nowhere, a folder; its picture is reported
            if "," in line:
                return parse_tags
            words = line.replace("\\", "").split()
            underscores = underscores or any("_" in word and word not in FACES for word in words)
    return (lambda text: parse_tags(",".join(text.split()))) if underscores else parse_tags
