"""Other pictures that the runs of a comparison are judged on, apart from their own test split.

```
FOLDER/results-NAME.csv                     one row a run, its `split` NAME
FOLDER/pictures-NAME.json                   which they are, so that all rows are of the same
FOLDER/runs/MODEL-SEED/evaluation-NAME.json, scores-NAME.parquet
```
"""

import json
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from zokusei.data.manifest import SPLITS, Manifest
from zokusei.data.row_file import Counting
from zokusei.errors import ConfigError, DataError
from zokusei.files import write_json
from zokusei.inference.evaluate import evaluate_run, result_row
from zokusei.reproduce.runs import (
    Row,
    digest_pictures,
    find_run,
    has_row,
    list_values,
    read_rows,
)
from zokusei.reproduce.tables import describe
from zokusei.results import append_result

_NEEDED = ("model/config.json", "metrics.jsonl", "environment.json")


def name_rows_of(folder: Path, name: str) -> Path:
    """Say where the rows of other pictures are."""
    return folder / f"results-{name}.csv"


def check_names(also: Mapping[str, str], source: str) -> None:
    """See that no other pictures are called like a split of the runs' own.

    Raises:
        ConfigError: they are, or the name is no part of a file's name.
    """
    for name in also:
        if name in SPLITS or not name or Path(name).name != name:
            raise ConfigError(
                f"{source}: also has the name {name!r}; give one that is part of a file's name and "
                f"none of {', '.join(SPLITS)}"
            )


def find_manifests(also: Mapping[str, str]) -> dict[str, Path]:
    """Give the manifest of each name, before any training is begun for it.

    Raises:
        DataError: there is none.
    """
    found = {}
    for name, place in also.items():
        path = Path(place)
        path = path / "manifest.parquet" if path.is_dir() else path
        if not path.is_file():
            raise DataError(
                f"also.{name} = {place} holds no manifest; make one by `zokusei data draw` or "
                "`zokusei data import`, or give another"
            )
        found[name] = path
    return found


def list_unjudged(folder: Path, model: str, seed: int, names: Iterable[str]) -> list[str]:
    """Give the names of other pictures on which a run has yet to be judged."""
    return [
        name for name in names if not has_row(read_rows(name_rows_of(folder, name)), model, seed)
    ]


def judge_also(
    folder: Path,
    about: Mapping[str, str],
    seed: int,
    manifests: Mapping[str, Path],
    tell: Callable[[str], None],
    counting: Counting,
) -> None:
    """Judge a run on other pictures where it was not yet, and add its rows.

    A run whose model or log was removed can be judged no more, and is named.

    Args:
        folder: of the comparison.
        about: what a row says that its run does not: `model`, the row's name, and `config`.
        seed: of the run.
        manifests: of the other pictures, by name.
        tell: is told what was found.
        counting: shows how far it is.

    Raises:
        ConfigError: other runs were judged on other pictures of that name.
        DataError: the pictures cannot be used.
    """
    run = find_run(folder, about["model"], seed)
    for name, path in manifests.items():
        _refuse_other_pictures(folder, name, path)
    lacking = [file for file in _NEEDED if not (run / file).exists()]
    for name in list_unjudged(folder, about["model"], seed, manifests):
        if lacking:
            tell(f"not judged on {name}: {run} lacks {', '.join(lacking)}")
            continue
        evaluation = evaluate_run(run, manifest=manifests[name], name=name, counting=counting)
        row = result_row(run, evaluation) | dict(about)
        append_result(name_rows_of(folder, name), row)
        tell(f"{about['model']}, seed {seed}: mAP on {name} {row['map']:.2f}")


def _refuse_other_pictures(folder: Path, name: str, path: Path) -> None:
    """See that a name means the same pictures, with the same tags, for every run.

    Raises:
        ConfigError: it does not.
    """
    note, found = folder / f"pictures-{name}.json", digest_pictures(Manifest.load(path))
    if not note.exists():
        write_json(note, found)
    elif json.loads(note.read_text(encoding="utf-8")) != found:
        raise ConfigError(
            f"also.{name} = {path} holds other pictures or tags than the runs in {folder} were "
            f"judged on; give it another name, or remove {name_rows_of(folder, name).name} and "
            f"{note.name}"
        )


def tabulate_also(rows: Sequence[Row], others: Sequence[Row], name: str) -> list[list[str]]:
    """Give each model's mAP on its test split beside that on other pictures, the best there first.

    Means are of the seeds that were judged on both; only the head where there is none.

    Args:
        rows: of the runs' own test split.
        others: of the other pictures.
        name: of these.
    """
    seen = {(row["model"], row["seed"]): float(row["map"]) for row in rows}
    others = [row for row in others if (row["model"], row["seed"]) in seen]
    table = [["model", "seeds", "mAP, test", f"mAP, {name}", "difference"]]
    models = dict.fromkeys(row["model"] for row in others)  # equal ones stay in their order
    for model in sorted(models, key=lambda n: -statistics.fmean(list_values(others, n, "map"))):
        own = [row for row in others if row["model"] == model]
        here = [seen[model, row["seed"]] for row in own]
        there = list_values(own, model, "map")
        lost = describe([b - a for a, b in zip(here, there, strict=True)], "+")
        table.append([f"`{model}`", str(len(own)), describe(here), describe(there), lost])
    return table
