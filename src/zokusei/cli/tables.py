"""Tables that commands print."""

from typing import Any

from rich.table import Table

from zokusei.cli.console import out
from zokusei.results import RATES


def print_evaluation(evaluation: dict[str, Any]) -> None:
    """Print the figures of a split and a table per tag, the weakest first."""
    figures = Table(title=f"{evaluation['pictures']} {evaluation['split']} pictures, per cent")
    figures.add_column("threshold")
    for title in RATES.values():
        figures.add_column(title, justify="right")
    for label, key in (("0.5", "metrics"), ("each tag's own", "metrics_own_thresholds")):
        values = [f"{evaluation[key][name]:.2f}" for name in RATES]
        figures.add_row(label, *values)
    out.print(figures)
    tags = Table(title="per tag, at its own threshold; the weakest first")
    tags.add_column("tag")
    for title in ("pictures", "AP", "precision", "recall", "F1", "threshold"):
        tags.add_column(title, justify="right")
    ranked = sorted(evaluation["tags"], key=lambda tag: (tag["ap"] is None, tag["ap"] or 0))
    for tag in ranked:
        rates = [tag[name] for name in ("ap", "precision", "recall", "f1")]
        shown = ["-" if rate is None else f"{rate:.1f}" for rate in rates]
        tags.add_row(tag["name"], str(tag["positives"]), *shown, f"{tag['threshold']:.2f}")
    out.print(tags)


def print_counts(title: str, rows: list[tuple[str, str]]) -> None:
    """Print names with values."""
    table = Table(title=title, show_header=False)
    table.add_column("")
    table.add_column("", justify="right", overflow="fold")
    for name, value in rows:
        table.add_row(name, value)
    out.print(table)
