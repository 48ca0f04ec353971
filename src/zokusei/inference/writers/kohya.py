"""Metadata of kohya's fine-tuning: one JSON object with all pictures."""

import json
from collections.abc import Set
from pathlib import Path

from zokusei.inference.done import Row
from zokusei.inference.writers.tables import Rows, check_name
from zokusei.tag_text import PRESETS


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

    def _compose(self, row: Row) -> str:
        names = (name for name in row.names if name not in self._ratings)
        return PRESETS["kohya"].write(names).rstrip("\n")
