"""The pages' templates: one HTML file each, on a base with the style all of them share."""

from importlib.resources import files
from typing import Any

from zokusei.errors import MissingExtraError


def load_template(name: str) -> Any:
    """Give a template of this package.

    Raises:
        MissingExtraError: Jinja is not installed.
    """
    try:
        from jinja2 import Environment, FunctionLoader, StrictUndefined
    except ImportError as error:
        raise MissingExtraError("jinja2", "train", "a report") from error
    environment = Environment(
        loader=FunctionLoader(_read), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters["rate"] = lambda value: "–" if value is None else f"{value:.1f}"
    return environment.get_template(name)


def _read(name: str) -> str:
    return files("zokusei.report").joinpath(name).read_text(encoding="utf-8")
