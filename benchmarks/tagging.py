"""What tagging a collection costs: speed end to end, memory, and seconds to the first result.

    python benchmarks/tagging.py end-to-end [RUN]   each backend alone and from files to tags
    python benchmarks/tagging.py int8 [RUN]         ONNX and OpenVINO in eight bits, OpenVINO in
                                                    bfloat16, against torch: speed and mAP
    python benchmarks/tagging.py memory [RUN]       most memory of 1,000 and of 100,000 pictures
    python benchmarks/tagging.py first [RUN]        seconds from the command to its first line

RUN is a finished training whose manifest is still there, `demo/run` (of `make demo`) by default.
Pictures are JPEG files of 512 px of the drawn corpus, made anew each time; `--count N` makes others
than 2,000, `--counts 1000,100000` are the collections of `memory`, which repeat them by hard links.
`end-to-end` also measures a ViT-B/16 at 448 px with random weights and WD v3's number of tags
through onnxruntime, the architecture of its smallest tagger, on few pictures.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from zokusei.corpora.drawn import write_drawn_corpus
from zokusei.environment import count_threads
from zokusei.export.folder import export_run
from zokusei.images import find_images, open_image
from zokusei.inference.benchmark import Speed, measure
from zokusei.inference.tagger import Tagger
from zokusei.memory import keep_freed_memory
from zokusei.results import append_result

RESULTS = Path(__file__).parent / "results" / "tagging.csv"
COLUMNS = (
    "experiment model backend size pictures alone whole share times_torch map_change megabytes "
    "seconds slowest rounds threads commit hardware versions command"
).split()
SIDE, QUALITY = 512, 90
VIT, VIT_SIDE, VIT_TAGS, VIT_PICTURES = "vit_base_patch16_224", 448, 10861, 16
VIT_NAME = f"ViT-B/16 {VIT_SIDE} px, onnx"
ONNX_INT8 = "onnx, int8"
BACKENDS = {
    "onnx": ("onnx", "float32"), "openvino": ("openvino", "float32"),
    "bfloat16": ("openvino", "bfloat16"), "int8": ("openvino", "int8"), ONNX_INT8: ("onnx", "int8"),
}  # fmt: skip


def write_jpegs(folder: Path, count: int) -> list[Path]:
    """Draw pictures and save them as JPEG; give their paths."""
    with tempfile.TemporaryDirectory() as drawn:
        write_drawn_corpus(drawn, count=count, size=SIDE)
        folder.mkdir()
        for path in find_images(drawn):
            open_image(path).save(folder / f"{path.stem}.jpg", quality=QUALITY)
    return sorted(folder.iterdir())


def export_all(run: Path, folder: Path, names: Sequence[str]) -> dict[str, float]:
    """Export the run for each of these backends; give the change of mAP of each."""
    changes = {}
    for name in names:
        runtime, precision = BACKENDS[name]
        changes[name] = export_run(run, folder / name, runtime, precision=precision).map_change
    return changes


def write_vit(folder: Path) -> None:
    """Write a ViT-B/16 of random weights as a folder in WD v3's form."""
    import timm
    import torch

    class Wd(torch.nn.Module):
        """Blue first, 0 to 255, as WD v3's graphs take pictures."""

        def __init__(self) -> None:
            super().__init__()
            self.network = timm.create_model(VIT, img_size=VIT_SIDE, num_classes=VIT_TAGS)

        def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            logits = self.network(pixels.flip(3).permute(0, 3, 1, 2) / 127.5 - 1)
            return logits.sigmoid(), logits

    folder.mkdir()
    rows = ["tag_id,name,category,count", *(f"{i},tag_{i},0,1" for i in range(VIT_TAGS))]
    (folder / "selected_tags.csv").write_text("\n".join(rows) + "\n")
    program = torch.onnx.export(
        Wd().eval(),
        (torch.zeros(2, VIT_SIDE, VIT_SIDE, 3),),
        dynamo=True,
        input_names=["input"],
        output_names=["output", "logits"],
        dynamic_shapes=({0: torch.export.Dim("batch", min=1, max=1024)},),
        verbose=False,
    )
    assert program is not None, "the exporter gives a program unless it writes a file"
    program.save(folder / "model.onnx", external_data=False)


def end_to_end(run: Path, options: argparse.Namespace) -> None:
    """Measure each backend alone and from files to tags, side by side."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = write_jpegs(folder / "pictures", options.count)
        changes = export_all(run, folder, [name for name in BACKENDS if name != ONNX_INT8])
        write_vit(folder / "vit")
        models = {"torch": run, **{backend: folder / backend for backend in changes}}
        add_speeds("end to end", {**models, VIT_NAME: folder / "vit"}, paths, options, changes)


def int8(run: Path, options: argparse.Namespace) -> None:
    """Measure short numbers beside torch and float32, and the mAP that they cost in validation."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = write_jpegs(folder / "pictures", options.count)
        changes = export_all(run, folder, ["onnx", "bfloat16", "int8", ONNX_INT8])
        models = {"torch": run, **{backend: folder / backend for backend in changes}}
        add_speeds("int8", models, paths, options, changes)


def add_speeds(
    experiment: str,
    models: Mapping[str, Path],
    paths: Sequence[Path],
    options: argparse.Namespace,
    changes: Mapping[str, float] = {},
) -> None:
    """Measure models side by side and add a row for each."""
    taggers = [Tagger.load(model, device="cpu") for model in models.values()]
    counts = [VIT_PICTURES if backend == VIT_NAME else len(paths) for backend in models]
    counts = [min(count, len(paths)) for count in counts]
    speeds: list[Speed] = measure(taggers, paths, rounds=options.rounds, most=counts)
    base = speeds[list(models).index("torch")].alone if "torch" in models else None
    for backend, tagger, speed, count in zip(models, taggers, speeds, counts, strict=True):
        row = {
            **describe(tagger), "backend": backend, "pictures": count,
            "alone": speed.alone, "whole": speed.whole, "share": speed.share,
            "rounds": options.rounds,
        }  # fmt: skip
        if base is not None:
            row["times_torch"] = speed.alone / base
        if backend in changes:
            row["map_change"] = changes[backend]
        add_row(experiment, row, options)
        print(f"{backend}: {speed.alone:.1f} images/s alone, {speed.whole:.1f} end to end "
              f"({speed.share:.0f} %)")  # fmt: skip


def memory(run: Path, options: argparse.Namespace) -> None:
    """Tag collections of very different size with `--write jsonl`, each in a process of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = write_jpegs(folder / "pictures", options.count)
        for count in options.counts:
            collection = folder / f"collection-{count}"
            repeat(paths, collection, count)
            out = str(folder / f"out-{count}")
            command = [*tag_command(run), str(collection), "--write", "jsonl", "-o", out]
            began = time.perf_counter()
            megabytes = peak_of(command)
            row = {
                **describe(Tagger.load(run, device="cpu")),
                "backend": "torch", "pictures": count, "megabytes": megabytes,
                "seconds": time.perf_counter() - began,
            }  # fmt: skip
            add_row("memory", row, options)
            print(f"{count} pictures: {megabytes:.0f} MB at most")


def describe(tagger: Tagger) -> dict[str, Any]:
    """Give the columns that say what model it is."""
    name = tagger.describe().split(",")[0].removeprefix("model ")
    return {"model": name, "size": tagger.checkpoint.preprocess.size}


def repeat(paths: Sequence[Path], folder: Path, count: int) -> None:
    """Fill a folder with so many names for these files."""
    for number in range(count):
        # Folders of a thousand names, as collections have them.
        place = folder / f"{number // 1000:04}" / f"{number:07}.jpg"
        place.parent.mkdir(parents=True, exist_ok=True)
        os.link(paths[number % len(paths)], place)


def peak_of(command: Sequence[str]) -> float:
    """Run a command; give the most memory it held, in MB."""
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    status, most = Path(f"/proc/{process.pid}/status"), 0
    # Read while it runs: what the system tells at the end begins with this process's own memory.
    while process.poll() is None:
        found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
        most = max(most, int(found[1])) if found else most
        time.sleep(0.05)
    if process.returncode:
        sys.exit(f"ended with {process.returncode}: {' '.join(command)}")
    return most / 1024


def first(run: Path, options: argparse.Namespace) -> None:
    """Measure how long the first line of `zokusei tag` takes, as a new process each time."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = write_jpegs(folder / "pictures", min(options.count, 32))
        for backend in ("onnx", "openvino"):
            export_run(run, folder / backend, backend, pictures=folder / "pictures")
        models = {"torch": run, "onnx": folder / "onnx", "openvino": folder / "openvino"}
        seconds: dict[str, list[float]] = {backend: [] for backend in models}
        for measured in range(options.rounds + 1):
            for backend, model in models.items():
                found = time_first([*tag_command(model), str(paths[0].parent)])
                if measured:  # the first one reads the files from disk
                    seconds[backend].append(found)
    for backend, found_all in seconds.items():
        row = {
            **describe(Tagger.load(run, device="cpu")),
            "backend": backend, "seconds": statistics.median(found_all),
            "slowest": max(found_all), "rounds": options.rounds,
        }  # fmt: skip
        add_row("first result", row, options)
        print(f"{backend}: {row['seconds']:.2f} s to the first result")


def time_first(command: Sequence[str]) -> float:
    """Seconds until a command prints its first line; it then ends by itself."""
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None, "it was asked for"
        line = process.stdout.readline()
        seconds = time.perf_counter() - began
        process.stdout.read()
    if process.returncode or not line:
        sys.exit(f"ended with {process.returncode}: {' '.join(command)}")
    return seconds


def tag_command(model: Path) -> list[str]:
    """Give the beginning of a command that tags with a model."""
    return [sys.executable, "-m", "zokusei", "tag", "--device", "cpu", "--model", str(model)]


def add_row(experiment: str, row: Mapping[str, Any], options: argparse.Namespace) -> None:
    """Add a row to the table of results."""
    command = "python benchmarks/tagging.py " + " ".join(sys.argv[1:])
    about = {"experiment": experiment, "threads": count_threads(), "command": command.strip()}
    append_result(options.results, {**about, **row}, COLUMNS)


MEASUREMENTS = {"end-to-end": end_to_end, "int8": int8, "memory": memory, "first": first}


def main() -> None:
    """Do one measurement and add its rows."""
    keep_freed_memory()
    parser = argparse.ArgumentParser(description="What tagging a collection costs.")
    parser.add_argument("measurement", choices=MEASUREMENTS)
    parser.add_argument("run", type=Path, nargs="?", default=Path("demo/run"))
    parser.add_argument("--count", type=int, default=2000, help="pictures that are drawn")
    parser.add_argument("--counts", default="1000,100000", help="pictures of `memory`")
    parser.add_argument("--rounds", type=int, default=3, help="that count; one warms up")
    parser.add_argument("--results", type=Path, default=RESULTS, help="table to add rows to")
    options = parser.parse_args()
    options.counts = [int(count) for count in options.counts.split(",")]
    MEASUREMENTS[options.measurement](options.run, options)


if __name__ == "__main__":
    main()
