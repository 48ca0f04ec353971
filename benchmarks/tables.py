"""Make the tables in benchmarks/tables from the rows in benchmarks/results.

python benchmarks/tables.py
"""

import math
import statistics
from pathlib import Path

from zokusei.files import write_text
from zokusei.results import read_results

HERE = Path(__file__).parent
RATES = {"map": "mAP", "op": "OP", "or": "OR", "of1": "OF1", "cp": "CP", "cr": "CR", "cf1": "CF1",
         "macro_f1": "macro-F1"}  # fmt: skip
# Two-sided 95 % quantiles of Student's t for 1, 2, ... degrees of freedom.
STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)


def main() -> None:
    """Write every table whose results are there."""
    rows = read_results(HERE / "results" / "anime-faces.csv")
    models = sorted({row["model"] for row in rows}, key=lambda m: -mean_of(rows, m, "map"))
    lines = [
        "| model | seeds | " + " | ".join(RATES.values()) + " | minutes | images/s |",
        "|---" * (len(RATES) + 4) + "|",
    ]
    for model in models:
        own = [row for row in rows if row["model"] == model]
        cells = [describe([float(row[name]) for row in own]) for name in RATES]
        minutes = describe([float(row["seconds"]) / 60 for row in own])
        speed = describe([float(row["images_per_second"]) for row in own])
        lines.append(f"| `{model}` | {len(own)} | {' | '.join(cells)} | {minutes} | {speed} |")
    write_text(HERE / "tables" / "anime-faces.md", "\n".join(lines) + "\n")


def mean_of(rows: list[dict[str, str]], model: str, name: str) -> float:
    """Mean over the seeds of a model."""
    return statistics.fmean(float(row[name]) for row in rows if row["model"] == model)


def describe(values: list[float]) -> str:
    """Give the mean and, with more than one value, half the 95 % interval."""
    mean = statistics.fmean(values)
    if len(values) < 2:
        return f"{mean:.1f}"
    half = STUDENT[len(values) - 2] * statistics.stdev(values) / math.sqrt(len(values))
    return f"{mean:.1f} ± {half:.1f}"


if __name__ == "__main__":
    main()
