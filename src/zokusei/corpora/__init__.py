"""Corpora: one module per source, each of which becomes one manifest."""

from collections.abc import Mapping
from pathlib import Path

from zokusei.corpora.problems import Problems
from zokusei.corpora.sidecars import read_sidecars
from zokusei.corpora.table import read_table
from zokusei.data.manifest import Manifest
from zokusei.errors import DataError
from zokusei.tags import TagSet

__all__ = ["Problems", "import_corpus"]

_MANIFEST = "manifest.parquet"


def import_corpus(
    path: Path | str,
    *,
    images: Path | str | None = None,
    columns: Mapping[str, str] | None = None,
    group_column: str | None = None,
    vocabulary: Path | str | None = None,
) -> tuple[Manifest, Problems]:
    """Read labelled pictures, whatever of the known forms they have.

    A `.parquet` file is a manifest already, and so is a folder with a `manifest.parquet`; a
    `.csv` is a table; a folder with exactly one CSV in it is that table with its pictures; any
    other folder holds pictures with sidecars.

    Args:
        path: the manifest, table or folder.
        images: folder that a table's file names are relative to; the table's own by default.
        columns: see `read_table`.
        group_column: see `read_table`.
        vocabulary: file with one tag a line; the manifest's vocabulary, in that order.

    Returns:
        The manifest, splits filled in only where the source names them, and what was left out.

    Raises:
        DataError: there is nothing at `path`, or it holds no labelled picture.
    """
    path, problems = Path(path), Problems()
    names = _read_vocabulary(Path(vocabulary)) if vocabulary else None
    tags = TagSet.from_names(names) if names else None
    if not path.exists():
        raise DataError(f"{path} does not exist; give a manifest, a CSV or a folder of pictures")
    if (path / _MANIFEST).is_file() and not (images or columns or group_column):
        path = path / _MANIFEST
    if path.suffix == ".parquet":
        manifest = Manifest.load(path)
        return (manifest.with_tags(tags) if tags else manifest), problems
    table = path if path.is_file() else _only_csv(path)
    if table is None:
        root = path
        records = read_sidecars(path, problems)
    else:
        root = Path(images) if images else table.parent
        records = read_table(
            table,
            problems,
            images=root,
            columns=columns,
            group_column=group_column,
            vocabulary=names,
        )
    try:
        return Manifest.from_records(records, tags, root), problems
    except DataError as error:
        raise DataError(f"{error}\n{problems.summary()}".rstrip()) from error


def _only_csv(folder: Path) -> Path | None:
    tables = sorted(folder.glob("*.csv"))
    if len(tables) > 1:
        names = ", ".join(table.name for table in tables)
        raise DataError(f"{folder} holds several tables ({names}); name the one to read")
    return tables[0] if tables else None


def _read_vocabulary(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as a list of tags: {error}") from error
    return [line.strip() for line in lines if line.strip()]
