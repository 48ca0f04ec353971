"""Text files read line by line, each bad line named and left out."""

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from zokusei.corpora.problems import Problems
from zokusei.errors import DataError

_BEGINNING = 1 << 20  # bytes that tell a form: a document of gigabytes may be one line
_LONGEST_CELL = 1 << 24  # captions of a whole book fit; a stray quote does not swallow a table


def read_lines(path: Path, problems: Problems) -> Iterator[tuple[int, str]]:
    """Give the number, from 1, and the text of each line that is UTF-8 and not blank.

    Raises:
        DataError: the file cannot be opened, or is UTF-16 throughout.
    """
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if number == 1:
                    line = _without_mark(line, path)
                try:
                    text = line.decode("utf-8").rstrip("\r\n")
                except UnicodeDecodeError as error:
                    problems.add(path, f"not UTF-8 at byte {error.start} of the line", number)
                    continue
                if text.strip():
                    yield number, text
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}; check the path") from error


def read_beginning(path: Path) -> list[str]:
    """Give the lines that a file begins with and that are not blank; the last may be cut off.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        beginning = file.read(_BEGINNING)
    text = beginning.decode("utf-8-sig", errors="replace")
    return [line.rstrip("\r") for line in text.split("\n") if line.strip()]


def read_json_lines(
    path: Path, problems: Problems, *, only: re.Pattern[str] | None = None
) -> Iterator[tuple[int, dict[str, Any]]]:
    r"""Give the number and the object of each line of a JSONL file.

    A line that is cut off, is no JSON or is no object is reported, and the next one read.

    Args:
        path: the file.
        problems: gets the lines that cannot be used.
        only: lines without a match are passed by unread.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.jsonl"
    >>> _ = path.write_text('{"id": "1"}\n{"id": "2"')
    >>> problems = Problems()
    >>> list(read_json_lines(path, problems)), len(problems)
    ([(1, {'id': '1'})], 1)
    """
    for number, text in read_lines(path, problems):
        if only is not None and not only.search(text):
            continue
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            problems.add(path, f"no whole JSON object: {error}", number)
            continue
        if not isinstance(value, dict):
            problems.add(path, f"a {type(value).__name__} instead of a JSON object", number)
            continue
        yield number, value


def read_rows(path: Path, problems: Problems) -> Iterator[tuple[int, dict[str, str]]]:
    """Give the number of the last line and the cells of each row of a CSV with a header.

    Rows that are not UTF-8, or have more or fewer cells than the header, are reported.

    Raises:
        DataError: the file cannot be read.
    """
    with _open_table(path) as file:
        reader = csv.reader(file)
        header = _next_row(reader, path, problems) or []
        while (row := _next_row(reader, path, problems)) is not None:
            if not row:
                continue
            if not is_text("".join(row)):
                problems.add(path, "not UTF-8; save the table as UTF-8", reader.line_num)
            elif len(row) != len(header):
                what = f"the row does not have {len(header)} columns but {len(row)}"
                problems.add(path, what, reader.line_num)
            else:
                yield reader.line_num, dict(zip(header, row, strict=True))


def read_header(path: Path) -> list[str]:
    """Give the names of a CSV's columns.

    Raises:
        DataError: the file cannot be read, or a column is named twice.
    """
    with _open_table(path) as file:
        header = _next_row(csv.reader(file), path, Problems()) or []
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise DataError(f"{path} has more than one column {twice[0]!r}; rename one of them")
    return header


def _open_table(path: Path) -> TextIO:
    csv.field_size_limit(_LONGEST_CELL)
    try:
        with path.open("rb") as file:
            _without_mark(file.read(4), path)
        # Bytes that are not UTF-8 become lone surrogates, so that one row of them ends nothing.
        return path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")
    except OSError as error:
        raise DataError(f"{path} cannot be read as a table: {error.strerror}") from error


def _next_row(reader: Any, path: Path, problems: Problems) -> list[str] | None:
    while True:
        try:
            row: list[str] | None = next(reader, None)
            return row
        except csv.Error as error:
            problems.add(path, f"cannot be read as a row: {error}", reader.line_num)
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror}") from error


def _without_mark(start: bytes, path: Path) -> bytes:
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(f"{path} is UTF-16; save it as UTF-8")
    return start.removeprefix(b"\xef\xbb\xbf")


def is_text(text: str) -> bool:
    """Say whether a text can be written as UTF-8: whether it holds no half of a character."""
    return (
        not any("\ud800" <= letter <= "\udfff" for letter in text) if not text.isascii() else True
    )
