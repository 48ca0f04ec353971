"""How long all metrics of 100,000 pictures with 100 tags take.

python benchmarks/metrics.py
"""

import statistics
import time
from pathlib import Path

import torch

from zokusei.metrics import compute_metrics, find_best_thresholds
from zokusei.results import append_result

RESULTS = Path(__file__).parent / "results" / "metrics.csv"
COLUMNS = (
    "experiment pictures classes seconds slowest thresholds_seconds runs seed commit hardware "
    "versions command"
).split()
PICTURES, CLASSES, RUNS, SEED = 100_000, 100, 7, 0


def main() -> None:
    """Measure and add a row."""
    generator = torch.Generator().manual_seed(SEED)
    scores = torch.rand(PICTURES, CLASSES, generator=generator)
    targets = torch.rand(PICTURES, CLASSES, generator=generator) < 0.063  # the paper's density
    known = torch.rand(PICTURES, CLASSES, generator=generator) < 0.9
    seconds: dict[str, list[float]] = {"metrics": [], "thresholds": []}
    for _ in range(RUNS + 1):
        began = time.perf_counter()
        compute_metrics(scores, targets, known)
        between = time.perf_counter()
        find_best_thresholds(scores, targets, known)
        seconds["metrics"].append(between - began)
        seconds["thresholds"].append(time.perf_counter() - between)
    metrics, thresholds = (values[1:] for values in seconds.values())  # the first one warms up
    row = {
        "experiment": "metrics", "pictures": PICTURES, "classes": CLASSES,
        "seconds": statistics.median(metrics), "slowest": max(metrics),
        "thresholds_seconds": statistics.median(thresholds), "runs": RUNS, "seed": SEED,
        "command": "python benchmarks/metrics.py",
    }  # fmt: skip
    append_result(RESULTS, row, COLUMNS)
    print(f"all metrics: {row['seconds']:.2f} s (slowest of {RUNS}: {row['slowest']:.2f} s); "
          f"best thresholds: {row['thresholds_seconds']:.2f} s")  # fmt: skip


if __name__ == "__main__":
    main()
