"""A choice of Danbooru posts as files, from which anybody with a copy gets the same corpus."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zokusei.corpora.danbooru import DanbooruPictures
from zokusei.corpora.danbooru_posts import IdSet, find_metadata, read_families, read_posts
from zokusei.corpora.danbooru_subset import read_exclusions
from zokusei.corpora.lines import read_rows
from zokusei.corpora.problems import Problems
from zokusei.data.manifest import SPLITS, Manifest, Record
from zokusei.errors import DataError
from zokusei.files import write_json, write_text
from zokusei.tags import TagSet

TAGS, PICTURES, EXCLUDED, FACTS = "tags.csv", "pictures.csv", "excluded.txt", "subset.json"


@dataclass(frozen=True)
class PostList:
    """A choice as `save_list` wrote it.

    Attributes:
        tags: the classes.
        splits: of each post, by its number.
        excluded: patterns of tags that were no classes.
        facts: how it was chosen.
    """

    tags: TagSet
    splits: dict[int, str]
    excluded: list[str]
    facts: dict[str, Any]


def save_list(
    folder: Path, manifest: Manifest, excluded: Sequence[str], facts: Mapping[str, Any]
) -> None:
    """Write the classes, the posts with their splits, what was excluded, and how it was chosen."""
    manifest.tags.save(folder / TAGS)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["id", "split"])
    rows = zip(manifest.column("path"), manifest.column("split"), strict=True)
    writer.writerows((Path(path).stem, split) for path, split in rows)
    write_text(folder / PICTURES, text.getvalue())
    write_text(folder / EXCLUDED, "".join(f"{pattern}\n" for pattern in excluded))
    write_json(folder / FACTS, dict(facts))


def load_list(folder: Path) -> PostList:
    """Read the four files of a choice.

    Raises:
        DataError: a file is missing, or has a line that was not written by `save_list`.
    """
    tags, splits = TagSet.load(folder / TAGS), {}
    problems = Problems()
    for line, row in read_rows(folder / PICTURES, problems):
        number, split = row.get("id", ""), row.get("split", "")
        if not number.isdecimal() or split not in SPLITS:
            raise DataError(
                f"{folder / PICTURES}, line {line}: {row} is not a post with a split "
                f"({', '.join(SPLITS)})"
            )
        splits[int(number)] = split
    if problems:
        raise DataError(f"{folder / PICTURES} is damaged\n{problems.summary()}")
    try:
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{folder / FACTS} cannot be read: {error}") from error
    if not isinstance(facts, dict):
        raise DataError(f"{folder / FACTS} holds no JSON object")
    return PostList(tags, splits, read_exclusions(folder / EXCLUDED), facts)


def read_listed(
    root: Path,
    problems: Problems,
    chosen: PostList,
    progress: Callable[[int], None] | None = None,
) -> Iterator[Record]:
    """Give the pictures of a list that somebody else has chosen, with the same classes and splits.

    Args:
        root: the copy of the data set.
        problems: gets those of the list that are not there.
        chosen: the list.
        progress: told after each post of the metadata.
    """
    there, classes = DanbooruPictures(root), set(chosen.tags.names)
    found = IdSet()
    files = find_metadata(root)
    families = read_families(files)
    for post in read_posts(files, problems):
        if progress is not None:
            progress(1)
        if post.id not in chosen.splits:
            continue
        found.add(post.id)
        path = there.path_of(post.id, post.extension)
        if not (root / path).is_file():
            problems.add(post.file, f"post {post.id}: {root / path} does not exist", post.line)
            continue
        yield Record(
            path=path,
            tags=[name for name in dict.fromkeys(post.general) if name in classes],
            split=chosen.splits[post.id],
            group=str(families.find(post.parent)),
            source="danbooru",
            where=f"{post.file}, line {post.line}",
        )
    for number in chosen.splits:
        if number not in found:
            problems.add(root, f"post {number} of the list is not in the metadata")
