"""Does a model learn with the paper's optimizer, SGD at 0.5, on a small backbone?

    python benchmarks/paper_optimizer.py [PLAN] [MODEL ...] [key=value ...]
    python benchmarks/paper_optimizer.py configs/compare-captions.yaml attended \
        captions.captioner=RUN

PLAN is that of `zokusei compare`, configs/compare-drawn.yaml by default, whose corpus must be
there: `zokusei data draw demo/compare --count 6000`. Every model (or those that are named) is
trained for one epoch as its row has it, but for the optimizer: SGD, 0.5 for the head and 0.05 for
the backbone from the first step on. Judged on the validation split. The norms are those of
gradients before they are clipped, each tenth step. Where a loss is not finite, training stops, and
the row has no mAP and says why. A row that is there is skipped.
"""

import dataclasses
import json
import math
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from presets import read_given

from zokusei.cli.console import TrainingProgress, tell
from zokusei.config import Config
from zokusei.errors import ZokuseiError
from zokusei.inference.evaluate import evaluate_run, result_row
from zokusei.memory import keep_freed_memory
from zokusei.reproduce.plan import Plan
from zokusei.results import append_result, read_results
from zokusei.training.classifier import train_classifier

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "paper-optimizer.csv"
COLUMNS = (
    "experiment model clip seed steps first_norm median_norm largest_norm "
    "first_loss last_loss map chance_map stopped seconds commit hardware versions command"
).split()


def main() -> None:
    """Train each model for one epoch."""
    plan, models, _ = read_given("Try the paper's optimizer on each model.")
    keep_freed_memory()
    for model in models:
        row = try_one(as_in_the_paper(plan, model))
        tell(f"{row['model']}: {row['stopped'] or row['map']}")


def as_in_the_paper(plan: Plan, model: str) -> Config:
    """Give one epoch of a model's row with the paper's optimizer; the row's own limit of norms."""
    own = plan.create_config(model, plan.seeds[0])
    optimizer = dataclasses.replace(
        own.optimizer,
        name="sgd",
        lr=0.5,
        backbone_lr_factor=0.1,
        momentum=0.9,
        weight_decay=1e-4,
    )
    return dataclasses.replace(
        own,
        optimizer=optimizer,
        schedule=dataclasses.replace(own.schedule, name="step", warmup=0.0),
        train=dataclasses.replace(own.train, epochs=1),
    )


def try_one(config: Config) -> dict[str, Any]:
    """Train, judge, and add the row, unless it is there."""
    key = {
        "experiment": f"paper-optimizer: {config.name}",
        "model": config.model.name,
    }
    for row in read_results(RESULTS) if RESULTS.exists() else []:
        if row.items() >= key.items():
            return row
    progress, stopped, judged = TrainingProgress(), "", {}
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        try:
            train_classifier(config, run, progress, tell)
            evaluation = evaluate_run(run, split="val")
            judged = result_row(run, evaluation) | {"chance_map": evaluation["chance_map"]}
        except ZokuseiError as error:
            stopped = str(error).partition(":")[0]  # what follows names pictures
        finally:
            progress.close()
        row = {name: judged[name] for name in COLUMNS if name in judged} | key
        row |= describe_steps(run / "metrics.jsonl")
    row |= {
        "clip": "" if config.optimizer.clip is None else config.optimizer.clip,
        "seed": config.train.seed,
        "stopped": stopped,
        "command": " ".join(["python benchmarks/paper_optimizer.py", *sys.argv[1:]]),
    }
    append_result(RESULTS, row, COLUMNS)
    return row


def describe_steps(log: Path) -> dict[str, float]:
    """Say how losses and norms went; nothing where training stopped at once."""
    records = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    steps = [record for record in records if record["kind"] == "step"]
    if not steps:
        return {}
    norms, losses = ([step[name] for step in steps] for name in ("grad_norm", "loss"))
    return {
        "steps": steps[-1]["step"] + 1,
        "first_norm": norms[0],
        "median_norm": median(norms),
        "largest_norm": max(norms),
        "first_loss": losses[0],
        "last_loss": math.fsum(losses[-3:]) / len(losses[-3:]),
    }


if __name__ == "__main__":
    main()
