"""How the rates of a comparison's models are chosen: the same grid for each, on validation data.

    python benchmarks/presets.py [PLAN] [--rates 0.001,0.002] [MODEL ...] [key=value ...]
    python benchmarks/presets.py configs/compare-captions.yaml attended captions.captioner=RUN

PLAN is that of `zokusei compare`, configs/compare-drawn.yaml by default, whose corpus must be
there: `zokusei data draw demo/compare --count 6000`. The paper's own model reads captions and is in
the other plan, the second command. Every model (or those that are named) is trained with every
rate, once and with all else as the plan has it, and judged on the validation split; the test split
is never looked at. Each run is a row of results/presets.csv; runs that have theirs are skipped and
a killed one goes on. `key=value` changes settings of all, as for `compare`; rows with any but
`captions.captioner` are no part of the table.
"""

import argparse
import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zokusei.cli.console import TrainingProgress, tell
from zokusei.config import Config
from zokusei.inference.evaluate import evaluate_run, result_row
from zokusei.memory import keep_freed_memory
from zokusei.reproduce.plan import load_plan
from zokusei.results import append_result, read_results
from zokusei.training.classifier import train_classifier

HERE = Path(__file__).parent
PLAN = HERE.parent / "configs" / "compare-drawn.yaml"
RESULTS = HERE / "results" / "presets.csv"
RATE, RATES = "optimizer.lr", "0.0005,0.001,0.002,0.004"


def main() -> None:
    """Run what is missing, rate by rate, so that early rows already compare the models."""
    parser = argparse.ArgumentParser(description="Choose rates on validation data.")
    parser.add_argument("given", nargs="*", metavar="PLAN MODEL key=value")
    parser.add_argument("--rates", default=RATES)
    options = parser.parse_intermixed_args()
    files = [item for item in options.given if item.endswith((".yaml", ".yml"))]
    settings = [item for item in options.given if "=" in item]
    models = [item for item in options.given if item not in {*files, *settings}]
    plan = load_plan(files[0] if files else PLAN, settings)
    unknown = [model for model in models if model not in plan.models]
    if unknown:
        parser.error(f"{plan.name} has no model {unknown[0]!r}; it has {', '.join(plan.models)}")
    keep_freed_memory()
    for rate in map(float, options.rates.split(",")):
        for model in models or plan.models:
            config = plan.create_config(model, plan.seeds[0])
            optimizer = dataclasses.replace(config.optimizer, lr=rate)
            config = dataclasses.replace(config, optimizer=optimizer)
            run_one(config, plan.name, model, plan.list_changes(model), rate, settings)


def run_one(
    config: Config,
    plan: str,
    model: str,
    changes: Mapping[str, Any],
    rate: float,
    settings: list[str],
) -> None:
    """Train and judge one model with one rate, unless it has its row.

    A row names what the plan says of the model: with other widths its rates are not known yet.
    """
    changed = [setting for setting in settings if not setting.startswith("captions.captioner=")]
    own = [f"{key}={json.dumps(value)}" for key, value in changes.items() if key != RATE]
    key = {
        "experiment": f"presets: {' '.join([plan, *changed])}",
        "model": model,
        "config": " ".join([plan, *own, f"{RATE}={rate:g}", *changed]),
    }
    rows = read_results(RESULTS) if RESULTS.exists() else []
    if any(row.items() >= key.items() for row in rows):
        return
    digest = hashlib.sha256(" ".join(own).encode()).hexdigest()[:8]
    run = Path("runs") / "presets" / plan / "-".join([model, digest, f"{rate:g}", *changed])
    progress = TrainingProgress()
    try:
        train_classifier(config, run, progress, tell)
    finally:
        progress.close()
    evaluation = evaluate_run(run, split="val")
    append_result(RESULTS, result_row(run, evaluation) | key)
    tell(f"{model}, {rate:g}: validation mAP {evaluation['metrics']['map']:.2f}")


if __name__ == "__main__":
    main()
