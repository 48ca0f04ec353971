"""Tables that commands print.

Names are people's: a tag `[b]` is no markup, so that every cell is `Text`.
"""

import math
from typing import Any

from rich.table import Table
from rich.text import Text

from zokusei.cli.console import out
from zokusei.results import RATES


def print_evaluation(evaluation: dict[str, Any]) -> None:
    """Print the figures of a split and a table per tag, the weakest first."""
    title = f"{evaluation['pictures']} {evaluation['name']} pictures, per cent"
    figures = Table(title=Text(title))
    figures.add_column("threshold")
    for title in RATES.values():
        figures.add_column(title, justify="right")
    for label, key in (("0.5", "metrics"), ("each tag's own", "metrics_own_thresholds")):
        rates = [evaluation[key][name] for name in RATES]
        values = ["-" if math.isnan(rate) else f"{rate:.2f}" for rate in rates]
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
        tags.add_row(Text(tag["name"]), str(tag["positives"]), *shown, f"{tag['threshold']:.2f}")
    out.print(tags)


def describe_tags(evaluation: dict[str, Any], most: int = 8) -> list[str]:
    """Say which tags of a model and of the pictures it was judged on have no counterpart."""
    said = {
        "unjudged_tags": "tags of the model that the manifest lacks are not judged",
        "ignored_tags": "tags of the manifest that the model lacks are ignored",
    }
    lines = []
    for key, what in said.items():
        names = evaluation[key]
        if names:
            lines.append(f"{len(names)} {what}: {_name_some(names, most)}")
    return lines


def _name_some(names: list[str], most: int = 8) -> str:
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")


def print_label_graph(title: str, graph: dict[str, Any], most: int = 40) -> None:
    """Print what there is to say of a label graph, and its edges, the most certain first."""
    receiver = f" ({graph['receiver']})" if graph["receiver"] else ""
    isolated = graph["isolated"]
    rows = [
        ("training pictures", str(graph["pictures"])),
        ("tags", str(graph["classes"])),
        ("edges", str(graph["edges"])),
        ("tags without an edge", f"{len(isolated)} ({_name_some(isolated)})" if isolated else "0"),
        ("largest in-degree", f"{graph['largest_in_degree']}{receiver}"),
    ]
    print_counts(f"{title}, P(to | from) >= {graph['threshold']:g}", rows)
    edges = graph["strongest"]
    shown = "edges" if len(edges) <= most else f"{most} of {len(edges)} edges"
    table = Table(title=f"{shown}, the most certain first")
    for name in ("from", "to"):
        table.add_column(name)
    for name in ("P(to | from), %", "weight in the adjacency"):
        table.add_column(name, justify="right")
    for edge in edges[:most]:
        rates = f"{100 * edge['probability']:.1f}", f"{edge['weight']:.3f}"
        table.add_row(Text(edge["from"]), Text(edge["to"]), *rates)
    out.print(table)


def print_counts(title: str, rows: list[tuple[str, str]]) -> None:
    """Print names with values."""
    table = Table(title=Text(title), show_header=False)
    table.add_column("")
    table.add_column("", justify="right", overflow="fold")
    for name, value in rows:
        table.add_row(Text(name), Text(value))
    out.print(table)
