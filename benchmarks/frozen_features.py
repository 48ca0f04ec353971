"""How far a backbone's ImageNet features go on real illustrations, without any training of it.

    python benchmarks/frozen_features.py [--art FOLDER] BACKBONE:SIZE[+BACKBONE:SIZE] ...

FOLDER is real-art. Of the illustrations that the carried tagger may learn from, each source in turn
(three small ones together: those that its settings are chosen on) is judged by a ridge regression
on features of the others: mean and maximum over places of the last map and of the last three stages
before it, of pictures padded to SIZE x SIZE. Judged are tags that five pictures or more of the
others have; mAP is the mean over the six parts with the best of a few penalties. What a trained
tagger has above `development` is what training gave it.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from zokusei.cli.console import counting, tell
from zokusei.corpora import import_corpus
from zokusei.data.manifest import Manifest
from zokusei.images.preprocess import Preprocess
from zokusei.memory import keep_freed_memory
from zokusei.metrics import compute_metrics
from zokusei.models.backbone import Backbone, backbone_statistics, load_backbone_weights
from zokusei.results import append_result

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "frozen-features.csv"
COLUMNS = (
    "experiment features numbers pictures parts penalty map chance_map development commit hardware "
    "versions command"
).split()
PENALTIES = (0.3, 1.0, 3.0, 10.0)  # for each number of the features
FEWEST = 5
sys.path.insert(0, str(ROOT / "weights"))
import tagger  # noqa: E402 - it lies beside what it makes


def main() -> None:
    """Encode, judge, and add a row for each set of features."""
    parser = argparse.ArgumentParser(description="Judge features that nothing was trained on.")
    parser.add_argument("--art", type=Path, default=Path("../shared/data/real-art"))
    parser.add_argument("features", nargs="+", metavar="BACKBONE:SIZE")
    given = parser.parse_args()
    keep_freed_memory()
    manifest, _ = import_corpus(given.art / "labels.csv", vocabulary=given.art / "vocabulary.txt")
    sources = manifest.column("source")
    pictures = manifest.with_column(
        "split", ["test" if source in tagger.HELD_OUT else "train" for source in sources]
    ).select("train")
    encoded: dict[str, NDArray[np.float32]] = {}
    for features in given.features:
        for name in features.split("+"):
            if name not in encoded:
                encoded[name] = encode(pictures, *name.split(":"))
        joined = np.concatenate([encoded[name] for name in features.split("+")], 1)
        row = judge(pictures, joined) | {"experiment": "frozen-features", "features": features}
        row["command"] = f"python benchmarks/frozen_features.py {features}"
        append_result(RESULTS, row, COLUMNS)
        tell(f"{features}: mAP {row['map']:.1f}, chance {row['chance_map']:.1f}")


def encode(pictures: Manifest, name: str, size: str) -> NDArray[np.float32]:
    """Give the features of each picture: pictures x numbers."""
    backbone = Backbone(name).eval()
    load_backbone_weights(backbone, name, "packaged")
    preprocess = Preprocess(int(size), "pad", *backbone_statistics(name, "packaged"))
    maps: list[torch.Tensor] = []
    for stage in backbone.body.blocks[-4:-1]:
        stage.register_forward_hook(lambda _, __, made: maps.append(made))
    rows = []
    with counting(f"{name}, {size} px", len(pictures)) as progress, torch.inference_mode():
        for path in pictures.paths:
            maps.clear()
            last = backbone(preprocess(path)[None])
            parts = [part for one in (*maps, last) for part in (one.mean((2, 3)), one.amax((2, 3)))]
            rows.append(torch.cat(parts, 1)[0].numpy())
            progress(1)
    return np.stack(rows)


def judge(pictures: Manifest, features: NDArray[np.float32]) -> dict[str, float]:
    """Judge each part with what was learnt of the others; give the figures of a row."""
    sources = np.array(pictures.column("source"))
    parts = [[source] for source in dict.fromkeys(sources) if source not in tagger.DEVELOPMENT]
    parts.append(list(tagger.DEVELOPMENT))
    found, chances = [], []
    for part in parts:
        maps, chance = judge_part(pictures, features, np.isin(sources, part))
        found.append(maps)
        chances.append(chance)
    means = np.mean(found, 0)
    best = int(means.argmax())
    return {
        "numbers": features.shape[1], "pictures": len(pictures), "parts": len(parts),
        "penalty": PENALTIES[best], "map": means[best], "chance_map": float(np.mean(chances)),
        "development": found[-1][best],
    }  # fmt: skip


def judge_part(
    pictures: Manifest, features: NDArray[np.float32], judged: NDArray[np.bool_]
) -> tuple[list[float], float]:
    """Give mAP with each penalty, and that of chance, in per cent."""
    targets, known = pictures.compute_targets(), pictures.compute_known()
    enough = (targets & known)[~judged].sum(0) >= FEWEST
    # Where nobody looked, a tag is as probable as elsewhere.
    rates = (targets & known)[~judged].sum(0) / np.maximum(known[~judged].sum(0), 1)
    wanted = np.where(known[~judged], targets[~judged], rates)
    truth = torch.from_numpy(targets[judged]), torch.from_numpy(known[judged] & enough)
    positives, looked_for = (truth[0] & truth[1]).sum(0), truth[1].sum(0)
    there = positives > 0
    chance = float(100 * (positives[there] / looked_for[there]).mean())
    maps = []
    for penalty in PENALTIES:
        model = make_pipeline(
            FunctionTransformer(lambda values: np.sign(values) * np.sqrt(np.abs(values))),
            StandardScaler(),
            Ridge(penalty * features.shape[1]),
        )
        scores = model.fit(features[~judged], wanted).predict(features[judged])
        metrics = compute_metrics(torch.from_numpy(scores).float(), *truth)
        maps.append(100 * float(metrics.map))
    return maps, chance


if __name__ == "__main__":
    main()
