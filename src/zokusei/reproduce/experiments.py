"""The paper's experiments as a command: what is missing is made, each run is a row, then a report.

```
OUT/stages.json                             what corpora and captions are made with
OUT/corpora, OUT/cartoons, OUT/captioners   see `stages`
OUT/CORPUS/                                 runs and rows, as of a comparison; see `also`
OUT/rows.csv, OUT/intervals.csv             see `measure`
OUT/figure2.png, OUT/tags-CORPUS.svg
OUT/figure2.txt                             what the figure shows
OUT/report.html, OUT/report.md
```
"""

import dataclasses
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zokusei.errors import ConfigError, DataError, suggest
from zokusei.files import write_json
from zokusei.reproduce.compare import describe_lacking, run_missing
from zokusei.reproduce.costs import read_costs
from zokusei.reproduce.measure import measure
from zokusei.reproduce.places import Places, Stage, Tools
from zokusei.reproduce.plan import check_rows
from zokusei.reproduce.report import write_report
from zokusei.reproduce.runs import has_row, read_rows
from zokusei.reproduce.scale import CAPTIONERS, RIVAL_CAPTIONS, SUBJECT, UNSEEN, Scale
from zokusei.reproduce.stages import list_stages
from zokusei.training.prepare import do_once

EXPERIMENTS = ("table1", "table2", "figure2", "all")
REPORT = "report"
"""No experiment: everything that is there written up again."""

_STAGES = "stages.json"


@dataclass(frozen=True)
class Job:
    """Trainings on one corpus.

    Attributes:
        name: of the experiment.
        corpus: what is learnt.
        rows: the models.
        seeds: of each of them.
        also: what pictures are called that they are judged on apart from their test split.
    """

    name: str
    corpus: str
    rows: tuple[str, ...]
    seeds: tuple[int, ...]
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Work:
    """What a command has to do.

    Attributes:
        stages: what must be there first.
        jobs: the trainings.
        missing: what was left out, and how to get it.
        notes: what was left out because it was not asked for.
    """

    stages: list[Stage]
    jobs: list[Job]
    missing: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def plan_work(scale: Scale, what: str, places: Places, corpora: Collection[str] = ()) -> Work:
    """Find what an experiment consists of here.

    A corpus of Table 1 that is not there is left out and named; the others are worth having without
    it. Without photographs there are no captioners, which everything is about, nor is there a Table
    2 without its corpus.

    Args:
        scale: the settings.
        what: one of `EXPERIMENTS`, or `REPORT`.
        places: where things are and go.
        corpora: the only ones that are learnt now; none: all of the scale.

    Raises:
        ConfigError: there is no such experiment or corpus, the folder was begun with other
            settings, or the White-box weights are missing.
        DataError: a corpus is missing without which nothing can be done, or there is nothing to
            report, or the table of costs is another one.
    """
    if what not in (*EXPERIMENTS, REPORT):
        raise ConfigError(f"unknown experiment {what!r}{suggest(what, (*EXPERIMENTS, REPORT))}")
    for name in corpora:
        if name not in scale.corpora:
            raise ConfigError(f"the scale has no corpus {name!r}{suggest(name, scale.corpora)}")
    _refuse_other_stages(scale, places.out)
    read_costs(places.costs)  # a wrong one is told before anything is run
    if what == REPORT:
        if not any((places.out / name / "results.csv").exists() for name in scale.corpora):
            raise DataError(
                f"{places.out} holds no row of any experiment yet; give --out the folder of one"
            )
        return Work([], [])
    jobs, missing = [], []
    for job in _list_jobs(scale, what, places):
        if corpora and job.corpus not in corpora:
            continue
        explained = places.explain_missing(job.corpus)
        if not explained:
            jobs.append(job)
        elif f"{job.name}: {explained}" not in missing:
            missing.append(f"{job.name}: {explained}")
    if not jobs:
        asked = f"{what} learns nothing on {', '.join(corpora)}"
        raise DataError(missing[0] if missing else asked)
    captioners = [name for name in CAPTIONERS if _is_needed(name, jobs, places)]
    for name in captioners:
        given = places.captioners.get(name)
        explained = places.explain_missing("flickr8k")
        if given is None and explained:
            raise DataError(
                f"{explained}; or give captioners that are there: --photographs RUN and --adapted "
                "RUN. `zokusei compare` compares models that read no captions without any"
            )
        if given is not None and not given.exists():
            raise DataError(f"--{name} {given} does not exist; give the run of a captioner")
    corpora = {job.corpus for job in jobs}
    has_table2 = any(job.name == "table2" for job in jobs)
    notes = _list_without_seed(scale) if has_table2 else []
    return Work(list_stages(scale, places, corpora, captioners), jobs, missing, notes)


def run_work(scale: Scale, work: Work, places: Places, tools: Tools) -> tuple[Path, list[str]]:
    """Do what is missing, in order, and write the report of all that is there.

    Several processes may call this together, as accelerate starts them.

    Args:
        scale: the settings.
        work: of `plan_work`.
        places: where things are and go.
        tools: messages and bars.

    Returns:
        The report, and what broke off.

    Raises:
        ZokuseiError: a stage failed; the same call goes on from there.
    """
    for line in (*work.missing, *work.notes):
        tools.tell(f"left out: {line}")
    do_once(lambda: write_json(places.out / _STAGES, _list_stage_settings(scale)))
    open_stages = [stage for stage in work.stages if not stage.is_done()]
    for stage in open_stages:
        tools.tell(f"to be made: {stage.name}, from {stage.needs}, into {stage.makes}")
    for stage in open_stages:
        tools.tell(f"now: {stage.name}")
        stage.run(tools)
    captioners = {name: places.find_captioner(name) for name in CAPTIONERS}
    broken: list[str] = []

    def write() -> None:
        notes = [*work.missing, *(f"broken off: {line}" for line in broken)]
        do_once(lambda: _write(scale, places, tools, notes))

    is_written = False
    for job in work.jobs:
        path = places.find_corpus(job.corpus)
        also = dict.fromkeys(job.also, places.unseen)
        plan = scale.create_plan(job.corpus, path, job.rows, job.seeds, captioners, also)
        readers = [row for row in job.rows if scale.reads_captions(row)]
        check_rows(plan, f"scale {scale.name}", readers)
        done, total = count_runs(places, job)
        tools.tell(f"now: {job.name} on {job.corpus}, {done} of {total} runs have their row")
        try:
            found = run_missing(
                plan, places.out / job.corpus, tools.report_training, tools.tell, tools.counting
            )
        except DataError as error:
            # Its pictures are at fault; the other corpora are worth having.
            found = [str(error)]
            tools.tell(f"broken off: {error}")
        broken += [f"{job.name} on {job.corpus}: {line}" for line in found]
        # Whoever ends it here has the figures of what was run.
        is_written = count_runs(places, job)[0] > done
        if is_written:
            write()
    if not is_written:
        write()
    return places.out / "report.html", broken


def _choose_seed(scale: Scale, places: Places, pair: Collection[str]) -> int:
    """Give the first seed of which both runs of Figure 2 are there or can be made."""
    folder, seeds = (
        places.out / scale.captions.corpus, scale.list_seeds(scale.captions.corpus)
    )  # fmt: skip
    rows = read_rows(folder / "results.csv")
    for seed in seeds:
        rowed = [name for name in pair if has_row(rows, name, seed)]
        if not any(describe_lacking(folder, name, seed) for name in rowed):
            return seed
    return seeds[0]


def count_runs(places: Places, job: Job) -> tuple[int, int]:
    """Say how many runs of a job have their row, and how many there are."""
    rows = read_rows(places.out / job.corpus / "results.csv")
    runs = [(row, seed) for seed in job.seeds for row in job.rows]
    return sum(has_row(rows, row, seed) for row, seed in runs), len(runs)


def _list_jobs(scale: Scale, what: str, places: Places) -> list[Job]:
    models, table2 = tuple(scale.models), scale.captions.corpus
    pair = (SUBJECT, RIVAL_CAPTIONS)
    also = {"drawn": (UNSEEN,)} if scale.drawn.unseen else {}

    def create(name: str, corpus: str, rows: tuple[str, ...], seeds: tuple[int, ...]) -> Job:
        return Job(name, corpus, rows, seeds, also.get(corpus, ()))

    by_seeds: dict[tuple[int, ...], list[str]] = {}
    for row in scale.caption_rows:
        by_seeds.setdefault(scale.list_row_seeds(row, table2), []).append(row)
    if what == "figure2":
        return [create("figure2", table2, pair, (_choose_seed(scale, places, pair),))]
    jobs = {
        "table1": [
            create("table1", corpus, models, scale.list_seeds(corpus)) for corpus in scale.corpora
        ],
        "table2": [
            create("table2", table2, tuple(rows), seeds)
            for seeds, rows in by_seeds.items()
            if seeds
        ],
    }
    # Figure 2 needs no run that Table 2 does not have.
    return jobs["table1"] + jobs["table2"] if what == "all" else jobs[what]


def _list_without_seed(scale: Scale) -> list[str]:
    """Name the rows of Table 2 that none of the chosen seeds is for."""
    seeds = scale.list_seeds(scale.captions.corpus)
    without = [
        row for row in scale.caption_rows if not scale.list_row_seeds(row, scale.captions.corpus)
    ]
    if not without:
        return []
    chosen = ", ".join(map(str, seeds))
    return [
        f"table2: {', '.join(without)}, whose own seeds in the scale are none of {chosen}; choose "
        "one of those"
    ]


def _list_stage_settings(scale: Scale) -> dict[str, Any]:
    """Give what makes corpora and cartoons; trainings keep their own settings in their runs."""
    drawn = dataclasses.asdict(scale.drawn)
    unseen = drawn.pop("unseen")
    return {
        "drawn": drawn,
        # May come to what was begun without it.
        **({"drawn.unseen": unseen} if unseen else {}),
        "cartoons": dataclasses.asdict(scale.cartoons),
        "danbooru": dataclasses.asdict(scale.danbooru),
        "captions.pictures": scale.captions.pictures,
    }


def _refuse_other_stages(scale: Scale, out: Path) -> None:
    """See that what was made here was made with these settings.

    Raises:
        ConfigError: it was not.
    """
    path = out / _STAGES
    if not path.exists():
        return
    try:
        begun = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigError(f"{path} cannot be read: {error}; remove it") from error
    for name, value in _list_stage_settings(scale).items():
        if begun.get(name) != value and (name in begun or name != "drawn.unseen"):
            raise ConfigError(
                f"{out} was begun with {name} = {begun.get(name)}, not {value}; choose another "
                "--out FOLDER, or remove it"
            )


def _is_needed(captioner: str, jobs: Sequence[Job], places: Places) -> bool:
    """Say whether a captioner is read, or the other one starts from it."""
    is_read = captioner == "adapted" or any(RIVAL_CAPTIONS in job.rows for job in jobs)
    return is_read or "adapted" not in places.captioners


def _write(scale: Scale, places: Places, tools: Tools, notes: Sequence[str]) -> None:
    without = measure(scale, places.out, tools.counting)
    write_report(scale, places, [*notes, *without])
