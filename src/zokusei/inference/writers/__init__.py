"""What is found in pictures, in the forms that other tools read."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol

from zokusei.errors import ConfigError, suggest
from zokusei.inference.done import Row
from zokusei.inference.tagger import Tags
from zokusei.inference.writers.coco import CocoTable
from zokusei.inference.writers.kohya import KohyaLines, KohyaTable
from zokusei.inference.writers.npz import NpzTable
from zokusei.inference.writers.objects import JsonSidecar
from zokusei.inference.writers.tables import Columns, CsvTable, JsonLines, ParquetTable
from zokusei.inference.writers.text import TextSidecar
from zokusei.inference.writers.xmp import XmpSidecar
from zokusei.tag_text import COMMA, PRESETS, TagText
from zokusei.tags import CATEGORIES, RATING, TagSet

_WHOLE: Mapping[str, Callable[[], "Sidecar"]] = {"json": JsonSidecar, "xmp": XmpSidecar}
SIDECARS = (*PRESETS, *_WHOLE)
"""Formats with a file beside each picture."""

_SAME = {"bdtm": "a1111"}
"""Formats that have another name, too."""

TABLES = ("jsonl", "csv", "parquet", "coco", "kohya-json", "kohya-jsonl", "npz")
"""Formats with one file for all pictures."""


class Sidecar(Protocol):
    """Writes a file beside each picture."""

    def path_for(self, picture: Path) -> Path:
        """Name the file beside a picture."""

    def compose(self, tags: Tags, before: bytes | None, existing: str) -> bytes | None:
        """Give the content of the file; None where it is to stay."""


class Table(Protocol):
    """Writes one file for all pictures."""

    file_name: str
    needs_size: bool
    by_place: bool
    """Whether it names pictures by where results lie below the output folder, not as given."""

    def check(self, row: Row) -> None:
        """Raise `DataError` where the format cannot hold this."""

    def write(self, path: Path, rows: Callable[[], Iterator[Row]]) -> None:
        """Write the file; `rows` gives all of them, as often as it is called."""


@dataclass(frozen=True)
class Writers:
    """The formats that were asked for."""

    sidecars: Sequence[Sidecar]
    tables: Sequence[Table]


def parse_formats(text: str, extension: str = ".txt") -> list[str]:
    """Read names of formats with commas between them.

    Args:
        text: the names.
        extension: of text files.

    Raises:
        ConfigError: one is unknown, given twice, or writes into the file of another.

    >>> parse_formats("kohya,parquet")
    ['kohya', 'parquet']
    """
    asked = [name.strip() for name in text.split(",") if name.strip()]
    names = [_SAME.get(name, name) for name in asked]
    known = (*SIDECARS, *TABLES)
    for name in names:
        if name not in known:
            raise ConfigError(f"unknown format {name!r} in --write{suggest(name, known)}")
    if not names or len(set(names)) < len(names):
        raise ConfigError(f"--write {text!r} names no format, or one of them twice")
    writes: dict[Path, str] = {}
    for name in names:
        if name not in SIDECARS:
            continue
        other = writes.setdefault(_path_for(name, Path("a.png"), extension), name)
        if other != name:
            raise ConfigError(
                f"{other} and {name} write the same file beside each picture; give one of them"
            )
    return names


def _path_for(name: str, picture: Path, extension: str) -> Path:
    if name in PRESETS:
        return PRESETS[name].path_for(picture, extension)
    return _WHOLE[name]().path_for(picture)


def create_writers(
    names: Sequence[str],
    tags: TagSet,
    categories: Mapping[str, str] | None = None,
    *,
    extension: str = ".txt",
    separator: str = COMMA,
    captions: bool = False,
    embeddings: bool = False,
    caption_first: bool = False,
    rated: bool = False,
) -> Writers:
    """Build the writers of these formats.

    Args:
        names: what `parse_formats` gives.
        tags: what the model knows.
        categories: of its tags and of those that rules make of them; the model's own by default.
        extension: of text files.
        separator: between tags of text files that have commas else.
        captions: whether pictures have captions.
        embeddings: whether they have embeddings.
        caption_first: whether text files begin with the caption.
        rated: whether captions have the rating among their tags. That of a model with ratings is
            a member or column of its own, besides, where there are any.
    """
    if categories is None:
        categories = {tag.name: CATEGORIES.get(tag.category, "general") for tag in tags}
    ratings = frozenset(name for name, kind in categories.items() if kind == CATEGORIES[RATING])
    build: Mapping[str, Callable[[], Sidecar]] = {**_WHOLE, "xmp": partial(XmpSidecar, ratings)}
    columns, unspoken = Columns(captions, embeddings, ratings), frozenset() if rated else ratings

    def style(text: TagText) -> TagText:
        parted = text.separator if text.separator != COMMA else separator
        return replace(text, ratings=text.ratings or rated, separator=parted)

    sidecars = [
        TextSidecar(style(PRESETS[name]), extension, categories, caption_first=caption_first)
        if name in PRESETS
        else build[name]()
        for name in names
        if name in SIDECARS
    ]
    tables: Mapping[str, Callable[[TagSet], Table]] = {
        "jsonl": partial(JsonLines, ratings=ratings), "csv": partial(CsvTable, columns=columns),
        "parquet": partial(ParquetTable, columns=columns), "coco": CocoTable, "npz": NpzTable,
        "kohya-json": lambda _: KohyaTable(unspoken),
        "kohya-jsonl": lambda _: KohyaLines(unspoken, caption_first=caption_first),
    }  # fmt: skip
    return Writers(sidecars, [tables[name](tags) for name in names if name in TABLES])
