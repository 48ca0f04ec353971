"""Pictures a second of `zokusei cartoonize`, reading and writing included.

    python benchmarks/cartoonize.py WEIGHTS.safetensors [FOLDER]

Photographs of 224 x 224 from FOLDER (Flickr8k beside the project by default), drawn by each method
in several rounds that take turns; the row holds the median of the rates and the slowest.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

import torch

from zokusei.images import find_images, open_image
from zokusei.images.preprocess import Preprocess
from zokusei.memory import keep_freed_memory
from zokusei.results import append_result
from zokusei.stylize.folder import Draw, Job, draw_each
from zokusei.stylize.plain import Plain
from zokusei.stylize.weights import load_generator
from zokusei.stylize.white_box import WhiteBox

RESULTS = Path(__file__).parent / "results" / "cartoonize.csv"
COLUMNS = (
    "experiment model size pictures images_per_second slowest rounds threads commit hardware "
    "versions command"
).split()
FOLDER = Path(__file__).parents[2] / "shared" / "data" / "flickr8k" / "Images"
PICTURES, SIZE, ROUNDS = 64, 224, 5


def main() -> None:
    """Measure both methods and add two rows."""
    keep_freed_memory()  # as the command does
    weights = Path(sys.argv[1])
    folder = Path(sys.argv[2]) if len(sys.argv) > 2 else FOLDER
    methods: dict[str, Draw] = {"white-box": WhiteBox(load_generator(weights)), "plain": Plain()}
    rates: dict[str, list[float]] = {name: [] for name in methods}
    with tempfile.TemporaryDirectory() as name:
        sources = copy_pictures(folder, Path(name) / "photographs")
        for measured in range(ROUNDS + 1):  # the first round warms caches up and is not counted
            for method, draw in methods.items():
                seconds = time_of(draw, sources, Path(name) / f"{method}-{measured}")
                if measured:
                    rates[method].append(len(sources) / seconds)
    for method, found in rates.items():
        row = {
            "experiment": "cartoonize", "model": method, "size": SIZE, "pictures": len(sources),
            "images_per_second": statistics.median(found), "slowest": min(found),
            "rounds": ROUNDS, "threads": torch.get_num_threads(),
            "command": "python benchmarks/cartoonize.py WEIGHTS.safetensors",
        }  # fmt: skip
        append_result(RESULTS, row, COLUMNS)
        print(f"{method}: {statistics.median(found):.1f} pictures/s (slowest {min(found):.1f})")


def copy_pictures(folder: Path, target: Path) -> list[Path]:
    """Bring the first pictures to the size that is measured, as JPEG."""
    target.mkdir()
    preprocess = Preprocess(SIZE, "crop", mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
    paths = []
    for index, source in zip(range(PICTURES), find_images(folder), strict=False):
        path = target / f"{index:03}.jpg"
        fitted = preprocess.fit_image(open_image(source, at_least=preprocess.min_side))
        fitted.save(path, quality=92)
        paths.append(path)
    return paths


def time_of(draw: Draw, sources: list[Path], out: Path) -> float:
    """Seconds that it takes to draw all of them."""
    jobs = [Job(source, out / source.name) for source in sources]
    began = time.perf_counter()
    for _ in draw_each(jobs, draw, size=SIZE, on_error=fail):
        pass
    return time.perf_counter() - began


def fail(job: Job, error: Exception) -> None:
    """No picture may be left out of a measurement."""
    raise SystemExit(f"{job.source}: {error}")


if __name__ == "__main__":
    main()
