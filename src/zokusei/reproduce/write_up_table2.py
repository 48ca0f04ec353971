"""Table 2 and what it says: two captioners, and what their captions are worth to classifiers."""

from collections.abc import Sequence

from zokusei.reproduce import paper
from zokusei.reproduce.runs import Row
from zokusei.reproduce.scale import BASIS, CAPTIONERS, FEATURES, RIVAL_CAPTIONS, SUBJECT
from zokusei.reproduce.write_up import (
    BLEU,
    Interval,
    Table,
    count_seeds,
    find,
    judge,
    show_difference,
    show_level,
    to_sentence,
)

ONE_TRAINING = (
    "Rows of one training say nothing of what another seed would change; a difference is of the "
    "seeds that both have."
)

# The rows that a model of Table 2 is compared with in sentences. A variant that has none of its own
# is compared with those of the paper's model.
_CONTROLS = {
    SUBJECT: (RIVAL_CAPTIONS, "shuffled", "zero", BASIS),
    "capgcn_votes": ("photographs-votes", "votes-shuffled", "votes-zero", SUBJECT, BASIS),
}
_WORDS = (
    "the same model with the captioner of photographs",
    "itself with the captions of other pictures",
    "itself without captions",
)
"""Of a model's first controls, where they are its own."""


def tabulate_captioners(intervals: Sequence[Interval]) -> Table:
    """Give BLEU of the two captioners, with intervals over pictures."""
    table = [["captioner", "pictures", *BLEU.values(), "paper's BLEU, no order said"]]
    pairs = [(name, "", name) for name in CAPTIONERS]
    pairs.append(("adapted", "photographs", "adapted less photographs"))
    for model, against, title in pairs:
        found = [
            find(intervals, table="captions", model=model, against=against, figure=figure)
            for figure in BLEU
        ]
        if found[0] is None:
            continue
        show = show_difference if against else show_level
        printed = "" if against else f"{paper.TABLE_2[model]['bleu']:.1f}"
        table.append([title, found[0]["pictures"], *map(show, found), printed])
    return table


def conclude_captioners(intervals: Sequence[Interval]) -> list[str]:
    """Say what BLEU says of the two captioners, by single words and by four in a row.

    The paper does not say which of the orders it has, and they need not agree.
    """
    said = []
    for figure in ("bleu1", "bleu4"):
        pair = find(intervals, table="captions", figure=figure, against="photographs")
        if pair is not None:
            judged = judge(pair, "the adapted captioner", "that of photographs alone")
            said.append(to_sentence(judged))
    if said:
        said.append(
            "Each is one training. The captions are those that the classifiers' vectors are of."
        )
    return said


def tabulate_table2(
    intervals: Sequence[Interval],
    corpus: str,
    models: Sequence[str],
    subjects: Sequence[str] = (SUBJECT,),
) -> Table:
    """Give mAP of every reading and control, on the hundred and on all test pictures.

    Args:
        intervals: of all runs.
        corpus: of Table 2.
        models: its rows.
        subjects: rows whose difference to every other has a column.
    """
    whole, hundred = (
        [i for i in intervals if i["table"] == name and i["corpus"] == corpus]
        for name in ("table2", "table2-hundred")
    )
    less = [f"`{subject}` less it" for subject in subjects]
    few = f"{hundred[0]['pictures']} pictures ({hundred[0]['tags']} tags)" if hundred else "few"
    many = f"{whole[0]['pictures']} pictures ({whole[0]['tags']} tags)" if whole else "all"
    printed = "paper's mAP, 100 pictures"
    table = [["row", "trainings", f"mAP, {few}", *less, printed, f"mAP, all {many}", *less]]
    for name in models:
        own = find(whole, model=name, against="")
        if own is None:
            continue
        first, second = (
            [
                show_level(find(part, model=name, against="")),
                *(
                    _show_pair(find(part, model=one, against=name), own["trainings"])
                    for one in subjects
                ),
            ]
            for part in (hundred, whole)
        )
        table.append([f"`{name}`", own["trainings"], *first, _paper_map(name), *second])
    return table


def _show_pair(pair: Interval | None, trainings: str) -> str:
    """Write a difference, and how many trainings it is of where those are not the row's own."""
    if pair is None or pair["trainings"] == trainings:
        return show_difference(pair)
    return f"{show_difference(pair)}, {pair['trainings']} of them"


def conclude_table2(
    rows: Sequence[Row],
    intervals: Sequence[Interval],
    corpus: str,
    subjects: Sequence[str] = (SUBJECT,),
) -> list[str]:
    """Say what the captioners' features are worth, on all test pictures and on the hundred.

    Args:
        rows: of all runs, for how many seeds agree.
        intervals: of all of them.
        corpus: of Table 2.
        subjects: rows that are compared with their controls.
    """
    # Captioners have rows, too.
    own = [row for row in rows if (row["corpus"], row["split"]) == (corpus, "test") and row["map"]]
    said = []
    for subject in subjects:
        rivals = _CONTROLS.get(subject, _CONTROLS[SUBJECT])
        words = dict(zip(rivals, _WORDS, strict=False)) if subject in _CONTROLS else {}
        for rival in rivals:
            pair = find(intervals, table="table2", corpus=corpus, model=subject, against=rival)
            if pair is not None:
                judged = judge(pair, f"`{subject}`", words.get(rival, f"`{rival}`"))
                said.append(to_sentence(judged + count_seeds(own, subject, rival, pair)))
    for chain in FEATURES:
        said += _conclude_features(own, intervals, corpus, chain)
    few = find(
        intervals, table="table2-hundred", corpus=corpus, model=SUBJECT, against=RIVAL_CAPTIONS
    )
    if few is not None:
        width = float(few["high"]) - float(few["low"])
        said.append(
            f"On {few['pictures']} pictures `{SUBJECT}` less `{RIVAL_CAPTIONS}` is "
            f"{show_difference(few)}: an interval {width:.1f} points wide, where the paper reports "
            "a difference of "
            f"{paper.TABLE_2['adapted']['map'] - paper.TABLE_2['photographs']['map']:.1f}."
        )
    levels = [i for i in intervals if i["table"] == "table2" and not i["against"]]
    if any(i["trainings"] == "1" for i in levels):
        said.append(ONE_TRAINING)
    return said


def _conclude_features(
    rows: Sequence[Row], intervals: Sequence[Interval], corpus: str, chain: tuple[str, str, str]
) -> list[str]:
    """Say whether the adapted captioner's features help more than the other's, and these at all.

    Args:
        rows: of the corpus.
        intervals: of all runs.
        corpus: of Table 2.
        chain: of `FEATURES`.
    """
    model, rival, shuffled = chain
    first, second = (
        find(intervals, table="table2", corpus=corpus, model=one, against=other)
        for one, other in ((model, rival), (rival, shuffled))
    )
    if second is None:
        return []
    what = "itself with what a captioner says of other pictures"
    seeds = count_seeds(rows, rival, shuffled, second)
    said = [to_sentence(judge(second, f"`{rival}`", what) + seeds)]
    if first is not None:
        holds = float(first["low"]) > 0, float(second["low"]) > 0
        words = {
            (True, True): "both hold",
            (True, False): "the first alone holds",
            (False, True): "the second alone holds",
            (False, False): "neither holds",
        }
        said.append(
            f"That the adapted captioner's features are better for `{model}` than those of "
            f"photographs alone, and these better than shuffled ones: {words[holds]} with the "
            "interval above zero."
        )
    return said


def _paper_map(row: str) -> str:
    captioner = {SUBJECT: "adapted", RIVAL_CAPTIONS: "photographs"}.get(row)
    return f"{paper.TABLE_2[captioner]['map']:.1f}" if captioner else ""
