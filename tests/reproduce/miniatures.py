"""Miniatures of every corpus, in the exact forms, and a scale that goes through all stages."""

import csv
from pathlib import Path

import numpy as np
import yaml
from PIL import Image

from captioned import write_captioned
from corpora.danbooru_files import old_post, write_copy
from pictures import COLOURS, write_picture

HAIR, EYES = ("blonde", "red"), ("blue", "green")
TAGS = ("1girl", "hat", "smile", "bow")
TINY = {"model": {"backbone": "test_efficientnet", "weights": "none"}, "preprocess": {"size": 64}}
WRITER = {
    "model": {"backbone": "test_efficientnet", "weights": "none", "embedding": 8, "hidden": 8,
              "attention": 8},
    "preprocess": {"size": 64},
    "train": {"epochs": 1, "batch_size": 5, "captions": 2, "workers": 0, "beam": 2},
    "data": {"min_count": 1},
}  # fmt: skip


def write_faces(folder: Path, count: int = 24) -> Path:
    """Write `labels.csv` with file, group, hair and eyes, as anime-faces has it."""
    rows = [[f"images/{i}.jpg", i // 2, HAIR[i // 2 % 2], EYES[i // 4 % 2]] for i in range(count)]
    return _write(folder, ["file", "group", "hair", "eyes"], rows)


def write_art(folder: Path, count: int = 24) -> Path:
    """Write `labels.csv` with file, source, tags and unsure, and `vocabulary.txt`."""
    rows = []
    for i in range(count):
        tags = [tag for place, tag in enumerate(TAGS) if (i + place) % 2 or i % 3 == place]
        unsure = [TAGS[i % 4]] if i % 5 == 0 and TAGS[i % 4] not in tags else []
        rows.append([f"images/{i}.jpg", f"source{i % 8}", " ".join(tags), " ".join(unsure)])
    _write(folder, ["file", "source", "tags", "unsure"], rows)
    (folder / "vocabulary.txt").write_text("\n".join(TAGS) + "\n")
    return folder


def write_danbooru(folder: Path, count: int = 48) -> Path:
    """Write a copy of Danbooru2020 with real JPEGs."""
    posts = []
    for i in range(1, count + 1):
        tags = [tag for place, tag in enumerate(TAGS[1:]) if (i + place) % 2 or i % 3 == place]
        posts.append(old_post(i, ["1girl", *tags]))
    rng = np.random.default_rng(0)
    for post in posts:
        path = folder / "512px" / f"{int(post['id']) % 1000:04d}" / f"{post['id']}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (48, 40, 3), dtype=np.uint8)).save(path)
    return write_copy(folder, posts)


def write_scale(path: Path, **changes) -> Path:
    """Write a scale with one row of each kind, for miniatures."""
    captioned = {"model.name": "capgcn", "model.options": {"hidden": 8}}
    scale = {
        "name": "tiny",
        "seeds": [0, 1],
        "drawn": {"count": 40, "size": 32},
        "danbooru": {"classes": 3, "pictures": 30, "labels": 2.2, "val": 0.2, "test": 0.3},
        "cartoons": {"method": "plain", "size": 64},
        "photographs": WRITER,
        "adapted": {**WRITER, "pairs": {"words": 0.5}},
        "base": {
            **TINY,
            "captions": {"captioner": "adapted"},
            "data": {"min_count": 1, "test": 0.3},
            "train": {"epochs": 1, "workers": 0, "batch_size": 14},
        },
        "corpora": {
            "drawn": {},
            "anime-faces": {"data": {"columns": {"hair": "{}_hair", "eyes": "{}_eyes"},
                                     "group_column": "group"}},
            "real-art": {"data": {"vocabulary": "vocabulary.txt", "group_column": "source"}},
        },
        "models": {"gap": {}, "add_gcn": {"model.options": {"hidden": 8}},
                   "capgcn": {"model.options": {"hidden": 8}}},
        "captions": {
            "corpus": "drawn",
            "pictures": 6,
            "rows": {
                "photographs": {**captioned, "captions.captioner": "photographs"},
                "zero": {**captioned, "captions.control": "zero"},
            },
        },
    }  # fmt: skip
    path.write_text(yaml.safe_dump({**scale, **changes}))
    return path


def write_all(folder: Path) -> dict[str, Path]:
    """Write every miniature; give the options that name them."""
    return {
        "--anime-faces": write_faces(folder / "faces"),
        "--real-art": write_art(folder / "art"),
        "--flickr8k": write_captioned(folder / "flickr8k"),
        "--danbooru": write_danbooru(folder / "danbooru"),
    }


def _write(folder: Path, head: list[str], rows: list[list[object]]) -> Path:
    (folder / "images").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for index, row in enumerate(rows):
        colour = list(COLOURS)[index % 3]
        write_picture(folder / str(row[0]), colour, "square", rng, 48)
    with (folder / "labels.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        writer.writerows(rows)
    return folder
