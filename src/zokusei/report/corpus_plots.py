"""Plots of a corpus."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from zokusei.data.inspect import Counts
from zokusei.report.plots import BLUE, render_svg

_TAGS = 50  # more names than these cannot be read in the picture


def plot_counts(counts: Sequence[int]) -> str:
    """Pictures of each tag, the most frequent first: how long the tail is."""
    ranked = sorted((count for count in counts if count), reverse=True)

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        axes.plot(range(1, len(ranked) + 1), ranked, ".-", color=BLUE, lw=1, ms=4)
        axes.set(xlabel="tags, the most frequent first", ylabel="pictures", yscale="log")
        axes.yaxis.set_major_formatter(lambda number, _: f"{number:,.0f}")
        axes.xaxis.get_major_locator().set_params(integer=True)

    return render_svg(draw, width=8.6, height=2.6)


def plot_tags_per_picture(by_tags: Sequence[int]) -> str:
    """How many pictures have how many tags."""

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        axes.bar(range(len(by_tags)), by_tags, color=BLUE, width=0.85)
        axes.set(xlabel="tags of a picture", ylabel="pictures")
        axes.xaxis.get_major_locator().set_params(integer=True)

    return render_svg(draw, width=8.6, height=2.4)


def plot_cooccurrence(tags: Sequence[str], together: Counts) -> str:
    """How many per cent of the pictures with a row's tag have the column's tag as well."""
    count = min(len(tags), _TAGS)
    counts = together[:count, :count].astype(float)
    share = 100 * counts / np.maximum(np.diagonal(counts)[:, None], 1)
    np.fill_diagonal(share, np.nan)  # each tag goes with itself

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        shown = axes.imshow(share, cmap="viridis", vmin=0, vmax=100, interpolation="nearest")
        axes.set_xticks(range(count), tags[:count], rotation=90, fontsize=6.5)
        axes.set_yticks(range(count), tags[:count], fontsize=6.5)
        axes.grid(visible=False)
        axes.tick_params(length=0)
        bar = figure.colorbar(shown, ax=axes, shrink=0.6, pad=0.02)
        bar.set_label("% of the row's pictures that have the column's tag")
        bar.outline.set_visible(False)

    side = 2.6 + 0.13 * count
    return render_svg(draw, width=side + 0.9, height=side)
