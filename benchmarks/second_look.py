"""What a second look gives and costs: a tagger judged with it, and without.

    python benchmarks/second_look.py RUN

RUN is of `weights/tagger.py`. The same weights look at the validation split twice, and once at the
whole picture in the size of the first look. Images/s are those of judging, side by side.
"""

import sys
import time
from dataclasses import replace
from pathlib import Path

import torch

from zokusei.checkpoint import Checkpoint, load_checkpoint
from zokusei.data.loader import Loader, PictureStore
from zokusei.data.manifest import Manifest
from zokusei.evaluation import compute_scores
from zokusei.memory import keep_freed_memory
from zokusei.metrics import compute_metrics
from zokusei.results import append_result

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "second-look.csv"
FIELDS = (
    "experiment looks weights pictures map hair_top1 hair_pictures eyes_top1 eyes_pictures "
    "images_per_second seed commit hardware versions command"
).split()
sys.path.insert(0, str(ROOT / "weights"))
import tagger  # noqa: E402 - it lies beside what it makes


def main() -> None:
    """Judge, and write a row each."""
    (run,) = map(Path, sys.argv[1:])
    keep_freed_memory()
    checkpoint = load_checkpoint(run)
    pictures = Manifest.load(run / "manifest.parquet").select("val")
    for looks in (2, 1):
        row = judge(checkpoint, pictures, looks) | {"looks": looks, "pictures": len(pictures)}
        row |= {"experiment": run.name, "seed": checkpoint.provenance["seed"]}
        row |= {
            "weights": tagger.hash_weights(run),
            "command": "python benchmarks/second_look.py RUN",
        }
        append_result(RESULTS, {name: row[name] for name in FIELDS if name in row}, FIELDS)
        print({name: row[name] for name in FIELDS if name in row})


def judge(checkpoint: Checkpoint, pictures: Manifest, looks: int) -> dict[str, float]:
    """Give the figures of one or two looks."""
    model, preprocess = checkpoint.model, checkpoint.preprocess
    second, model.second_look = model.second_look, model.second_look if looks == 2 else None
    assert second is not None, "it is a tagger that looks twice"
    if looks == 1:
        preprocess = replace(preprocess, size=second.first)
    store = PictureStore(pictures.paths, preprocess, cache_bytes=1e10, workers=2)
    loader = Loader(pictures, store, batch_size=16)
    device = torch.device("cpu")
    compute_scores(model, loader, preprocess, device=device)  # decodes
    began = time.monotonic()
    scores, known = compute_scores(model, loader, preprocess, device=device)
    seconds = time.monotonic() - began
    model.second_look = second
    row = {
        "map": compute_metrics(scores, loader.targets, known).as_row()["map"],
        "images_per_second": len(pictures) / seconds,
    }
    for name in tagger.COLUMNS:
        asked = pictures.compute_known().any(0)
        colours = [tag for tag in pictures.tags.names if tagger.is_colour(tag, name)]
        colours = [tag for tag in colours if asked[pictures.tags.index(tag)]]
        own = [pictures.tags.index(tag) for tag in colours]
        hits, count = tagger.count_hits(scores[:, own].numpy(), pictures, colours)
        row |= {f"{name}_top1": 100 * hits / count, f"{name}_pictures": count}
    return row


if __name__ == "__main__":
    main()
