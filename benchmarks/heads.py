"""What each model costs: parameters, FLOPs, speed against `gap`, and growth with the classes.

python benchmarks/heads.py [desk] [paper] [growth] [MODEL ...]

`desk` is EfficientNet-Lite0 at 112 px, `paper` ResNet-101 at 448 px, both with 100 classes and the
options that the models have in Table 1 of that scale: every model takes its turn in each round, and
a rate is the median over the rounds of its images/s over that of `gap` in the same round. `growth`
runs every head alone on one feature map for 100, 1,000 and 10,000 classes, each in a process of its
own, and notes seconds and the memory it adds. With names of models only those are measured, beside
`gap`.
"""

import ctypes
import gc
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from zokusei.labels import LabelSpace
from zokusei.memory import keep_freed_memory
from zokusei.models import create_model, list_models, needs_captions
from zokusei.models.registry import Classifier
from zokusei.reproduce.scale import load_scale
from zokusei.results import append_result
from zokusei.tags import TagSet

RESULTS = Path(__file__).parent / "results" / "heads.csv"
COLUMNS = (
    "experiment model backbone size classes options parameters_million head_parameters_million "
    "gflops images_per_second train_images_per_second to_gap train_to_gap seconds megabytes rounds "
    "commit hardware versions command"
).split()


class Scale(NamedTuple):
    """A backbone, its width, its input, and how often to measure inference and training.

    A captioner on the same backbone gives vectors of that width.
    """

    backbone: str
    width: int
    size: int
    batch: int
    rounds: tuple[int, int]


SCALES = {
    "desk": Scale("tf_efficientnet_lite0", 1280, 112, 32, (15, 9)),
    "paper": Scale("resnet101", 2048, 448, 2, (15, 3)),
}
CLASSES = (100, 1_000, 10_000)
WIDTH = 50  # of the label embeddings, as GloVe's smallest
GROWING: dict[str, dict[str, Any]] = {"query2label": {"hidden": 512}}
"""Models of published widths, but for a decoder that would weigh more than the backbone."""


def create_labels(classes: int) -> LabelSpace:
    """Label statistics with about as many edges as tags, and random embeddings."""
    generator = torch.Generator().manual_seed(0)
    targets = torch.rand(2_000, classes, generator=generator) < 6.3 / classes
    targets[:, 1::2] |= targets[:, 0::2] & (torch.rand(2_000, 1, generator=generator) < 0.6)
    tags = TagSet.from_names([f"tag_{index}" for index in range(classes)])
    embeddings = torch.randn(classes, WIDTH, generator=generator)
    return LabelSpace.from_targets(tags, targets).with_embeddings(embeddings)


def create(name: str, scale: Scale, options: dict[str, Any]) -> Classifier:
    """Build a model without pre-trained weights: they change no time."""
    torch.manual_seed(0)
    options = options | give_width(name, scale.width)
    return create_model(name, create_labels(100), backbone=scale.backbone, **options)


def give_width(name: str, width: int) -> dict[str, int]:
    """Give a head that reads captions the width that they have."""
    return {"caption_width": width} if needs_captions(name) else {}


def given(model: Classifier, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Give what a model reads; the vectors of captions are made beforehand."""
    width = model.arguments.get("caption_width", 1)
    captions = torch.randn(len(images), width, generator=torch.Generator().manual_seed(0))
    return (images, captions) if model.head.needs_captions else (images,)


def infer(model: Classifier, images: torch.Tensor) -> float:
    """Seconds of one batch, forward."""
    model.eval()
    inputs = given(model, images)
    began = time.perf_counter()
    with torch.inference_mode():
        model(*inputs)
    return time.perf_counter() - began


def train(model: Classifier, images: torch.Tensor) -> float:
    """Seconds of one batch, forward and backward."""
    model.train()
    inputs = given(model, images)
    began = time.perf_counter()
    model(*inputs).square().mean().backward()
    model.zero_grad(set_to_none=True)
    return time.perf_counter() - began


def measure_scale(name: str, chosen: list[str]) -> None:
    """Let all models take turns, and add a row for each."""
    scale = SCALES[name]
    images = torch.randn(scale.batch, 3, scale.size, scale.size)
    images = images.to(memory_format=torch.channels_last)
    rows = load_scale(name)
    configs = rows.create_configs(next(iter(rows.corpora)))
    options = {model: configs[model].model.options for model in chosen}
    models = {
        model: create(model, scale, own).to(memory_format=torch.channels_last)
        for model, own in options.items()
    }
    # One after the other: a training step leaves caches and clock in another state.
    inference, training = (
        take_turns(models, images, step, rounds)
        for step, rounds in zip((infer, train), scale.rounds, strict=True)
    )
    for model, built in models.items():
        # Attention in one call is not counted; as products it is. A multiplication and an addition
        # are two operations. The counter follows what has gradients, and finds none here.
        built.eval().requires_grad_(requires_grad=False)
        with (
            FlopCounterMode(display=False) as counter,
            torch.inference_mode(),
            sdpa_kernel(SDPBackend.MATH),
        ):
            built(*given(built, images[:1]))
        forward, both = (statistics.median(seconds[model]) for seconds in (inference, training))
        to_gap, train_to_gap = (
            statistics.median(
                base / own for base, own in zip(seconds["gap"], seconds[model], strict=True)
            )
            for seconds in (inference, training)
        )
        row = {
            "experiment": f"heads {name}", "model": model, "backbone": scale.backbone,
            "size": scale.size, "classes": 100,
            "options": json.dumps(options[model], sort_keys=True),
            "parameters_million": count(built), "head_parameters_million": count(built.head),
            "gflops": counter.get_total_flops() / 1e9,
            "images_per_second": scale.batch / forward,
            "train_images_per_second": scale.batch / both,
            "to_gap": to_gap, "train_to_gap": train_to_gap, "rounds": scale.rounds[0],
            "command": name_command(name, chosen),
        }  # fmt: skip
        append_result(RESULTS, row, COLUMNS)
        print(
            f"{name}: {model} {count(built):.1f} M, {scale.batch / forward:.1f} images/s, "
            f"{to_gap:.2f} of gap ({train_to_gap:.2f} in training)",
            flush=True,
        )


def take_turns(
    models: dict[str, Classifier],
    images: torch.Tensor,
    step: Callable[[Classifier, torch.Tensor], float],
    rounds: int,
) -> dict[str, list[float]]:
    """Give the seconds of every model's steps; the first round only warms up."""
    seconds: dict[str, list[float]] = {model: [] for model in models}
    for turn in range(rounds + 1):
        for model, built in models.items():
            found = step(built, images)
            if turn:
                seconds[model].append(found)
    return seconds


def count(module: torch.nn.Module) -> float:
    """Parameters, in millions."""
    return sum(parameter.numel() for parameter in module.parameters()) / 1e6


def measure_growth(chosen: list[str]) -> None:
    """Start a process for every head and number of classes, and add a row for each."""
    for model in chosen:
        for classes in CLASSES:
            finished = subprocess.run(
                [sys.executable, __file__, "head", model, str(classes)],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            seconds, megabytes = (
                map(float, finished.stdout.split()) if not finished.returncode else ("", "")
            )
            row = {
                "experiment": "heads growth", "model": model, "backbone": "resnet101",
                "size": 448, "classes": classes, "seconds": seconds, "megabytes": megabytes,
                "rounds": 3, "command": name_command("growth", chosen),
            }  # fmt: skip
            append_result(RESULTS, row, COLUMNS)
            told = f"{seconds} s, {megabytes} MB"
            if finished.returncode:  # killed for its memory it says nothing
                last = finished.stderr.strip().splitlines()[-1:] or ["nothing said"]
                told = f"failed with code {finished.returncode}: {last[0]}"
            print(f"growth: {model}, {classes} classes: {told}", flush=True)


def measure_head(model: str, classes: int) -> None:
    """Print seconds of a head on one 14 x 14 map, and the megabytes that it needs for that."""
    labels = create_labels(classes)
    width = SCALES["paper"].width
    options = GROWING.get(model, {}) | give_width(model, width)
    small = create_model(model, create_labels(2), backbone="test_efficientnet", **options)
    head_class = type(small.head)
    head = head_class(width, labels, **options).eval()
    inputs: tuple[torch.Tensor, ...] = (torch.randn(1, width, 14, 14),)
    if head.needs_captions:
        inputs += (torch.randn(1, width),)
    # The process has peaked higher while it built the head: give that memory back, and forget it.
    del small, labels
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    before = read_memory("VmRSS")
    times = []
    for _ in range(4):
        began = time.perf_counter()
        with torch.inference_mode():
            head(*inputs)
        times.append(time.perf_counter() - began)
    print(statistics.median(times[1:]), read_memory("VmHWM") - before)


def read_memory(name: str) -> float:
    """Megabytes of this process: resident now (`VmRSS`) or at the most (`VmHWM`)."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) / 1024


def main() -> None:
    """Measure what is named, or everything."""
    if sys.argv[1:2] == ["head"]:
        # Without kept memory, in which what it needs would find room already.
        measure_head(sys.argv[2], int(sys.argv[3]))
        return
    keep_freed_memory()
    measurements = [*SCALES, "growth"]
    models = [name for name in sys.argv[1:] if name not in measurements]
    chosen = sorted({"gap", *models}) if models else list_models()
    for name in [name for name in sys.argv[1:] if name in measurements] or measurements:
        measure_growth(chosen) if name == "growth" else measure_scale(name, chosen)


def name_command(name: str, chosen: list[str]) -> str:
    """Give the command of one measurement."""
    own = [] if chosen == list_models() else chosen
    return " ".join(["python benchmarks/heads.py", name, *own])


if __name__ == "__main__":
    main()
