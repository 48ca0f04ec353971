"""Metadata of kohya's fine-tuning: one JSON object with all pictures, or one a line."""

import json
from collections.abc import Sequence, Set
from pathlib import Path

from zokusei.inference.done import Row
from zokusei.inference.writers.tables import Rows, check_name
from zokusei.tag_text import PRESETS, as_one_tag


class KohyaTable:
    """Writes `tags.kohya.json`: by path `tags` as captions have them, and `image_size`.

    In the form that kohya's own tagger writes with `--output_path` and its trainers read. A caption
    that was asked for is `caption`, which they read beside `tags`.

    Args:
        ratings: tags that are no words of a caption.
    """

    file_name = "tags.kohya.json"
    needs_size, by_place = True, False

    def __init__(self, ratings: Set[str] = frozenset()) -> None:
        self._ratings = ratings

    def check(self, row: Row) -> None:
        """Refuse what would be read as something else.

        Raises:
            DataError: the name is no UTF-8, or a tag holds a comma.
        """
        check_name(row.path, "kohya's metadata")
        self._compose(row)

    def write(self, path: Path, rows: Rows) -> None:
        """Write the file."""
        with path.open("w", encoding="utf-8", newline="\n") as file:
            separator = "{\n"
            for row in rows():
                record = {"tags": self._compose(row), "image_size": row.size}
                if row.caption is not None:
                    record = {"caption": row.caption, **record}
                text = json.dumps({row.path: record}, indent=4, ensure_ascii=False)
                file.write(separator + text[2:-2])
                separator = ",\n"
            file.write("{}" if separator == "{\n" else "\n}")

    def _compose(self, row: Row, before: Sequence[str] = ()) -> str:
        names = (name for name in row.names if name not in self._ratings)
        return PRESETS["kohya"].write([*before, *names]).rstrip("\n")


class KohyaLines(KohyaTable):
    """Writes `tags.kohya.jsonl`: a line each with `image_path`, `caption` and `image_size`.

    What kohya's own tagger writes with `--output_path x.jsonl`: the tags are the `caption`. One
    that was asked for stands before them with `caption_first`, as in text files.

    Args:
        ratings: tags that are no words of a caption.
        caption_first: whether the caption, without commas, stands before the tags.
    """

    file_name = "tags.kohya.jsonl"

    def __init__(self, ratings: Set[str] = frozenset(), *, caption_first: bool = False) -> None:
        super().__init__(ratings)
        self._caption_first = caption_first

    def write(self, path: Path, rows: Rows) -> None:
        """Write the file."""
        with path.open("w", encoding="utf-8", newline="\n") as file:
            for row in rows():
                before = [as_one_tag(row.caption)] if self._caption_first and row.caption else []
                caption = self._compose(row, before)
                record = {"image_path": row.path, "caption": caption, "image_size": row.size}
                file.write(f"{json.dumps(record, ensure_ascii=False)}\n")
