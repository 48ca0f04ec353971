"""What a command would do: every stage and run with what is there, and how long the rest takes."""

import statistics
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from zokusei.reproduce.also import list_unjudged
from zokusei.reproduce.compare import describe_lacking
from zokusei.reproduce.experiments import Job, Work
from zokusei.reproduce.places import Places
from zokusei.reproduce.runs import Row, find_run, has_row, read_rows
from zokusei.reproduce.scale import Scale
from zokusei.training.votes import can_take_network, has_network, leave_out_votes

Key = tuple[str, str, int]
"""A run: corpus, row, seed."""


def describe_work(scale: Scale, work: Work, places: Places) -> list[str]:
    """List every stage and run with what is there, and how long the rest may take.

    A run is taken to need what runs of its model on its corpus needed, or else those of other
    models there; and next to nothing where it takes the network of another one.

    Args:
        scale: the settings.
        work: of `plan_work`.
        places: where things are and go.
    """
    lines = [f"left out: {line}" for line in (*work.missing, *work.notes)]
    for stage in work.stages:
        state = "there" if stage.is_done() else f"to be made from {stage.needs}"
        lines.append(f"{stage.name}: {state} ({stage.makes})")
    seconds, unknown = 0.0, 0
    listed: set[Key] = set()  # a row of both tables is listed once
    for job in work.jobs:
        folder = places.out / job.corpus
        rows, sharing = read_rows(folder / "results.csv"), _list_sharing(scale, job)
        for seed in job.seeds:
            for row in job.rows:
                if (job.corpus, row, seed) in listed:
                    continue
                run = find_run(folder, row, seed)
                known = _is_had(folder, rows, listed, job.corpus, seed)
                # What was begun goes on by itself.
                is_begun = (run / "state.safetensors").exists()
                donor = None if is_begun else next(filter(known, sharing[row]), None)
                listed.add((job.corpus, row, seed))
                guess = 0.0 if donor else _estimate(rows, row)
                if has_row(rows, row, seed) and describe_lacking(folder, row, seed):
                    state = "there, but for its run: intervals are without it"
                elif has_row(rows, row, seed):
                    lacking = list_unjudged(folder, row, seed, job.also)
                    state = f"there, not judged on {', '.join(lacking)}" if lacking else "there"
                else:
                    state = "begun" if run.exists() else "to do"
                    if donor:
                        state += f", with the network of {donor}"
                    elif guess is not None:
                        state += f", {_show(guess)} as a whole"
                    seconds, unknown = seconds + (guess or 0.0), unknown + (guess is None)
                lines.append(f"{job.name}, {job.corpus}, {row}, seed {seed}: {state}")
    rest = f"; {unknown} runs more, of corpora without any run to judge by" if unknown else ""
    lines.append(f"trainings that are left: about {_show(seconds)}{rest}")
    return lines


def _list_sharing(scale: Scale, job: Job) -> dict[str, list[str]]:
    """Name the rows whose network each row can take, where captions vote beside one."""
    plan = scale.create_plan(job.corpus, Path(job.corpus), job.rows, job.seeds, {})
    configs = {row: plan.create_config(row, job.seeds[0]) for row in job.rows}
    networks = {row: leave_out_votes(config) for row, config in configs.items()}
    return {
        row: [other for other in job.rows if other != row and networks[other] == networks[row]]
        if can_take_network(configs[row])
        else []
        for row in job.rows
    }


def _is_had(
    folder: Path, rows: Sequence[Row], listed: Collection[Key], corpus: str, seed: int
) -> Callable[[str], bool]:
    """Give what says whether a row's network is there, or will be when its turn comes."""

    def check(row: str) -> bool:
        if has_row(rows, row, seed):
            return has_network(find_run(folder, row, seed))
        return (corpus, row, seed) in listed

    return check


def _estimate(rows: Sequence[Row], name: str) -> float | None:
    """Give the mean seconds of the runs most like this one; None where there are none."""
    found = [float(row["seconds"]) for row in rows if row["model"] == name]
    found = found or [float(row["seconds"]) for row in rows]
    return statistics.fmean(found) if found else None


def _show(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds / 60:.1f} min"
