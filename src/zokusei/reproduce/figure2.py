"""Figure 2: a picture that the two captioners lead to different decisions on, found by a rule."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
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
from zokusei.training.caption_features import load_source
from zokusei.training.prepare import refuse_another_captioner

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
    gained, lost = compare_decisions(ours, theirs, targets, known)
    towards = torch.where(targets, ours - theirs, theirs - ours)
    moved = (towards * gained).sum(1)
    counts = gained.sum(1)
    if not counts.any():
        return None
    # Python compares pairs in turn, and max keeps the first of equal ones.
    row = max(range(len(counts)), key=lambda i: (int(counts[i]), float(moved[i])))
    return Example(
        row,
        tuple(gained[row].nonzero().flatten().tolist()),
        tuple(lost[row].nonzero().flatten().tolist()),
        *count_pictures(gained, lost),
        len(counts),
    )


def compare_decisions(
    ours: Float[Tensor, "pictures classes"],
    theirs: Float[Tensor, "pictures classes"],
    targets: Bool[Tensor, "pictures classes"],
    known: Bool[Tensor, "pictures classes"],
) -> tuple[Bool[Tensor, "pictures classes"], Bool[Tensor, "pictures classes"]]:
    """Give the decisions at 0.5 that the first alone has right, and those that the second has."""
    right, other = ((scores >= 0.5) == targets for scores in (ours, theirs))
    return right & ~other & known, other & ~right & known


def count_pictures(gained: Tensor, lost: Tensor) -> tuple[int, int]:
    """Say on how many pictures more decisions are gained than lost, and on how many fewer."""
    difference = gained.sum(1) - lost.sum(1)
    return int((difference > 0).sum()), int((difference < 0).sum())


def draw_figure2(scale: Scale, places: Places, target: Path) -> str:
    """Draw the example of the first seed whose runs are both there, and say what it is.

    Args:
        scale: the settings.
        places: where the runs lie.
        target: the PNG.

    Returns:
        What the figure shows, with the rule and how often it is the other way round; where no
        decision was put right that alone, without a picture.

    Raises:
        DataError: no seed has both runs.
        ConfigError: a captioner is another one than that of a run.
    """
    folder = places.out / scale.captions.corpus
    seeds = scale.list_seeds(scale.captions.corpus)
    rows = select_rows(read_rows(folder / "results.csv"), [SUBJECT, RIVAL_CAPTIONS], seeds)
    kept, _ = split_by_run(folder, rows)
    had = {(row["model"], int(row["seed"])) for row in kept}
    both = [s for s in seeds if {(SUBJECT, s), (RIVAL_CAPTIONS, s)} <= had]
    if not both:
        raise DataError(
            f"{folder} has no seed of {', '.join(map(str, seeds))} with a run of {SUBJECT} and one "
            f"of {RIVAL_CAPTIONS}; `zokusei reproduce figure2` trains them, once rows of runs that "
            "are gone are removed"
        )
    seed, judged = both[0], JudgedRuns(folder, kept)
    ours, theirs = (judged.scores[name][str(seed)] for name in (SUBJECT, RIVAL_CAPTIONS))
    example = choose_example(ours, theirs, judged.targets, judged.known)
    if example is None:
        target.unlink(missing_ok=True)
        return (
            f"No decision at 0.5 on {len(ours)} test pictures is right with the adapted captioner "
            "and wrong with that of photographs."
        )
    path = places.find_corpus(scale.captions.corpus) / judged.paths[example.row]
    panels = [
        Decisions(
            f"captioner: {name}",
            _write_caption(find_run(folder, row, seed), places.find_captioner(name), name, path),
            dict(zip(judged.tags, scores[example.row].tolist(), strict=True)),
        )
        for name, row, scores in (
            ("photographs", RIVAL_CAPTIONS, theirs), ("adapted", SUBJECT, ours)
        )
    ]  # fmt: skip
    true = judged.targets[example.row] & judged.known[example.row]
    draw_decisions(target, path, panels, _names(judged.tags, true.nonzero().flatten().tolist()))
    return " ".join([_tell(judged, example, seed), *_tell_others(judged, both[1:])])


def _write_caption(run: Path, captioner: Path, name: str, picture: Path) -> str:
    """Write the caption that a run's scores were made with.

    Args:
        run: whose model may have been removed.
        captioner: to be used then.
        name: of the captioner.
        picture: what is captioned.

    Raises:
        ConfigError: the scores were made with another captioner.
    """
    config = load_config(run / "config.yaml")
    own = run / "model" / "captioner"
    if not own.exists():
        own = captioner
        captions = replace(config.captions, captioner=str(captioner))
        source = load_source(replace(config, captions=captions))
        assert source is not None, "both rows read captions"
        refuse_another_captioner(run, source.digest, f"--{name}")
    return next(Captioner.load(own).caption([picture], beam=config.captions.beam)).text


def _tell(judged: JudgedRuns, example: Example, seed: int) -> str:
    gained = ", ".join(f"`{name}`" for name in _names(judged.tags, example.gained))
    lost = ", ".join(f"`{name}`" for name in _names(judged.tags, example.lost)) or "none"
    return (
        f"{judged.paths[example.row]}, seed {seed}. Right only with the adapted captioner: "
        f"{gained}; right only with that of photographs: {lost}. {RULE}. "
        f"An example proves little: on {example.better} of {example.total} test pictures the "
        f"adapted captioner leads to more right decisions, on {example.worse} to fewer."
    )


def _tell_others(judged: JudgedRuns, seeds: Sequence[int]) -> Iterator[str]:
    """Say the same of other seeds, and of two seeds of one model: so much is chance."""
    ours = judged.scores[SUBJECT]
    for seed in seeds:
        found = _count(judged, ours[str(seed)], judged.scores[RIVAL_CAPTIONS][str(seed)])
        yield f"With seed {seed} it is {found}."
    if len(ours) > 1:
        one, other = list(ours)[:2]
        found = _count(judged, ours[one], ours[other])
        yield (
            f"Between two trainings with the same captioner, seed {one} leads to more right "
            f"decisions than seed {other} {found}."
        )


def _count(judged: JudgedRuns, ours: Tensor, theirs: Tensor) -> str:
    decisions = compare_decisions(ours, theirs, judged.targets, judged.known)
    better, worse = count_pictures(*decisions)
    return f"on {better} and to fewer on {worse}"


def _names(tags: Sequence[str], classes: Sequence[int]) -> list[str]:
    return [tags[index] for index in classes]
