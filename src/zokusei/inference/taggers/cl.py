"""Folders of CL taggers: one JSON file of tags and categories beside an ONNX graph."""

import json
import os
from pathlib import Path

from zokusei.images.preprocess import Preprocess
from zokusei.inference.exported import ExportedModel, Form
from zokusei.inference.taggers.graphs import find_graph, read_graph
from zokusei.inference.taggers.lists import create_tag_set, read_categories, read_numbered
from zokusei.model_folder import reading
from zokusei.tags import TagSet

TAG_LIST = "tag_mapping.json"

THRESHOLD, NAME_THRESHOLD = 0.55, 0.6
"""What the published client starts with; the higher one of artists, characters and copyrights."""

_NAMES = ("artist", "character", "copyright")
_SIZE = 448  # of the published models
_HALVES = (0.5, 0.5, 0.5)


def is_cl(folder: Path) -> bool:
    """Say whether a folder has the tag list of a CL tagger."""
    # Not the path's own method, which raises where a folder on the way may not be entered.
    return os.path.isfile(folder / TAG_LIST)  # noqa: PTH113


def load_cl(folder: Path) -> ExportedModel:
    """Read `tag_mapping.json`, and `model.onnx` or the one ONNX file of another name.

    The list is `{"0": {"tag": ..., "category": "General"}, ...}`, or `idx_to_tag` with
    `tag_to_category`. Quality, Model and Year become Danbooru's meta, since it has no such
    categories; their client gives one Quality tag a picture, zokusei those that reach the
    threshold.

    The graph takes batch x 3 x size x size, blue first, x / 127.5 - 1, and gives logits; pictures
    are padded with white to a square and resized by bicubic interpolation. The folder has no
    thresholds: the published client's are taken, 0.55, and 0.6 for artists, characters and
    copyrights.

    Raises:
        CheckpointError: there is no graph or more than one, it is of another form, or the list
            is damaged, has gaps or a category that is not known.
        MissingExtraError: onnxruntime is not installed.
    """
    with reading(folder):
        tags = _read_tags(folder / TAG_LIST)
        graph = read_graph(find_graph(folder, f"has a {TAG_LIST}, and needs one ONNX file"))
        side = graph.find_side("CL's models", usual=_SIZE)
        preprocess = Preprocess(side, "pad", _HALVES, _HALVES)
    form = Form(channels_last=False, wants_normalized=True, gives_logits=True)
    return ExportedModel("onnx", graph.file, folder.resolve().name, tags, preprocess, form)


def _read_tags(path: Path) -> TagSet:
    described = json.loads(path.read_text(encoding="utf-8-sig"))
    if "idx_to_tag" in described:
        names = read_numbered(described["idx_to_tag"], path)
        categories = read_categories(names, described["tag_to_category"], path)
    else:
        entries = read_numbered(described, path)
        names = [entry["tag"] for entry in entries]
        categories = [entry["category"] for entry in entries]
    tags = create_tag_set(names, categories, path)
    return tags.with_thresholds(
        [NAME_THRESHOLD if name.lower() in _NAMES else THRESHOLD for name in categories]
    )
