"""Plots as SVG text, in colours that read on light and on dark pages."""

import io
import re
from collections.abc import Callable
from typing import Any

from zokusei.errors import MissingExtraError

INK = "#7c8491"
BLUE, ORANGE = "#4c8dd6", "#e08a3c"
_STYLE: Any = {
    "svg.fonttype": "none",  # text stays text: small files, and the page's own font
    "text.parse_math": False,  # `$_$` is a tag
    "svg.hashsalt": "zokusei",  # the same plot is the same file
    "font.size": 9,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": INK,
    "grid.alpha": 0.2,
    "legend.frameon": False,
}


def plot_learning(log: list[dict[str, Any]]) -> str:
    """Training loss over the steps, and validation mAP at each epoch's end."""
    steps = [record for record in log if record["kind"] == "step"]
    epochs = [record for record in log if record["kind"] == "epoch"]

    def draw(figure: Any) -> None:
        left, right = figure.subplots(1, 2)
        left.plot([r["step"] for r in steps], [r["loss"] for r in steps], color=BLUE, lw=1)
        left.set(xlabel="step", ylabel="training loss")
        numbers = [record["epoch"] + 1 for record in epochs]
        right.plot(numbers, [record["map"] for record in epochs], "o-", color=BLUE, ms=4)
        right.plot(numbers, [record["of1"] for record in epochs], "s--", color=ORANGE, ms=3)
        right.legend(["mAP", "OF1 at 0.5"])
        right.set(xlabel="epoch", ylabel="validation, %")
        right.xaxis.get_major_locator().set_params(integer=True)

    return render_svg(draw, width=8.6, height=2.7)


def plot_steps(log: list[dict[str, Any]]) -> str:
    """Learning rate and gradient norm over the steps."""
    steps = [record for record in log if record["kind"] == "step"]

    def draw(figure: Any) -> None:
        left, right = figure.subplots(1, 2)
        numbers = [record["step"] for record in steps]
        left.plot(numbers, [record["lr"] for record in steps], color=BLUE, lw=1)
        left.set(xlabel="step", ylabel="learning rate of the head")
        right.plot(numbers, [record["grad_norm"] for record in steps], color=BLUE, lw=1)
        right.set(xlabel="step", ylabel="gradient norm", yscale="log")

    return render_svg(draw, width=8.6, height=2.3)


def plot_tags(tags: list[dict[str, Any]], counts: dict[str, int]) -> str:
    """Average precision of each tag against how many training pictures it has."""
    judged = [tag for tag in tags if tag["ap"] is not None]

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        numbers = [max(counts.get(tag["name"], 0), 1) for tag in judged]
        rates = [tag["ap"] for tag in judged]
        axes.scatter(numbers, rates, s=16, color=BLUE, alpha=0.8, linewidths=0)
        ranked = sorted(zip(rates, numbers, judged, strict=True), key=lambda entry: entry[0])
        for rate, number, tag in ranked[:5]:
            axes.annotate(
                tag["name"], (number, rate), (4, 3), textcoords="offset points", fontsize=7.5
            )
        axes.set(xscale="log", xlabel="training pictures that have the tag", ylim=(0, 104))
        axes.set_ylabel("average precision, %")
        axes.xaxis.set_major_formatter(lambda number, _: f"{number:g}")

    return render_svg(draw, width=8.6, height=3.0)


def render_svg(draw: Callable[[Any], None], *, width: float, height: float) -> str:
    """Give what a function draws on a figure, as SVG text.

    Args:
        draw: is given the figure.
        width: in inches.
        height: in inches.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("matplotlib", "train", "a report") from error
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        figure.patch.set_alpha(0)
        draw(figure)
        for axes in figure.axes:
            axes.patch.set_alpha(0)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None})
    # Only the element itself: an XML header has no place inside a page.
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :]
    return re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
