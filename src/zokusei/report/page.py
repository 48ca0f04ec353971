"""The page: what is shown, in which order, as one HTML file that needs no network."""

from pathlib import Path

import numpy as np

from zokusei.config_file import load_config
from zokusei.files import write_text
from zokusei.model_folder import find_model_folder
from zokusei.report.cards import choose_mistakes, choose_sample
from zokusei.report.judged import Judged
from zokusei.report.plots import plot_learning, plot_steps, plot_tags
from zokusei.report.templates import load_template
from zokusei.results import RATES
from zokusei.run_folder import read_environment, read_log

_SAMPLE, _MISTAKES, _CONFUSIONS = 18, 12, 12


def write_report(run: Path | str, out: Path | str | None = None, *, split: str = "test") -> Path:
    """Write the report of an evaluated run.

    Args:
        run: the run folder.
        out: the HTML file; `report.html` in the run folder by default, `report-NAME.html` of
            another judgement than that of the test split.
        split: which evaluation to show, by its name.

    Returns:
        Where it was written.

    Raises:
        DataError: the run has no such evaluation.
        MissingExtraError: Jinja or matplotlib is not installed.
    """
    run = Path(run)
    named = "report.html" if split == "test" else f"report-{split}.html"
    out = Path(out) if out is not None else run / named
    judged = Judged.load(run, split)
    log = read_log(run / "metrics.jsonl")
    environment = read_environment(run)
    metrics = judged.evaluation["metrics_own_thresholds"]
    page = load_template("page.html.jinja").render(
        name=load_config(run / "config.yaml").name,
        run=run,
        split=split,
        evaluation=judged.evaluation,
        pictures=len(judged.paths),
        rates=RATES,
        metrics=metrics,
        sample=choose_sample(judged, _SAMPLE),
        mistakes=choose_mistakes(judged, _MISTAKES),
        confusions=find_confusions(judged, _CONFUSIONS),
        tags=sorted(judged.evaluation["tags"], key=lambda tag: (tag["ap"] is None, tag["ap"])),
        counts={tag.name: tag.count for tag in judged.tags},
        learning=plot_learning(log),
        steps=plot_steps(log),
        tag_plot=plot_tags(judged.evaluation["tags"], {tag.name: tag.count for tag in judged.tags}),
        config=(run / "config.yaml").read_text(encoding="utf-8"),
        environment=environment,
        model_folder=find_model_folder(run),
    )
    write_text(out, page)
    return out


def find_confusions(judged: Judged, count: int) -> list[tuple[str, str, int, int]]:
    """Find which tag is given where which other one is missed.

    Two errors in one picture may have nothing to do with each other: pairs are ranked by how many
    pictures more they share than they would by chance.

    Returns:
        The first pairs: missed tag, given tag, pictures with both errors, pictures that have the
        missed tag.
    """
    wrong = judged.given & ~judged.targets & judged.known
    missed = ~judged.given & judged.targets & judged.known
    both = missed.astype(np.float32).T @ wrong.astype(np.float32)
    by_chance = np.outer(missed.sum(0), wrong.sum(0)) / max(len(judged.paths), 1)
    totals = (judged.targets & judged.known).sum(0)
    names = judged.tags.names
    pairs = []
    for place in np.argsort(by_chance - both, axis=None, kind="stable")[:count]:
        row, column = (int(part) for part in np.unravel_index(place, both.shape))
        if both[row, column] > by_chance[row, column]:
            pairs.append((names[row], names[column], int(both[row, column]), int(totals[row])))
    return pairs
