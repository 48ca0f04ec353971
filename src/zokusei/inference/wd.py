"""Folders of other taggers: a tag list beside a graph or timm's weights, or a project."""

import csv
import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from zokusei.errors import CheckpointError
from zokusei.images.preprocess import Preprocess
from zokusei.inference.deepdanbooru import is_project, load_project
from zokusei.inference.exported import FORMS, ExportedModel, Form
from zokusei.inference.steps import load_steps
from zokusei.model_folder import reading
from zokusei.tags import TagSet

TAG_LIST = "selected_tags.csv"
GRAPH, WEIGHTS = "model.onnx", "model.safetensors"
STEPS, CATEGORY_THRESHOLDS = "preprocess.json", "thresholds.csv"  # of imgutils

THRESHOLD = 0.35
"""Of tags whose list has none: what the published clients of WD's taggers use."""

IMGUTILS_THRESHOLD = 0.4
"""The same of a folder in the form of imgutils, whose client uses this."""

_HALVES = (0.5, 0.5, 0.5)


def is_wd_folder(folder: Path) -> bool:
    """Say whether a folder holds another tagger's model, and not one of ours with a WD tag list."""
    if is_project(folder):
        return True
    # Not the path's own method, which raises where a folder on the way may not be entered.
    is_there = os.path.isfile(folder / TAG_LIST)  # noqa: PTH113
    return is_there and "format_version" not in _read_config(folder)


def load_wd(folder: Path) -> ExportedModel:
    """Read another tagger's folder by its own files: WD v3's form, imgutils' or DeepDanbooru's.

    In WD's a graph takes batch x size x size x 3, blue first, 0 to 255, and gives probabilities.
    timm's weights take batch x 3 x size x size, blue first, normalised as `config.json` says, and
    give logits. Pictures are padded with white to a square and resized by bicubic interpolation,
    or as `config.json` says.

    A folder with imgutils' `preprocess.json` is fed by its steps, red first, batch x 3 x size x
    size. For DeepDanbooru's see `load_project`. The graph is taken where both are there.

    Raises:
        CheckpointError: a file is missing or damaged, weights come without the size of their
            pictures, or the folder brings a preprocessing file of another form.
    """
    if is_project(folder):
        return load_project(folder)
    config = _read_config(folder)
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


def _read_config(folder: Path) -> dict[str, Any]:
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


def _read_preprocess(config: Mapping[str, Any], folder: Path) -> Preprocess:
    """Take timm's description; without one a graph itself says its size, and weights do not."""
    described = config.get("pretrained_cfg") or {}
    if "input_size" in described:
        size = int(described["input_size"][-1])
    elif (folder / GRAPH).is_file():
        size = _find_size(folder / GRAPH)
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


def _find_size(graph: Path) -> int:
    from zokusei.inference.backends.onnx import create_session

    shape = create_session(graph, "cpu").get_inputs()[0].shape
    if len(shape) != 4 or shape[-1] != 3 or shape[1] != shape[2] or type(shape[1]) is not int:
        raise CheckpointError(
            f"{graph} takes {shape}, not batch x size x size x 3 as WD v3's models do"
        )
    return int(shape[1])
