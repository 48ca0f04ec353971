"""What "s_c > 0.5" makes of decisions, read as probabilities and as logits.

    python benchmarks/decisions.py FOLDER

The paper gives an attribute where s_c > 0.5, and s_c is what its loss takes the sigmoid of: read as
it is written, a probability of 0.62 is asked for, and not 0.5. FOLDER is of a comparison
(`runs/reproduce-desk/drawn`); a row for each model that has scores there, mean over its trainings.
"""

import math
import sys
from pathlib import Path

import numpy as np

from zokusei.metrics import compute_metrics
from zokusei.reproduce.runs import JudgedRuns, read_rows, split_by_run
from zokusei.results import append_result

RESULTS = Path(__file__).parent / "results" / "decisions.csv"
RATES = "op or of1 cp cr cf1".split()
AS_LOGIT = 1 / (1 + math.exp(-0.5))
FIELDS = (
    "experiment model threshold trainings pictures op or of1 cp cr cf1 commit hardware versions "
    "command"
).split()


def main() -> None:
    """Judge, and write a row for each model and reading."""
    (folder,) = map(Path, sys.argv[1:])
    there, _ = split_by_run(folder, read_rows(folder / "results.csv"))
    judged = JudgedRuns(folder, there)
    for name, runs in judged.scores.items():
        for threshold in (0.5, AS_LOGIT):
            found = [
                compute_metrics(scores, judged.targets, judged.known, thresholds=threshold).as_row()
                for scores in runs.values()
            ]
            row = {rate: np.mean([row[rate] for row in found]) for rate in RATES} | {
                "experiment": "decisions", "model": name, "threshold": round(threshold, 4),
                "trainings": len(runs), "pictures": len(judged.targets),
                "command": f"python benchmarks/decisions.py {folder}",
            }  # fmt: skip
            append_result(RESULTS, row, FIELDS)
            print(name, *(f"{rate} {row[rate]:.1f}" for rate in ("threshold", *RATES)))


if __name__ == "__main__":
    main()
