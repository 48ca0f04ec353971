"""A page of sections: one HTML file that needs no network, and Markdown beside its pictures."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from zokusei.files import write_text
from zokusei.report.templates import load_template


@dataclass(frozen=True)
class Section:
    """Part of a page.

    Attributes:
        title: its heading.
        before: paragraphs; what stands between back quotes is code.
        tables: each with its head as the first row.
        pictures: `.svg` and `.png` files with what they show.
        after: paragraphs.
    """

    title: str
    before: Sequence[str] = ()
    tables: Sequence[Sequence[Sequence[str]]] = ()
    pictures: Sequence[tuple[Path, str]] = field(default=())
    after: Sequence[str] = ()


def write_html(path: Path, title: str, sections: Sequence[Section]) -> None:
    """Write the page with its pictures inside.

    Raises:
        MissingExtraError: Jinja is not installed.
    """
    shown = [
        {
            "title": section.title,
            "before": [_as_html(text) for text in section.before],
            "tables": [[[_as_html(cell) for cell in row] for row in t] for t in section.tables],
            "pictures": [(_embed(file), text) for file, text in section.pictures],
            "after": [_as_html(text) for text in section.after],
        }
        for section in sections
    ]
    page = load_template("sections.html.jinja").render(title=title, sections=shown)
    write_text(path, page)


def write_markdown(path: Path, title: str, sections: Sequence[Section]) -> None:
    """Write the page; pictures are linked by their paths relative to it."""
    parts = [f"# {title}"]
    for section in sections:
        parts += [f"## {section.title}", *section.before]
        parts += [to_markdown(table).rstrip() for table in section.tables]
        parts += [
            f"![{text}]({file.relative_to(path.parent).as_posix()})"
            for file, text in section.pictures
        ]
        parts += section.after
    write_text(path, "\n\n".join(parts) + "\n")


def to_markdown(table: Sequence[Sequence[str]]) -> str:
    """Write a table, its first row as the head.

    >>> print(to_markdown([["a", "b"], ["1", "2"]]), end="")
    | a | b |
    |---|---|
    | 1 | 2 |
    """
    head, *rows = (f"| {' | '.join(row)} |" for row in table)
    return "\n".join([head, "|---" * len(table[0]) + "|", *rows]) + "\n"


def _as_html(text: str) -> str:
    """Escape a text, and mark its code.

    >>> _as_html("`a` < b")
    '<code>a</code> &lt; b'
    """
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped)


def _embed(file: Path) -> str:
    if file.suffix == ".svg":
        return file.read_text(encoding="utf-8")
    data = base64.b64encode(file.read_bytes()).decode()
    return f'<img src="data:image/png;base64,{data}" alt="" style="width: 100%">'
