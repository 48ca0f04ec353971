"""Fields of JSON: texts and lists of tags, whatever else somebody may have written there."""

from pathlib import Path
from typing import Any

from zokusei.corpora.problems import Problems
from zokusei.data.manifest import SPLITS
from zokusei.tag_text import parse_tags

SPLIT_NAMES = {name: name for name in SPLITS} | {"validation": "val", "dev": "val", "valid": "val"}
"""What splits are called elsewhere, and here."""


def take_text(value: Any) -> str:
    """Give a text or a number as a text; nothing where there is none.

    Raises:
        TypeError: it is an object or a list.

    >>> take_text(7), take_text(None)
    ('7', '')
    """
    if value is None:
        return ""
    if isinstance(value, (dict, list)):
        raise TypeError(f"{value!r} instead of a text")
    return str(value)


def take_texts(value: Any) -> list[str]:
    """Give a list of texts without the empty ones.

    Raises:
        TypeError: it is no list, or holds objects or lists.
    """
    if value is None:
        return []
    if not isinstance(value, list):
        raise TypeError(f"{value!r} instead of a list")
    return [text for text in map(take_text, value) if text]


def take_tags(value: Any) -> list[str]:
    """Give tags, each once: a list of them, or a text that `parse_tags` understands.

    Raises:
        TypeError: it is neither.

    >>> take_tags("long hair, hat"), take_tags(["hat", "hat"]), take_tags(None)
    (['long_hair', 'hat'], ['hat'], [])
    """
    return parse_tags(value) if isinstance(value, str) else list(dict.fromkeys(take_texts(value)))


def take_split(value: Any, problems: Problems, where: Path | str, line: int | None = None) -> str:
    """Give a split as it is called here; nothing, and a remark, where it has another name.

    Raises:
        TypeError: it is an object or a list.

    >>> take_split("validation", Problems(), "a.csv"), take_split(None, Problems(), "a.csv")
    ('val', '')
    """
    name = take_text(value)
    if name and name not in SPLIT_NAMES:
        problems.remark(where, f"unknown split {name!r}; known: {', '.join(SPLIT_NAMES)}", line)
    return SPLIT_NAMES.get(name, "")
