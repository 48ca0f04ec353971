"""A folder of drawn pictures with all that is known of them, written by several processes."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from zokusei.corpora.drawn.attributes import DRAWN_TAGS
from zokusei.corpora.drawn.captions import write_captions
from zokusei.corpora.drawn.picture import draw_from, label
from zokusei.corpora.drawn.png import encode_png
from zokusei.corpora.drawn.render import load_resvg
from zokusei.corpora.drawn.scene import sample_scene
from zokusei.corpora.drawn.styles import STYLES, TRAINED, UNSEEN, Style
from zokusei.data.manifest import Box, Manifest, Record
from zokusei.errors import DataError, suggest
from zokusei.files import write_json, write_text, write_whole

DRAWING_VERSION = 2
"""Raised by whatever makes the same index another picture; versions never share a folder."""

_CHUNK = 32  # pictures a process draws between two reports of progress

_WRITERS = 4
"""Threads of a process that write: a flush to the disk takes half as long as a drawing, or more."""


class _Drawn(NamedTuple):
    """What is written of a picture beside its pixels; boxes in pixels."""

    file: str
    tags: tuple[str, ...]
    boxes: tuple[Box, ...]
    captions: tuple[str, ...]
    style: str


class _Settings(NamedTuple):
    folder: Path
    size: int
    seed: int
    styles: tuple[str, ...]


def write_drawn_corpus(
    folder: Path | str,
    *,
    count: int,
    size: int = 256,
    seed: int = 0,
    styles: str = "trained",
    workers: int = 1,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Write pictures with their labels, boxes and captions.

    `images/000000.png` and on; `manifest.parquet`, which everything here reads; and for other
    tools `labels.csv` (file, tags, style), `captions.txt` (image, caption: Flickr8k's form) and
    `annotations.json` (boxes in COCO's form). Pictures that are there already are not drawn
    again, so a run that was stopped goes on where it was, and a corpus grows by a larger `count`.
    Neither the number of processes nor a stop changes a byte.

    Args:
        folder: where to; made if needed.
        count: how many pictures, from index 0.
        size: width and height in pixels.
        seed: which row of pictures.
        styles: "trained", "unseen" (kept for testing), "all", or names separated by commas.
        workers: processes that draw; with more than one, a script that calls this needs the
            usual `if __name__ == "__main__":`.
        progress: told how many more pictures are done, again and again.

    Raises:
        DataError: a number is impossible, a style is unknown, or the folder holds something else:
            a corpus of another seed, size or version of the drawing code, or other files.
        MissingExtraError: resvg is not installed.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> write_drawn_corpus(folder, count=2, size=32)
    >>> sorted(str(path.relative_to(folder)) for path in folder.rglob("*.png"))
    ['images/000000.png', 'images/000001.png']
    """
    folder = Path(folder)
    for name, number, least in (("count", count, 0), ("size", size, 8), ("workers", workers, 1)):
        if number < least:
            raise DataError(f"{name} must be at least {least}, not {number}")
    names = tuple(style.name for style in find_styles(styles))
    load_resvg()
    _claim(
        folder,
        {"seed": seed, "size": size, "styles": ",".join(names), "version": DRAWING_VERSION},
    )
    drawn: list[_Drawn] = []
    for chunk in _draw_chunks(_Settings(folder, size, seed, names), count, workers):
        drawn += chunk
        if progress is not None:
            progress(len(chunk))
    _write_tables(folder, drawn, size)


def find_styles(names: str) -> tuple[Style, ...]:
    """Give the styles of a name.

    >>> [style.name for style in find_styles("cel,pencil")]
    ['cel', 'pencil']
    """
    groups = {"trained": TRAINED, "unseen": UNSEEN, "all": STYLES}
    if names in groups:
        return groups[names]
    known = {style.name: style for style in STYLES}
    chosen = [name.strip() for name in names.split(",")]
    for name in chosen:
        if name not in known:
            raise DataError(f"unknown style {name!r}{suggest(name, [*groups, *known])}")
    return tuple(known[name] for name in chosen)


def _claim(folder: Path, settings: dict[str, int | str]) -> None:
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


def _draw_chunks(settings: _Settings, count: int, workers: int) -> Iterator[list[_Drawn]]:
    """Draw what is missing, and give what is known of all, chunk after chunk in order."""
    starts = range(0, count, _CHUNK)
    ends = [min(start + _CHUNK, count) for start in starts]
    draw_chunk = partial(_draw_chunk, settings)
    if workers == 1 or len(starts) < 2:
        yield from map(draw_chunk, starts, ends)
        return
    # Forking a process that has started threads, as torch does, can hang.
    with ProcessPoolExecutor(min(workers, len(starts)), get_context("spawn")) as pool:
        yield from pool.map(draw_chunk, starts, ends)


def _draw_chunk(settings: _Settings, start: int, end: int) -> list[_Drawn]:
    folder, size, seed, names = settings
    styles = find_styles(",".join(names))
    drawn = []
    # The disk is waited for in threads, and for several files at once, while the next is drawn.
    with ThreadPoolExecutor(_WRITERS) as writer:
        written = []
        for index in range(start, end):
            file = f"images/{index:06d}.png"
            scene = sample_scene(index, seed, styles)
            if (folder / file).exists():
                truth = label(scene)
                tags, boxes = truth.tags, truth.boxes
                captions = write_captions(scene, tags, truth.parts)
            else:
                drawing = draw_from(scene, size)
                tags, boxes, captions = drawing.tags, drawing.boxes, drawing.captions
                written.append(writer.submit(_write_picture, folder / file, drawing.image))
            pixels = tuple(
                Box(tag, left * size, top * size, (right - left) * size, (bottom - top) * size)
                for tag, (left, top, right, bottom) in boxes.items()
            )
            drawn.append(_Drawn(file, tags, pixels, captions, scene.style.name))
        for writing in written:
            writing.result()
    return drawn


def _write_picture(path: Path, image: NDArray[np.uint8]) -> None:
    with write_whole(path) as temporary:
        temporary.write_bytes(encode_png(image))


def _write_tables(folder: Path, drawn: Sequence[_Drawn], size: int) -> None:
    """Write what is known of the pictures, for this project and for other tools."""
    labels = [["file", "tags", "style"]]
    labels += [[one.file, " ".join(one.tags), one.style] for one in drawn]
    write_text(folder / "labels.csv", _as_csv(labels))
    captions = [["image", "caption"]]
    captions += [[Path(one.file).name, caption] for one in drawn for caption in one.captions]
    write_text(folder / "captions.txt", _as_csv(captions))
    write_json(folder / "annotations.json", _as_coco(drawn, size))
    if drawn:
        records = (
            Record(
                path=one.file,
                tags=one.tags,
                captions=one.captions,
                boxes=one.boxes,
                source=f"drawn/{one.style}",
            )
            for one in drawn
        )
        Manifest.from_records(records, DRAWN_TAGS, folder).save(folder / "manifest.parquet")


def _as_csv(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _as_coco(drawn: Sequence[_Drawn], size: int) -> dict[str, object]:
    """Give the boxes in COCO's form: pixels from the top left, ids from 1."""
    images = [
        {"id": number, "file_name": one.file, "width": size, "height": size}
        for number, one in enumerate(drawn, start=1)
    ]
    pairs = [(number, box) for number, one in enumerate(drawn, start=1) for box in one.boxes]
    annotations = [
        {
            "id": number,
            "image_id": image,
            "category_id": DRAWN_TAGS.index(box.tag) + 1,
            "bbox": [box.x, box.y, box.width, box.height],
            "area": box.width * box.height,
            "iscrowd": 0,
        }
        for number, (image, box) in enumerate(pairs, start=1)
    ]
    categories = [
        {"id": number, "name": name} for number, name in enumerate(DRAWN_TAGS.names, start=1)
    ]
    return {"images": images, "annotations": annotations, "categories": categories}
