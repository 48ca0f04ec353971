"""How far the threshold of a tag should lean on the one that all tags share.

    python benchmarks/thresholds.py [--art FOLDER]

The tagger that the package carries looks at the illustrations that were held out from its training
(`weights/tagger.py`). Thresholds are found on a random half of them and judged on the other, and
the other way round, for several weights of the shared threshold (`find_best_thresholds`).
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch

from zokusei.metrics import compute_metrics, find_best_thresholds
from zokusei.results import append_result

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "thresholds.csv"
WEIGHTS, HALVES = (0, 10, 20, 40, 80, 1_000_000), 20
RATES = ("op", "or", "of1", "macro_f1", "tags_a_picture")
FIELDS = (
    "experiment weights shared_weight pictures op or of1 macro_f1 tags_a_picture of1_low of1_high "
    "macro_f1_low macro_f1_high halves seed commit hardware versions command"
).split()
sys.path.insert(0, str(ROOT / "weights"))
import tagger  # noqa: E402 - it lies beside what it makes


def main() -> None:
    """Judge, and write a row for each weight."""
    parser = argparse.ArgumentParser(description="How far thresholds should lean on each other.")
    parser.add_argument("--art", type=Path, default=Path("../shared/data/real-art"))
    scores, targets, known = tagger.score_held_out(parser.parse_args().art)
    torch.manual_seed(0)
    halves = [torch.randperm(len(scores)).chunk(2) for _ in range(HALVES)]
    pairs = [pair for one, other in halves for pair in ((one, other), (other, one))]
    for weight in WEIGHTS:
        found = []
        for first, other in pairs:
            thresholds = find_best_thresholds(
                scores[first], targets[first], known[first], shared_weight=weight
            )
            judged = compute_metrics(
                scores[other], targets[other], known[other], thresholds=thresholds
            )
            given = float((scores[other] >= thresholds).sum(1).float().mean())
            found.append([*(judged.as_row()[rate] for rate in RATES[:-1]), given])
        low, high = np.quantile(found, [0.025, 0.975], axis=0)
        row = dict(zip(RATES, np.mean(found, 0), strict=True)) | {
            "experiment": "thresholds", "weights": tagger.hash_weights(tagger.PLACE),
            "shared_weight": weight, "pictures": len(scores), "halves": HALVES, "seed": 0,
            "of1_low": low[2], "of1_high": high[2], "macro_f1_low": low[3],
            "macro_f1_high": high[3], "command": "python benchmarks/thresholds.py",
        }  # fmt: skip
        append_result(RESULTS, row, FIELDS)
        print(f"{weight}: " + ", ".join(f"{rate} {row[rate]:.1f}" for rate in RATES), flush=True)


if __name__ == "__main__":
    main()
