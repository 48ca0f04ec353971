"""Folders of WD's and imgutils' taggers: a CSV file of tags beside a graph or timm's weights."""

import csv
import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from zokusei.errors import CheckpointError
from zokusei.images.preprocess import Preprocess
from zokusei.inference.exported import FORMS, ExportedModel, Form
from zokusei.inference.steps import load_steps
from zokusei.inference.taggers.camie import THRESHOLDS, read_thresholds
from zokusei.inference.taggers.graphs import GRAPH, read_graph
from zokusei.inference.taggers.lists import CATEGORY_NUMBERS
from zokusei.model_folder import reading
from zokusei.tags import CATEGORIES, TagSet

TAG_LIST = "selected_tags.csv"
CATEGORIES_FILE = "categories.json"
WEIGHTS = "model.safetensors"
STEPS, CATEGORY_THRESHOLDS = "preprocess.json", "thresholds.csv"  # of imgutils

THRESHOLD = 0.35
"""Of tags whose list has none: what the published clients of WD's taggers use."""

IMGUTILS_THRESHOLD = 0.4
"""The same of a folder in the form of imgutils, whose client uses this."""

_HALVES = (0.5, 0.5, 0.5)
_YEAR = 10  # how imgutils numbers Camie's years, for which Danbooru has no category


def is_wd(folder: Path) -> bool:
    """Say whether a folder has the tag list of a WD tagger."""
    # Not the path's own method, which raises where a folder on the way may not be entered.
    return os.path.isfile(folder / TAG_LIST)  # noqa: PTH113


def load_wd(folder: Path) -> ExportedModel:
    """Read a folder in the form of WD v3's taggers, or of imgutils'.

    In WD's a graph takes batch x size x size x 3, blue first, 0 to 255, and gives probabilities.
    timm's weights take batch x 3 x size x size, blue first, normalised as `config.json` says, and
    give logits. Pictures are padded with white to a square and resized by bicubic interpolation,
    or as `config.json` says.

    A folder with imgutils' `preprocess.json` is fed by its steps, red first, batch x 3 x size x
    size. `categories.json` says what its categories are called where they are numbered in another
    way than Danbooru's; of what Danbooru has no category for, tags are general. Its folder of
    Camie's tagger has Camie's `threshold.json`, too: see `read_thresholds`. The
    graph is taken where both are there.

    Raises:
        CheckpointError: a file is missing or damaged, weights come without the size of their
            pictures, or the folder brings a preprocessing file of another form.
    """
    config = read_config(folder)
    with reading(folder):
        has_graph = (folder / GRAPH).is_file()
        if not has_graph and not ((folder / WEIGHTS).is_file() and "architecture" in config):
            raise CheckpointError(
                f"{folder} has a {TAG_LIST} and no model: neither {GRAPH}, nor {WEIGHTS} with "
                "timm's config.json"
            )
        name = str(config.get("architecture", folder.resolve().name))
        if (folder / STEPS).is_file():
            tags = _read_tags(folder, IMGUTILS_THRESHOLD)
            if (folder / THRESHOLDS).is_file():
                tags = _read_camie_thresholds(tags, folder / THRESHOLDS)
            elif (folder / CATEGORIES_FILE).is_file():
                tags = _name_categories(tags, folder / CATEGORIES_FILE)
            preprocess: Preprocess = load_steps(folder / STEPS)
            form = FORMS["imgutils"]
        else:
            tags = _read_tags(folder, THRESHOLD)
            preprocess = _read_preprocess(config, folder)
            form = FORMS["wd"] if has_graph else Form(channels_last=False, wants_normalized=True)
        if has_graph:
            return ExportedModel("onnx", folder / GRAPH, name, tags, preprocess, form)
        form = replace(form, gives_logits=True)
        arguments = {"model_name": name, **dict(config.get("model_args") or {})}
        return ExportedModel("timm", folder / WEIGHTS, name, tags, preprocess, form, arguments)


def read_config(folder: Path) -> dict[str, Any]:
    """Read `config.json`, which WD v2's folders do not have."""
    path = folder / "config.json"
    if not path.is_file():
        return {}
    with reading(folder):
        config = json.loads(path.read_text(encoding="utf-8"))
        return dict(config)


def _read_tags(folder: Path, default: float) -> TagSet:
    """Read the list; where it has no thresholds, those of each category, where they are there."""
    tags = TagSet.load(folder / TAG_LIST)
    with (folder / TAG_LIST).open(encoding="utf-8-sig", newline="") as file:
        columns = next(csv.reader(file))
    if not {"threshold", "best_threshold"}.isdisjoint(columns):
        return tags
    of_category: dict[int, float] = {}
    if (folder / CATEGORY_THRESHOLDS).is_file():
        with (folder / CATEGORY_THRESHOLDS).open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                # A category may have several, by other measures; the first is the one in use.
                of_category.setdefault(int(row["category"]), float(row["threshold"]))
    return tags.with_thresholds([of_category.get(tag.category, default) for tag in tags])


def _read_camie_thresholds(tags: TagSet, path: Path) -> TagSet:
    """Give the tags of imgutils' folder of Camie's tagger their thresholds."""
    names = [(CATEGORIES | {_YEAR: "year"}).get(tag.category, "general") for tag in tags]
    of_category = read_thresholds(path, names)
    return TagSet(
        tuple(
            replace(tag, category=CATEGORY_NUMBERS[name], threshold=of_category[name])
            for tag, name in zip(tags, names, strict=True)
        )
    )


def _name_categories(tags: TagSet, path: Path) -> TagSet:
    """Give tags Danbooru's numbers of what their categories are called."""
    named = {int(one["category"]): str(one["name"]) for one in json.loads(path.read_text("utf-8"))}
    numbers = {
        number: CATEGORY_NUMBERS.get(name.lower(), CATEGORY_NUMBERS["general"])
        for number, name in named.items()
    }
    return TagSet(
        tuple(replace(tag, category=numbers.get(tag.category, tag.category)) for tag in tags)
    )


def _read_preprocess(config: Mapping[str, Any], folder: Path) -> Preprocess:
    """Take timm's description; without one a graph itself says its size, and weights do not."""
    described = config.get("pretrained_cfg") or {}
    if "input_size" in described:
        size = int(described["input_size"][-1])
    elif (folder / GRAPH).is_file():
        size = read_graph(folder / GRAPH).find_side("WD v3's models", channels_last=True)
    else:
        raise CheckpointError(
            f"{folder / 'config.json'} does not say how large the pictures of {WEIGHTS} are: its "
            "pretrained_cfg lacks input_size; add what the model was trained with, such as "
            '"input_size": [3, 448, 448]'
        )
    preprocess = Preprocess(
        size=size,
        fit="pad",
        mean=tuple(described.get("mean", _HALVES)),
        std=tuple(described.get("std", _HALVES)),
    )
    if "interpolation" in described:
        preprocess = replace(preprocess, interpolation=described["interpolation"])
    return preprocess
