"""What a threshold is worth that was found with few positives.

    python benchmarks/thresholds.py RUN

RUN has been evaluated on its validation split (`weights/tagger.py` does). Thresholds are found on a
random half of those pictures and judged on the other, twenty times; tags with fewer positives in
the first half than `least_positives` share one.
"""

import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch

from zokusei.data.manifest import Manifest
from zokusei.metrics import find_best_thresholds
from zokusei.results import append_result

RESULTS = Path(__file__).parent / "results" / "thresholds.csv"
LEAST, HALVES = (1, 5, 10, 20, 40), 20
FIELDS = (
    "experiment least_positives pictures precision recall f1 f1_low f1_high tags_a_picture halves "
    "seed commit hardware versions command"
).split()


def main() -> None:
    """Judge, and write a row for each number of positives."""
    (run,) = map(Path, sys.argv[1:])
    pictures = Manifest.load(run / "manifest.parquet").select("val")
    table = pq.read_table(run / "scores-val.parquet")
    columns = [table.column(name).to_numpy() for name in pictures.tags.names]
    scores = torch.from_numpy(np.stack(columns, 1).astype(np.float32))
    targets, known = (
        torch.from_numpy(array) for array in (pictures.compute_targets(), pictures.compute_known())
    )
    torch.manual_seed(0)
    halves = [torch.randperm(len(scores)).chunk(2) for _ in range(HALVES)]
    for least in LEAST:
        found = []
        for first, other in halves:
            thresholds = find_best_thresholds(
                scores[first], targets[first], known[first], least_positives=least
            )
            given = scores[other] >= thresholds
            hits = int((given & targets[other] & known[other]).sum())
            num_given = int((given & known[other]).sum())
            there = int((targets[other] & known[other]).sum())
            rates = hits / num_given, hits / there, 2 * hits / (num_given + there)
            found.append((*rates, float(given.sum(1).float().mean())))
        precision, recall, f1, tags = np.mean(found, 0)
        low, high = 100 * np.quantile([row[2] for row in found], [0.025, 0.975])
        row = {
            "experiment": run.name, "least_positives": least, "pictures": len(scores),
            "precision": 100 * precision, "recall": 100 * recall, "f1": 100 * f1, "f1_low": low,
            "f1_high": high, "tags_a_picture": tags, "halves": HALVES, "seed": 0,
            "command": "python benchmarks/thresholds.py RUN",
        }  # fmt: skip
        append_result(RESULTS, row, FIELDS)
        print({name: row[name] for name in FIELDS[:9]})


if __name__ == "__main__":
    main()
