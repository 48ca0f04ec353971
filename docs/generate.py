"""Write docs/reference from the code: command line, settings, the classes of the drawn corpus.

python docs/generate.py           write the pages
python docs/generate.py --check   exit with 1 when they are not what would be written
"""

import dataclasses
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from zokusei.captioner_config import CaptionerConfig
from zokusei.cli import app
from zokusei.config import Config
from zokusei.corpora.drawn.attributes import DRAWN_TAGS, GROUPS, IMPLIED
from zokusei.corpora.drawn.styles import STYLES
from zokusei.files import write_text
from zokusei.white_box_config import WhiteBoxConfig

REFERENCE = Path(__file__).parent / "reference"
NOTE = "<!-- Written by docs/generate.py; do not edit. -->\n\n"


def command_line() -> str:
    """Every command with its arguments and options, from what its help is made of."""
    group = typer.main.get_command(app)
    parts = ["# The command line", "`COMMAND --help` shows the same in the terminal."]
    parts += [describe_command(name, command) for name, command in commands(group, "zokusei")]
    return NOTE + "\n\n".join(parts) + "\n"


def commands(group: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    """Give every command below a group with its whole name."""
    for name, command in group.commands.items():
        full = f"{prefix} {name}"
        yield from commands(command, full) if hasattr(command, "commands") else [(full, command)]


def describe_command(name: str, command: Any) -> str:
    """One command: its help, and a table of what it takes."""
    lines = [f"## {name}", "", inspect.cleandoc(command.help or ""), ""]
    lines += ["| takes | default | what it is |", "|---|---|---|"]
    for parameter in command.params:
        argument = parameter.param_type_name == "argument"
        names = [parameter.metavar or parameter.name.upper()] if argument else parameter.opts
        default = "" if parameter.default in (None, False) else f"`{parameter.default}`"
        if parameter.required:
            default = "required"
        shown = ", ".join(f"`{name}`" for name in names).replace("|", "\\|")
        lines.append(f"| {shown} | {default} | {' '.join((parameter.help or '').split())} |")
    return "\n".join(lines)


def settings(title: str, kind: Any) -> str:
    """Every setting with its type and default, from the dataclasses that are the settings."""
    parts = [
        f"# {title}",
        "A configuration is a YAML file of these; `section.key=value` on the command line "
        "overrides any of them.",
    ]
    sections = [item for item in dataclasses.fields(kind) if dataclasses.is_dataclass(item.type)]
    parts += [describe(section.name, section.default_factory()) for section in sections]
    return NOTE + "\n\n".join(parts) + "\n"


def describe(name: str, section: Any) -> str:
    """One section with its defaults there: its sentence, and a table of its settings."""
    text = inspect.cleandoc(section.__doc__ or "")
    sentence, _, attributes = text.partition("\n\nAttributes:\n")
    lines = [
        f"## {name}",
        "",
        sentence,
        "",
        "| setting | default | what it does |",
        "|---|---|---|",
    ]
    explained = explain(attributes)
    for item in dataclasses.fields(section):
        value = getattr(section, item.name)
        shown = "none" if value is None else f"`{value!r}`"
        lines.append(f"| `{name}.{item.name}` | {shown} | {explained.get(item.name, sentence)} |")
    return "\n".join(lines)


def explain(attributes: str) -> dict[str, str]:
    """Give what an `Attributes:` block says of each name; `val, test: ...` is of both."""
    explained = {}
    for entry in re.split(r"\n(?=    \w)", "\n" + attributes.rstrip()):
        names, _, text = entry.strip().partition(":")
        for name in names.split(","):
            explained[name.strip()] = " ".join(text.split()).replace("|", "\\|")
    return explained


def drawn_classes() -> str:
    """The classes of the drawn corpus, and its styles."""
    lines = [
        f"# The {len(DRAWN_TAGS)} classes of the drawn corpus",
        "",
        "Named as Danbooru names them, in the order of the labels.",
        "",
        "| about | classes |",
        "|---|---|",
        *(
            f"| {group} | {', '.join(f'`{name}`' for name in names)} |"
            for group, names in GROUPS.items()
        ),
        "",
        "Implied: " + ", ".join(f"`{one}` by `{by}`" for by, one in IMPLIED.items()) + ".",
        "",
        "Styles: "
        + ", ".join(f"`{style.name}`" for style in STYLES if not style.unseen)
        + "; kept for testing: "
        + ", ".join(f"`{style.name}`" for style in STYLES if style.unseen)
        + ".",
    ]
    return NOTE + "\n".join(lines) + "\n"


def main() -> None:
    """Write the pages, or compare them."""
    pages = {
        "command-line.md": command_line(),
        "settings.md": settings("Settings", Config),
        "white-box-settings.md": settings("Settings of a White-box training", WhiteBoxConfig),
        "captioner-settings.md": settings("Settings of a captioner's training", CaptionerConfig),
        "drawn-classes.md": drawn_classes(),
    }
    stale = []
    for name, text in pages.items():
        path = REFERENCE / name
        if "--check" in sys.argv[1:]:
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                stale.append(name)
        else:
            write_text(path, text)
    if stale:
        sys.exit(f"docs/reference is out of date ({', '.join(stale)}): run make docs")


if __name__ == "__main__":
    main()
