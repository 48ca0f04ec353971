"""What a file of rules, and `--rule`, may hold: read and checked."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from zokusei.errors import ConfigError, suggest
from zokusei.tags import CATEGORIES

CHOICES = {"implied": ("drop", "add"), "rating": ("first", "last")}
"""Keys whose value is one of a few words."""


def add_rule(values: Mapping[str, Any], text: str) -> dict[str, Any]:
    """Give the values of a file with those of one rule more."""
    try:
        rule = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(
            f"--rule {text!r} cannot be read: {' '.join(str(error).split())}"
        ) from error
    if not isinstance(rule, dict):
        raise ConfigError(f"--rule {text!r} is none; write it as 'remove: [comic, text]'")
    joined = dict(values)
    for key, value in rule.items():
        there = joined.get(key)
        if isinstance(there, dict) and isinstance(value, dict):
            joined[key] = {**there, **value}
        elif there is None or key in CHOICES:
            joined[key] = value
        elif (
            isinstance(there, dict) or isinstance(value, dict) or key in ("aliases", "implications")
        ):
            raise ConfigError(f"--rule {text!r}: {key} is written in another way in the file")
        elif key == "one_of":
            joined[key] = [*_grouped(there), *_grouped(value)]
        elif key == "order":  # a category has one place, and what is said later counts
            joined[key] = [*_listed(value), *_listed(there)]
        else:
            joined[key] = [*_listed(there), *_listed(value)]
    return joined


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _grouped(value: Any) -> list[Any]:
    """Give groups of tags; one alone may be written without the outer brackets."""
    is_nested = isinstance(value, list) and any(isinstance(one, list) for one in value)
    return list(value) if is_nested else [value]


def take_choice(path: Path, key: str, values: Mapping[str, Any]) -> str | None:
    """Give one of the few words that a key may have; None where it is not there."""
    value = values.get(key)
    if value is not None and value not in CHOICES[key]:
        raise ConfigError(f"{path}: {key} is {' or '.join(CHOICES[key])}, not {value!r}")
    return value


def take_one(path: Path, old: str, new: Sequence[str]) -> str:
    """Give what an alias stands for."""
    if len(new) != 1:
        raise ConfigError(f"{path}: the alias {old!r} stands for one tag; several: replace")
    return new[0]


def take_names(path: Path, key: str, values: Mapping[str, Any]) -> tuple[str, ...]:
    """Give a list of tags, with blanks or underscores; one may be written without brackets."""
    value = values.get(key)
    names = [] if value is None else value if isinstance(value, list) else [value]
    for name in names:
        if not isinstance(name, str) or not name.strip():
            raise ConfigError(f"{path}: {key} is a list of tags, not {value!r:.80}; use quotes")
    return tuple(map(read_name, names))


def read_name(text: str) -> str:
    """Give the name of a tag, whose blanks are underscores in every model.

    >>> read_name("my  style"), read_name("^_^")
    ('my_style', '^_^')
    """
    return "_".join(text.split())


def take_groups(path: Path, key: str, values: Mapping[str, Any]) -> tuple[tuple[str, ...], ...]:
    """Give groups of tags; one alone may be written without the outer brackets."""
    value = values.get(key)
    groups = [] if value is None else _grouped(value)
    for group in groups:
        if not isinstance(group, list) or (len(group) < 2 and "*" not in str(group)):
            raise ConfigError(f"{path}: {key} is [[tag, other_tag], ...], not {value!r:.80}")
    return tuple(take_names(path, key, {key: group}) for group in groups)


def take_categories(path: Path, key: str, values: Mapping[str, Any]) -> tuple[str, ...]:
    """Give a list of Danbooru's categories."""
    names = take_names(path, key, values)
    for name in names:
        if name not in CATEGORIES.values():
            hint = suggest(name, CATEGORIES.values())
            raise ConfigError(f"{path}: {key} has no category {name!r}{hint}")
    return tuple(dict.fromkeys(names))


def take_map(path: Path, key: str, values: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Give what each tag stands for, one name or several."""
    value = values.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        raise ConfigError(f"{path}: {key} says `tag: other_tag`, not {value!r:.80}; use quotes")
    return {read_name(name): take_names(path, name, value) for name in value}
