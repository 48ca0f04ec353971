"""Options of `zokusei tag` by the names that kohya's taggers gave them.

Who has a command line for `tag_images_by_wd14_tagger.py` or its kin need not learn another: each of
its options is translated into ours before ours are read.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from typer.core import TyperCommand

from zokusei.errors import ConfigError
from zokusei.inference.rule_values import read_name


def _names(text: str, separator: str) -> list[str]:
    return [read_name(part) for part in text.split(separator) if part.strip()]


def _rule(key: str, value: Any) -> list[str]:
    return ["--rule", json.dumps({key: value}, ensure_ascii=False)]


def _replacements(text: str) -> list[str]:
    r"""Read `old,new;old,new`, where `\,` and `\;` stand for a comma and a semicolon of a tag."""
    found: dict[str, list[str]] = {}
    for pair in re.split(r"(?<!\\);", text):
        parts = [re.sub(r"\\([,;])", r"\1", part) for part in re.split(r"(?<!\\),", pair)]
        old, *new = map(read_name, parts)
        if len(new) != 1 or not old:
            raise ConfigError(f"--tag_replacement {text!r}: {pair!r} is no `old,new`")
        found[old] = [name for name in new if name]
    return _rule("replace", found)


_WITH_VALUE: dict[str, Callable[[str], list[str]]] = {
    "--thresh": lambda text: ["--threshold", text],
    "--general_threshold": lambda text: ["--threshold", f"general={text}"],
    "--character_threshold": lambda text: ["--threshold", f"character={text}"],
    "--tag_replacement": _replacements,
    "--caption_separator": lambda text: ["--caption-separator", text],
    "--caption_extension": lambda text: ["--caption-extension", text],
    "--batch_size": lambda text: ["--batch-size", text],
}
_LISTS = {"--undesired_tags": "remove", "--always_first_tags": "first"}
_SEPARATOR = "--caption_separator"  # parts their lists of tags, too
_ALONE: dict[str, Callable[[], list[str]]] = {
    "--append_tags": lambda: ["--existing", "append"],
    "--character_tags_first": lambda: _rule("order", ["character", "general"]),
    "--use_rating_tags": lambda: _rule("rating", "first"),
    "--use_rating_tags_as_last_tag": lambda: _rule("rating", "last"),
    "--frequency_tags": lambda: ["--count-tags"],
    "--character_tag_expand": lambda: _rule("expand", ["character"]),
    # What we do anyhow: blanks in captions, whole folders.
    "--remove_underscore": list,
    "--recursive": list,
}

KNOWN = (*_WITH_VALUE, *_LISTS, *_ALONE)
"""All of their names."""


def translate(arguments: Sequence[str]) -> list[str]:
    """Give the same arguments by our names.

    Raises:
        ConfigError: an option is theirs alone, or its value is none.

    >>> translate(["art", "--thresh", "0.4", "--append_tags", "--undesired_tags=a hat,solo"])
    ['art', '--threshold', '0.4', '--existing', 'append', '--rule', '{"remove": ["a_hat", "solo"]}']
    """
    separator = _find_separator(arguments)
    return [word for words in _translate_each(iter(arguments), separator) for word in words]


def _find_separator(arguments: Sequence[str]) -> str:
    """Give what parts tags in lists of them, wherever among the arguments it is said."""
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    found = ","
    for argument, following in pairwise([*options, ""]):
        name, equals, value = argument.partition("=")
        if name == _SEPARATOR:
            found = (value if equals else following).strip() or found
    return found


def _translate_each(rest: Iterator[str], separator: str) -> Iterator[Sequence[str]]:
    for argument in rest:
        name, equals, value = argument.partition("=")
        if argument == "--":
            yield [argument, *rest]
        elif name in _ALONE and not equals:
            yield _ALONE[name]()
        elif name in _WITH_VALUE or name in _LISTS:
            given = value if equals else next(rest, None)
            if given is None:
                raise ConfigError(f"{name} needs a value")
            if name in _LISTS:
                yield _rule(_LISTS[name], _names(given, separator))
            else:
                yield _WITH_VALUE[name](given)
        else:
            yield [argument]


class KohyaNames(TyperCommand):
    """A command whose options may also have their names."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments once they are translated."""
        return super().parse_args(ctx, translate(args))
