"""Figure 2: a picture that the two captioners lead to different decisions on, found by a rule."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from zokusei.config_file import load_config
from zokusei.errors import DataError
from zokusei.inference.captioner import Captioner
from zokusei.report.decisions import Decisions, draw_decisions
from zokusei.reproduce.places import Places
from zokusei.reproduce.runs import JudgedRuns, find_run, read_rows, select_rows, split_by_run
from zokusei.reproduce.scale import RIVAL_CAPTIONS, SUBJECT, Scale

RULE = (
    "Of all test pictures the one with the most decisions at 0.5 that are right with the adapted "
    "captioner and wrong with that of photographs; of several the one where the scores of these "
    "decisions moved furthest towards the truth, then the first"
)


@dataclass(frozen=True)
class Example:
    """A picture, and how it compares with the others.

    Attributes:
        row: of the picture.
        gained: classes that only the first model decides rightly.
        lost: classes that only the second does.
        better, worse: pictures on which the first model has more, or fewer, right decisions.
        total: pictures.
    """

    row: int
    gained: tuple[int, ...]
    lost: tuple[int, ...]
    better: int
    worse: int
    total: int


def choose_example(
    ours: Float[Tensor, "pictures classes"],
    theirs: Float[Tensor, "pictures classes"],
    targets: Bool[Tensor, "pictures classes"],
    known: Bool[Tensor, "pictures classes"],
) -> Example | None:
    """Apply the rule.

    Args:
        ours: probabilities with the adapted captioner.
        theirs: those with that of photographs.
        targets: what is true.
        known: what is judged.

    Returns:
        The example; None where no decision was put right.

    >>> both = torch.ones(2, 2).bool()
    >>> found = choose_example(
    ...     torch.tensor([[0.9, 0.9], [0.6, 0.9]]), torch.tensor([[0.9, 0.9], [0.4, 0.9]]),
    ...     both, both,
    ... )
    >>> found.row, found.gained
    (1, (0,))
    """
    right, other = ((scores >= 0.5) == targets for scores in (ours, theirs))
    gained, lost = right & ~other & known, other & ~right & known
    towards = torch.where(targets, ours - theirs, theirs - ours)
    moved = (towards * gained).sum(1)
    counts = gained.sum(1)
    if not counts.any():
        return None
    # Python compares pairs in turn, and max keeps the first of equal ones.
    row = max(range(len(counts)), key=lambda i: (int(counts[i]), float(moved[i])))
    difference = counts - lost.sum(1)
    return Example(
        row,
        tuple(gained[row].nonzero().flatten().tolist()),
        tuple(lost[row].nonzero().flatten().tolist()),
        int((difference > 0).sum()),
        int((difference < 0).sum()),
        len(counts),
    )


def draw_figure2(scale: Scale, places: Places, target: Path) -> str:
    """Draw the example of the first seed's runs, and say what it is.

    Args:
        scale: the settings.
        places: where the runs lie.
        target: the PNG.

    Returns:
        What the figure shows, with the rule and how often it is the other way round; where no
        decision was put right that alone, without a picture.

    Raises:
        DataError: a run is missing.
    """
    folder = places.out / scale.captions.corpus
    seed = scale.list_seeds(scale.captions.corpus)[0]
    rows = select_rows(read_rows(folder / "results.csv"), [SUBJECT, RIVAL_CAPTIONS], [seed])
    rows, _ = split_by_run(folder, rows)
    if len(rows) < 2:
        raise DataError(f"{folder} lacks a run of {SUBJECT} or {RIVAL_CAPTIONS} with seed {seed}")
    judged = JudgedRuns(folder, rows)
    ours, theirs = (judged.scores[name][str(seed)] for name in (SUBJECT, RIVAL_CAPTIONS))
    example = choose_example(ours, theirs, judged.targets, judged.known)
    if example is None:
        target.unlink(missing_ok=True)
        return (
            f"No decision at 0.5 on {len(ours)} test pictures is right with the adapted captioner "
            "and wrong with that of photographs."
        )
    path = judged.manifest.root / judged.paths[example.row]
    panels = [
        Decisions(
            f"captioner: {name}",
            _write_caption(places.find_captioner(name), find_run(folder, row, seed), path),
            dict(zip(judged.tags, scores[example.row].tolist(), strict=True)),
        )
        for name, row, scores in (
            ("photographs", RIVAL_CAPTIONS, theirs), ("adapted", SUBJECT, ours)
        )
    ]  # fmt: skip
    true = judged.targets[example.row] & judged.known[example.row]
    draw_decisions(target, path, panels, _names(judged.tags, true.nonzero().flatten().tolist()))
    return _tell(judged, example, seed)


def _write_caption(captioner: Path, run: Path, picture: Path) -> str:
    """Write the caption that a run's scores were made with."""
    beam = load_config(run / "config.yaml").captions.beam
    return next(Captioner.load(captioner).caption([picture], beam=beam)).text


def _tell(judged: JudgedRuns, example: Example, seed: int) -> str:
    gained = ", ".join(f"`{name}`" for name in _names(judged.tags, example.gained))
    lost = ", ".join(f"`{name}`" for name in _names(judged.tags, example.lost)) or "none"
    return (
        f"{judged.paths[example.row]}, seed {seed}. Right only with the adapted captioner: "
        f"{gained}; right only with that of photographs: {lost}. {RULE}. "
        f"An example proves little: on {example.better} of {example.total} test pictures the "
        f"adapted captioner leads to more right decisions, on {example.worse} to fewer."
    )


def _names(tags: Sequence[str], classes: Sequence[int]) -> list[str]:
    return [tags[index] for index in classes]
