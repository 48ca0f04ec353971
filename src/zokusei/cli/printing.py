"""Names and tags as stdout takes them: names need not be UTF-8, and lines stay lines."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from zokusei.inference import Tags


def show(tags: "Tags", steps: Sequence[str], *, as_json: bool, kept: bool) -> None:
    """Print what was found in a picture, and what rules did to it.

    Args:
        tags: what was found.
        steps: of the rules.
        as_json: whether one object a line was asked for.
        kept: whether results are written elsewhere; then tags are printed only `as_json`, and
            nobody who has stopped reading ends the work.
    """
    try:
        if as_json:
            print_json(tags.to_dict())
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


def print_steps(tags: "Tags", steps: Sequence[str], *, named: bool) -> None:
    """Print what rules did to a picture, below its line, or below its name where it has none."""
    if steps and not named:
        typer.echo(f"{printable(tags.path)}:")
    for step in steps:
        typer.echo(f"  {printable(step)}")


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
