"""Table 1 and what it says, made from rows and intervals alone; Table 2 is in `write_up_table2`.

Rows and intervals are those of `measure`, as they are read back from their files.
"""

import statistics
from collections.abc import Mapping, Sequence

from zokusei.reproduce import paper
from zokusei.reproduce.also import tabulate_also
from zokusei.reproduce.costs import Costs
from zokusei.reproduce.runs import Row, find_best, list_values
from zokusei.reproduce.scale import (
    BASELINES,
    BASIS,
    SUBJECT,
    UNSEEN,
)
from zokusei.reproduce.tables import describe, show_interval
from zokusei.results import RATES

Interval = Mapping[str, str]
Table = list[list[str]]

# In the order of the paper's Table 1, with macro-F1 behind it.
_TABLE_1 = {**paper.RATES, "macro_f1": RATES["macro_f1"]}
# So few sources cannot be drawn again to see what others would say.
_FEW_GROUPS = 30
UNSEEN_EXPLAINED = (
    "Rows of both tables, judged as well on other figures in two styles that no training picture "
    "has: the figures of the tables are of the styles that were learnt."
)
BLEU = {f"bleu{order}": f"BLEU-{order}" for order in range(1, 5)}


def find(intervals: Sequence[Interval], **wanted: str) -> Interval | None:
    """Give the one interval that has these values; None where it was not measured."""
    fitting = (i for i in intervals if all(i[key] == value for key, value in wanted.items()))
    return next(fitting, None)


def tabulate_table1(
    rows: Sequence[Row],
    intervals: Sequence[Interval],
    corpus: str,
    models: Sequence[str],
    subjects: Sequence[str] = (SUBJECT,),
    costs: Costs | None = None,
) -> Table:
    """Give Table 1 of a corpus, the best mean mAP first, only the head where nothing was run.

    Args:
        rows: of all runs.
        intervals: of all of them.
        corpus: which of them.
        models: rows of the table.
        subjects: rows whose difference to every other has a column.
        costs: of the rows.
    """
    costs = costs or Costs()
    own = _select(rows, corpus, models)
    names = sorted(  # equal ones stay in their order
        dict.fromkeys(row["model"] for row in own),
        key=lambda n: -statistics.fmean(list_values(own, n, "map")),
    )
    plain = find_best(own, BASELINES)
    less = [f"mAP less that of `{plain}`"] if plain else []
    less += [f"mAP of `{subject}` less its" for subject in subjects]
    head = ["model", "preset", "seeds", *_TABLE_1.values(), *less, *costs.head, "paper's mAP"]
    table = [head]
    for name in names:
        cells = [describe(list_values(own, name, rate)) for rate in _TABLE_1]
        pairs = [(name, plain)] if plain else []
        pairs += [(subject, name) for subject in subjects]
        differences = [
            show_difference(find(intervals, table="table1", corpus=corpus, model=a, against=b))
            for a, b in pairs
        ]
        presets = ", ".join(dict.fromkeys(r["preset"] for r in own if r["model"] == name))
        seeds = str(len(list_values(own, name, "map")))
        printed = f"{paper.TABLE_1[name]['map']:.1f}" if name in paper.TABLE_1 else ""
        cells += [*differences, *costs.get(name), printed]
        table.append([f"`{name}`", presets, seeds, *cells])
    return table


def tabulate_unseen(rows: Sequence[Row], corpus: str, models: Sequence[str]) -> Table:
    """Give mAP on the test split beside that on styles that nobody learnt, the best there first."""
    others = _select(rows, corpus, models, UNSEEN)
    return tabulate_also(_select(rows, corpus, models), others, f"{UNSEEN} styles")


def _select(
    rows: Sequence[Row], corpus: str, models: Sequence[str], split: str = "test"
) -> list[Row]:
    return [
        row for row in rows
        if (row["corpus"], row["split"]) == (corpus, split) and row["model"] in models
    ]  # fmt: skip


def conclude_table1(
    rows: Sequence[Row],
    intervals: Sequence[Interval],
    corpus: str,
    models: Sequence[str],
    subjects: Sequence[str] = (SUBJECT,),
) -> list[str]:
    """Say what the figures of a corpus say of each subject, for and against it."""
    own = _select(rows, corpus, models)
    said = [_conclude(own, intervals, corpus, subject, subjects) for subject in subjects]
    return [*said, *_describe_groups(intervals, corpus)]


def _conclude(
    rows: Sequence[Row],
    intervals: Sequence[Interval],
    corpus: str,
    subject: str,
    subjects: Sequence[str],
) -> str:
    """Compare a subject with what it is built upon, the paper's best rival, and the best of all.

    Another subject is no rival, but a variant is compared with the paper's model.
    """
    models = list(dict.fromkeys(row["model"] for row in rows))
    others = [name for name in models if name not in subjects]
    best = find_best(rows, others)
    if subject not in models or best is None:
        return f"On {corpus} there is nothing to compare `{subject}` with yet."
    best_of_paper = find_best(rows, [name for name in others if name in paper.TABLE_1])
    titles: dict[str, list[str]] = {BASIS: []} if subject == SUBJECT else {SUBJECT: [], BASIS: []}
    if best_of_paper is not None:
        titles.setdefault(best_of_paper, []).append("the best of the paper's rivals")
    titles.setdefault(best, []).append("the best of all others")
    said, mark = [], ""
    for rival, title in titles.items():
        pair = find(intervals, table="table1", corpus=corpus, model=subject, against=rival)
        if pair is None:
            continue
        what = f"`{rival}`" + (f", {' and '.join(title)}" if title else "")
        said.append(f"{judge(pair, f'`{subject}`', what)}{count_seeds(rows, subject, rival, pair)}")
        if rival == best_of_paper:
            mark = _describe_mark(pair)
    if not said:
        return f"On {corpus} no seed of `{subject}` has scores of a rival beside its own yet."
    return f"On {corpus}, " + "; ".join(said) + "." + mark


def _describe_mark(pair: Interval) -> str:
    """Say whether a lead over the best of the paper's rivals is that of the paper, and certain."""
    value, low = float(pair["value"]), float(pair["low"])
    start = (
        f" The mark, {paper.MARK:.1f} points above the best of the paper's rivals as in the paper"
    )
    if value < paper.MARK:
        return f"{start}, is not reached."
    certain = "with the interval above zero" if low > 0 else "but the interval is not above zero"
    return f"{start}, is reached, {certain}."


def judge(pair: Interval, model: str, against: str) -> str:
    """Say in words what a difference with its interval says.

    >>> judge({"figure": "map", "value": "0.5", "low": "-0.25", "high": "1.25", "pictures": "90"},
    ...       "a", "b")
    'a is 0.5 points of mAP above b, but 90 test pictures do not tell them apart (-0.2 to +1.2)'
    """
    value, low, high = (float(pair[key]) for key in ("value", "low", "high"))
    name = RATES.get(pair["figure"]) or BLEU[pair["figure"]]
    interval = f"({low:+.1f} to {high:+.1f})"
    side = "above" if value > 0 else "below"
    said = f"{model} is {abs(value):.1f} points of {name} {side} {against}"
    if abs(value) < 0.05:
        said = f"{model} and {against} are level in {name}"
    if low > 0 or high < 0:
        return f"{said}, beyond what other test pictures would change {interval}"
    return f"{said}, but {pair['pictures']} test pictures do not tell them apart {interval}"


def _describe_groups(intervals: Sequence[Interval], corpus: str) -> list[str]:
    """Warn where the pictures are of a few sources: drawing pictures again draws no new source."""
    level = find(intervals, table="table1", corpus=corpus, against="")
    if level is None or int(level["groups"]) > _FEW_GROUPS:
        return []
    return [
        f"Its {level['pictures']} test pictures are of {level['groups']} sources: the intervals "
        "say what other pictures of these would change, not what other sources would."
    ]


def count_seeds(rows: Sequence[Row], subject: str, rival: str, pair: Interval) -> str:
    """Say in how many seeds a subject has the higher mAP, and what those without scores change."""
    maps = {(row["model"], row["seed"]): float(row["map"]) for row in rows}
    pairs = [
        (maps[subject, seed], maps[rival, seed])
        for name, seed in maps
        if name == subject and (rival, seed) in maps
    ]
    if not pairs:
        return ""
    higher = sum(ours > theirs for ours, theirs in pairs)
    said = f", higher with {higher} of {len(pairs)} seeds"
    if int(pair["trainings"]) < len(pairs):
        mean = sum(ours - theirs for ours, theirs in pairs) / len(pairs)
        said += f", whose mean is {mean:+.1f}: the scores of {pair['trainings']} are kept"
    return said


def show_level(interval: Interval | None, sign: str = "") -> str:
    """Write a figure with its interval; nothing where it was not measured."""
    if interval is None:
        return ""
    value, low, high = (float(interval[key]) for key in ("value", "low", "high"))
    return show_interval(value, low, high, sign)


def show_difference(interval: Interval | None) -> str:
    """Write a difference with its interval."""
    return show_level(interval, "+")


def to_sentence(text: str) -> str:
    """Begin with a capital and end with a full stop."""
    return text[0].upper() + text[1:] + "."
