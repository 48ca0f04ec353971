"""What captions cost: images/s of `capgcn` against `add_gcn`, in training and in tagging.

    python benchmarks/caption_cost.py CAPTIONER PICTURES [--rounds 7]

CAPTIONER is a run of `zokusei train configs/captioner-photos.yaml`, PICTURES a folder of PNG
files that it is to caption: how many words it says is part of the cost. Both models stand on its
encoder. In training a step reads vectors that were made beforehand; in tagging captions are
written on the way, from the features that the tagger has computed already (`shared`) or by an
encoder of their own (`apart`): of a folder of 384 pictures, which are those of PICTURES again and
again, and of single pictures that come one by one, each of which has a group of captions to
itself. The models take turns in each round, and a ratio is the median over the rounds.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial
from itertools import cycle, islice
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from zokusei.caption_checkpoint import load_caption_checkpoint
from zokusei.caption_source import CaptionSource
from zokusei.checkpoint import Checkpoint
from zokusei.images import open_image
from zokusei.inference import Tagger
from zokusei.labels import LabelSpace
from zokusei.memory import keep_freed_memory
from zokusei.models import Classifier, create_model
from zokusei.results import append_result
from zokusei.tags import TagSet

RESULTS = Path(__file__).parent / "results" / "caption-cost.csv"
COLUMNS = (
    "experiment model size images_per_second to_add_gcn lowest highest rounds commit hardware "
    "versions command"
).split()
CLASSES, BATCH, STEPS, PICTURES, SINGLE, TRAINING_SIZE = 100, 32, 3, 384, 16, 112


def main() -> None:
    """Measure both, and add a row a model and situation."""
    keep_freed_memory()
    parser = argparse.ArgumentParser(description="What captions cost.")
    parser.add_argument("captioner", type=Path)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    captioner = load_caption_checkpoint(given.captioner)
    source = CaptionSource(captioner)
    found = [open_image(path) for path in sorted(given.pictures.rglob("*.png"))[:PICTURES]]
    if not found:
        parser.error(f"{given.pictures} holds no PNG")
    pictures = list(islice(cycle(found), PICTURES))
    command = (
        f"python benchmarks/caption_cost.py {given.captioner} {given.pictures} "
        f"--rounds {given.rounds}"
    )
    full_size = captioner.preprocess.size
    one_by_one = [[picture] for picture in pictures[:SINGLE]]
    for experiment, size, jobs in (
        ("training", TRAINING_SIZE, training_jobs(source)),
        ("tagging", full_size, tagging_jobs(source, [pictures])),
        ("tagging one by one", full_size, tagging_jobs(source, one_by_one)),
    ):
        for model, rates in take_turns(jobs, given.rounds).items():
            ratios = [ratio for ratio, _ in rates]
            row = {
                "experiment": f"caption cost, {experiment}", "model": model, "size": size,
                "images_per_second": statistics.median(speed for _, speed in rates),
                "to_add_gcn": statistics.median(ratios), "lowest": min(ratios),
                "highest": max(ratios), "rounds": given.rounds, "command": command,
            }  # fmt: skip
            append_result(RESULTS, row, COLUMNS)
            print(
                f"{experiment}: {model} {row['images_per_second']:.1f} images/s, "
                f"{row['to_add_gcn']:.3f} of add_gcn",
                flush=True,
            )


def take_turns(
    jobs: dict[str, Callable[[], int]], rounds: int
) -> dict[str, list[tuple[float, float]]]:
    """Give, for each job and round, its images/s over those of `add_gcn`, and its own."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in jobs}
    for turn in range(rounds + 1):
        speeds = {}
        for name, job in jobs.items():
            began = time.perf_counter()
            count = job()
            speeds[name] = count / (time.perf_counter() - began)
        if turn:  # the first round warms up
            for name, speed in speeds.items():
                found[name].append((speed / speeds["add_gcn"], speed))
    return found


def create_labels() -> LabelSpace:
    """As many tags as the paper has."""
    tags = TagSet.from_names([f"tag_{index}" for index in range(CLASSES)])
    generator = torch.Generator().manual_seed(0)
    return LabelSpace.from_targets(tags, torch.rand(500, CLASSES, generator=generator) < 0.063)


def create(name: str, source: CaptionSource) -> Classifier:
    """Build a model on the captioner's encoder."""
    torch.manual_seed(0)
    model_name = name.split()[0]
    options = {"caption_width": source.width} if model_name == "capgcn" else {}
    backbone = source.checkpoint.model.arguments["backbone"]
    model = create_model(model_name, create_labels(), backbone=backbone, **options)
    model.backbone.load_state_dict(source.checkpoint.model.backbone.state_dict())
    return model.to(memory_format=torch.channels_last)


def training_jobs(source: CaptionSource) -> dict[str, Callable[[], int]]:
    """A few steps of each model, forward and backward, with vectors made beforehand."""
    images = torch.randn(BATCH, 3, TRAINING_SIZE, TRAINING_SIZE)
    images = images.to(memory_format=torch.channels_last)
    vectors = torch.randn(BATCH, source.width)

    def step(model: Classifier, *inputs: Tensor) -> int:
        for _ in range(STEPS):
            model(*inputs).square().mean().backward()
            model.zero_grad(set_to_none=True)
        return STEPS * BATCH

    return {
        "add_gcn": partial(step, create("add_gcn", source).train(), images),
        "capgcn": partial(step, create("capgcn", source).train(), images, vectors),
    }


def tagging_jobs(
    source: CaptionSource, runs: list[list[Image.Image]]
) -> dict[str, Callable[[], int]]:
    """Open pictures in, tags out, run by run."""

    def create_tagger(name: str) -> Tagger:
        model, preprocess = create(name, source), source.checkpoint.preprocess
        captions = source if name != "add_gcn" else None
        if name == "capgcn apart":
            # Another encoder by a hair, which therefore has to be run for itself.
            next(model.backbone.parameters()).data[0, 0, 0, 0] += 1e-3
        return Tagger(Checkpoint(model.eval(), create_labels(), preprocess, captions=captions))

    def tag(tagger: Tagger) -> int:
        return sum(1 for pictures in runs for _ in tagger.tag(pictures, batch_size=BATCH))

    names = ("add_gcn", "capgcn shared", "capgcn apart")
    return {name: partial(tag, create_tagger(name)) for name in names}


if __name__ == "__main__":
    main()
