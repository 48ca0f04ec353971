"""One picture beside the scores of several models, sorted, with the truth marked."""

import textwrap
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zokusei.errors import MissingExtraError
from zokusei.files import write_whole
from zokusei.images import open_image

_SHOWN, _COLUMNS = 14, 48  # scores, and letters in a line of a note
_TRUE, _FALSE, _LIMIT = "#c4392f", "#4c8dd6", "#20242c"


@dataclass(frozen=True)
class Decisions:
    """What one model says of a picture.

    Attributes:
        title: names the model.
        note: a line below the title.
        scores: probability of every tag.
    """

    title: str
    note: str
    scores: dict[str, float]

    def list_shown(self, true: Collection[str]) -> list[tuple[str, float]]:
        """Give the highest scores, and those of all given and all true tags, the highest first.

        >>> Decisions("", "", {"a": 0.1, "b": 0.9}).list_shown(["a"])
        [('b', 0.9), ('a', 0.1)]
        """
        ranked = sorted(self.scores.items(), key=lambda pair: -pair[1])
        return [
            (name, score)
            for place, (name, score) in enumerate(ranked)
            if place < _SHOWN or score >= 0.5 or name in true
        ]


def draw_decisions(
    target: Path, picture: Path, panels: Sequence[Decisions], true: Collection[str]
) -> None:
    """Draw a PNG: the picture, then one panel a model; decisions are above the line at 0.5.

    Args:
        target: the file.
        picture: its path.
        panels: what each model says.
        true: tags that the picture has, written in red.

    Raises:
        ImageError: the picture cannot be read.
        MissingExtraError: matplotlib is not installed.
    """
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("matplotlib", "train", "a figure") from error
    with matplotlib.rc_context({"text.parse_math": False}):  # `$_$` is a tag
        lists = [panel.list_shown(true) for panel in panels]
        height = max(3.6, 0.24 * max(map(len, lists)) + 1.2)
        figure = Figure(figsize=(4 + 4 * len(panels), height), layout="constrained")
        shown, *axes = figure.subplots(1, 1 + len(panels))
        shown.imshow(open_image(picture))
        shown.axis("off")
        for panel, scores, axis in zip(panels, lists, axes, strict=True):
            _draw_panel(axis, panel, scores, true)
    with write_whole(target) as temporary:
        figure.savefig(temporary, format="png", dpi=110, metadata={"Software": None})


def _draw_panel(
    axis: Any, panel: Decisions, scores: Sequence[tuple[str, float]], true: Collection[str]
) -> None:
    places = range(len(scores))
    colours = [_TRUE if name in true else _FALSE for name, _ in scores]
    axis.barh(places, [score for _, score in scores], color=colours, height=0.7)
    axis.set_yticks(places, [name for name, _ in scores], fontsize=8)
    for label, colour in zip(axis.get_yticklabels(), colours, strict=True):
        label.set_color(colour if colour == _TRUE else _LIMIT)
    given = sum(score >= 0.5 for _, score in scores)
    axis.axhline(given - 0.5, color=_LIMIT, lw=1.2)  # what is above it is given
    axis.axvline(0.5, color=_LIMIT, lw=0.6, ls=":")
    axis.set(xlim=(0, 1), xlabel="probability")
    axis.invert_yaxis()
    note = textwrap.fill(f"“{panel.note}”", _COLUMNS)
    axis.set_title(f"{panel.title}\n{note}", fontsize=9, loc="left")
