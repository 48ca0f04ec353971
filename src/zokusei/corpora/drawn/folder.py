"""A folder of drawn pictures and its table of labels, written by one or more processes."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zokusei.corpora.drawn.picture import draw_from, visible_tags
from zokusei.corpora.drawn.render import load_resvg
from zokusei.corpora.drawn.scene import sample_scene
from zokusei.errors import DataError
from zokusei.files import write_json, write_text, write_whole

DRAWING_VERSION = 1
"""Raised by whatever makes the same index another picture; versions never share a folder."""

_CHUNK = 32  # pictures a process draws between two reports of progress

_Row = tuple[str, str, str]


def write_drawn_corpus(
    folder: Path | str,
    *,
    count: int,
    size: int = 128,
    seed: int = 0,
    workers: int = 1,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Write `images/000000.png` and on, `labels.csv` (file, tags, style) and `drawn.json`.

    Pictures that are there already are not drawn again, so a run that was stopped goes on
    where it was, and a corpus grows by a larger `count`. Neither the number of processes nor
    a stop changes a byte.

    Args:
        folder: where to; made if needed.
        count: how many pictures, from index 0.
        size: width and height in pixels.
        seed: which row of pictures.
        workers: processes that draw; with more than one, a script that calls this needs the
            usual `if __name__ == "__main__":`.
        progress: told how many more pictures are done, again and again.

    Raises:
        DataError: a number is impossible, or the folder holds something else: a corpus of
            another seed, size or version of the drawing code, or files of other origin.
        MissingExtraError: resvg is not installed.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> write_drawn_corpus(folder, count=2, size=32)
    >>> sorted(str(path.relative_to(folder)) for path in folder.rglob("*.*"))
    ['drawn.json', 'images/000000.png', 'images/000001.png', 'labels.csv']
    """
    folder = Path(folder)
    for name, number, least in (("count", count, 0), ("size", size, 8), ("workers", workers, 1)):
        if number < least:
            raise DataError(f"{name} must be at least {least}, not {number}")
    load_resvg()
    _claim(folder, {"seed": seed, "size": size, "version": DRAWING_VERSION})
    rows: list[_Row] = []
    for chunk in _draw_chunks(folder, count, size, seed, workers):
        rows += chunk
        if progress is not None:
            progress(len(chunk))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file", "tags", "style"])
    writer.writerows(rows)
    write_text(folder / "labels.csv", text.getvalue())


def _claim(folder: Path, settings: dict[str, int]) -> None:
    """Make sure that the folder is of these settings, or empty and from now on of these."""
    record = folder / "drawn.json"
    if record.exists():
        try:
            found = json.loads(record.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DataError(f"{record} cannot be read: {error}; draw to another folder") from error
        if found != settings:
            raise DataError(
                f"{folder} was drawn with {_listed(found)}, not with {_listed(settings)}; "
                "draw to another folder"
            )
        return
    if folder.is_dir() and any(folder.iterdir()):
        raise DataError(f"{folder} holds files that were not drawn; give a new or empty folder")
    write_json(record, settings)


def _listed(settings: object) -> str:
    if not isinstance(settings, dict):
        return repr(settings)
    return ", ".join(f"{name} {value}" for name, value in settings.items())


def _draw_chunks(
    folder: Path, count: int, size: int, seed: int, workers: int
) -> Iterator[list[_Row]]:
    """Draw what is missing, and give the labels of all, chunk after chunk in order."""
    starts = range(0, count, _CHUNK)
    ends = [min(start + _CHUNK, count) for start in starts]
    draw_chunk = partial(_draw_chunk, folder, size, seed)
    if workers == 1 or len(starts) < 2:
        yield from map(draw_chunk, starts, ends)
        return
    # Forking a process that has started threads, as torch does, can hang.
    with ProcessPoolExecutor(min(workers, len(starts)), get_context("spawn")) as pool:
        yield from pool.map(draw_chunk, starts, ends)


def _draw_chunk(folder: Path, size: int, seed: int, start: int, end: int) -> list[_Row]:
    rows = []
    # Waiting for the disk takes as long as drawing, so a thread waits while the next is drawn.
    with ThreadPoolExecutor(1) as writer:
        written = []
        for index in range(start, end):
            file = f"images/{index:06d}.png"
            scene = sample_scene(index, seed)
            if (folder / file).exists():
                tags = visible_tags(scene)
            else:
                drawing = draw_from(scene, size)
                tags = drawing.tags
                written.append(writer.submit(_write_picture, folder / file, drawing.image))
            rows.append((file, " ".join(tags), scene.style.name))
        for writing in written:
            writing.result()
    return rows


def _write_picture(path: Path, image: NDArray[np.uint8]) -> None:
    with write_whole(path) as temporary:
        Image.fromarray(image).save(temporary, "PNG", compress_level=3)
