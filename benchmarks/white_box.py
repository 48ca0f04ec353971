"""What each loss of the White-box training does: all of them together, then without one at a time.

    zokusei data draw demo/drawings --count 2000 --size 128
    python benchmarks/white_box.py [pictures.photographs=FOLDER]

Trains configs/white-box-pretrain.yaml and configs/white-box.yaml as they stand, then the latter for
two epochs with the weight of one loss at 0, for each of the five. Every epoch of every run is a row
of results/white-box.csv: the losses on the same held-out photographs, before their weights.
Trainings that are done are not done again. One seed: small differences say nothing.
"""

import json
import sys
from pathlib import Path
from typing import Any

from zokusei.cli.console import TrainingProgress, tell
from zokusei.config_file import load_config
from zokusei.memory import keep_freed_memory
from zokusei.results import append_result
from zokusei.training.white_box import PARTS, train_white_box
from zokusei.white_box_config import WhiteBoxConfig

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "white-box.csv"
RUNS = {
    "white-box-pretrain": ("white-box-pretrain", []),
    "white-box": ("white-box", []),
    **{
        f"white-box-without-{part}": ("white-box", ["train.epochs=2", f"loss.{part}=0"])
        for part in ("variation", "content", "structure", "surface", "texture")
    },
}
FIELDS = ["experiment", "without", "epoch", *PARTS, "critics", "seconds",
          "commit", "config", "hardware", "versions"]  # fmt: skip


def main() -> None:
    """Train what is missing, and write the table anew."""
    keep_freed_memory()
    for name, (config, changes) in RUNS.items():
        path = HERE.parent / "configs" / f"{config}.yaml"
        settings = load_config(path, [*changes, *sys.argv[1:]], kind=WhiteBoxConfig)
        progress = TrainingProgress()
        try:
            train_white_box(settings, Path("runs") / name, progress, tell)
        finally:
            progress.close()
    RESULTS.unlink(missing_ok=True)
    for name, (config, changes) in RUNS.items():
        for row in read_epochs(Path("runs") / name):
            about = {"experiment": config, "config": " ".join([config, *changes])}
            without = name.partition("-without-")[2]
            append_result(RESULTS, about | {"without": without} | row, FIELDS)


def read_epochs(run: Path) -> list[dict[str, Any]]:
    """Give a run's losses at each epoch's end."""
    environment = json.loads((run / "environment.json").read_text(encoding="utf-8"))
    lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    epochs = [record for record in map(json.loads, lines) if record["kind"] == "epoch"]
    rows = []
    for record in epochs:
        shown = {name: record[name] for name in (*PARTS, "critics", "seconds") if name in record}
        place = {name: environment[name] for name in ("commit", "hardware")}
        rows.append({"epoch": record["epoch"] + 1, **shown, **place})
    return rows


if __name__ == "__main__":
    main()
