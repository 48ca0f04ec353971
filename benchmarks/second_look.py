"""What a second look gives and costs: a tagger judged with it, and without.

    python benchmarks/second_look.py RUN

RUN is of `weights/tagger.py`. The same weights look at the validation split twice, and once at the
whole picture in the size of the first look. Images/s are those of judging decoded pictures: both
take turns, and the median of the rounds counts.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from zokusei.checkpoint import Checkpoint, load_checkpoint
from zokusei.data.loader import Loader, PictureStore
from zokusei.data.manifest import Manifest
from zokusei.evaluation import compute_scores
from zokusei.memory import keep_freed_memory
from zokusei.metrics import compute_metrics
from zokusei.results import append_result

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "second-look.csv"
ROUNDS = 5
FIELDS = (
    "experiment looks weights pictures map hair_top1 hair_pictures eyes_top1 eyes_pictures "
    "images_per_second rounds seed commit hardware versions command"
).split()
sys.path.insert(0, str(ROOT / "weights"))
import tagger  # noqa: E402 - it lies beside what it makes


def main() -> None:
    """Judge, and write a row each."""
    (run,) = map(Path, sys.argv[1:])
    keep_freed_memory()
    checkpoint = load_checkpoint(run)
    pictures = Manifest.load(run / "manifest.parquet").select("val")
    judges = {looks: prepare(checkpoint, pictures, looks) for looks in (2, 1)}
    found = {looks: judge() for looks, judge in judges.items()}  # decodes, too
    seconds: dict[int, list[float]] = {looks: [] for looks in judges}
    for _ in range(ROUNDS):
        for looks, judge in judges.items():
            began = time.monotonic()
            judge()
            seconds[looks].append(time.monotonic() - began)
    about = {
        "experiment": run.name, "seed": checkpoint.provenance["seed"], "pictures": len(pictures),
        "weights": tagger.hash_weights(run), "rounds": ROUNDS,
        "command": "python benchmarks/second_look.py RUN",
    }  # fmt: skip
    targets = torch.from_numpy(pictures.compute_targets())
    for looks, (scores, known) in found.items():
        row = about | {"looks": looks, **tagger.judge_colours(scores.numpy(), pictures)}
        row["map"] = compute_metrics(scores, targets, known).as_row()["map"]
        row["images_per_second"] = len(pictures) / float(np.median(seconds[looks]))
        append_result(RESULTS, row, FIELDS)
        print(row)


def prepare(
    checkpoint: Checkpoint, pictures: Manifest, looks: int
) -> Callable[[], tuple[Tensor, Tensor]]:
    """Give what judges the pictures with one or two looks."""
    model, preprocess = checkpoint.model, checkpoint.preprocess
    second = model.second_look
    assert second is not None, "it is a tagger that looks twice"
    if looks == 1:
        preprocess = replace(preprocess, size=second.first)
    store = PictureStore(pictures.paths, preprocess, cache_bytes=1e10, workers=2)
    loader = Loader(pictures, store, batch_size=16)

    def judge() -> tuple[Tensor, Tensor]:
        model.second_look = second if looks == 2 else None
        found = compute_scores(model, loader, preprocess, device=torch.device("cpu"))
        model.second_look = second
        return found

    return judge


if __name__ == "__main__":
    main()
