"""Settings from a YAML file and the command line, checked: the only reader of YAML.

A configuration is a YAML file whose first line is the command that runs it. `key=value` overrides
any of its keys, and a key that does not exist is refused with the nearest one that does.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, overload

import yaml
from pydantic import TypeAdapter, ValidationError

from zokusei.config import Config
from zokusei.errors import ConfigError, suggest
from zokusei.files import write_text

AnyConfig = TypeVar("AnyConfig")


@overload
def load_config(path: Path | str | None, overrides: Sequence[str] = ()) -> Config: ...


@overload
def load_config(
    path: Path | str | None, overrides: Sequence[str] = (), *, kind: type[AnyConfig]
) -> AnyConfig: ...


def load_config(
    path: Path | str | None, overrides: Sequence[str] = (), *, kind: type[Any] = Config
) -> Any:
    """Read a YAML file (or only the defaults) and apply `key=value` overrides in order.

    Args:
        path: the file; None: only the defaults.
        overrides: `key=value`.
        kind: the dataclass that holds the settings.

    Raises:
        ConfigError: the file cannot be read, a key is unknown, a value has the wrong type.

    >>> load_config(None, ["optimizer.lr=0.01", "train.epochs=3"]).optimizer.lr
    0.01
    >>> load_config(None, ["optimiser.lr=0.01"])
    Traceback (most recent call last):
    zokusei.errors.ConfigError: unknown setting 'optimiser.lr'; did you mean 'optimizer.lr'?
    """
    values = {} if path is None else read_yaml(path)
    for key, value in read_overrides(overrides):
        apply_setting(values, key, value)
    return create_config(values, kind)


def read_recipe(path: Path | str | None, overrides: Sequence[str] = ()) -> str:
    """Say what a configuration trains: its key `recipe`, `classifier` where it has none.

    Raises:
        ConfigError: the file cannot be read.
    """
    values = {} if path is None else read_yaml(path)
    for key, value in read_overrides(overrides):
        apply_setting(values, key, value)
    return str(values.get("recipe", "classifier"))


def read_yaml(path: Path | str) -> dict[str, Any]:
    """Read a file of settings as plain values.

    Raises:
        ConfigError: the file cannot be read, or holds something else.
    """
    try:
        loaded = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}") from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        message = " ".join(str(error).split())
        raise ConfigError(f"{path} cannot be read as a configuration: {message}") from error
    if loaded is not None and not isinstance(loaded, dict):
        raise ConfigError(f"{path} must hold settings as `key: value`, not {loaded!r:.60}")
    return loaded or {}


def create_config(values: Mapping[str, Any], kind: type[Any] = Config) -> Any:
    """Build the dataclasses from nested plain values.

    Raises:
        ConfigError: a key is unknown or a value has the wrong type.
    """
    known = list(_setting_names(kind))
    for key in _given_names(values, kind):
        if key not in known:
            # `lr` alone is too far from `optimizer.lr` for a spelling check.
            same_end = [name for name in known if name.endswith(f".{key}")]
            raise ConfigError(f"unknown setting {key!r}{suggest(key, same_end or known)}")
    try:
        return TypeAdapter(kind).validate_python(_fill_sections(values, kind))
    except ValidationError as error:
        raise ConfigError(describe_problems(error)) from error


def _fill_sections(values: Mapping[str, Any], kind: type[Any]) -> dict[str, Any]:
    """Put what a kind of settings has as its own defaults beside what is given of a section."""
    filled = dict(values)
    for item in dataclasses.fields(kind):
        given = values.get(item.name)
        if _section(item.type) is None or not isinstance(given, Mapping):
            continue
        own: dict[str, Any] = {}
        if item.default_factory is not dataclasses.MISSING:
            section = item.default_factory()
            own = {
                inner.name: getattr(section, inner.name) for inner in dataclasses.fields(section)
            }
        filled[item.name] = own | _fill_sections(given, _section(item.type))
    return filled


def describe_problems(error: ValidationError) -> str:
    """Name each value that was refused, with the reason, on one line."""
    details = [
        f"{'.'.join(str(part) for part in item['loc'])} = {item['input']!r:.60}: {item['msg']}"
        for item in error.errors()
    ]
    return "; ".join(details)


def save_config(config: Any, path: Path | str) -> None:
    """Write every setting, defaults included, as YAML that `load_config` reads back."""
    values = TypeAdapter(type(config)).dump_python(config, mode="json")
    write_text(path, yaml.safe_dump(values, sort_keys=False, allow_unicode=True))


def flatten(config: Any) -> dict[str, Any]:
    """Give every setting by its full name.

    >>> flatten(Config())["train.batch_size"]
    32
    """
    flat: dict[str, Any] = {}

    def add(section: Any, prefix: str) -> None:
        for item in dataclasses.fields(section):
            value = getattr(section, item.name)
            if dataclasses.is_dataclass(value):
                add(value, f"{prefix}{item.name}.")
            else:
                flat[prefix + item.name] = value

    add(config, "")
    return flat


def read_overrides(overrides: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """Part each `key=value` into the setting's full name and its value, written as in YAML.

    Raises:
        ConfigError: there is no `=`, or the value is no YAML.
    """
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals or not key:
            raise ConfigError(f"an override is written key=value, not {override!r}")
        try:
            yield key, yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ConfigError(f"{override!r}: the value is not valid YAML") from error


def apply_setting(values: dict[str, Any], key: str, value: Any) -> None:
    """Put a value into nested settings by its full name.

    Raises:
        ConfigError: a part of the name is a value already.
    """
    *parents, last = key.split(".")
    for parent in parents:
        inner = values.setdefault(parent, {})
        if not isinstance(inner, dict):
            raise ConfigError(f"{key!r}: {parent!r} is a value, not a group of settings")
        values = inner
    values[last] = value


def _section(annotation: Any) -> Any:
    """Give the dataclass that a field's type is, or None."""
    return annotation if dataclasses.is_dataclass(annotation) else None


def _setting_names(cls: Any, prefix: str = "") -> Iterator[str]:
    for item in dataclasses.fields(cls):
        section = _section(item.type)
        yield prefix + item.name
        if section is not None:
            yield from _setting_names(section, f"{prefix}{item.name}.")


def _given_names(values: Mapping[str, Any], cls: Any, prefix: str = "") -> Iterator[str]:
    """Give the full name of every innermost setting in nested values, known or not."""
    fields = {} if cls is None else {item.name: item for item in dataclasses.fields(cls)}
    for key, value in values.items():
        section = _section(fields[key].type) if key in fields else None
        if isinstance(value, Mapping) and (section is not None or key not in fields):
            yield from _given_names(value, section, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"
