"""Vocabularies: which tags a manifest has, and what a corpus says beside them."""

from collections.abc import Iterator
from pathlib import Path

from zokusei.corpora.problems import Problems
from zokusei.data.manifest import Record
from zokusei.errors import DataError
from zokusei.tags import TagSet


def read_vocabulary(path: Path) -> TagSet:
    """Read a list of tags: one a line, or a WD-style `selected_tags.csv` with categories.

    Raises:
        DataError: the file cannot be read, is empty, or names a tag twice.
    """
    if path.suffix == ".csv":
        return TagSet.load(path)
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as a list of tags: {error}") from error
    names = [line.strip() for line in lines if line.strip()]
    if not names:
        raise DataError(f"{path} holds no tag; write one a line")
    return TagSet.from_names(names)


def name_unknown_tags(
    records: Iterator[Record], tags: TagSet, problems: Problems
) -> Iterator[Record]:
    """Pass records on; at the end, remark each tag outside the vocabulary, once with its count."""
    first: dict[str, str] = {}
    counts: dict[str, int] = {}
    for record in records:
        for tag in record.tags:
            if tag not in tags:
                first.setdefault(tag, record.where or record.path)
                counts[tag] = counts.get(tag, 0) + 1
        yield record
    for tag in sorted(counts, key=lambda tag: (-counts[tag], tag)):
        pictures = "1 picture" if counts[tag] == 1 else f"{counts[tag]} pictures"
        problems.remark(first[tag], f"{tag} is not in the vocabulary; {pictures}, here the first")
