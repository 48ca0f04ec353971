"""Folders of Camie taggers: a JSON file of tags, and maybe one of thresholds, beside a graph."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zokusei.errors import CheckpointError
from zokusei.images.preprocess import IMAGENET_MEAN, IMAGENET_STD
from zokusei.inference.exported import ExportedModel, Form
from zokusei.inference.steps import PadToSize, Stepwise
from zokusei.inference.taggers.graphs import Graph, find_graph, read_graph
from zokusei.inference.taggers.lists import (
    check_threshold,
    create_tag_set,
    read_categories,
    read_numbered,
)
from zokusei.model_folder import reading

THRESHOLDS = "threshold.json"

THRESHOLD = 0.492
"""Without that file: of the second model's card, the one that makes macro-F1 highest."""

_TAG_LISTS = "*metadata.json"
# Many programs write a file of that name; this one is sought in it without parsing it.
_MARK = b'"idx_to_tag"'
_MODES = ("balanced", "macro_optimized", "macro_opt")
_OVERALL = "overall"
_SIZE = 512  # of the published models
_BLACK, _GREY = (0, 0, 0), (124, 116, 104)  # the latter: ImageNet's mean


def is_camie(folder: Path) -> bool:
    """Say whether a folder has the tag list of a Camie tagger.

    Raises:
        CheckpointError: a file that may be it cannot be read.
    """
    return bool(_find_lists(folder))


def load_camie(folder: Path) -> ExportedModel:
    """Read `*metadata.json`, `threshold.json` where it is there, and the ONNX file beside them.

    The list has `idx_to_tag` and `tag_to_category`, in the second model's under `dataset_info`,
    `tag_mapping`. Years become Danbooru's meta. For thresholds see `read_thresholds`; without the
    file they are 0.492.

    The graph takes batch x 3 x size x size, red first, and gives logits; of its two results of one
    number a tag the refined one is taken. Pictures are resized by Lanczos interpolation and
    centred: of the first model on black, 0 to 1; of the second, whose list has `dataset_info`, on
    the mean colour of ImageNet, and normalised by ImageNet's mean and deviation.

    Raises:
        CheckpointError: there is no graph or more than one, it is of another form, or a list is
            damaged, has gaps or a category that is not known.
        MissingExtraError: onnxruntime is not installed.
    """
    path, *others = _find_lists(folder)
    if others:
        found = ", ".join(other.name for other in (path, *others))
        raise CheckpointError(f"{folder} has the lists {found}; leave the one of its ONNX file")
    with reading(folder):
        described = json.loads(path.read_text(encoding="utf-8-sig"))
        is_second = "dataset_info" in described
        mapping = described["dataset_info"]["tag_mapping"] if is_second else described
        names = read_numbered(mapping["idx_to_tag"], path)
        categories = read_categories(names, mapping["tag_to_category"], path)
        tags = create_tag_set(names, categories, path)
        of_category = read_thresholds(folder / THRESHOLDS, categories)
        tags = tags.with_thresholds([of_category[category] for category in categories])
        lacking = f"has Camie's {path.name}, and needs one ONNX file"
        graph = read_graph(find_graph(folder, lacking))
        usual = int(described.get("model_info", {}).get("img_size", _SIZE))
        side = graph.find_side("Camie's models", usual=usual)
        preprocess = _describe_fit(side, is_second=is_second)
    form = Form(channels_last=False, blue_first=False, wants_normalized=True, gives_logits=True)
    return ExportedModel(
        "onnx", graph.file, folder.resolve().name, tags, preprocess, form,
        outputs=_choose_outputs(graph, len(tags)),
    )  # fmt: skip


def read_thresholds(path: Path, categories: list[str]) -> dict[str, float]:
    """Give the threshold of each category that is asked for.

    The file holds modes of each category, at its top or under `categories`, and each mode a number
    or an object with `threshold`. The mode is `balanced`, or the one that makes macro-F1 highest
    where there is no such. A category that is missing has those of `overall`.

    Raises:
        CheckpointError: a category is missing and there is no `overall`, has neither mode, or a
            threshold is no number between 0 and 1.
    """
    if not path.is_file():
        return dict.fromkeys(categories, THRESHOLD)
    described = json.loads(path.read_text(encoding="utf-8-sig"))
    known = {**described, **described.get("categories", {})}
    return {category: _read_threshold(known, category, path) for category in set(categories)}


def _read_threshold(known: Mapping[str, Any], category: str, path: Path) -> float:
    found = category.lower() if category.lower() in known else _OVERALL
    if found not in known:
        raise CheckpointError(
            f"{path} has no thresholds of {category!r}, and none of {_OVERALL!r} in their place; "
            f"it has: {', '.join(known)}"
        )
    modes = known[found]
    mode = next((mode for mode in _MODES if mode in modes), None)
    if mode is None:
        raise CheckpointError(
            f"{path} has for {found!r} the modes {', '.join(modes)}; add one of {', '.join(_MODES)}"
        )
    value = modes[mode]
    value = value["threshold"] if isinstance(value, dict) else value
    return check_threshold(value, path, f"{found}, {mode}")


def _find_lists(folder: Path) -> list[Path]:
    with reading(folder):
        return [path for path in sorted(folder.glob(_TAG_LISTS)) if _MARK in path.read_bytes()]


def _describe_fit(side: int, *, is_second: bool) -> Stepwise:
    colour, mean, std = _BLACK, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    if is_second:
        colour, mean, std = _GREY, IMAGENET_MEAN, IMAGENET_STD
    steps = (PadToSize((side, side), "lanczos", colour, rounds_down=True),)
    return Stepwise(side, "pad", mean, std, steps=steps, widest=side)


def _choose_outputs(graph: Graph, width: int) -> tuple[str, ...]:
    """Name the refined result: called so, or behind the first one."""
    found = [name for name, length in graph.outputs if length == width]
    return (*(name for name in found if "refined" in name), *found[1:2])
