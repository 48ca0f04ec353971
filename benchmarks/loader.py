"""Does the loader keep the training step fed? Step alone, loader alone, and both together.

    python benchmarks/loader.py

The three are measured in turn, in many short rounds of one run, so that whatever else the machine
does falls on all of them; the row holds the medians of the rates and of each round's ratios, and
the quartiles of these. Once with pictures read from files in every epoch, once from memory (what a
training does from its second epoch on, where they fit).
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from accelerate import Accelerator

from zokusei.config import Config
from zokusei.config_file import load_config
from zokusei.corpora.drawn import write_drawn_corpus
from zokusei.memory import keep_freed_memory
from zokusei.results import append_result
from zokusei.training.classifier import ClassifierTraining
from zokusei.training.prepare import prepare_run

RESULTS = Path(__file__).parent / "results" / "loader.csv"
COLUMNS = (
    "experiment model size cached step_images_per_second loader_images_per_second "
    "both_images_per_second loader_to_step both_to_step both_to_step_low both_to_step_high rounds "
    "commit hardware versions command"
).split()
PICTURES, SIZE, BATCHES, ROUNDS = 400, 112, 8, 15


def measure(training: ClassifierTraining) -> list[list[float]]:
    """Give images/s of the step alone, the loader alone and both, a value a round."""
    loader, loop = training.train_loader, training.create_loop(Silent())
    fixed = next(iter(loader.batches(0)))
    loop.model.train()

    def step_alone() -> None:
        for _ in range(BATCHES):
            loop._train_step(fixed)

    def loader_alone() -> None:
        for _, _batch in zip(range(BATCHES), loader.batches(0), strict=False):
            pass

    def both() -> None:
        for _, batch in zip(range(BATCHES), loader.batches(0), strict=False):
            loop._train_step(batch)

    rates: list[list[float]] = [[], [], []]
    for measured in range(ROUNDS + 1):  # the first round warms caches up and is not counted
        for work, found in zip((step_alone, loader_alone, both), rates, strict=True):
            seconds = time_of(work)
            if measured:
                found.append(BATCHES * loader.batch_size / seconds)
    return rates


def time_of(work: Callable[[], None]) -> float:
    """Seconds that it takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


class Silent:
    """Reports to nobody."""

    def begin(self, total_steps: int, done_steps: int) -> None: ...
    def step(self, loss: float, images_per_second: float) -> None: ...
    def epoch(self, epoch: int, record: dict[str, float]) -> None: ...


def create_training(config: Config, folder: Path) -> ClassifierTraining:
    """Prepare a run and build its parts."""
    run = prepare_run(config, folder, print)
    return ClassifierTraining(run.config, run.manifest, folder, Accelerator(cpu=True))


def main() -> None:
    """Measure both ways and add two rows."""
    keep_freed_memory()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_drawn_corpus(folder / "corpus", count=PICTURES, size=SIZE)
        for cached in (False, True):
            settings = [
                f"data.path={folder / 'corpus'}", f"preprocess.size={SIZE}", "model.name=gmp",
                "preprocess.fit=squash", "train.epochs=1",
                f"train.cache_gib={4 if cached else 0}",
            ]  # fmt: skip
            training = create_training(load_config(None, settings), folder / f"run-{cached}")
            rates = measure(training)
            training.close()
            step, load, both = (statistics.median(found) for found in rates)
            shares = [b / s for s, b in zip(rates[0], rates[2], strict=True)]
            low, share, high = statistics.quantiles(shares, n=4)
            row = {
                "experiment": "loader", "model": "gmp tf_efficientnet_lite0", "size": SIZE,
                "cached": cached, "step_images_per_second": step,
                "loader_images_per_second": load, "both_images_per_second": both,
                "loader_to_step": load / step, "both_to_step": share, "both_to_step_low": low,
                "both_to_step_high": high, "rounds": ROUNDS,
                "command": "python benchmarks/loader.py",
            }  # fmt: skip
            append_result(RESULTS, row, COLUMNS)
            where = "memory" if cached else "files"
            print(f"from {where}: step {step:.0f}, loader {load:.0f}, both {both:.0f} images/s; "
                  f"loader/step {load / step:.2f}, "
                  f"both/step {share:.3f} ({low:.3f} to {high:.3f})")  # fmt: skip


if __name__ == "__main__":
    main()
