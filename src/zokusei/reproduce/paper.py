"""What the paper prints: its two tables, and the arithmetic of its F1 columns.

*GCN-based multi-modal multi-label attribute classification in anime illustration using
domain-specific semantic features*, 2023, Tables 1 and 2. In per cent, one training each.
"""

RATES = {"op": "OP", "or": "OR", "of1": "OF1", "cp": "CP", "cr": "CR", "cf1": "CF1", "map": "mAP"}
"""Columns of Table 1, in its order."""

# Method, our name of it, and its figures in the order of RATES.
_TABLE_1 = (
    ("ResNet-101", "gap", (60.8, 55.4, 58.3, 62.0, 58.0, 61.3, 63.4)),
    ("SSGRL", "ssgrl", (64.0, 56.6, 61.1, 71.2, 57.2, 60.2, 69.4)),
    ("DAN", "dan", (64.7, 51.8, 57.5, 67.1, 56.6, 61.3, 64.3)),
    ("ML-GCN", "ml_gcn", (61.2, 53.6, 59.1, 68.8, 61.4, 65.9, 66.3)),
    ("ADD-GCN", "add_gcn", (63.4, 59.2, 60.3, 71.6, 63.1, 68.4, 70.1)),
    ("P-GCN", "p_gcn", (65.3, 57.8, 60.7, 73.9, 58.5, 69.8, 70.4)),
    ("the paper's own", "capgcn", (67.6, 58.1, 61.4, 73.0, 63.8, 71.0, 71.2)),
)

TABLE_1: dict[str, dict[str, float]] = {
    name: dict(zip(RATES, figures, strict=True)) for _, name, figures in _TABLE_1
}
"""Figures by our name of the model and our name of the column."""

MARK = round(
    TABLE_1["capgcn"]["map"] - max(row["map"] for name, row in TABLE_1.items() if name != "capgcn"),
    1,
)
"""By how many points of mAP the paper's model is above the best of its rivals there."""

TITLES = {name: title for title, name, _ in _TABLE_1}

TABLE_2 = {"photographs": {"bleu": 44.5, "map": 64.1}, "adapted": {"bleu": 54.2, "map": 67.4}}
"""BLEU (of which order is not said) and mAP on 100 pictures, by our name of the captioner."""


def compute_f1(precision: float, recall: float) -> float:
    """Give the harmonic mean that OF1 is of OP and OR, and CF1 of CP and CR.

    >>> round(compute_f1(60.8, 55.4), 2)
    57.97
    """
    return 2 * precision * recall / (precision + recall)


def tabulate_paper() -> list[list[str]]:
    """Give Table 1 as it is printed."""
    rows = [
        [TITLES[name], f"`{name}`", *(f"{figures[rate]:.1f}" for rate in RATES)]
        for name, figures in TABLE_1.items()
    ]
    return [["method", "here", *RATES.values()], *rows]


def is_rounding(precision: float, recall: float, f1: float) -> bool:
    """Say whether a printed F1 can be that of the printed precision and recall, before rounding.

    All three were rounded to 0.1, and the harmonic mean rises with both.

    >>> is_rounding(64.7, 51.8, 57.5), is_rounding(65.3, 57.8, 60.7)
    (True, False)
    """
    half = 0.05
    least = compute_f1(precision - half, recall - half)
    most = compute_f1(precision + half, recall + half)
    return least - half <= f1 <= most + half


def tabulate_f1() -> list[list[str]]:
    """Compare the printed F1 columns with what the printed precision and recall make.

    A gap that no rounding explains is marked with `!`.
    """
    table = [["method", "OF1", "2·OP·OR/(OP+OR)", "gap", "CF1", "2·CP·CR/(CP+CR)", "gap"]]
    for name, figures in TABLE_1.items():
        row = [TITLES[name]]
        for kind in ("o", "c"):
            precision, recall, f1 = (figures[kind + end] for end in ("p", "r", "f1"))
            found = compute_f1(precision, recall)
            mark = "" if is_rounding(precision, recall, f1) else " !"
            row += [f"{f1:.1f}", f"{found:.2f}", f"{f1 - found:+.2f}{mark}"]
        table.append(row)
    return table
