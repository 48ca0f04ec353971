"""DeepDanbooru projects: SQLite with a table `posts`, and `images/ab/ab….png` named by MD5."""

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from zokusei.corpora import vocabulary
from zokusei.corpora.pictures import Pictures
from zokusei.corpora.problems import Problems
from zokusei.data.manifest import Record
from zokusei.errors import DataError
from zokusei.tags import TagSet

_MAGIC = b"SQLite format 3\0"
_MD5 = re.compile(r"[0-9a-f]{32}")
_COLUMNS = ("id", "md5", "file_ext", "tag_string")


def is_deepdanbooru(path: Path) -> bool:
    """Say whether this is a database, or a folder with a project or a database in it."""
    return _find_database(path) is not None


def find_pictures(path: Path) -> Path:
    """Give the folder of the database, which paths are relative to."""
    database = _find_database(path)
    return database.parent if database else path


def read_vocabulary(path: Path) -> TagSet | None:
    """Give the project's `tags.txt`, one a line in the order of its network, if there is one.

    Raises:
        DataError: the file cannot be read, is empty, or names a tag twice.
    """
    file = path / "tags.txt"
    if not path.is_dir() or not file.is_file():
        return None
    return vocabulary.read_vocabulary(file)


def read_deepdanbooru(path: Path, problems: Problems, images: Path) -> Iterator[Record]:
    """Give one record a row of `posts`, by its number.

    Args:
        path: the project's folder, or its database.
        problems: gets posts without a picture, and rows that cannot be right.
        images: folder that holds `images/`.

    Raises:
        DataError: the database is damaged, or has no such table.
    """
    database = _find_database(path)
    assert database is not None, "the format was recognised by this file"
    pictures = Pictures(images, problems)
    columns = ", ".join(_COLUMNS)
    try:
        with closing(
            sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)
        ) as opened:
            opened.text_factory = lambda raw: raw.decode("utf-8", "replace")
            for number, md5, ending, tags in opened.execute(
                f"SELECT {columns} FROM posts ORDER BY id"
            ):
                where = f"{database}, post {number}"
                if not (isinstance(md5, str) and _MD5.fullmatch(md5)):
                    problems.add(where, f"md5 is {md5!r}")
                elif not (isinstance(ending, str) and ending.isalnum()):
                    problems.add(where, f"file_ext is {ending!r}")
                elif tags is None or "\ufffd" in str(tags):
                    problems.add(where, "tag_string is missing or not UTF-8")
                elif pictures.admit(name := f"images/{md5[:2]}/{md5}.{ending}", where):
                    listed = list(dict.fromkeys(str(tags).split()))
                    yield Record(name, listed, source="deepdanbooru", where=where)
    except sqlite3.Error as error:
        raise DataError(
            f"{database} cannot be read as DeepDanbooru's database: {error}; expected a table "
            f"posts with {columns}"
        ) from error


def _find_database(path: Path) -> Path | None:
    if path.is_file():
        return path if _is_database(path) else None
    project = path / "project.json"
    if project.is_file():
        try:
            named = json.loads(project.read_text(encoding="utf-8")).get("database_path")
        except (OSError, ValueError, AttributeError):
            named = None
        # The project may have been made on another machine, with a path of that one.
        for file in (path / str(named), path / Path(str(named).replace("\\", "/")).name):
            if named and file.is_file() and _is_database(file):
                return file
    found = [file for file in sorted(path.glob("*.sqlite*")) if _is_database(file)]
    return found[0] if len(found) == 1 else None


def _is_database(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(len(_MAGIC)) == _MAGIC
