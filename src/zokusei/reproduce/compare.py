"""A comparison of models: train what is missing, judge it, write rows, table and plot.

```
OUT/runs/MODEL-SEED/   each training with its evaluation
OUT/results.csv        one row a run; results-NAME.csv: on other pictures, see `also`
OUT/table.md           means with intervals, and the difference to the best plain baseline
OUT/tags.svg           AP of every tag, and what each model gains, by how frequent the tag is
```
"""

import json
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

from zokusei.config_file import load_config
from zokusei.data.manifest import Manifest
from zokusei.data.row_file import Counting, no_counting
from zokusei.errors import DataError, ZokuseiError
from zokusei.files import write_text
from zokusei.inference.evaluate import evaluate_run, result_row
from zokusei.report.sections import to_markdown
from zokusei.reproduce import paper
from zokusei.reproduce.also import (
    find_manifests,
    judge_also,
    name_rows_of,
    tabulate_also,
)
from zokusei.reproduce.bootstrap import Difference, compare_paired
from zokusei.reproduce.costs import Costs, find_costs, read_costs
from zokusei.reproduce.plan import Plan
from zokusei.reproduce.plots import plot_comparison
from zokusei.reproduce.runs import (
    JUDGED,
    PLACES,
    JudgedRuns,
    Row,
    find_best,
    find_run,
    has_row,
    list_values,
    read_rows,
    refuse_other_pictures,
    select_rows,
    split_by_run,
)
from zokusei.reproduce.tables import describe
from zokusei.results import append_result
from zokusei.training.caption_features import load_source
from zokusei.training.classifier import train_classifier
from zokusei.training.loop import Reporter
from zokusei.training.prepare import (
    HOW,
    do_once,
    refuse_another_captioner,
    refuse_another_run,
)

_RATES = {**paper.RATES, "macro_f1": "macro-F1"}


def compare(
    plan: Plan,
    folder: Path | str,
    create_reporter: Callable[[], AbstractContextManager[Reporter]],
    tell: Callable[[str], None],
    counting: Counting = no_counting,
    costs: Path | None = None,
) -> Path:
    """Run what has no row yet, seed by seed, then make table and plot anew.

    Rows of models and seeds that the plan does not have are left alone, and out of both.

    Args:
        plan: what is compared.
        folder: gets the runs and the results; killed, the same call goes on where it was.
        create_reporter: gives what is told of the steps of one training.
        tell: is told what was found.
        counting: shows how far captions are written, for models that read them.
        costs: a table of what models cost, for columns of their own; see `costs`.

    Returns:
        The file with the table.

    Raises:
        ZokuseiError: a training broke off, or could not be judged on other pictures, told after the
            others have been run.
        ConfigError: the folder holds a run with other settings.
        DataError: the pictures cannot be used, a row's run is gone or was judged on other
            pictures, or `results.csv` is no table of a comparison.
    """
    folder, measured = Path(folder), read_costs(costs)
    rows = select_rows(read_rows(folder / "results.csv"), plan.models, plan.seeds)
    gone = [describe_lacking(folder, row["model"], row["seed"]) for row in rows]
    if any(gone):
        raise DataError(next(filter(None, gone)))
    broken = run_missing(plan, folder, create_reporter, tell, counting)
    rows = select_rows(read_rows(folder / "results.csv"), plan.models, plan.seeds)
    baseline = find_best(rows, plan.baselines)
    if baseline is None:
        raise ZokuseiError(
            f"{len(broken)} trainings broke off, with all of the baselines: {broken[0]}"
        )
    table = folder / "table.md"
    configs = {name: plan.create_config(name, plan.seeds[0]) for name in plan.models}
    shown = make_table(plan, folder, rows, baseline, broken, find_costs(measured, configs))
    write_text(table, shown)
    write_text(folder / "tags.svg", plot_comparison(read_tags(folder, rows), baseline))
    if broken:
        raise ZokuseiError(f"{len(broken)} trainings broke off, see {table}: {broken[0]}")
    return table


def run_missing(
    plan: Plan,
    folder: Path,
    create_reporter: Callable[[], AbstractContextManager[Reporter]],
    tell: Callable[[str], None],
    counting: Counting = no_counting,
) -> list[str]:
    """Train and judge what has no row yet, seed by seed; see `compare`.

    Several processes may call this together, as accelerate starts them. A run that has its row, but
    was not yet judged on other pictures that the plan has, is judged on them.

    Returns:
        What broke off, and why.

    Raises:
        ConfigError: the folder holds a run with other settings.
        DataError: the pictures cannot be used, or `results.csv` is no table of a comparison.
    """
    results, broken = folder / "results.csv", []
    manifests = find_manifests(plan.also)
    first = next(iter(plan.models)), plan.seeds[0]

    def note(name: str, seed: int, error: ZokuseiError) -> None:
        broken.append(f"{name}, seed {seed}: {error}")
        tell(f"broken off: {broken[-1]}")

    for seed in plan.seeds:  # the outer loop: early rows already compare
        for name in plan.models:
            rows, run = read_rows(results), find_run(folder, name, seed)
            is_there = has_row(rows, name, seed)
            if is_there:
                lacking = describe_lacking(folder, name, seed)
                if lacking:
                    tell(f"{lacking}; until then its figures stay, and intervals are without it")
                    continue
                _check_run(plan, folder, name, seed)
            else:
                config = plan.create_config(name, seed)
                networks = [find_run(folder, row["model"], row["seed"]) for row in rows]
                try:
                    with create_reporter() as reporter:
                        train_classifier(config, run, reporter, tell, counting, networks)
                except ZokuseiError as error:
                    # All have the same pictures: where a run could not even begin, the others would
                    # say it again.
                    if isinstance(error, DataError) and (name, seed) == first and not run.exists():
                        raise
                    note(name, seed, error)
                    continue
            _refuse_other_pictures(plan, folder, run)
            about = {"model": name, "config": _describe_changes(plan, name)}
            judge_others = partial(judge_also, folder, about, seed, manifests, tell, counting)
            add_row = partial(_add_row, results, run, about, tell)
            try:
                do_once(partial(_do_all, [judge_others] if is_there else [add_row, judge_others]))
            except ZokuseiError as error:
                note(name, seed, error)
    return broken


def make_table(
    plan: Plan,
    folder: Path,
    rows: Sequence[Row],
    baseline: str,
    broken: Sequence[str] = (),
    costs: Costs | None = None,
) -> str:
    """Write the comparison as Markdown, the best mean mAP first.

    Args:
        plan: what was compared.
        folder: with the runs.
        rows: of the results.
        baseline: what the others are tested against: of the plain models the one that does best on
            these very pictures, which makes it harder to beat.
        broken: trainings without a row, named below the table.
        costs: of the rows, the last columns.
    """
    costs = costs or Costs()
    judged = JudgedRuns(folder, rows)
    names = sorted(judged.names, key=lambda n: -statistics.fmean(list_values(rows, n, "map")))
    less = f"mAP less that of {baseline}"
    table = [["model", "preset", "seeds", *_RATES.values(), less, *costs.head]]
    for name in names:
        own = [row for row in rows if row["model"] == name]
        cells = [describe(list_values(rows, name, rate)) for rate in _RATES]
        ours, theirs = judged.pair(name, baseline)
        difference: Difference | str = ""
        if name != baseline and ours:
            difference = compare_paired(ours, theirs, judged.targets, judged.known)
        table.append(
            [
                f"`{name}`",
                own[0]["preset"],
                str(len(own)),
                *cells,
                str(difference),
                *costs.get(name),
            ]
        )
    text = [
        f"# {plan.name}",
        f"{len(judged.targets)} test pictures, {judged.targets.shape[1]} tags, per cent, decisions "
        "at 0.5. ±: 95 % of Student's t over the seeds. Differences: mean over the seeds that both "
        "have, with the 95 % interval of a paired bootstrap over the test pictures.",
        to_markdown(table).rstrip(),
        *([costs.note] if costs.note else []),
        *_describe_others(plan, folder, rows),
        *[f"Broken off: {line}" for line in broken],
    ]
    return "\n\n".join(text) + "\n"


def _add_row(
    results: Path,
    run: Path,
    about: Mapping[str, str],
    tell: Callable[[str], None],
) -> None:
    """Judge a trained model and add its row."""
    row = result_row(run, evaluate_run(run)) | dict(about)
    append_result(results, row)
    tell(f"{about['model']}, seed {row['seed']}: test mAP {row['map']:.2f}")


def _do_all(actions: Iterable[Callable[[], None]]) -> None:
    for action in actions:
        action()


def _refuse_other_pictures(plan: Plan, folder: Path, run: Path) -> None:
    """See that a run has the pictures of the first of the plan that has a row.

    Raises:
        DataError: it has not.
    """
    rows = select_rows(read_rows(folder / "results.csv"), plan.models, plan.seeds)
    kept, _ = split_by_run(folder, rows)
    if kept:
        refuse_other_pictures(run, find_run(folder, kept[0]["model"], kept[0]["seed"]))


def _describe_others(plan: Plan, folder: Path, rows: Sequence[Row]) -> list[str]:
    """Give what runs do on other pictures, a title and a table each."""
    text = []
    for name, place in plan.also.items():
        table = tabulate_also(rows, read_rows(name_rows_of(folder, name)), name)
        text += [f"## On {name} ({place}), apart from the test pictures"]
        text.append(to_markdown(table).rstrip() if len(table) > 1 else "Not measured yet.")
    return text


def _describe_changes(plan: Plan, name: str) -> str:
    changes = [f"{key}={json.dumps(value)}" for key, value in plan.list_changes(name).items()]
    return " ".join([plan.name, *changes])


def _check_run(plan: Plan, folder: Path, name: str, seed: int) -> None:
    """See that a row's run was made with the settings and captioner of the plan.

    Where corpus and captioner lay does not matter: runs may come from several machines.
    """
    run = find_run(folder, name, seed)
    config = plan.create_config(name, seed)
    refuse_another_run(config, load_config(run / "config.yaml"), run, elsewhere=(*PLACES, *HOW))
    source = load_source(config)
    refuse_another_captioner(run, source.digest if source else None, "captions.captioner")


def describe_lacking(folder: Path, name: str, seed: int | str) -> str:
    """Say what of a row's run is gone, and what to do; nothing where all of it is there."""
    run = find_run(folder, name, seed)
    lacking = [file for file in JUDGED if not (run / file).exists()]
    if not lacking:
        return ""
    return (
        f"{folder / 'results.csv'} has a row of {run}, which lacks {', '.join(lacking)}; bring "
        "them, or remove the row and the folder to train it again"
    )


def read_tags(folder: Path, rows: Sequence[Row]) -> dict[str, dict[str, Any]]:
    """Give by tag how often training pictures have it and each model's mean AP."""
    first = find_run(folder, rows[0]["model"], rows[0]["seed"])
    train = Manifest.load(first / "manifest.parquet").select("train")
    counts = train.compute_targets().sum(axis=0).tolist()
    found: dict[str, dict[str, Any]] = {
        name: {"count": count, "ap": {}}
        for name, count in zip(train.tags.names, counts, strict=True)
    }
    for model in dict.fromkeys(row["model"] for row in rows):
        seeds = [row["seed"] for row in rows if row["model"] == model]
        judged: dict[str, list[float]] = {}
        for seed in seeds:
            path = find_run(folder, model, seed) / "evaluation-test.json"
            for tag in json.loads(path.read_text(encoding="utf-8"))["tags"]:
                if tag["ap"] is not None:
                    judged.setdefault(tag["name"], []).append(tag["ap"])
        for name, values in judged.items():
            found[name]["ap"][model] = statistics.fmean(values)
    return found
