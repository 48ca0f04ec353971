"""`zokusei benchmark`."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from zokusei.cli.options import Device


def benchmark(
    models: Annotated[list[str], typer.Argument(help="Models as `zokusei tag` takes them.")],
    pictures: Annotated[
        Path | None, typer.Option(help="A folder of pictures; JPEG of 512 px are made otherwise.")
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="Pictures at most.")] = 256,
    rounds: Annotated[int, typer.Option(min=1, help="That are counted, one warms up.")] = 3,
    batch_size: Annotated[
        int,
        typer.Option(
            min=1,
            help="Pictures at a time: on a graphics card in one pass, on a processor one a core.",
        ),
    ] = 16,
    workers: Annotated[int, typer.Option(min=1, help="Threads that decode.")] = 2,
    device: Device = "auto",
) -> None:
    """Say how many pictures a second models tag on this machine, side by side.

        zokusei benchmark runs/mine runs/mine/onnx runs/mine/openvino

    *alone* is the model on pixels in memory, *whole* is files to tags. Each round measures every
    model; shown are medians. `OMP_NUM_THREADS` says how many threads compute.
    """
    from itertools import islice

    from rich.table import Table
    from rich.text import Text

    from zokusei.cli.console import counting, out, tell
    from zokusei.environment import count_threads, describe_hardware
    from zokusei.errors import DataError
    from zokusei.images import find_images
    from zokusei.inference.benchmark import measure, part_readable, write_pictures
    from zokusei.inference.tagger import Tagger

    taggers = [Tagger.load(model, device=device) for model in models]
    with tempfile.TemporaryDirectory() as made:
        if pictures is None:
            paths = write_pictures(Path(made), count)
        else:
            found = list(islice(find_images(pictures), count))
            with counting("looking at the pictures", len(found)) as progress:
                paths, unreadable = part_readable(found, progress)
            for reason in unreadable:
                tell(f"left out: {reason}")
        if not paths:
            raise DataError(f"no picture that can be read was found in {pictures}")
        with counting("measuring", (rounds + 1) * len(taggers)) as progress:
            speeds = measure(
                taggers,
                paths,
                rounds=rounds,
                batch_size=batch_size,
                workers=workers,
                progress=progress,
            )
    tell(f"{describe_hardware()}; {count_threads()} threads compute, {workers} decode")
    table = Table(
        title=f"{len(paths)} pictures, batches of {batch_size}, median of {rounds} rounds"
    )
    for name in ("model", "px", "on"):
        table.add_column(name, overflow="fold")
    for name in ("alone, images/s", "whole, images/s", "whole / alone"):
        table.add_column(name, justify="right")
    for model, tagger, speed in zip(models, taggers, speeds, strict=True):
        size, place = str(tagger.checkpoint.preprocess.size), tagger.backend.place
        rates = f"{speed.alone:.1f}", f"{speed.whole:.1f}", f"{speed.share:.0f} %"
        table.add_row(Text(model), size, place, *rates)
    out.print(table)
