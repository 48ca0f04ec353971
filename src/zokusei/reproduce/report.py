"""The report of the experiments: tables, sentences, plots, the paper's figures beside ours."""

from collections.abc import Sequence
from pathlib import Path

from zokusei.errors import ZokuseiError
from zokusei.files import write_text
from zokusei.report.sections import Section, write_html, write_markdown
from zokusei.reproduce import paper
from zokusei.reproduce.compare import read_tags
from zokusei.reproduce.costs import find_costs, read_costs
from zokusei.reproduce.figure2 import RULE, draw_figure2
from zokusei.reproduce.places import Places
from zokusei.reproduce.plots import plot_comparison
from zokusei.reproduce.runs import find_best, read_rows, select_rows, split_by_run
from zokusei.reproduce.scale import BASELINES, SUBJECT, Scale
from zokusei.reproduce.write_up import (
    UNSEEN_EXPLAINED,
    Table,
    conclude_table1,
    tabulate_table1,
    tabulate_unseen,
)
from zokusei.reproduce.write_up_table2 import (
    conclude_captioners,
    conclude_table2,
    tabulate_captioners,
    tabulate_table2,
)
from zokusei.results import read_results

NOT_YET = "Not measured yet."


def write_report(scale: Scale, places: Places, notes: Sequence[str]) -> None:
    """Write `report.html` and `report.md` from rows and intervals, plots and the figure.

    Args:
        scale: the settings.
        places: where they lie.
        notes: what was left out or broke off.
    """
    out = places.out
    rows, intervals = read_results(out / "rows.csv"), read_results(out / "intervals.csv")
    measured = read_costs(places.costs)
    sections = [Section("How to read this", [_explain(scale), *notes])]
    for corpus in scale.corpora:
        given = (rows, intervals, corpus, list(scale.models), scale.subjects)
        costs = find_costs(measured, scale.create_configs(corpus))
        table, said = tabulate_table1(*given, costs), conclude_table1(*given)
        said += [costs.note] if costs.note else []
        sections.append(
            _section(f"Table 1, {corpus}", table, said, pictures=_plot(scale, out, corpus))
        )
    if scale.drawn.unseen:
        table = tabulate_unseen(rows, "drawn", list(scale.rows))
        sections.append(_section("Styles that nobody learnt, drawn", table, [UNSEEN_EXPLAINED]))
    captioners = tabulate_captioners(intervals)
    caption_rows, subjects = list(scale.caption_rows), scale.subjects
    table = tabulate_table2(intervals, scale.captions.corpus, caption_rows, subjects)
    sections.append(_section("Table 2, the captioners", captioners, conclude_captioners(intervals)))
    concluded = conclude_table2(rows, intervals, scale.captions.corpus, subjects)
    sections.append(_section(f"Table 2, {scale.captions.corpus}", table, concluded))
    sections.append(_figure2(scale, places))
    sections.append(
        Section(
            "The paper's Table 1",
            ["As printed: one training each, on pictures of Danbooru2020 that nobody else has."],
            [paper.tabulate_paper()],
        )
    )
    sections.append(
        Section(
            "The paper's F1 columns",
            ["Those that no rounding of the printed precision and recall explains have a `!`."],
            [paper.tabulate_f1()],
        )
    )
    title = f"The paper's experiments, scale {scale.name}"
    write_html(out / "report.html", title, sections)
    write_markdown(out / "report.md", title, sections)


def _explain(scale: Scale) -> str:
    other = f"Settings other than the scale's: {' '.join(scale.overrides)}. "
    return (
        f"{other if scale.overrides else ''}"
        f"Per cent, on test pictures; decisions at 0.5. ±: 95 % of Student's t over the seeds, of "
        f"which there are up to {_count_seeds(scale)}. Intervals in brackets: 95 % of a bootstrap "
        f"over the test pictures, paired where two models are compared. The paper's figures are of "
        f"other pictures: beside ours they show the order of methods, not a level to be reached. "
        f"`gap` and `gmp` are the paper's plain ResNet-101 with each way to pool; `p_gcn` is our "
        f"reading of a paper without code."
    )


def _count_seeds(scale: Scale) -> str:
    """Say how many seeds there are, and of which corpora other ones."""
    others = [
        f"{len(scale.list_seeds(corpus))} on {corpus}"
        for corpus in scale.corpora
        if scale.list_seeds(corpus) != scale.seeds
    ]
    return str(len(scale.seeds)) + (f" ({', '.join(others)})" if others else "")


def _section(
    title: str, table: Table, said: Sequence[str], pictures: Sequence[tuple[Path, str]] = ()
) -> Section:
    if len(table) < 2:
        return Section(title, [NOT_YET])
    return Section(title, tables=[table], after=said, pictures=pictures)


def _plot(scale: Scale, out: Path, corpus: str) -> list[tuple[Path, str]]:
    """Draw every tag of a corpus, against the better of the plain models."""
    rows = read_rows(out / corpus / "results.csv")
    rows, _ = split_by_run(
        out / corpus, select_rows(rows, list(scale.models), scale.list_seeds(corpus))
    )
    baseline = find_best(rows, BASELINES)
    if baseline is None:
        return []
    file = out / f"tags-{corpus}.svg"
    write_text(file, plot_comparison(read_tags(out / corpus, rows), baseline))
    return [(file, f"AP of every tag, and what models gain over {baseline}")]


def _figure2(scale: Scale, places: Places) -> Section:
    target, title = places.out / "figure2.png", "Figure 2"
    try:
        said = draw_figure2(scale, places, target)
        write_text(target.with_suffix(".txt"), said + "\n")
    except ZokuseiError as error:
        return Section(title, [f"{NOT_YET} {error}.", f"{RULE}."])
    shown = f"Scores of {SUBJECT} with each captioner, true tags in red, decisions above the line"
    pictures = [(target, shown)] if target.exists() else []
    return Section(title, pictures=pictures, after=[said])
