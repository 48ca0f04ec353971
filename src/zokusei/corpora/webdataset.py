"""WebDataset shards: tar files in which `KEY.jpg`, `KEY.txt` and `KEY.json` are one picture."""

import json
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from zokusei.corpora.fields import SPLIT_NAMES, take_split, take_tags, take_text, take_texts
from zokusei.corpora.pictures import Seen, refuse_path
from zokusei.corpora.problems import Problems
from zokusei.data.manifest import Box, Record
from zokusei.errors import DataError
from zokusei.files import write_whole
from zokusei.images import IMAGE_SUFFIXES

# `train-00000.tar`, `validation_00000.tar`, `NAME-test-00000.tar`
_SPLIT = re.compile(rf"(?:^|[-_.])({'|'.join(SPLIT_NAMES)})(?=[-_.\d]|$)")


def is_webdataset(path: Path) -> bool:
    """Say whether this is a shard or a folder of them."""
    return bool(find_shards(path))


def find_shards(path: Path) -> list[Path]:
    """Give the shards at or in `path`, in order."""
    if path.is_file():
        return [path] if path.suffix == ".tar" else []
    return sorted(path.glob("*.tar"))


def read_webdataset(path: Path, problems: Problems, images: Path) -> Iterator[Record]:
    """Unpack the pictures of each shard and give one record for each.

    Tags are the JSON's `tags` (a list, or separated by commas) or `tag_string`; where there is
    neither and no `caption`, the text is the tags, otherwise a caption. A picture that was
    unpacked before is not written again, and no other file is overwritten. The split is the
    JSON's `split`, or what the shard's name says (`validation-00000.tar`).

    Args:
        path: a shard, or a folder of shards.
        problems: gets pictures without tags or text, those whose name another shard has used
            before or another file has, and shards that end too early.
        images: folder to unpack into.
    """
    unpacked = Seen()
    for shard in find_shards(path):
        named = _SPLIT.search(shard.stem)
        split = SPLIT_NAMES[named[1]] if named else ""
        for key, parts in _read_samples(shard, problems):
            record = _unpack(shard, key, parts, problems, images, unpacked)
            if record is not None:
                yield Record(**{"split": split, **record})


def _read_samples(shard: Path, problems: Problems) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Give the parts of each picture by their ending; they lie one behind the other."""
    key, parts = "", dict[str, bytes]()
    try:
        with tarfile.open(shard, "r|*") as opened:
            for member in opened:
                if not member.isfile():
                    continue
                folder, _, name = member.name.rpartition("/")
                stem, _, ending = name.partition(".")
                if not stem or refuse_path(member.name, shard):
                    problems.add(shard, f"member {member.name!r} leads out of it")
                    continue
                here = f"{folder}/{stem}" if folder else stem
                if here != key and parts:
                    yield key, parts
                    parts = {}
                key = here
                source = opened.extractfile(member)
                assert source is not None, "a file has content"
                parts[ending.lower()] = source.read()
    except (tarfile.TarError, EOFError, OSError) as error:
        # The sample it broke in may lack parts, and is not used.
        problems.add(shard, f"is damaged after {key or 'its beginning'}: {error}")
        return
    if parts:
        yield key, parts


def _unpack(
    shard: Path,
    key: str,
    parts: dict[str, bytes],
    problems: Problems,
    images: Path,
    unpacked: Seen,
) -> dict[str, Any] | None:
    where = f"{shard}, {key}"
    endings = [ending for ending in parts if f".{ending}" in IMAGE_SUFFIXES]
    if not endings:
        problems.add(where, f"no picture among {', '.join(parts)}")
        return None
    try:
        about = json.loads(parts["json"]) if "json" in parts else {}
        text = parts["txt"].decode("utf-8-sig") if "txt" in parts else ""
        labels = _read_labels(about, text, has_text="txt" in parts)
        split = take_split(about.get("split"), problems, where)
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        problems.add(where, f"its JSON or text cannot be read: {error}")
        return None
    if labels is None:
        problems.add(where, "no tags and no caption: .json and .txt are missing")
        return None
    name = PurePosixPath(f"{key}.{endings[0]}").as_posix()
    # Before anything is written: the first picture of a name keeps its file as well as its labels.
    if not unpacked.add(name):
        problems.add(where, f"{name} is in the shards twice; the first one counts")
        return None
    target, picture = images / name, parts[endings[0]]
    if not target.exists():
        with write_whole(target) as temporary:
            temporary.write_bytes(picture)
    elif not (target.is_file() and target.read_bytes() == picture):
        problems.add(where, f"{target} is another file; unpack into a folder of its own (--images)")
        return None
    return {"path": name, "where": where, **labels, **({"split": split} if split else {})}


def _read_labels(about: Any, text: str, *, has_text: bool) -> dict[str, Any] | None:
    captions = take_texts(about.get("captions"))
    if not captions and about.get("caption"):
        captions = [take_text(about["caption"])]
    listed, known = about.get("tags"), about.get("known")
    if listed is None and "tag_string" in about:
        listed = about["tag_string"].split()
    if listed is None and has_text and not captions:
        listed, text = text, ""
    if listed is None and not captions:
        return None
    if listed is None:
        known = []  # a caption alone: nobody looked for tags
    if not captions and text.strip():
        captions = [text.strip()]
    return {
        "tags": take_tags(listed),
        "known": None if known is None else take_tags(known),
        "captions": captions,
        "boxes": [Box(str(tag), *map(float, sides)) for tag, *sides in about.get("boxes") or []],
        "group": take_text(about.get("group")),
        "source": take_text(about.get("source")) or "webdataset",
    }


def refuse_packed(path: Path) -> Path:
    """Explain that shards hold their pictures inside.

    Raises:
        DataError: always.
    """
    raise DataError(
        f"{path} holds its pictures inside and has to be unpacked; import it first: zokusei data "
        f"import {path} manifest.parquet --images FOLDER"
    )
