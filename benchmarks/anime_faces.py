"""Three seeds of each plain model on the real faces of configs/anime-faces.yaml.

    python benchmarks/anime_faces.py [key=value ...]

Every run is trained, judged on the test split and, with one look a picture and with another at its
mirror image, on the validation split: three rows of results/anime-faces.csv. Runs that have their
rows are skipped and a killed one goes on, so the command can be given again at any time. `python
benchmarks/tables.py` makes the table of all rows.
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
RESULTS = HERE / "results" / "anime-faces.csv"
# Attention as a mean: the published sum is meant for 14 x 14 positions, and these maps have 5 x 5.
MODELS = {"gmp": [], "add_gcn": ["model.options={attention: mean}"], "gap": []}
SEEDS = (0, 1, 2)
# What a run is judged on, and whether with a mirror; None: as the model was made.
JUDGEMENTS = {"val-once": ("val", False), "val": ("val", None), "test": ("test", None)}


def main() -> None:
    """Run what is missing, seed by seed, so that early rows already compare."""
    keep_freed_memory()
    for seed in SEEDS:
        for model in MODELS:
            run_one(model, seed, sys.argv[1:])


def run_one(model: str, seed: int, settings: list[str]) -> None:
    """Train one model once and judge it, where rows of that are missing."""
    options = [*MODELS[model], *settings]
    config = load_config(CONFIG, [f"model.name={model}", f"train.seed={seed}", *options])
    rows = read_results(RESULTS) if RESULTS.exists() else []
    key = {"model": model, "seed": str(seed), "config": " ".join([config.name, *options])}
    done = {row["split"] for row in rows if row.items() >= key.items()}
    if done.issuperset(JUDGEMENTS):
        return
    run = Path("runs") / "anime-faces" / f"{model}-{seed}"
    progress = TrainingProgress()
    try:
        train_classifier(config, run, progress, tell)
    finally:
        progress.close()
    for name, (split, mirror) in JUDGEMENTS.items():
        if name in done:
            continue
        evaluation = evaluate_run(run, split=split, name=name, mirror=mirror)
        append_result(RESULTS, result_row(run, evaluation) | {"config": key["config"]})
        tell(f"{model}, seed {seed}: {name} mAP {evaluation['metrics']['map']:.2f}")


if __name__ == "__main__":
    main()
