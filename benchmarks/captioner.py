"""Figures of captioners that were trained, one row a run, and how fast they caption.

    python benchmarks/captioner.py RUN [RUN ...] [--split test] [--beam 3]

A run folder as `zokusei train configs/captioner-*.yaml` leaves it. The intervals are those of 1,000
resamples of the pictures (95 %, percentiles): what other pictures would change, not another seed.
images_per_second is that of captioning the split, reading included; seconds those of the training.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zokusei.captioning.metrics import compute_bleu, compute_cider_each, count_bleu_matches
from zokusei.inference.evaluate_captions import caption_row, evaluate_captions
from zokusei.results import append_result

RESULTS = Path(__file__).parent / "results" / "captioner.csv"
FIGURES = "bleu1 bleu2 bleu3 bleu4 cider".split()
COLUMNS = [
    *"experiment corpus split model preset seed".split(),
    *(column for name in FIGURES for column in (name, f"{name}_low", f"{name}_high")),
    *"pictures images_per_second seconds commit config hardware versions command".split(),
]
RESAMPLES = 1000


def main() -> None:
    """Judge each run and add its row."""
    parser = argparse.ArgumentParser(description="Figures of captioners that were trained.")
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--split", default="test")
    parser.add_argument("--beam", type=int, default=3)
    given = parser.parse_args()
    for run in given.runs:
        began = time.perf_counter()
        evaluation = evaluate_captions(run, split=given.split, beam=given.beam)
        seconds = time.perf_counter() - began
        captions = [entry["caption"] for entry in evaluation["captions"]]
        references = [entry["references"] for entry in evaluation["captions"]]
        row = {
            **caption_row(run, evaluation),
            **evaluation["metrics"],
            **find_intervals(captions, references),
            "pictures": evaluation["pictures"],
            "images_per_second": evaluation["pictures"] / seconds,
            "command": f"python benchmarks/captioner.py {run} --split {given.split} "
            f"--beam {given.beam}",
        }
        append_result(RESULTS, row, COLUMNS)
        figures = "  ".join(
            f"{name} {row[name]:.1f} ({row[f'{name}_low']:.1f} to {row[f'{name}_high']:.1f})"
            for name in FIGURES
        )
        print(f"{run}: {figures}")


def find_intervals(
    captions: list[str], references: list[list[str]], resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, float]:
    """Give the 2.5th and 97.5th percentile of each figure over resampled pictures.

    Document frequencies of CIDEr stay those of all pictures.
    """
    matches = count_bleu_matches(captions, references)
    cider = compute_cider_each(captions, references) * 100
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(resamples):
        drawn: NDArray[np.int64] = rng.integers(len(captions), size=len(captions))
        rows.append([*compute_bleu(matches[drawn].sum(0)), float(cider[drawn].mean())])
    low, high = np.percentile(rows, [2.5, 97.5], axis=0)
    found = {}
    for index, name in enumerate(FIGURES):
        found[f"{name}_low"], found[f"{name}_high"] = float(low[index]), float(high[index])
    return found


if __name__ == "__main__":
    main()
