"""Whole folders of pictures: read ahead, drawn in batches, written whole, resumed."""

import json
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image
from torch import Tensor

from zokusei.errors import ConfigError, DataError, ImageError
from zokusei.files import write_json, write_whole
from zokusei.images import find_images, open_image
from zokusei.stylize.tiles import shrink

Draw = Callable[[Tensor], Tensor]
"""Pictures of one size, bytes, batch x height x width x 3, to the same."""

_SETTINGS = "cartoonize.json"

_JPEG: dict[str, Any] = {"quality": 95, "subsampling": 0}
_LOSSLESS: dict[str, Any] = {}
_KEPT: dict[str, dict[str, Any]] = {
    **dict.fromkeys((".jpg", ".jpeg", ".jpe", ".jfif"), _JPEG),
    **dict.fromkeys((".png", ".bmp", ".dib", ".tif", ".tiff"), _LOSSLESS),
    ".webp": {"quality": 95},
}
"""Formats that a drawing is written in as its picture was, and with what."""

# A JPEG that is decoded at a half or a quarter must still be shrunk for its pixels to be means.
_SPARE = 2
_BATCH_PIXELS = 768 * 768


@dataclass(frozen=True)
class Job:
    """One picture to draw, and where its drawing goes."""

    source: Path
    target: Path


def list_jobs(
    given: Sequence[Path], out: Path, complain: Callable[[Path, str], None] | None = None
) -> list[Job]:
    """Find pictures and name their drawings, keeping the layout of folders.

    The content of one folder comes to lie directly in `out`; of several each has a folder there. A
    drawing keeps its picture's name where it can be written in that format, else `.png` is added.
    What lies in `out` is never taken for a picture.

    Args:
        given: pictures and folders.
        out: where the drawings go.
        complain: told of links that lead nowhere, folders that may not be read and pictures in a
            format that is not read, all of which are left out.

    Raises:
        DataError: nothing was found, or two pictures would be drawn into one file.
        ConfigError: `out` is one of the folders themselves.
    """
    # Not `Path.is_dir`, which raises for names that are too long and folders that are closed.
    folders = {path for path in given if os.path.isdir(path)}  # noqa: PTH112
    if any(path.resolve() == out.resolve() for path in folders):
        raise ConfigError(f"{out} holds the pictures themselves; give another folder with --out")
    targets: dict[Path, Path] = {}
    for path in given:
        base = path if path in folders else path.parent
        prefix = out / path.resolve().name if path in folders and len(given) > 1 else out
        found = find_images(path, complain, go_on=True) if path in folders else [path]
        for source in found:
            if path in folders and source.resolve().is_relative_to(out.resolve()):
                continue
            target = prefix / source.relative_to(base)
            if target.suffix.lower() not in _KEPT:
                target = target.with_name(f"{target.name}.png")
            if targets.setdefault(target, source).resolve() != source.resolve():
                raise DataError(
                    f"{targets[target]} and {source} would both be drawn into {target}; "
                    "rename one, or draw them with an --out each"
                )
    if not targets:
        raise DataError(f"no picture was found in {', '.join(map(str, given))}")
    return [Job(source, target) for target, source in targets.items()]


def open_folder(out: Path, settings: dict[str, Any]) -> None:
    """Write down how the drawings in a folder are made, or check that it is still so.

    Raises:
        ConfigError: the folder holds other files, or drawings that were made in another way.
    """
    path = out / _SETTINGS
    if not path.exists():
        if out.is_file() or (out.exists() and any(out.iterdir())):
            raise ConfigError(f"{out} holds other files; choose a new folder with --out")
        write_json(path, settings)
        return
    try:
        begun = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read: {error}; remove it and the drawings") from error
    for key, value in settings.items():
        if not isinstance(begun, dict) or begun.get(key) != value:
            was = begun.get(key) if isinstance(begun, dict) else begun
            raise ConfigError(
                f"{out} holds drawings with {key} = {was!r}, not {value!r}; choose another folder "
                "with --out, or remove it"
            )


def draw_folder(
    pictures: Sequence[Path],
    out: Path,
    draw: Draw,
    settings: dict[str, Any],
    *,
    size: int,
    batch_size: int = 8,
    tell: Callable[[str], None],
    counting: Callable[[str, int], AbstractContextManager[Callable[[int], None]]],
) -> tuple[int, int]:
    """Draw what is not drawn yet of pictures and folders, and name what could not be.

    Args:
        pictures: see `list_jobs`.
        out: where the drawings go.
        draw: the stylizer.
        settings: what the drawings depend on beside `size`; those of one folder are made alike.
        size: see `draw_each`.
        batch_size: see `draw_each`.
        tell: is told what was left out.
        counting: shows how far it is.

    Returns:
        How many were drawn now, and how many could not be.

    Raises:
        ZokuseiError: see `list_jobs`, `open_folder` and `draw_each`.
    """
    failed = 0

    def complain(path: Path, what: str) -> None:
        nonlocal failed
        failed += 1
        tell(f"not drawn: {path}: {what}")

    jobs = list_jobs(pictures, out, complain)
    refused = failed
    open_folder(out, {**settings, "size": size})
    left = [job for job in jobs if not os.path.exists(job.target)]  # noqa: PTH110
    if len(left) < len(jobs):
        tell(f"{len(jobs) - len(left)} of {len(jobs)} pictures are drawn already")
    with counting("drawing", len(left)) as progress:

        def on_error(job: Job, error: ImageError) -> None:
            nonlocal failed
            del job  # the message names it
            failed += 1
            tell(f"not drawn: {error}")
            progress(1)

        for _ in draw_each(left, draw, size=size, batch_size=batch_size, on_error=on_error):
            progress(1)
    if failed:
        tell(f"{failed} of {len(jobs) + refused} pictures could not be drawn")
    return len(left) - failed + refused, failed


def draw_each(
    jobs: Iterable[Job],
    draw: Draw,
    *,
    size: int,
    batch_size: int = 8,
    workers: int = 2,
    on_error: Callable[[Job, ImageError], None],
) -> Iterator[Job]:
    """Draw pictures, give each job when its file is written; memory does not grow with their count.

    Args:
        jobs: what to draw.
        draw: the stylizer.
        size: the shorter side is shrunk to at most this many pixels before it is drawn.
        batch_size: pictures of one size drawn together, fewer where they are large.
        workers: threads that read and write.
        on_error: told of each picture that cannot be read, or not be written in its format.

    Raises:
        ZokuseiError: the folder cannot be written to, or the disk is full.
    """
    with ThreadPoolExecutor(workers) as pool:
        writing: deque[tuple[Job, Future[None]]] = deque()

        def take() -> Iterator[Job]:
            job, future = writing.popleft()
            try:
                future.result()
            except ImageError as error:
                on_error(job, error)
            else:
                yield job

        try:
            read = _read_ahead(pool, jobs, size, ahead=batch_size + workers, on_error=on_error)
            for batch in _batches(read, batch_size):
                drawn = draw(torch.stack([pixels for _, pixels in batch]))
                for (job, _), picture in zip(batch, drawn, strict=True):
                    writing.append((job, pool.submit(_write, job, picture)))
                while len(writing) > batch_size:
                    yield from take()
            while writing:
                yield from take()
        finally:
            pool.shutdown(cancel_futures=True)


def _read_ahead(
    pool: ThreadPoolExecutor,
    jobs: Iterable[Job],
    size: int,
    *,
    ahead: int,
    on_error: Callable[[Job, ImageError], None],
) -> Iterator[tuple[Job, Tensor]]:
    """Decode pictures in threads, a few of them ahead, and give them in order."""
    reading: deque[tuple[Job, Future[Tensor]]] = deque()

    def take() -> Iterator[tuple[Job, Tensor]]:
        job, future = reading.popleft()
        try:
            yield job, future.result()
        except ImageError as error:
            on_error(job, error)

    for job in jobs:
        reading.append((job, pool.submit(_read, job.source, size)))
        if len(reading) > ahead:
            yield from take()
    while reading:
        yield from take()


def _batches(
    read: Iterable[tuple[Job, Tensor]], batch_size: int
) -> Iterator[list[tuple[Job, Tensor]]]:
    """Gather pictures of one size, holding back no more than four batches."""
    waiting: dict[tuple[int, ...], list[tuple[Job, Tensor]]] = {}
    pixels = 0
    for job, picture in read:
        own = waiting.setdefault(tuple(picture.shape), [])
        own.append((job, picture))
        pixels += picture.shape[0] * picture.shape[1]
        room = max(1, _BATCH_PIXELS // (picture.shape[0] * picture.shape[1]))
        full = len(own) >= min(batch_size, room)
        held = sum(map(len, waiting.values()))
        if full or held >= 4 * batch_size or pixels >= 4 * _BATCH_PIXELS:
            # One that is not full is the fullest: few sizes must not keep many pictures waiting.
            shape = tuple(picture.shape) if full else max(waiting, key=lambda s: len(waiting[s]))
            batch = waiting.pop(shape)
            pixels -= len(batch) * shape[0] * shape[1]
            yield batch
    yield from waiting.values()


def _read(path: Path, size: int) -> UInt8[Tensor, "height width 3"]:
    return torch.from_numpy(shrink(np.array(open_image(path, at_least=_SPARE * size)), size))


def _write(job: Job, picture: Tensor) -> None:
    options = _KEPT[job.target.suffix.lower()]
    with write_whole(job.target) as temporary:
        try:
            Image.fromarray(picture.numpy()).save(temporary, **options)
        except (ValueError, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise  # the disk's, which the next picture would meet as well
            # Formats have a largest side.
            height, width = picture.shape[:2]
            raise ImageError(
                f"{job.source} cannot be written as {job.target.name}, {width} x {height}: {error}"
                "; give it as .png"
            ) from error
