"""What a corpus says of one picture in several places, brought together on disk."""

import json
import sqlite3
import weakref
from collections.abc import Iterator
from typing import Any


class Captions:
    """Captions by picture; they lie in a temporary file, so that memory does not grow.

    >>> captions = Captions()
    >>> captions.add("a.jpg", "A hat.", 1, 7)
    >>> captions.add("a.jpg", "A girl with a hat.", 0, 8)
    >>> list(captions.read())
    [('a.jpg', ['A girl with a hat.', 'A hat.'], 7)]
    """

    def __init__(self) -> None:
        self._rows = open_temporary()
        self._rows.execute("CREATE TABLE captions (name BLOB, number INT, line INT, text TEXT)")
        self._rows.execute("BEGIN")
        weakref.finalize(self, self._rows.close)

    def add(self, name: str, text: str, number: int, line: int) -> None:
        """Keep one caption of a picture, its place among them, and the line it stands in."""
        key = name.encode("utf-8", "surrogateescape")
        self._rows.execute("INSERT INTO captions VALUES (?, ?, ?, ?)", (key, number, line, text))

    def read(self) -> Iterator[tuple[str, list[str], int]]:
        """Give each picture with its captions and its first line, in the order of those lines."""
        self._rows.execute("CREATE INDEX by_name ON captions (name, number, line)")
        names = "SELECT name, MIN(line) AS first FROM captions GROUP BY name ORDER BY first"
        of_name = "SELECT text FROM captions WHERE name = ? ORDER BY number, line"
        for key, line in self._rows.execute(names):
            texts = [text for (text,) in self._rows.execute(of_name, (key,))]
            yield key.decode("utf-8", "surrogateescape"), texts, line


class Notes:
    """Objects by picture number, in the order they came; kept like captions.

    >>> notes = Notes()
    >>> notes.add_picture("7", {"file_name": "a.jpg"}, 3), notes.add_picture("7", {}, 4)
    (True, False)
    >>> notes.add("7", {"caption": "A hat."}, 9)
    >>> notes.add("8", {"caption": "A dog."}, 10)
    >>> list(notes.read())
    [({'file_name': 'a.jpg'}, 3, [({'caption': 'A hat.'}, 9)])]
    >>> list(notes.find_orphans())
    [('8', {'caption': 'A dog.'}, 10)]
    """

    def __init__(self) -> None:
        self._rows = open_temporary()
        self._rows.execute("CREATE TABLE pictures (id TEXT PRIMARY KEY, line INT, value TEXT)")
        self._rows.execute("CREATE TABLE notes (picture TEXT, line INT, value TEXT)")
        self._rows.execute("BEGIN")
        weakref.finalize(self, self._rows.close)

    def add_picture(self, number: str, value: dict[str, Any], line: int) -> bool:
        """Keep a picture; whether its number is new."""
        row = (number, line, json.dumps(value))
        inserted = self._rows.execute("INSERT OR IGNORE INTO pictures VALUES (?, ?, ?)", row)
        return inserted.rowcount == 1

    def find_picture(self, number: str) -> dict[str, Any]:
        """Give a picture that is there."""
        row = self._rows.execute("SELECT value FROM pictures WHERE id = ?", (number,)).fetchone()
        value: dict[str, Any] = json.loads(row[0])
        return value

    def add(self, number: str, value: dict[str, Any], line: int) -> None:
        """Keep what is said of a picture."""
        row = (number, line, json.dumps(value))
        self._rows.execute("INSERT INTO notes VALUES (?, ?, ?)", row)

    def read(self) -> Iterator[tuple[dict[str, Any], int, list[tuple[dict[str, Any], int]]]]:
        """Give each picture and its line with what is said of it, and these lines."""
        self._rows.execute("CREATE INDEX IF NOT EXISTS by_picture ON notes (picture)")
        of_picture = "SELECT value, line FROM notes WHERE picture = ? ORDER BY rowid"
        for number, line, value in self._rows.execute(
            "SELECT id, line, value FROM pictures ORDER BY rowid"
        ):
            said = self._rows.execute(of_picture, (number,))
            yield json.loads(value), line, [(json.loads(text), at) for text, at in said]

    def find_orphans(self) -> Iterator[tuple[str, dict[str, Any], int]]:
        """Give number, object and line of what is said of a picture that there is not."""
        for number, value, line in self._rows.execute(
            "SELECT picture, value, line FROM notes "
            "WHERE picture NOT IN (SELECT id FROM pictures) ORDER BY rowid"
        ):
            yield number, json.loads(value), line


def open_temporary() -> sqlite3.Connection:
    """Open a database without a name: a temporary file that SQLite caches and removes itself."""
    return sqlite3.connect("", isolation_level=None, check_same_thread=False)
