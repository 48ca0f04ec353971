"""A label graph as a picture: tags on a circle, an arrow for every edge."""

import math
from pathlib import Path
from typing import Any

from zokusei.errors import ConfigError, MissingExtraError
from zokusei.files import write_whole

FORMATS = (".png", ".svg", ".pdf")

_INK, _BLUE = "#3b4250", "#4c8dd6"
# More names than this cannot be read around one circle.
_MOST = 90


def draw_label_graph(graph: dict[str, Any], path: Path | str) -> None:
    """Draw the tags that have an edge, each as large as it is frequent.

    Args:
        graph: of `zokusei.data.graph.compute_label_graph`. Of more than 90 tags with edges those
            with the most are drawn, and the title says so.
        path: a `.png`, `.svg` or `.pdf` file.

    Raises:
        ConfigError: the file's name ends otherwise.
        MissingExtraError: matplotlib is not installed.
    """
    path = Path(path)
    if path.suffix.lower() not in FORMATS:
        raise ConfigError(f"a graph is drawn as {', '.join(FORMATS)}, not {path.name!r}")
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("matplotlib", "train", "a picture of the graph") from error
    drawn, edges = _choose(graph)
    side = 5 + 0.06 * len(drawn)
    figure = Figure(figsize=(side, side), layout="constrained")
    _draw(figure.add_subplot(), graph, drawn, edges)
    with write_whole(path) as temporary:
        figure.savefig(temporary, dpi=150)


def _choose(graph: dict[str, Any]) -> tuple[list[str], list[dict[str, Any]]]:
    """Give the tags that are drawn, in their own order, and the edges among them."""
    degrees: dict[str, int] = {}
    for edge in graph["strongest"]:
        for end in ("from", "to"):
            degrees[edge[end]] = degrees.get(edge[end], 0) + 1
    kept = set(sorted(degrees, key=lambda name: -degrees[name])[:_MOST])
    edges = [edge for edge in graph["strongest"] if {edge["from"], edge["to"]} <= kept]
    return [name for name in graph["names"] if name in kept], edges


def _draw(axes: Any, graph: dict[str, Any], drawn: list[str], edges: list[dict[str, Any]]) -> None:
    counts = dict(zip(graph["names"], graph["counts"], strict=True))
    largest = max((counts[name] for name in drawn), default=1)
    angles = {name: 2 * math.pi * index / len(drawn) for index, name in enumerate(drawn)}
    places = {name: (math.cos(angle), math.sin(angle)) for name, angle in angles.items()}
    for edge in edges:
        look = {"arrowstyle": "-|>", "color": _BLUE, "alpha": 0.25 + 0.6 * edge["probability"],
                "lw": 0.4 + edge["probability"], "shrinkA": 4, "shrinkB": 4,
                "connectionstyle": "arc3,rad=0.08"}  # fmt: skip
        axes.annotate("", places[edge["to"]], places[edge["from"]], arrowprops=look)
    for name, (x, y) in places.items():
        axes.scatter(x, y, s=6 + 60 * counts[name] / largest, color=_INK, zorder=3)
        degrees = math.degrees(angles[name])
        left = 90 < degrees < 270
        axes.annotate(
            name, (x * 1.05, y * 1.05), color=_INK, fontsize=7, va="center",
            ha="right" if left else "left", rotation_mode="anchor",
            rotation=degrees - 180 if left else degrees, parse_math=False,
        )  # fmt: skip
    axes.set(xlim=(-1.5, 1.5), ylim=(-1.5, 1.5), aspect="equal")
    axes.set_axis_off()
    left_out = graph["edges"] - len(edges)
    also = f" ({left_out} more not drawn)" if left_out else ""
    isolated = len(graph["isolated"])
    alone = f"; {isolated} of them have none, and are not here" if isolated else ""
    axes.set_title(
        f"{graph['edges']} edges{also} among {graph['classes']} tags{alone}, "
        f"P(to | from) ≥ {graph['threshold']:g}",
        fontsize=9, color=_INK,
    )  # fmt: skip
