"""Figures of trained captioners on the same pictures, one row a captioner and set of pictures.

    python benchmarks/captioner.py RUN [RUN ...] [--on NAME=MANIFEST ...] [--split test] [--beam 3]
    python benchmarks/captioner.py RUN --speed

A run is a folder as `zokusei train configs/captioner-*.yaml` leaves it; MANIFEST is a manifest with
captions, or a run or corpus folder that holds one, and by default that of the run itself. Intervals
are those of 1,000 resamples of the pictures (95 %, percentiles): what other pictures would change,
not another seed. The rows of all captioners but the first also say what each gains over the first,
from the same resamples. images_per_second is that of captioning, reading included; seconds those of
the training. `--speed` is how long 100 pictures take once the captioner is loaded.
"""

import argparse
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from zokusei.data.manifest import Manifest
from zokusei.inference import Captioner
from zokusei.inference.evaluate_captions import caption_row, evaluate_captions
from zokusei.memory import keep_freed_memory
from zokusei.reproduce.bootstrap import find_interval, resample_captions
from zokusei.reproduce.tables import show_interval
from zokusei.results import append_result

HERE = Path(__file__).parent
RESULTS, SPEED = HERE / "results" / "captioner.csv", HERE / "results" / "captioner-speed.csv"
FIGURES = "bleu1 bleu2 bleu3 bleu4 cider".split()
ENDS = ("", "_low", "_high")
COLUMNS = [
    *"experiment corpus split model preset seed".split(),
    *(f"{name}{end}" for name in FIGURES for end in ENDS),
    "baseline",
    *(f"{name}_gain{end}" for name in FIGURES for end in ENDS),
    *"pictures images_per_second seconds commit config hardware versions command".split(),
]
SPEED_COLUMNS = (
    "experiment beam pictures seconds slowest rounds threads commit hardware versions command"
).split()
RESAMPLES, PICTURES, ROUNDS = 1000, 100, 5


def main() -> None:
    """Judge every captioner on every set of pictures, or measure the speed of one."""
    parser = argparse.ArgumentParser(description="Figures of captioners that were trained.")
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--on", action="append", default=[], metavar="NAME=MANIFEST")
    parser.add_argument("--split", default="test")
    parser.add_argument("--beam", type=int, default=3)
    parser.add_argument("--speed", action="store_true")
    given = parser.parse_args()
    keep_freed_memory()
    if given.speed:
        measure_speed(given.runs[0], given.split)
        return
    for chosen in given.on or [""]:
        name, _, place = chosen.partition("=")
        first: tuple[str, Tensor] | None = None
        for run in given.runs:
            row, resampled = judge(run, Path(place) if place else run, given.split, given.beam)
            row["corpus"] = name or row["corpus"]
            row["command"] = " ".join(
                ["python benchmarks/captioner.py", *map(str, given.runs)]
                + [f"--on {chosen}" for chosen in given.on]
                + [f"--split {given.split} --beam {given.beam}"]
            )
            if first is None:
                first = row["experiment"], resampled
            else:
                row |= {"baseline": first[0]} | describe(resampled - first[1], "_gain")
            append_result(RESULTS, row, COLUMNS)
            report(row)


def judge(run: Path, place: Path, split: str, beam: int) -> tuple[dict[str, Any], Tensor]:
    """Give a captioner's row, and its figures on the pictures as they are and on each resample."""
    began = time.perf_counter()
    manifest = place / "manifest.parquet" if place.is_dir() else place
    evaluation = evaluate_captions(run, split=split, manifest=manifest, beam=beam)
    seconds = time.perf_counter() - began
    resampled = resample_captions(evaluation["captions"], resamples=RESAMPLES)
    row = caption_row(run, evaluation) | describe(resampled)
    row |= {
        "pictures": evaluation["pictures"],
        "images_per_second": evaluation["pictures"] / seconds,
    }
    return row, resampled


def describe(resampled: Tensor, suffix: str = "") -> dict[str, float]:
    """Give the figures with their intervals, by the names of their columns."""
    found = {}
    for column, name in enumerate(FIGURES):
        interval = find_interval(resampled[:, column])
        values = interval.mean, interval.low, interval.high
        found |= {f"{name}{suffix}{end}": v for end, v in zip(ENDS, values, strict=True)}
    return found


def report(row: dict[str, Any]) -> None:
    """Print a row."""

    def show(name: str, sign: str = "") -> str:
        return show_interval(*(row[f"{name}{end}"] for end in ENDS), sign=sign)

    figures = "  ".join(f"{name} {show(name)}" for name in FIGURES)
    print(f"{row['experiment']} on {row['corpus']}: {figures}")
    if "baseline" in row:
        print(f"  bleu4 {show('bleu4_gain', '+')} over {row['baseline']}")


def measure_speed(run: Path, split: str) -> None:
    """Add how long 100 pictures take, greedily and with five beams."""
    captioner = Captioner.load(run)
    paths: Sequence[Path] = Manifest.load(run / "manifest.parquet").select(split).paths[:PICTURES]
    for beam in (1, 5):
        seconds = []
        for _ in range(ROUNDS + 1):
            began = time.perf_counter()
            count = sum(1 for _ in captioner.caption(paths, beam=beam))
            seconds.append(time.perf_counter() - began)
        seconds = seconds[1:]  # the first one reads the files from disk
        row = {
            "experiment": "captioner-speed", "beam": beam, "pictures": count,
            "seconds": statistics.median(seconds), "slowest": max(seconds), "rounds": ROUNDS,
            "threads": torch.get_num_threads(),
            "command": f"python benchmarks/captioner.py {run} --speed",
        }  # fmt: skip
        append_result(SPEED, row, SPEED_COLUMNS)
        print(f"beam {beam}: {count} pictures in {row['seconds']:.1f} s")


if __name__ == "__main__":
    main()
