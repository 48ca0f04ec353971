"""Fields of JSON: texts and lists of tags, whatever else somebody may have written there."""

from typing import Any

from zokusei.tag_text import parse_tags


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
