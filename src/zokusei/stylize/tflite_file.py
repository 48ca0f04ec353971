"""The convolutions of a TFLite file, read without TensorFlow."""

import struct
from importlib import import_module
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zokusei.errors import MissingExtraError, ModelError

_IDENTIFIER = b"TFL3"


def read_tflite(content: bytes, name: str) -> list[tuple[str, Tensor, Tensor]]:
    """Give name, weight and bias of every full convolution, in the order they are computed.

    Depth-wise ones are left out: in the published exports they are the guided filter's means.
    Weights in half precision and in bytes with a scale a channel are brought to float32.

    Args:
        content: the bytes of the file.
        name: what to call it in a message.

    Raises:
        ModelError: it is no TFLite file, is damaged, or holds weights of another kind.
        MissingExtraError: the package `tflite` is not installed.
    """
    try:
        tflite: Any = import_module("tflite")
    except ModuleNotFoundError as error:
        raise MissingExtraError("tflite", "stylize", "reading TFLite weights") from error
    if content[4:8] != _IDENTIFIER:
        raise ModelError(f"{name} is no TFLite file (it begins with {content[:8]!r})")
    try:
        model = tflite.Model.GetRootAs(content, 0)
        return _read_convolutions(tflite, model)
    except ModelError as error:
        raise ModelError(f"{name}: {error}") from error
    except (
        struct.error,
        IndexError,
        TypeError,
        ValueError,
        AttributeError,
        OverflowError,
    ) as error:
        # A flatbuffer is read by following offsets; in a damaged one they lead anywhere.
        message = " ".join(str(error).split())
        raise ModelError(
            f"{name} is damaged ({message:.100}); copy or download it again"
        ) from error


def _read_convolutions(tflite: Any, model: Any) -> list[tuple[str, Tensor, Tensor]]:
    graph = model.Subgraphs(0)
    operators = [graph.Operators(index) for index in range(graph.OperatorsLength())]
    codes = [_operator_code(model, operator) for operator in operators]
    # Half precision is stored before an operator that widens it.
    stored = {
        operator.Outputs(0): operator.Inputs(0)
        for operator, code in zip(operators, codes, strict=True)
        if code == tflite.BuiltinOperator.DEQUANTIZE
    }
    convolutions = []
    for operator, code in zip(operators, codes, strict=True):
        if code != tflite.BuiltinOperator.CONV_2D:
            continue
        if operator.InputsLength() < 3:
            raise ModelError("a convolution has no bias: it is of another model")
        weight, bias = (
            graph.Tensors(stored.get(operator.Inputs(index), operator.Inputs(index)))
            for index in (1, 2)
        )
        values = torch.from_numpy(_read_tensor(tflite, model, weight))
        if values.ndim != 4:
            raise ModelError(f"a convolution's weight has shape {tuple(values.shape)}")
        bias_values = torch.from_numpy(_read_tensor(tflite, model, bias))
        convolutions.append((_name(weight), values.permute(0, 3, 1, 2), bias_values))
    return convolutions


def _operator_code(model: Any, operator: Any) -> int:
    code = model.OperatorCodes(operator.OpcodeIndex())
    # Old files have only the first field, which is a byte; new ones have both.
    return max(int(code.DeprecatedBuiltinCode()), int(code.BuiltinCode()))


def _read_tensor(tflite: Any, model: Any, tensor: Any) -> NDArray[np.float32]:
    """Give a stored tensor as float32, in the shape the file says it has."""
    kinds: dict[int, np.dtype[Any]] = {
        tflite.TensorType.FLOAT32: np.dtype("<f4"),
        tflite.TensorType.FLOAT16: np.dtype("<f2"),
        tflite.TensorType.INT8: np.dtype("i1"),
    }
    kind = kinds.get(tensor.Type())
    if kind is None:
        raise ModelError(f"the tensor {_name(tensor)} is of type {tensor.Type()}, not of floats")
    data = model.Buffers(tensor.Buffer()).DataAsNumpy()
    if not isinstance(data, np.ndarray):
        raise ModelError(f"the tensor {_name(tensor)} is computed, not stored")
    shape = tuple(int(side) for side in tensor.ShapeAsNumpy())
    values = np.frombuffer(data.tobytes(), kind).reshape(shape).astype(np.float32)
    return _dequantize(tensor, values) if kind == np.dtype("i1") else values


def _dequantize(tensor: Any, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Multiply bytes by their scale, one of all or one an output channel."""
    quantization = tensor.Quantization()
    if quantization is None or not quantization.ScaleLength():
        raise ModelError(f"the tensor {_name(tensor)} holds bytes without a scale")
    shape = [1] * values.ndim
    shape[quantization.QuantizedDimension()] = -1
    scale = quantization.ScaleAsNumpy().reshape(shape)
    zero = quantization.ZeroPointAsNumpy().reshape(shape) if quantization.ZeroPointLength() else 0
    with np.errstate(over="ignore"):  # infinity is refused with the tensor's name
        wide: NDArray[np.float32] = ((values - zero) * scale).astype(np.float32)
    return wide


def _name(tensor: Any) -> str:
    return (tensor.Name() or b"without a name").decode("utf-8", errors="replace")
