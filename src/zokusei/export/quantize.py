"""Eight-bit weights and activations, calibrated on pictures."""

import logging
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np

from zokusei.data.manifest import Manifest
from zokusei.errors import DataError, MissingExtraError
from zokusei.images.preprocess import Preprocess
from zokusei.inference.exported import Form
from zokusei.inference.reading import read_batches

CALIBRATION = 300
"""Pictures that the ranges of the activations are found on, unless there are fewer."""

Operations = Mapping[str, tuple[str, list[str]]]
"""Of a graph: kind and sources of each by its name."""

_DEPTHWISE = "GroupConvolution"
_PRODUCTS = {"MatMul", "Gemm", "Conv", "Convolution", _DEPTHWISE}
_GRID = "GridSample"  # its second input says where in the first


def quantize(
    path: Path,
    runtime: str,
    pictures: Manifest,
    preprocess: Preprocess,
    form: Form,
    *,
    competing: bool = False,
) -> None:
    """Replace a graph by one of eight-bit numbers, with NNCF.

    Weights keep seven of their eight bits: processors without VNNI add pairs of products in 16
    bits, which overflow otherwise.

    Args:
        path: the graph, ONNX or OpenVINO; is replaced.
        runtime: which of them.
        pictures: to calibrate on; those of training, so that validation stays unseen.
        preprocess: fits them.
        form: how the graph takes them.
        competing: tags share a softmax (`OneOf`), or are the mean of two looks (`SecondLook`, a
            mirror). What these subtract and sum up is logits, most of them far from those that
            decide, and in 8 bits the latter would be lost: all behind the last product with weights
            stays as it is.

    Whatever the model, so do places in a picture that it is cut at, of which 8 bits know 256;
    pictures until the first product, since each of resizing and cutting would round anew; and a
    depthwise convolution right behind that.

    Raises:
        DataError: no picture can be read.
        MissingExtraError: NNCF is not installed.
    """
    try:
        import nncf
        from nncf.quantization.advanced_parameters import (
            AdvancedQuantizationParameters,
            OverflowFix,
        )
    except ModuleNotFoundError as error:
        raise MissingExtraError("nncf", "export", "--int8") from error
    nncf.set_log_level(logging.ERROR)
    examples = _read_examples(pictures, preprocess, form)
    graph = _read(path, runtime)
    exempt = find_exempt(graph, runtime, competing=competing)
    with redirect_stdout(sys.stderr):  # where its bars belong
        quantized = nncf.quantize(
            graph,
            nncf.Dataset(examples),
            # Activations without a zero point, with which OpenVINO takes slower routines.
            preset=nncf.QuantizationPreset.PERFORMANCE,
            subset_size=len(examples),
            # Each bias from pictures, not from statistics alone: minutes, and nearer to the model.
            # On ONNX graphs of some heads NNCF 3.4 fails at it (KeyError).
            fast_bias_correction=runtime != "openvino",
            ignored_scope=nncf.IgnoredScope(names=exempt) if exempt else None,
            advanced_parameters=AdvancedQuantizationParameters(overflow_fix=OverflowFix.ENABLE),
        )
    if runtime == "openvino":
        import openvino

        fresh = path.with_name(f"int8-{path.name}")
        openvino.save_model(quantized, fresh, compress_to_fp16=False)
        # The graph that is replaced is mapped into memory; its name may go, its bytes stay.
        fresh.with_suffix(".bin").replace(path.with_suffix(".bin"))
        fresh.replace(path)
    else:
        import onnx

        onnx.save(quantized, path)


def _read(path: Path, runtime: str) -> Any:
    if runtime == "openvino":
        import openvino

        return openvino.Core().read_model(path)
    import onnx

    return onnx.load(path)


def find_exempt(graph: Any, runtime: str, *, competing: bool) -> list[str]:
    """Name what keeps its bits: pixels, and what is between the last products and some ends.

    Args:
        graph: ONNX or OpenVINO.
        runtime: which of them.
        competing: the logits are an end, beside the places that pictures are cut at.
    """
    operations, last = _list_operations(graph, runtime)
    waiting = [sources[1] for kind, sources in operations.values() if kind == _GRID]
    waiting += [last] if competing else []
    found = set[str]()
    while waiting:
        name = waiting.pop()
        if name not in operations or name in found:
            continue
        kind, sources = operations[name]
        if kind not in _PRODUCTS:
            found.add(name)
            waiting += sources
    found |= _find_beginning(operations)
    # Constants are part of what reads them, and NNCF knows no inputs and outputs.
    return sorted(n for n in found if operations[n][0] not in ("Constant", "Parameter", "Result"))


def _find_beginning(operations: Operations) -> set[str]:
    """Name what works on pictures, and the depthwise convolutions right behind the first products.

    The channels of the latter differ most in range, and have few numbers.
    """
    behind = {name: _follow(operations, name) for name in operations}
    pixels = {name for name, origin in behind.items() if operations[origin][0] == "Parameter"}
    first = {
        n for n, (kind, given) in operations.items() if kind in _PRODUCTS and given[0] in pixels
    }
    depthwise = {
        name for name, (kind, given) in operations.items()
        if kind == _DEPTHWISE and behind.get(given[0]) in first
    }  # fmt: skip
    return pixels | depthwise


def _follow(operations: Operations, name: str) -> str:
    """Go back along first inputs to the nearest product, or to what begins the graph."""
    kind, given = operations[name]
    while kind not in _PRODUCTS and given and given[0] in operations:
        name = given[0]
        kind, given = operations[name]
    return name


def _list_operations(graph: Any, runtime: str) -> tuple[Operations, str]:
    """Give kind and sources of each operation by its name, and the one that gives the logits."""
    if runtime == "openvino":
        operations = {
            operation.get_friendly_name(): (
                operation.get_type_name(),
                [
                    given.get_source_output().get_node().get_friendly_name()
                    for given in operation.inputs()
                ],
            )
            for operation in graph.get_ops()
        }
        return operations, graph.output("logits").get_node().get_friendly_name()
    maker = {value: node.name for node in graph.graph.node for value in node.output}
    given = {value.name for value in graph.graph.input} - {w.name for w in graph.graph.initializer}
    maker |= {name: name for name in given}
    operations = {
        # No operation makes weights.
        node.name: (_name_kind(node), [maker.get(value, "") for value in node.input])
        for node in graph.graph.node
    }
    return operations | {name: ("Parameter", []) for name in given}, maker["logits"]


def _name_kind(node: Any) -> str:
    """Name the kind of an ONNX operation, as OpenVINO does where it has a name of its own."""
    groups = any(part.name == "group" and part.i > 1 for part in node.attribute)
    return _DEPTHWISE if node.op_type == "Conv" and groups else str(node.op_type)


def _choose(sources: Sequence[str], count: int) -> list[int]:
    """Choose rows evenly over each source, the same number of each as far as there are so many.

    >>> _choose(["art"] * 2 + ["faces"] * 6, 6)
    [0, 1, 2, 4, 7]
    """
    of_each = count // len(set(sources)) or 1
    chosen = []
    for source in dict.fromkeys(sources):
        rows = [row for row, own in enumerate(sources) if own == source]
        places = np.linspace(0, len(rows) - 1, min(of_each, len(rows))).astype(int)
        chosen += [rows[place] for place in places]
    return sorted(chosen)


def _read_examples(pictures: Manifest, preprocess: Preprocess, form: Form) -> list[dict[str, Any]]:
    """Take pictures from all over the split, one a batch, as the graph takes them.

    As many of each corpus: the smallest of several may be what the model is for.
    """
    paths = [pictures.paths[row] for row in _choose(pictures.column("source"), CALIBRATION)]
    batches = read_batches(paths, [preprocess], batch_size=1, on_error=lambda *_: None, workers=2)
    examples = [{"input": form.arrange(pixels, preprocess)} for _, (pixels,) in batches]
    if not examples:
        raise DataError(f"none of the {len(paths)} pictures to calibrate on can be read")
    return examples
