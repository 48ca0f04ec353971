"""A comparison of models: train what is missing, judge it, write rows, table and plot.

```
OUT/runs/MODEL-SEED/   each training with its evaluation
OUT/results.csv        one row a run
OUT/table.md           means with intervals, and the difference to the best plain baseline
OUT/tags.svg           AP of every tag, and what each model gains, by how frequent the tag is
```
"""

import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import torch
from torch import Tensor

from zokusei.config import load_config
from zokusei.data.manifest import Manifest
from zokusei.data.row_file import Counting, no_counting
from zokusei.errors import DataError, ZokuseiError
from zokusei.files import write_text
from zokusei.inference.evaluate import evaluate_run, result_row
from zokusei.reproduce.bootstrap import Difference, compare_paired
from zokusei.reproduce.plan import Plan
from zokusei.reproduce.plots import plot_comparison
from zokusei.reproduce.tables import describe, to_markdown
from zokusei.results import append_result, read_results
from zokusei.training.classifier import train_classifier
from zokusei.training.loop import Reporter
from zokusei.training.prepare import refuse_another_run

Row = Mapping[str, str]

# In the order of the paper's Table 1, with macro-F1 behind it.
_RATES = {
    "map": "mAP", "cp": "CP", "cr": "CR", "cf1": "CF1", "op": "OP", "or": "OR", "of1": "OF1",
    "macro_f1": "macro-F1",
}  # fmt: skip


def compare(
    plan: Plan,
    folder: Path | str,
    create_reporter: Callable[[], AbstractContextManager[Reporter]],
    tell: Callable[[str], None],
    counting: Counting = no_counting,
) -> Path:
    """Run what has no row yet, seed by seed, then make table and plot anew.

    Rows of models and seeds that the plan does not have are left alone, and out of both.

    Args:
        plan: what is compared.
        folder: gets the runs and the results; killed, the same call goes on where it was.
        create_reporter: gives what is told of the steps of one training.
        tell: is told what was found.
        counting: shows how far captions are written, for models that read them.

    Returns:
        The file with the table.

    Raises:
        ZokuseiError: a training broke off, told after the others have been run.
        ConfigError: the folder holds a run with other settings.
        DataError: the pictures cannot be used, a row's run is gone or was judged on other
            pictures, or `results.csv` is no table of a comparison.
    """
    folder = Path(folder)
    results, broken = folder / "results.csv", []
    first = next(iter(plan.models)), plan.seeds[0]
    for seed in plan.seeds:  # the outer loop: early rows already compare
        for name in plan.models:
            if any(_is_of(row, name, seed) for row in _read(results)):
                _check_run(plan, folder, name, seed)
                continue
            try:
                with create_reporter() as reporter:
                    row = _run(plan, folder, name, seed, reporter, tell, counting)
            except ZokuseiError as error:
                if isinstance(error, DataError) and (name, seed) == first:
                    raise  # all have the same pictures: the others would say it again
                broken.append(f"{name}, seed {seed}: {error}")
                tell(f"broken off: {broken[-1]}")
                continue
            append_result(results, row)
            tell(f"{name}, seed {seed}: test mAP {row['map']:.2f}")
    wanted = {(name, str(seed)) for name in plan.models for seed in plan.seeds}
    rows = [row for row in _read(results) if (row["model"], row["seed"]) in wanted]
    done = [name for name in plan.models if any(row["model"] == name for row in rows)]
    if not any(name in done for name in plan.baselines):
        raise ZokuseiError(
            f"{len(broken)} trainings broke off, with all of the baselines: {broken[0]}"
        )
    baseline = max(
        (name for name in plan.baselines if name in done),
        key=lambda name: statistics.fmean(_values(rows, name, "map")),
    )
    table = folder / "table.md"
    write_text(table, make_table(plan, folder, rows, baseline, broken))
    write_text(folder / "tags.svg", plot_comparison(_tags(plan, folder, rows), baseline))
    if broken:
        raise ZokuseiError(f"{len(broken)} trainings broke off, see {table}: {broken[0]}")
    return table


def make_table(
    plan: Plan, folder: Path, rows: Sequence[Row], baseline: str, broken: Sequence[str] = ()
) -> str:
    """Write the comparison as Markdown, the best mean mAP first.

    Args:
        plan: what was compared.
        folder: with the runs.
        rows: of the results.
        baseline: what the others are tested against: of the plain models the one that does best on
            these very pictures, which makes it harder to beat.
        broken: trainings without a row, named below the table.
    """
    targets, known = _truth(folder, rows[0])
    names = sorted(
        {row["model"] for row in rows}, key=lambda n: -statistics.fmean(_values(rows, n, "map"))
    )
    scores = {name: _read_scores(folder, rows, name) for name in names}
    judged = known.any(1)
    for score in [score for runs in scores.values() for score in runs]:
        judged &= ~score.isnan().any(1)
    targets, known = targets[judged], known[judged]
    scores = {name: [score[judged] for score in runs] for name, runs in scores.items()}
    table = [["model", "preset", "seeds", *_RATES.values(), f"mAP less that of {baseline}"]]
    for name in names:
        own = [row for row in rows if row["model"] == name]
        cells = [describe(_values(rows, name, rate)) for rate in _RATES]
        difference: Difference | str = ""
        if name != baseline:
            difference = compare_paired(scores[name], scores[baseline], targets, known)
        table.append([f"`{name}`", own[0]["preset"], str(len(own)), *cells, str(difference)])
    text = [
        f"# {plan.name}",
        f"{len(targets)} test pictures, {targets.shape[1]} tags, per cent, decisions at 0.5. ±: "
        "95 % of Student's t over the seeds. Last column: mean over the seeds, with the 95 % "
        "interval of a paired bootstrap over the test pictures.",
        to_markdown(table).rstrip(),
        *[f"Broken off: {line}" for line in broken],
    ]
    return "\n\n".join(text) + "\n"


def _run(
    plan: Plan,
    folder: Path,
    name: str,
    seed: int,
    reporter: Reporter,
    tell: Callable[[str], None],
    counting: Counting,
) -> dict[str, Any]:
    """Train and judge one model with one seed; give its row."""
    run = _run_folder(folder, name, seed)
    train_classifier(plan.create_config(name, seed), run, reporter, tell, counting)
    evaluation = evaluate_run(run)
    return result_row(run, evaluation) | {"model": name, "config": _describe_changes(plan, name)}


def _describe_changes(plan: Plan, name: str) -> str:
    changes = [f"{key}={json.dumps(value)}" for key, value in plan.list_changes(name).items()]
    return " ".join([plan.name, *changes])


def _is_of(row: Row, name: str, seed: int) -> bool:
    return row["model"] == name and row["seed"] == str(seed)


def _check_run(plan: Plan, folder: Path, name: str, seed: int) -> None:
    """See that a row's run is there, and was made with the settings of the plan."""
    run = _run_folder(folder, name, seed)
    if not (run / "scores-test.parquet").exists():
        raise DataError(f"{folder / 'results.csv'} has a row of {run}, which is gone; remove it")
    refuse_another_run(plan.create_config(name, seed), load_config(run / "config.yaml"), run)


def _run_folder(folder: Path, name: str, seed: int | str) -> Path:
    return folder / "runs" / f"{name}-{seed}"


def _read(path: Path) -> list[dict[str, str]]:
    rows = read_results(path) if path.exists() else []
    for name in ("model", "seed", "preset", *_RATES):
        if rows and name not in rows[0]:
            raise DataError(f"{path} is no table of a comparison: it has no column {name!r}")
    return rows


def _values(rows: Sequence[Row], name: str, rate: str) -> list[float]:
    return [float(row[rate]) for row in rows if row["model"] == name]


def _truth(folder: Path, row: Row) -> tuple[Tensor, Tensor]:
    """Give targets and what is known of the test pictures, which all runs share."""
    run = _run_folder(folder, row["model"], row["seed"])
    test = Manifest.load(run / "manifest.parquet").select("test")
    return torch.from_numpy(test.compute_targets()), torch.from_numpy(test.compute_known())


def _read_scores(folder: Path, rows: Sequence[Row], name: str) -> list[Tensor]:
    """Give the test scores of every run of a model, in the order of the manifest."""
    runs = [_run_folder(folder, name, row["seed"]) for row in rows if row["model"] == name]
    first = _run_folder(folder, rows[0]["model"], rows[0]["seed"])
    order = pq.read_table(first / "scores-test.parquet").column("path")
    tags = Manifest.load(first / "manifest.parquet").tags.names
    scores = []
    for run in runs:
        table = pq.read_table(run / "scores-test.parquet")
        if not table.column("path").equals(order):
            raise DataError(f"{run} was judged on other pictures than {first}; remove the folder")
        columns = [table.column(tag).to_numpy() for tag in tags]
        scores.append(torch.from_numpy(np.stack(columns, 1)))
    return scores


def _tags(plan: Plan, folder: Path, rows: Sequence[Row]) -> dict[str, dict[str, Any]]:
    """Give by tag how often training pictures have it and each model's mean AP."""
    first = _run_folder(folder, rows[0]["model"], rows[0]["seed"])
    train = Manifest.load(first / "manifest.parquet").select("train")
    counts = train.compute_targets().sum(axis=0).tolist()
    found: dict[str, dict[str, Any]] = {
        name: {"count": count, "ap": {}}
        for name, count in zip(train.tags.names, counts, strict=True)
    }
    for model in plan.models:
        seeds = [row["seed"] for row in rows if row["model"] == model]
        judged: dict[str, list[float]] = {}
        for seed in seeds:
            path = _run_folder(folder, model, seed) / "evaluation-test.json"
            for tag in json.loads(path.read_text(encoding="utf-8"))["tags"]:
                if tag["ap"] is not None:
                    judged.setdefault(tag["name"], []).append(tag["ap"])
        for name, values in judged.items():
            found[name]["ap"][model] = statistics.fmean(values)
    return found
