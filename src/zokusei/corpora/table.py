"""Tables of labels, CSV or JSONL: a `tags` column, or columns that hold one attribute each."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from zokusei.corpora.fields import take_split, take_tags, take_text
from zokusei.corpora.lines import is_text, read_header, read_json_lines, read_rows
from zokusei.corpora.pictures import Pictures
from zokusei.corpora.problems import Problems
from zokusei.data.manifest import Box, Record
from zokusei.errors import DataError, suggest
from zokusei.tag_text import parse_tags

FILE_COLUMNS = ("file", "path", "file_name", "filename", "image")

_UNREADABLE = (TypeError, ValueError, AttributeError, KeyError, OverflowError)
"""What reading a row raises whose values have another form than expected."""

Row = Mapping[str, Any]


def read_table(
    path: Path,
    problems: Problems,
    images: Path,
    *,
    columns: Mapping[str, str] | None = None,
    group_column: str | None = None,
    vocabulary: Sequence[str] | None = None,
) -> Iterator[Record]:
    """Give one record a row of a CSV, or a line of a JSONL file.

    Columns that are understood: the file (`file`, `path`, `file_name`, `filename` or `image`);
    `tags` (separated by commas, or by spaces when no row of the table has a comma there; a list
    in JSON); `unsure` (written the same way: tags that nobody could decide, unknown from then
    on); `known` (a JSON list of the tags somebody looked for); `group` or `group_column`;
    `split`; `caption` or `text`, and `captions` (a JSON list); `objects` (`{"bbox": [[x, y,
    width, height]], "categories": [tag]}`). With `columns`, each named column holds the one
    value of an attribute and its pattern says what tag that is; an empty cell leaves the
    attribute's tags unknown.

    Args:
        path: the table, UTF-8. It is read twice, and never held in memory.
        problems: gets the rows that were left out, and why.
        images: folder that file names are relative to.
        columns: `{"hair": "{}_hair"}` turns `blonde` in column `hair` into `blonde_hair`.
        group_column: column that names near copies; `group` by default where there is one.
        vocabulary: all tags that were looked for; needed for `unsure` to be understood when a
            tag never occurs.

    Raises:
        DataError: the file is missing, or lacks a column.
    """
    header = _find_columns(path)
    file_column = next((name for name in FILE_COLUMNS if name in header), None)
    if file_column is None:
        raise DataError(
            f"{path} has no column for the picture ({', '.join(FILE_COLUMNS)}); "
            f"it has: {', '.join(header)}"
        )
    has_text = not {"text", "caption", "captions"}.isdisjoint(header)
    needed = list(columns or ([] if has_text else ["tags"]))
    for name in [*needed, *([group_column] if group_column else [])]:
        if name not in header:
            raise DataError(f"{path} has no column {name!r}{suggest(name, header)}")
    plan = _Plan(path, columns or {}, vocabulary)
    pictures = Pictures(images, problems)
    for line, row in _read(path, problems):
        try:
            file = take_text(row.get(file_column))
            split = take_split(row.get("split"), problems, path, line)
            group = take_text(row.get(group_column or "group"))
            source = take_text(row.get("source")) or path.stem
            captions, boxes = _read_captions(row), _read_boxes(row)
            tags, known = plan.read_tags(row, problems, line)
        except _UNREADABLE as error:
            problems.add(path, f"a value of another form than expected: {error}", line)
            continue
        if not pictures.admit(file, path, line):
            continue
        yield Record(
            path=file,
            tags=tags,
            known=known,
            split=split,
            group=group,
            captions=captions,
            boxes=boxes,
            source=source,
            where=f"{path}, line {line}",
        )


def is_jsonl(path: Path) -> bool:
    """Say whether a table's name says that it is JSON lines."""
    return path.suffix in (".jsonl", ".ndjson")


class _Plan:
    """How the cells of a table become tags, found by reading all of it once."""

    def __init__(
        self, path: Path, columns: Mapping[str, str], vocabulary: Sequence[str] | None
    ) -> None:
        for name, pattern in columns.items():
            if "{}" not in pattern:
                raise DataError(
                    f"the pattern {pattern!r} of column {name!r} lacks {{}} for its value"
                )
        self._path, self._columns = path, columns
        self._by_comma = any(
            "," in cell
            for _, row in _read(path, Problems())
            for cell in (row.get("tags"), row.get("unsure"))
            if isinstance(cell, str)
        )
        values: dict[str, set[str]] = {name: set() for name in columns}
        looked_for: set[str] = set()
        if columns or vocabulary is None:
            for _, row in _read(path, Problems()):
                try:
                    found = [(name, take_text(row.get(name))) for name in columns]
                    listed = [] if columns else self._split(row.get("tags"))
                except _UNREADABLE:
                    continue  # reported when it is read
                for name, value in found:
                    if value.strip() and is_text(value):
                        values[name].add(_tag(columns[name], value))
                looked_for.update(filter(is_text, listed))
        self._values = {name: sorted(found) for name, found in values.items()}
        self._looked_for = list(vocabulary) if vocabulary is not None else sorted(looked_for)

    def read_tags(
        self, row: Row, problems: Problems, line: int
    ) -> tuple[list[str], list[str] | None]:
        """Give the tags of a row, and those that somebody looked for (None: all)."""
        if self._columns:
            given = [name for name in self._columns if take_text(row.get(name)).strip()]
            tags = [_tag(self._columns[name], take_text(row[name])) for name in given]
            if len(given) == len(self._columns):
                return tags, None
            return tags, [tag for name in given for tag in self._values[name]]
        tags, known = self._split(row.get("tags")), row.get("known")
        if isinstance(known, list):
            known = take_tags(known)
        elif known is not None:
            known = self._split(known) or None
        if row.get("tags") is None and known is None:
            return [], []  # a caption alone: nobody looked for tags
        unsure = set(self._split(row.get("unsure")))
        for tag in sorted(unsure.intersection(tags)):
            problems.remark(self._path, f"{tag} is listed as present and as unsure", line)
        if unsure:
            known = [tag for tag in known or self._looked_for if tag not in unsure]
        return [tag for tag in tags if tag not in unsure], known

    def _split(self, cell: Any) -> list[str]:
        if isinstance(cell, list):
            return take_tags(cell)
        text = take_text(cell)
        return parse_tags(text) if self._by_comma else list(dict.fromkeys(text.split()))


def _read(path: Path, problems: Problems) -> Iterator[tuple[int, Row]]:
    return read_json_lines(path, problems) if is_jsonl(path) else read_rows(path, problems)


def _find_columns(path: Path) -> Iterable[str]:
    """Give all names that occur: the header, or those of the first lines of JSON."""
    if not is_jsonl(path):
        return read_header(path)
    names: dict[str, None] = {}
    for count, (_, row) in enumerate(read_json_lines(path, Problems())):
        names.update(dict.fromkeys(row))
        if count == 100:
            break
    return names


def _tag(pattern: str, value: str) -> str:
    return pattern.replace("{}", "_".join(value.split()))


def _read_captions(row: Row) -> list[str]:
    listed = row.get("captions")
    captions = [take_text(text) for text in listed] if isinstance(listed, list) else []
    if captions:
        return captions
    first = take_text(row.get("caption")) or take_text(row.get("text"))
    return [first] if first else []


def _read_boxes(row: Row) -> list[Box]:
    objects = row.get("objects")
    if not objects:
        return []
    pairs = zip(objects["categories"], objects["bbox"], strict=True)
    return [Box(take_text(tag), *(float(side) for side in sides)) for tag, sides in pairs]
