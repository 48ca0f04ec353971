"""What a comparison has left: its rows, its runs, their scores beside the truth.

```
FOLDER/results.csv        one row a run
FOLDER/runs/MODEL-SEED/   each training with its evaluation
```
"""

import hashlib
import json
import statistics
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from zokusei.data.manifest import Manifest
from zokusei.errors import DataError
from zokusei.results import RATES, read_results

Row = Mapping[str, str]

JUDGED = ("config.yaml", "manifest.parquet", "evaluation-test.json", "scores-test.parquet")
"""What intervals, plots and checks need of a run that has its row; the rest may be removed."""

PLACES = ("name", "data.path", "data.vocabulary", "captions.captioner")
"""Settings that say where things are and what they are called, and not what they are."""


def find_run(folder: Path, name: str, seed: int | str) -> Path:
    """Say where the run of a model and a seed lies."""
    return folder / "runs" / f"{name}-{seed}"


def has_row(rows: Sequence[Row], name: str, seed: int) -> bool:
    """Say whether a model and a seed have their row."""
    return any(row["model"] == name and row["seed"] == str(seed) for row in rows)


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read the rows of a comparison; none where there is no file yet.

    Raises:
        DataError: it is another table, or a run has two rows and would count twice.
    """
    rows = read_results(path) if path.exists() else []
    for name in ("model", "seed", "preset", *RATES):
        if rows and name not in rows[0]:
            raise DataError(f"{path} is no table of a comparison: it has no column {name!r}")
    counts = Counter((row["model"], row["seed"]) for row in rows)
    for (model, seed), count in counts.items():
        if count > 1:
            raise DataError(f"{path} has {count} rows of {model}, seed {seed}; keep one of them")
    return rows


def split_by_run(
    folder: Path, rows: Sequence[dict[str, str]]
) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Give the rows whose run still has what figures are made from, and the others."""
    there: list[dict[str, str]] = []
    gone: list[dict[str, str]] = []
    for row in rows:
        run = find_run(folder, row["model"], row["seed"])
        kept = all((run / name).exists() for name in JUDGED)
        (there if kept else gone).append(row)
    return there, gone


def select_rows(
    rows: Sequence[dict[str, str]], models: Collection[str], seeds: Collection[int]
) -> list[dict[str, str]]:
    """Give the rows of these models and seeds, in their order."""
    numbers = {str(seed) for seed in seeds}
    return [row for row in rows if row["model"] in models and row["seed"] in numbers]


def list_values(rows: Sequence[Row], name: str, rate: str) -> list[float]:
    """Give a figure of every run of a model."""
    return [float(row[rate]) for row in rows if row["model"] == name]


def digest_pictures(manifest: Manifest) -> dict[str, int | str]:
    """Say which pictures, tags and labels a manifest holds, wherever the pictures lie."""
    digest = hashlib.sha256(json.dumps([manifest.column("path"), manifest.tags.names]).encode())
    for values in (manifest.compute_targets(), manifest.compute_known()):
        digest.update(np.packbits(values).tobytes())
    return {"pictures": len(manifest), "sha256": digest.hexdigest()}


def refuse_other_pictures(run: Path, first: Path) -> None:
    """See that a run is judged on the pictures and labels of the first one.

    Raises:
        DataError: it is not; their rows would not compare.
    """
    if run == first or not (first / "manifest.parquet").exists():
        return
    own, others = (
        digest_pictures(Manifest.load(folder / "manifest.parquet").select("test"))
        for folder in (run, first)
    )
    if own != others:
        raise DataError(
            f"{run} has other test pictures or labels ({own['pictures']} pictures) than {first} "
            f"({others['pictures']}), so their rows do not compare; choose another --out FOLDER "
            "for the other corpus, or remove the run and its row"
        )


def find_best(rows: Sequence[Row], names: Iterable[str]) -> str | None:
    """Give the one of some models with the highest mean mAP; None where none of them has a row."""
    there = [name for name in names if any(row["model"] == name for row in rows)]
    return max(there, key=lambda n: statistics.fmean(list_values(rows, n, "map")), default=None)


class JudgedRuns:
    """Test scores of runs that share their pictures, without those that one of them lacks.

    Args:
        folder: of the comparison.
        rows: of its results, at least one.

    Attributes:
        names: models, in the order of their rows.
        tags: names of the classes.
        paths: of the pictures, relative to the corpus.
        groups: of the pictures; those of one group share what other pictures do not.
        scores: by model and seed, of each run.
        targets: what is true.
        known: what is judged.

    Raises:
        DataError: a run was judged on other pictures than the first.
    """

    def __init__(self, folder: Path, rows: Sequence[Row]) -> None:
        self._folder = folder
        first = find_run(folder, rows[0]["model"], rows[0]["seed"])
        test = Manifest.load(first / "manifest.parquet").select("test")
        self.manifest = test
        self.tags = test.tags.names
        self.names = list(dict.fromkeys(row["model"] for row in rows))
        read: dict[str, dict[str, Tensor]] = {name: {} for name in self.names}
        for row in rows:
            run = find_run(folder, row["model"], row["seed"])
            read[row["model"]][row["seed"]] = self._read(run, first)
        known = torch.from_numpy(test.compute_known())
        judged = known.any(1)
        for score in [score for runs in read.values() for score in runs.values()]:
            judged &= ~score.isnan().any(1)
        self.scores: dict[str, dict[str, Float[Tensor, "pictures classes"]]]
        self.scores = {
            name: {seed: score[judged] for seed, score in runs.items()}
            for name, runs in read.items()
        }
        self.targets: Bool[Tensor, "pictures classes"]
        self.targets = torch.from_numpy(test.compute_targets())[judged]
        self.known: Bool[Tensor, "pictures classes"] = known[judged]
        rows_kept = judged.nonzero().flatten().tolist()
        paths, groups = test.column("path"), test.column("group")
        self.paths: list[str] = [paths[row] for row in rows_kept]
        self.groups: list[str] = [groups[row] for row in rows_kept]

    def pair(
        self, model: str, rival: str
    ) -> tuple[list[Float[Tensor, "..."]], list[Float[Tensor, "..."]]]:
        """Give the scores of two models in the seeds that both have."""
        ours, theirs = self.scores[model], self.scores[rival]
        shared = [seed for seed in ours if seed in theirs]
        return [ours[seed] for seed in shared], [theirs[seed] for seed in shared]

    def _read(self, run: Path, first: Path) -> Float[Tensor, "pictures classes"]:
        """Give the test scores of a run, in the order of the manifest."""
        refuse_other_pictures(run, first)
        table = pq.read_table(run / "scores-test.parquet")
        order = pq.read_table(first / "scores-test.parquet", columns=["path"]).column("path")
        if not table.column("path").equals(order):
            raise DataError(f"{run} was judged on other pictures than {first}; remove the folder")
        columns = [table.column(tag).to_numpy() for tag in self.tags]
        return torch.from_numpy(np.stack(columns, 1))
