"""How the settings of configs/anime-faces.yaml were chosen: one thing changed at a time.

python benchmarks/anime_faces_choices.py [NAME ...]

Small runs (112 px, four epochs, unless they say otherwise, and one seed), judged on the validation
split, never on the test split. Each becomes one row of results/anime-faces-choices.csv; runs that
have their row are skipped. With one seed a difference of a point says little.
"""

import sys
from pathlib import Path

from zokusei.cli.console import TrainingProgress, tell
from zokusei.config_file import load_config
from zokusei.inference.evaluate import evaluate_run, result_row
from zokusei.memory import keep_freed_memory
from zokusei.results import append_result, read_results
from zokusei.training.classifier import train_classifier

HERE = Path(__file__).parent
CONFIG = HERE.parent / "configs" / "anime-faces.yaml"
RESULTS = HERE / "results" / "anime-faces-choices.csv"
WEAKER = ["augment.scale=[0.8, 1.0]", "augment.erase=0.0"]
APART = ["model.one_of=[]"]  # a sigmoid a tag
SMALL = ["preprocess.size=112", "augment.size=96", "train.epochs=4", *WEAKER, *APART]
LARGER = ["preprocess.size=144", "augment.size=128"]
LARGEST = ["preprocess.size=176", "augment.size=160", "train.epochs=6"]
STRONGER = ["augment.scale=[0.4,1.0]", "augment.erase=0.1"]
MEAN = ["model.name=add_gcn", "model.options={attention: mean}"]
NINE = [*LARGER, "train.epochs=9", *STRONGER]
# What the configuration has got since.
FORMER = ["train.self_distillation=0", "model.mirror=false"]
CHOICES = {
    "nothing": SMALL,
    "144 px, six epochs": [*LARGER, "train.epochs=6", *WEAKER, *APART],
    "144 px, eight epochs of crops from two fifths on, erased": [
        *LARGER,
        "train.epochs=8",
        *STRONGER,
        *APART,
    ],
    "176 px, six epochs of crops from two fifths on, erased": [*LARGEST, *STRONGER, *APART],
    "176 px, six epochs of crops from two fifths on, erased, a softmax a kind": [
        *LARGEST,
        *STRONGER,
    ],
    "144 px, eight epochs of crops from two fifths on, erased, a softmax a kind": [
        *LARGER,
        "train.epochs=8",
        *STRONGER,
    ],
    "144 px, eight epochs of crops from two fifths on, erased, a softmax a kind, add_gcn": [
        *LARGER,
        "train.epochs=8",
        *STRONGER,
        *MEAN,
    ],
    "144 px, nine epochs of crops from two fifths on, erased, a softmax a kind": NINE,
    "144 px, nine epochs of crops from two fifths on, erased, a softmax a kind, refined": [
        *NINE,
        "train.self_distillation=0.6",
    ],
    "add_gcn, attention as a mean": [*SMALL, *MEAN],
    "add_gcn": [*SMALL, "model.name=add_gcn"],
    "gap": [*SMALL, "model.name=gap"],
    "rate 0.001": [*SMALL, "optimizer.lr=0.001"],
    "rate 0.004": [*SMALL, "optimizer.lr=0.004"],
    "asymmetric loss": [*SMALL, "loss.name=asl", "loss.options={gamma_neg: 2, clip: 0.0}"],
    "crops from half the area on": [*SMALL, "augment.scale=[0.5, 1.0]"],
    "all stages trained": [*SMALL, "model.freeze=0"],
}


def main() -> None:
    """Run what is missing, or what is named."""
    keep_freed_memory()
    for name in sys.argv[1:] or CHOICES:
        rows = read_results(RESULTS) if RESULTS.exists() else []
        if any(row["experiment"] == f"choices: {name}" for row in rows):
            continue
        run = Path("runs") / "choices" / name.replace(" ", "-").replace(",", "")
        progress = TrainingProgress()
        try:
            train_classifier(load_config(CONFIG, [*FORMER, *CHOICES[name]]), run, progress, tell)
        finally:
            progress.close()
        evaluation = evaluate_run(run, split="val")
        row = result_row(run, evaluation) | {
            "experiment": f"choices: {name}",
            "config": " ".join(["anime-faces", *FORMER, *CHOICES[name]]),
        }
        append_result(RESULTS, row)
        tell(f"{name}: validation mAP {evaluation['metrics']['map']:.2f}")


if __name__ == "__main__":
    main()
