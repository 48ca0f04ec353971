"""CSV tables of labels: a `tags` column, or columns that hold one attribute each."""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from zokusei.corpora.problems import Problems
from zokusei.corpora.sidecars import parse_tags
from zokusei.data.manifest import Record
from zokusei.errors import DataError, suggest

_FILE_COLUMNS = ("file", "path", "file_name", "filename", "image")


def read_table(
    path: Path,
    problems: Problems,
    *,
    images: Path,
    columns: Mapping[str, str] | None = None,
    group_column: str | None = None,
    vocabulary: Sequence[str] | None = None,
) -> Iterator[Record]:
    """Give one record a row of a CSV.

    Columns that are understood: the file (`file`, `path`, `file_name`, `filename` or `image`);
    `tags` (separated by commas, or by spaces when no row of the table has a comma there);
    `unsure` (written the same way: tags that nobody could decide, unknown from then on); `group`
    or `group_column`; `split`; `caption`. With `columns`, each named column holds the one value
    of an attribute and its pattern says what tag that is; an empty cell leaves the attribute's
    tags unknown.

    Args:
        path: the CSV, UTF-8.
        problems: gets the rows that were left out, and why.
        images: folder that file names are relative to.
        columns: `{"hair": "{}_hair"}` turns `blonde` in column `hair` into `blonde_hair`.
        group_column: column that names near copies; `group` by default where there is one.
        vocabulary: all tags that were looked for; needed for `unsure` to be understood when a
            tag never occurs.

    Raises:
        DataError: the file is missing, not UTF-8, or lacks a column.
    """
    rows = list(_read_rows(path, problems))
    header = rows[0][1].keys() if rows else _read_header(path)
    file_column = next((name for name in _FILE_COLUMNS if name in header), None)
    if file_column is None:
        raise DataError(
            f"{path} has no column for the picture ({', '.join(_FILE_COLUMNS)}); "
            f"it has: {', '.join(header)}"
        )
    for name in [*(columns or {"tags": ""}), *([group_column] if group_column else [])]:
        if name not in header:
            raise DataError(f"{path} has no column {name!r}{suggest(name, header)}")
    group_column = group_column or "group"
    values = {
        name: _values_of_column(name, pattern, rows) for name, pattern in (columns or {}).items()
    }
    split_tags = _find_separator(row for _, row in rows)
    looked_for = vocabulary or sorted(
        {tag for _, row in rows for tag in split_tags(row.get("tags") or "")}
    )
    seen: set[str] = set()
    for line, row in rows:
        file = row[file_column]
        reason = _refuse(file, images, seen)
        if reason:
            problems.add(f"{path}, line {line}", reason)
            continue
        seen.add(file)
        if columns:
            tags, known = _tags_from_columns(row, columns, values)
        else:
            tags = split_tags(row.get("tags") or "")
            unsure = set(split_tags(row.get("unsure") or ""))
            tags = [tag for tag in tags if tag not in unsure]
            known = [tag for tag in looked_for if tag not in unsure] if unsure else None
        caption = row.get("caption") or ""
        yield Record(
            path=file,
            tags=tags,
            known=known,
            split=row.get("split") or "",
            group=row.get(group_column) or "",
            captions=[caption] if caption else [],
            source=row.get("source") or path.stem,
        )


def _read_header(path: Path) -> list[str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return next(csv.reader(file), [])


def _read_rows(path: Path, problems: Problems) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            for row in reader:
                if None in row or None in row.values():
                    count = len(reader.fieldnames or [])
                    where = f"{path}, line {reader.line_num}"
                    problems.add(where, f"the row does not have {count} columns")
                    continue
                yield reader.line_num, row
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 at byte {error.start}; save it as UTF-8") from error
    except (OSError, csv.Error) as error:
        raise DataError(f"{path} cannot be read as a table: {error}") from error


def _find_separator(rows: Iterable[Mapping[str, str]]) -> Callable[[str], list[str]]:
    """Decide for the whole table: a tag such as `long hair` may be the only one of its row."""
    if any("," in (row.get(name) or "") for row in rows for name in ("tags", "unsure")):
        return parse_tags
    return lambda text: list(dict.fromkeys(text.split()))


def _values_of_column(
    name: str, pattern: str, rows: Sequence[tuple[int, Mapping[str, str]]]
) -> list[str]:
    """All tags that a column can give."""
    if "{}" not in pattern:
        raise DataError(f"the pattern {pattern!r} of column {name!r} lacks {{}} for its value")
    return sorted({_tag(pattern, row[name]) for _, row in rows if row[name].strip()})


def _tag(pattern: str, value: str) -> str:
    return pattern.replace("{}", "_".join(value.split()))


def _tags_from_columns(
    row: Mapping[str, str], columns: Mapping[str, str], values: Mapping[str, list[str]]
) -> tuple[list[str], list[str] | None]:
    given = [name for name in columns if row[name].strip()]
    tags = [_tag(columns[name], row[name]) for name in given]
    if len(given) == len(columns):
        return tags, None
    return tags, [tag for name in given for tag in values[name]]


def _refuse(file: str, images: Path, seen: set[str]) -> str:
    """Say why a row's file cannot be used, or nothing."""
    if not file:
        return "no file name"
    if file in seen:
        return f"{file} is listed twice; the first row counts"
    if Path(file).is_absolute() or ".." in Path(file).parts:
        return f"{file} leads out of {images}"
    if not (images / file).is_file():
        return f"{images / file} does not exist"
    return ""
