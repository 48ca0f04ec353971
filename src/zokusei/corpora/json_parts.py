"""Large JSON documents, one element of their lists at a time."""

import codecs
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zokusei.errors import DataError

_CHUNK = 1 << 20
_BLANK = " \t\r\n"


def read_parts(path: Path) -> Iterator[tuple[str, Any, int]]:
    r"""Give the elements of every list that is a member of the document's object.

    Members that are no lists are given whole. Memory holds one element and a block of the file.

    Args:
        path: a JSON document that is an object.

    Returns:
        The member's name, the element, and the line it begins in.

    Raises:
        DataError: the file cannot be read, or is from some place on no JSON; what was read until
            then has been given.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.json"
    >>> _ = path.write_text('{"info": {"year": 1},\n "images": [{"id": 1}, {"id": 2}]}')
    >>> list(read_parts(path))
    [('info', {'year': 1}, 1), ('images', {'id': 1}, 2), ('images', {'id': 2}, 2)]
    """
    text = _Text(path)
    text.expect("{")
    if text.peek() == "}":
        return
    while True:
        name = text.value()
        if not isinstance(name, str):
            raise text.damage("a member's name is expected")
        text.expect(":")
        if text.peek() == "[":
            yield from ((name, value, line) for value, line in _elements(text))
        else:
            line = text.line
            yield name, text.value(), line
        if text.expect(",}") == "}":
            return


def _elements(text: "_Text") -> Iterator[tuple[Any, int]]:
    text.expect("[")
    if text.peek() == "]":
        text.expect("]")
        return
    while True:
        text.peek()
        line = text.line
        yield text.value(), line
        if text.expect(",]") == "]":
            return


class _Text:
    """A window on a file that moves forward value by value, and knows the line it is in."""

    def __init__(self, path: Path) -> None:
        self._path, self.line = path, 1
        self._decoder, self._window, self._at = json.JSONDecoder(), "", 0
        self._chunks = self._read()

    def _read(self) -> Iterator[str]:
        try:
            with self._path.open("rb") as file:
                decoder = codecs.getincrementaldecoder("utf-8-sig")()
                while block := file.read(_CHUNK):
                    yield decoder.decode(block)
                yield decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            raise self.damage("not UTF-8; save it as UTF-8") from error
        except OSError as error:
            raise DataError(f"{self._path} cannot be read: {error.strerror}") from error

    def damage(self, what: str) -> DataError:
        """Say that the document is no JSON from here on."""
        return DataError(f"{self._path}, line {self.line}: no whole JSON document: {what}")

    def _more(self) -> bool:
        """Drop what was passed and add a block; whether there was one."""
        block = next(self._chunks, None)
        if block is not None:
            self._window = self._window[self._at :] + block
            self._at = 0
        return block is not None

    def peek(self) -> str:
        """Pass over blanks and give the next letter without passing it; empty at the end."""
        while True:
            while self._at < len(self._window):
                letter = self._window[self._at]
                if letter not in _BLANK:
                    return letter
                self.line += letter == "\n"
                self._at += 1
            if not self._more():
                return ""

    def expect(self, letters: str) -> str:
        """Pass one of some letters."""
        letter = self.peek()
        if not letter or letter not in letters:
            found = repr(letter) if letter else "the end of the file"
            raise self.damage(f"{' or '.join(letters)} is expected, not {found}")
        self._at += 1
        return letter

    def value(self) -> Any:
        """Pass one value."""
        self.peek()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._window, self._at)
            except ValueError as error:
                # Perhaps the window ends inside it. It is read anew with twice as much, so that
                # a long value costs no more than twice its length.
                wanted = 2 * (len(self._window) - self._at)
                if not self._more():
                    raise self.damage(str(error)) from error
                while len(self._window) < wanted and self._more():
                    pass
                continue
            except RecursionError as error:
                raise self.damage("nested too deeply") from error
            # A number may go on behind the window: 100. is 100 until its digits come.
            behind = self._window[end : end + 1]
            is_number = not isinstance(value, (dict, list, str))
            if is_number and (not behind or behind not in _BLANK + ",]}") and self._more():
                continue
            self.line += self._window.count("\n", self._at, end)
            self._at = end
            return value
