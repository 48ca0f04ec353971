"""Folders of RAM (Recognize Anything): two text files beside an ONNX graph."""

import os
from pathlib import Path

from zokusei.errors import CheckpointError
from zokusei.images.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocess
from zokusei.inference.exported import ExportedModel, Form
from zokusei.inference.taggers.graphs import Graph, find_graph, read_graph
from zokusei.inference.taggers.lists import check_threshold
from zokusei.model_folder import reading
from zokusei.tags import TagSet

TAG_LIST, THRESHOLDS = "ram_tag_list.txt", "ram_tag_list_threshold.txt"

_SIZE = 384  # of the published models
_DECISIONS = {"tag", "targets"}  # how the scripts call them that are found for RAM


def is_ram(folder: Path) -> bool:
    """Say whether a folder has the tag list of RAM."""
    # Not the path's own method, which raises where a folder on the way may not be entered.
    return os.path.isfile(folder / TAG_LIST)  # noqa: PTH113


def load_ram(folder: Path) -> ExportedModel:
    """Read `ram_tag_list.txt`, `ram_tag_list_threshold.txt` and the one ONNX file beside them.

    One tag a line, and its threshold on the same line of the other file. Blanks become
    underscores, and blanks again wherever tags are written for people; capitals stay.

    The graph takes batch x 3 x size x size, red first, normalised by ImageNet's mean and deviation,
    and gives logits; pictures are squashed to a square by bilinear interpolation.

    Raises:
        CheckpointError: there is no graph or more than one, it gives decisions, or the lists are
            damaged or of different lengths.
        MissingExtraError: onnxruntime is not installed.
    """
    with reading(folder):
        tags = _read_tags(folder)
        graph = read_graph(find_graph(folder, f"has a {TAG_LIST}, and needs one ONNX file"))
        _refuse_decisions(graph)
        side = graph.find_side("RAM's models", usual=_SIZE)
        preprocess = Preprocess(side, "squash", IMAGENET_MEAN, IMAGENET_STD, "bilinear")
    form = Form(channels_last=False, blue_first=False, wants_normalized=True, gives_logits=True)
    return ExportedModel("onnx", graph.file, folder.resolve().name, tags, preprocess, form)


def _read_tags(folder: Path) -> TagSet:
    names = ["_".join(line.split()) for line in _read_lines(folder / TAG_LIST)]
    path = folder / THRESHOLDS
    if not path.is_file():
        raise CheckpointError(f"{folder} has a {TAG_LIST} and no {THRESHOLDS}; put it beside it")
    lines = _read_lines(path)
    if len(lines) != len(names):
        raise CheckpointError(
            f"{path} has {len(lines)} lines, and {TAG_LIST} {len(names)}; write one threshold for "
            "each tag, in the same order"
        )
    thresholds = [
        check_threshold(line, path, f"line {number}") for number, line in enumerate(lines, 1)
    ]
    return TagSet.from_names(names).with_thresholds(thresholds)


def _read_lines(path: Path) -> list[str]:
    return [line.strip() for line in path.read_text(encoding="utf-8-sig").rstrip().splitlines()]


def _refuse_decisions(graph: Graph) -> None:
    """Refuse what two scripts for RAM write, whose graphs compare with the thresholds themselves.

    Raises:
        CheckpointError: a result has their name.
    """
    for name, _ in graph.outputs:
        if name in _DECISIONS:
            raise CheckpointError(
                f"{graph.file} gives {name!r}, which is 0 or 1 in the graphs that have it; export "
                "what is before the sigmoid, as 'logits'"
            )
