"""Folders of pictures, each with a `.txt` of comma-separated tags beside it."""

from collections.abc import Iterator
from pathlib import Path

from zokusei.corpora.problems import Problems
from zokusei.data.manifest import Record
from zokusei.errors import DataError
from zokusei.images import find_images


def read_sidecars(folder: Path, problems: Problems) -> Iterator[Record]:
    """Give one record for each picture under `folder` that has a sidecar.

    The sidecar of `a.png` is `a.txt` or `a.png.txt`. Pictures without one are reported, not
    taken for pictures without tags; an empty sidecar says that there are none.

    Args:
        folder: searched with its subfolders.
        problems: gets what was left out, and why.

    Raises:
        DataError: the folder does not exist.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder of pictures")
    for picture in find_images(folder):
        candidates = (picture.with_suffix(".txt"), picture.with_name(picture.name + ".txt"))
        sidecar = next((path for path in candidates if path.is_file()), None)
        if sidecar is None:
            problems.add(picture, f"no tags: {candidates[0].name} is missing")
            continue
        try:
            tags = parse_tags(sidecar.read_text(encoding="utf-8-sig"))
        except UnicodeDecodeError as error:
            problems.add(sidecar, f"not UTF-8 at byte {error.start}; save it as UTF-8")
            continue
        yield Record(str(picture.relative_to(folder)), tags, source="folder")


def parse_tags(text: str) -> list[str]:
    r"""Read comma-separated tags as they are written for people or for prompts.

    Spaces inside a tag become underscores and escaped parentheses lose their backslash, so that
    every habit of writing gives Danbooru's names. Repeated tags count once.

    >>> parse_tags("long hair, skadi \\(arknights\\), smile,, long_hair")
    ['long_hair', 'skadi_(arknights)', 'smile']
    """
    tags = dict.fromkeys("_".join(part.split()) for part in text.replace("\n", ",").split(","))
    return [tag.replace("\\(", "(").replace("\\)", ")") for tag in tags if tag]
