"""Result rows: one CSV line a run, with everything that the figures depend on."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zokusei.environment import describe_hardware, find_commit, find_versions
from zokusei.errors import DataError
from zokusei.files import lock_folder, write_text

COLUMNS = """
experiment corpus split model preset seed map op or of1 cp cr cf1 macro_f1 bleu1 bleu2 bleu3 bleu4
images_per_second seconds commit config hardware versions
""".split()
"""Rates are per cent."""

RATES = {
    "map": "mAP", "op": "OP", "or": "OR", "of1": "OF1", "cp": "CP", "cr": "CR", "cf1": "CF1",
    "macro_f1": "macro-F1",
}  # fmt: skip
"""The columns that hold the figures of a multi-label classifier, with the field's names."""


def append_result(path: Path | str, row: Mapping[str, Any], columns: list[str] = COLUMNS) -> None:
    """Add one row to a table of results, with commit, hardware and versions filled in.

    Several processes may do so at the same time.

    Args:
        path: the CSV; made with its header when missing.
        row: values by column; what does not apply is left out.
        columns: of a new table.

    Raises:
        DataError: the row has a column that the table lacks, or the file is no table.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "results.csv"
    >>> append_result(path, {"experiment": "example", "map": 69.25})
    >>> [row["map"] for row in read_results(path)]
    ['69.25']
    """
    path = Path(path)
    versions = " ".join(f"{name}={value}" for name, value in find_versions().items())
    found = {"commit": find_commit(), "hardware": describe_hardware(), "versions": versions}
    with lock_folder(path.parent):  # or another process's row, added meanwhile, would be lost
        there, rows = _read(path) if path.exists() else ([], [])
        columns = there or columns
        row = {**{name: value for name, value in found.items() if name in columns}, **row}
        unknown = sorted(set(row) - set(columns))
        if unknown:
            raise DataError(f"{path} has no column {unknown[0]!r}; it has: {', '.join(columns)}")
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
        writer.writeheader()
        added: Mapping[str, Any] = {name: _format(value) for name, value in row.items()}
        writer.writerows([*rows, added])
        write_text(path, text.getvalue())


def read_results(path: Path | str) -> list[dict[str, str]]:
    """Read a table of results.

    Raises:
        DataError: it cannot be read.
    """
    return _read(Path(path))[1]


def _read(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """Give the columns of a table and its rows."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read as a table of results: {error}") from error
    return list(reader.fieldnames or ()), rows


def _format(value: Any) -> Any:
    return f"{value:.6g}" if isinstance(value, float) else value
