"""From runs to figures with intervals: rows and intervals of all experiments, each one table.

```
OUT/rows.csv        one row a run and a captioner, as `zokusei.results` has them
OUT/intervals.csv   figures with 95 % intervals over test pictures drawn again with replacement
```

Intervals are of the runs that still have `JUDGED`; a row whose run is gone keeps its figures and
has no part in them.
"""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from zokusei.captioning.metrics import ORDERS
from zokusei.config_file import load_config
from zokusei.data.row_file import Counting
from zokusei.errors import ConfigError
from zokusei.files import write_text
from zokusei.reproduce.also import name_rows_of
from zokusei.reproduce.bootstrap import find_interval, resample_captions, resample_runs
from zokusei.reproduce.captioners import choose_pictures
from zokusei.reproduce.runs import (
    JUDGED,
    PLACES,
    JudgedRuns,
    find_run,
    read_rows,
    select_rows,
    split_by_run,
)
from zokusei.reproduce.scale import (
    BASELINES,
    CAPTIONERS,
    FEATURES,
    UNSEEN,
    Scale,
)
from zokusei.results import COLUMNS, read_results
from zokusei.training.prepare import HOW, refuse_another_run

INTERVALS = (
    "table corpus figure model against pictures tags groups trainings value low high"
).split()
"""Columns of the intervals: `value` is of `model`, less that of `against` where there is one.

Of the `tags` each is there on one of the pictures at least: mAP is their mean.

`trainings` are seeds; a difference is of the seeds that both have. Pictures of one of the `groups`
(an artist, a source) have more in common than their tags.
"""


def measure(scale: Scale, out: Path, counting: Counting) -> list[str]:
    """Write rows and intervals of all that has been run, of the scale's rows and seeds.

    Args:
        scale: the settings.
        out: folder of the experiments.
        counting: shows how far it is.

    Returns:
        What intervals are without, and rows of other settings.

    Raises:
        DataError: runs of one corpus were judged on different pictures, or a table is damaged.
    """
    rows: list[dict[str, Any]] = []
    notes = []
    for corpus in scale.corpora:
        files = (out / corpus / "results.csv", name_rows_of(out / corpus, UNSEEN))
        seeds = scale.list_seeds(corpus)
        found, others = (select_rows(read_rows(file), scale.rows, seeds) for file in files)
        # A corpus may lie in a folder of any name.
        rows += [row | {"corpus": corpus} for row in [*found, *others]]
        there, gone = split_by_run(out / corpus, found)
        for row in gone:
            run = find_run(out / corpus, row["model"], row["seed"])
            notes.append(f"intervals are without {run}, which lacks one of {', '.join(JUDGED)}")
        notes += _list_other_settings(scale, out, corpus, there)
    captioners = out / "captioners.csv"
    rows += read_results(captioners) if captioners.exists() else []
    _write(out / "rows.csv", COLUMNS, rows)
    intervals = [entry for corpus in scale.corpora
                 for entry in _measure_table1(scale, out, corpus, counting)]  # fmt: skip
    intervals += _measure_table2(scale, out, counting)
    captions, said = _measure_captions(out)
    intervals, notes = intervals + captions, notes + said
    _write(out / "intervals.csv", INTERVALS, intervals)
    return notes


def _list_other_settings(
    scale: Scale, out: Path, corpus: str, rows: Sequence[dict[str, str]]
) -> list[str]:
    """Name the runs that were made with other settings than the rest of the report is about."""
    if not rows:
        return []
    named = dict.fromkeys(row["model"] for row in rows)
    plan = scale.create_plan(corpus, Path(corpus), named, scale.list_seeds(corpus), {})
    found = []
    for row in rows:
        run = find_run(out / corpus, row["model"], row["seed"])
        asked = plan.create_config(row["model"], int(row["seed"]))
        try:
            refuse_another_run(
                asked, load_config(run / "config.yaml"), run, elsewhere=(*PLACES, *HOW)
            )
        except ConfigError as error:
            found.append(f"among the rows although its settings are not these: {error}")
    return found


def _measure_table1(
    scale: Scale, out: Path, corpus: str, counting: Counting
) -> Iterator[dict[str, Any]]:
    """Give mAP of every model of Table 1, and how subjects and plain models differ from each."""
    judged = _open(scale, out, corpus, list(scale.models))
    if judged is not None:
        pairs = list_pairs(judged.names, scale.subjects)
        pairs += [(name, plain) for plain in BASELINES for name in judged.names if name != plain]
        yield from _compare("table1", corpus, judged, pairs, judged.paths, counting)


def _measure_table2(scale: Scale, out: Path, counting: Counting) -> Iterator[dict[str, Any]]:
    """Give the same of the rows of Table 2, on all test pictures and on a hundred of them.

    What plain models have there is said by Table 1; what the captioner of photographs is worth is
    said here.
    """
    corpus = scale.captions.corpus
    judged = _open(scale, out, corpus, list(scale.caption_rows))
    if judged is None:
        return
    pairs = [
        *list_pairs(judged.names, scale.subjects),
        *((rival, shuffled) for _, rival, shuffled in FEATURES),
    ]
    yield from _compare("table2", corpus, judged, pairs, judged.paths, counting)
    hundred = choose_pictures(judged.manifest.column("path"), scale.captions.pictures)
    yield from _compare("table2-hundred", corpus, judged, pairs, hundred, counting)


def list_pairs(names: Sequence[str], subjects: Sequence[str]) -> list[tuple[str, str]]:
    """Put each subject against every other row."""
    return [(subject, name) for subject in subjects for name in names if name != subject]


def _open(scale: Scale, out: Path, corpus: str, names: list[str]) -> JudgedRuns | None:
    """Give the scores of these rows; None where there are none yet."""
    rows = read_rows(out / corpus / "results.csv")
    rows = select_rows(rows, names, scale.list_seeds(corpus))
    there, _ = split_by_run(out / corpus, rows)
    return JudgedRuns(out / corpus, there) if there else None


def _compare(
    table: str,
    corpus: str,
    judged: JudgedRuns,
    pairs: Sequence[tuple[str, str]],
    pictures: Sequence[str],
    counting: Counting,
) -> Iterator[dict[str, Any]]:
    """Give each model's mAP on some pictures, and the difference of each pair that is there."""
    asked = set(pictures)
    kept = torch.tensor([path in asked for path in judged.paths])
    targets, known = judged.targets[kept], judged.known[kept]
    if not len(targets) or not targets.any():
        return
    values: dict[str, dict[str, Tensor]] = {}
    with counting(f"resampling {corpus}, {len(targets)} pictures", len(judged.names)) as progress:
        for name in judged.names:
            values[name] = {
                seed: resample_runs([scores[kept]], targets, known)
                for seed, scores in judged.scores[name].items()
            }
            progress(1)
    groups = len({group for group, keep in zip(judged.groups, kept.tolist(), strict=True) if keep})
    tags = int((targets & known).any(0).sum())
    about = {"table": table, "corpus": corpus, "figure": "map", "pictures": len(targets),
             "tags": tags, "groups": groups}  # fmt: skip
    for name in judged.names:
        own = {**about, "model": name, "against": "", "trainings": len(values[name])}
        yield {**own, **_describe(torch.stack([*values[name].values()]).mean(0), centred=True)}
    for model, rival in dict.fromkeys(pairs):
        ours, theirs = values.get(model, {}), values.get(rival, {})
        differences = [ours[seed] - theirs[seed] for seed in theirs if seed in ours]
        if differences:
            pair = {**about, "model": model, "against": rival, "trainings": len(differences)}
            yield {**pair, **_describe(torch.stack(differences).mean(0), centred=True)}


def _measure_captions(out: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """Give BLEU-1 to 4 of each captioner, what the adapted one has more or less, and notes."""
    values: dict[str, Tensor] = {}
    pictures: dict[str, list[str]] = {}
    for name in CAPTIONERS:
        path = out / f"captions-{name}.json"
        if path.exists():
            entries = json.loads(path.read_text(encoding="utf-8"))["captions"]
            values[name] = resample_captions(entries)
            pictures[name] = [entry["path"] for entry in entries]
    pairs, notes = [(name, "") for name in values], []
    if len(values) == len(CAPTIONERS):
        if pictures["adapted"] == pictures["photographs"]:
            pairs.append(("adapted", "photographs"))
        else:
            notes.append(
                "the captioners were judged on different pictures and are not compared; remove one "
                f"of {out}/captions-*.json with its row of {out / 'captioners.csv'}"
            )
        if not (out / "captioners" / "adapted").exists():
            notes.append(
                "the adapted captioner was given, and nothing here says whether it began as this "
                "captioner of photographs: if not, what it has more or less is also by how much "
                "two trainings on photographs differ"
            )
    rows = []
    for model, against in pairs:
        found = values[model] - values[against] if against else values[model]
        for order in range(ORDERS):
            about = {"table": "captions", "corpus": "drawn", "figure": f"bleu{order + 1}"}
            row = {**about, "model": model, "against": against, "pictures": len(pictures[model])}
            rows.append({**row, "trainings": 1, **_describe(found[:, order])})
    return rows, notes


def _describe(values: Tensor, *, centred: bool = False) -> dict[str, float]:
    found = find_interval(values, centred=centred)
    return {"value": found.mean, "low": found.low, "high": found.high}


def _write(path: Path, columns: list[str], rows: Sequence[dict[str, Any]]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    shown = [{key: f"{v:.6g}" if isinstance(v, float) else v for key, v in row.items()}
             for row in rows]  # fmt: skip
    writer.writerows(shown)
    write_text(path, text.getvalue())
