"""Eight-bit weights and activations, calibrated on pictures."""

import logging
from collections.abc import Sequence
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


def quantize(
    path: Path, runtime: str, pictures: Manifest, preprocess: Preprocess, form: Form
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
    quantized = nncf.quantize(
        _read(path, runtime),
        nncf.Dataset(examples),
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=len(examples),
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
