"""DeepDanbooru projects whose network was converted to ONNX."""

import json
import os
from pathlib import Path

from zokusei.errors import CheckpointError
from zokusei.inference.exported import ExportedModel, Form
from zokusei.inference.steps import PadWithEdges, Stepwise
from zokusei.inference.taggers.graphs import find_graph
from zokusei.model_folder import reading
from zokusei.tags import CATEGORIES, DEFAULT_THRESHOLD, RATING, Tag, TagSet

_RATING = "rating:"


def is_project(folder: Path) -> bool:
    """Say whether a folder is a project of DeepDanbooru."""
    # Not the path's own method, which raises where a folder on the way may not be entered.
    return all(map(os.path.isfile, (folder / "project.json", folder / "tags.txt")))


def load_project(folder: Path) -> ExportedModel:
    """Read a project: `project.json` and `tags.txt`, and the ONNX file beside them.

    The network takes batch x size x size x 3, red first, 0 to 1, and gives probabilities. Pictures
    are resized by averaging areas, and padded to a square with their outermost pixels. Tags are
    given from one half, as DeepDanbooru's own command does.

    Raises:
        CheckpointError: there is no ONNX file or more than one and none is `model.onnx`, or a file
            is damaged.
    """
    lacking = "is a DeepDanbooru project, and needs one ONNX file of its network"
    hint = ". Convert the .h5 or .keras by `tf2onnx`, input as it is (height x width x 3)"
    graph = find_graph(folder, lacking, hint)
    with reading(folder):
        project = json.loads((folder / "project.json").read_text(encoding="utf-8"))
        width, height = int(project["image_width"]), int(project["image_height"])
        if width != height:
            raise CheckpointError(
                f"{folder} takes pictures of {width} x {height}, and zokusei makes squares only"
            )
        tags = _read_tags(folder)
        steps = (PadWithEdges(width),)
        preprocess = Stepwise(width, "pad", (0, 0, 0), (1, 1, 1), steps=steps, widest=width)
    form = Form(blue_first=False, wants_normalized=True)
    return ExportedModel("onnx", graph, folder.resolve().name, tags, preprocess, form)


def _read_tags(folder: Path) -> TagSet:
    """Read names and categories; ratings become tags of the category that WD's have.

    The prefix of ratings goes: their category says the same, and writers add what they need.
    """
    lines = (folder / "tags.txt").read_text(encoding="utf-8-sig").splitlines()
    names = [name for line in lines if (name := line.strip())]
    categories = _read_categories(folder, len(names))
    tags = []
    for name, category in zip(names, categories, strict=True):
        bare = name.removeprefix(_RATING)
        is_rating = bare != name and bare not in names
        tags.append(
            Tag(bare, RATING, 0, DEFAULT_THRESHOLD)
            if is_rating
            else Tag(name, category, 0, DEFAULT_THRESHOLD)
        )
    return TagSet(tuple(tags))


def _read_categories(folder: Path, count: int) -> list[int]:
    """Give each tag's number: `categories.json` says where each category begins, if it is there."""
    numbers = {name: number for number, name in CATEGORIES.items()}
    found = [0] * count
    path = folder / "categories.json"
    if path.is_file():
        described = json.loads(path.read_text(encoding="utf-8"))
        for category in sorted(described, key=lambda category: int(category["start_index"])):
            # "System" holds the ratings, which their names tell.
            number = numbers.get(str(category["name"]).lower(), 0)
            start = int(category["start_index"])
            found[start:] = [number] * len(found[start:])
    return found
