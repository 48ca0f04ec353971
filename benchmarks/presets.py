"""How the rates of a comparison's models are chosen: the same search for each, on validation data.

    python benchmarks/presets.py [PLAN] [MODEL ...] [key=value ...]
    python benchmarks/presets.py configs/compare-captions.yaml attended captions.captioner=RUN

PLAN is that of `zokusei compare`, configs/compare-drawn.yaml by default, whose corpus must be
there: `zokusei data draw demo/compare --count 6000`. The paper's own model reads captions and is in
the other plan, the second command. Every model (or those that are named) is trained with the rate
that the plan gives it, with twice of it, with half of it unless that was better, and on in the
direction that is better until the best rate lies between two worse ones; all else is as the plan
has it. Runs are judged on the validation split; the test split is never looked at. Each run is a
row of results/presets.csv; runs that have theirs are skipped and a killed one goes on. `key=value`
changes settings of all, as for `compare`; rows with any but the captioner's place, or how a machine
computes (`train.workers`), are no part of the table.
"""

import argparse
import dataclasses
import hashlib
import json
from pathlib import Path

from zokusei.cli.console import TrainingProgress, tell
from zokusei.inference.evaluate import evaluate_run, result_row
from zokusei.memory import keep_freed_memory
from zokusei.reproduce.plan import Plan, load_plan
from zokusei.reproduce.runs import PLACES
from zokusei.results import append_result, read_results
from zokusei.training.classifier import train_classifier
from zokusei.training.prepare import HOW

HERE = Path(__file__).parent
PLAN = HERE.parent / "configs" / "compare-drawn.yaml"
RESULTS = HERE / "results" / "presets.csv"
RATE = "optimizer.lr"


def main() -> None:
    """Search the rate of each model, one after the other."""
    plan, models, settings = read_given("Choose rates on validation data.")
    keep_freed_memory()
    for model in models:
        rate, map_ = search_rate(plan, model, settings)
        tell(f"{model}: {RATE}={rate:g}, validation mAP {map_:.2f}")


def read_given(description: str) -> tuple[Plan, list[str], list[str]]:
    """Read the command line: a plan, its models that are meant, and settings of all."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("given", nargs="*", metavar="PLAN MODEL key=value")
    given = parser.parse_args().given
    files = [item for item in given if item.endswith((".yaml", ".yml"))]
    settings = [item for item in given if "=" in item]
    models = [item for item in given if item not in {*files, *settings}]
    plan = load_plan(files[0] if files else PLAN, settings)
    unknown = [model for model in models if model not in plan.models]
    if unknown:
        parser.error(f"{plan.name} has no model {unknown[0]!r}; it has {', '.join(plan.models)}")
    return plan, models or list(plan.models), settings


def search_rate(plan: Plan, model: str, settings: list[str]) -> tuple[float, float]:
    """The rate whose validation mAP is above that of half and of twice of it, and that mAP."""
    best = plan.create_config(model, plan.seeds[0]).optimizer.lr
    maps: dict[float, float] = {}
    while unknown := [rate for rate in (best, best * 2, best / 2) if rate not in maps]:
        maps[unknown[0]] = run_one(plan, model, unknown[0], settings)
        best = max(maps, key=maps.__getitem__)
    return best, maps[best]


def run_one(plan: Plan, model: str, rate: float, settings: list[str]) -> float:
    """Train and judge one model with one rate, unless it has its row.

    A row names what the plan says of the model: with other widths its rates are not known yet.

    Returns:
        mAP on the validation split, in percent.
    """
    config = plan.create_config(model, plan.seeds[0])
    optimizer = dataclasses.replace(config.optimizer, lr=rate)
    config = dataclasses.replace(config, optimizer=optimizer)
    changed = [item for item in settings if item.split("=")[0] not in {*PLACES, *HOW}]
    changes = plan.list_changes(model).items()
    own = [f"{key}={json.dumps(value)}" for key, value in changes if key != RATE]
    key = {
        "experiment": f"presets: {' '.join([plan.name, *changed])}",
        "model": model,
        "config": " ".join([plan.name, *own, f"{RATE}={rate:g}", *changed]),
    }
    for row in read_results(RESULTS) if RESULTS.exists() else []:
        if row.items() >= key.items():
            return float(row["map"])
    digest = hashlib.sha256(" ".join(own).encode()).hexdigest()[:8]
    name = "-".join([model, digest, f"{rate:g}", *changed])
    run = Path("runs") / "presets" / plan.name / name
    progress = TrainingProgress()
    try:
        train_classifier(config, run, progress, tell)
    finally:
        progress.close()
    evaluation = evaluate_run(run, split="val")
    append_result(RESULTS, result_row(run, evaluation) | key)
    tell(f"{model}, {rate:g}: validation mAP {evaluation['metrics']['map']:.2f}")
    return float(evaluation["metrics"]["map"])


if __name__ == "__main__":
    main()
