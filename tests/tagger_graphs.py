"""Graphs of other taggers in miniature: each result weighs every number of the input otherwise."""

import math

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from zokusei.errors import CheckpointError
from zokusei.inference import Tagger

SIZE = 8


def write_logits(path, count, *, outputs=("logits",), shape=("N", 3, SIZE, SIZE), kind="FLOAT"):
    """Write a graph that flattens what it takes, and gives its products with random weights.

    A channel, a pixel or a scale that is another gives other numbers. With more than one output
    each has weights of its own; with `count` of their own where it is a list.

    Returns:
        The weights of each output, 3 x size x size numbers a row.
    """
    random = np.random.default_rng(7)
    counts = count if isinstance(count, list) else [count] * len(outputs)
    length = math.prod(shape[1:]) if all(isinstance(n, int) for n in shape[1:]) else 3 * SIZE * SIZE
    # In the dark of ImageNet's normalisation numbers lie below -2: sums must stay small.
    weights = [random.normal(0, 0.03, (length, count)).astype(np.float32) for count in counts]
    taken = TensorProto.FLOAT16 if kind == "FLOAT16" else TensorProto.FLOAT
    nodes = [
        helper.make_node("Cast", ["picture"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["floats"], ["flat"]),
    ]
    nodes += [helper.make_node("MatMul", ["flat", f"weights_{name}"], [name]) for name in outputs]
    graph = helper.make_graph(
        nodes,
        "tagger",
        [helper.make_tensor_value_info("picture", taken, list(shape))],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [shape[0], count])
            for name, count in zip(outputs, counts, strict=True)
        ],
        [
            numpy_helper.from_array(array, f"weights_{name}")
            for name, array in zip(outputs, weights, strict=True)
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, path)
    return weights


def compute_by_hand(planes, weights):
    """Give what the graph makes of 3 x size x size numbers, as probabilities."""
    return (1 / (1 + np.exp(-np.asarray(planes, np.float64).reshape(-1) @ weights))).tolist()


def make_wide(seed=0):
    """Random pixels as wide as the graph's square, and half as high: nothing is resized."""
    return np.random.default_rng(seed).integers(0, 256, (SIZE // 2, SIZE, 3), dtype=np.uint8)


def centre(pixels, colour):
    """Put them in the middle of a square of one colour."""
    square = np.empty((SIZE, SIZE, 3))
    square[:] = colour
    square[SIZE // 4 : SIZE // 4 + SIZE // 2] = pixels
    return square


def assert_refused(folder, message):
    """See that a folder is refused in one line that says why."""
    with pytest.raises(CheckpointError, match=message) as raised:
        Tagger.load(folder)
    assert "\n" not in str(raised.value)
