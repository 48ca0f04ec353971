"""The convolutions of an ONNX file."""

from typing import Any

import torch
from torch import Tensor

from zokusei.errors import MissingExtraError, ModelError


def read_onnx(content: bytes, name: str) -> list[tuple[str, Tensor, Tensor]]:
    """Give name, weight and bias of every full convolution, in the order they are computed.

    A bias is the convolution's third input, or what is added to its result. Convolutions of one
    channel are left out: converters write the guided filter's means as such.

    Args:
        content: the bytes of the file.
        name: what to call it in a message.

    Raises:
        ModelError: it is no ONNX file, is damaged, or lacks a weight.
        MissingExtraError: the package `onnx` is not installed.
    """
    try:
        import onnx
        from onnx import numpy_helper
    except ModuleNotFoundError as error:
        raise MissingExtraError("onnx", "stylize", "reading ONNX weights") from error
    try:
        graph = onnx.load_model_from_string(content).graph
        constants = {
            **{tensor.name: tensor for tensor in graph.initializer},
            **{
                node.output[0]: node.attribute[0].t
                for node in graph.node
                if node.op_type == "Constant" and node.attribute
            },
        }
        values = {
            key: torch.from_numpy(numpy_helper.to_array(tensor).copy()).float()
            for key, tensor in constants.items()
            if tensor.data_type in (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16)
        }
    except Exception as error:  # whatever protobuf's parser and numpy say of damaged bytes
        message = " ".join(str(error).split())
        raise ModelError(
            f"{name} cannot be read as ONNX: {message:.100}; copy or download it again"
        ) from error
    if not graph.node:
        raise ModelError(f"{name} holds no ONNX graph; copy or download it again")
    try:
        return _read_convolutions(graph, values)
    except ModelError as error:
        raise ModelError(f"{name}: {error}") from error


def _read_convolutions(graph: Any, values: dict[str, Tensor]) -> list[tuple[str, Tensor, Tensor]]:
    convolutions = []
    for node in graph.node:
        if node.op_type != "Conv":
            continue
        weight = values.get(node.input[1])
        if weight is None:
            raise ModelError(f"the weight {node.input[1]!r} is not stored as floats")
        if weight.shape[1] == 1:
            continue
        if len(node.input) > 2:
            bias = values.get(node.input[2])
        else:
            bias = _find_added(graph, node.output[0], values, weight.shape[0])
        if bias is None:
            raise ModelError(f"the convolution with {node.input[1]!r} has no stored bias")
        convolutions.append((node.input[1], weight, bias.flatten()))
    return convolutions


def _find_added(graph: Any, output: str, values: dict[str, Tensor], channels: int) -> Tensor | None:
    """Give the constant that is added to a convolution's result, if there is one a channel."""
    for node in graph.node:
        if node.op_type == "Add" and output in node.input:
            for added in node.input:
                if added in values and values[added].numel() == channels:
                    return values[added]
    return None
