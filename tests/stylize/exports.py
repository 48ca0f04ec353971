"""Exports of the generator that tests make for themselves, in the shape converters give them."""

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from onnx import TensorProto, helper, numpy_helper

from zokusei.stylize.generator import WhiteBoxGenerator


def random_weights(seed=0):
    """Name, weight (out, in, rows, columns) and bias of each convolution."""
    rng = np.random.default_rng(seed)
    expected = WhiteBoxGenerator().state_dict()
    names = [name.removesuffix(".weight") for name in expected if name.endswith("weight")]
    return {
        name: [
            rng.standard_normal(tuple(expected[f"{name}.{kind}"].shape)).astype(np.float32)
            for kind in ("weight", "bias")
        ]
        for name in names
    }


def make_tflite(weights, kind="float32"):
    """Write a TFLite file: a depth-wise convolution first, as exports with the filter have."""
    model = schema.ModelT()
    model.version, model.buffers = 3, [schema.BufferT()]
    graph = schema.SubGraphT()
    graph.tensors, graph.operators, graph.inputs, graph.outputs = [], [], [0], [0]
    codes = schema.BuiltinOperator
    model.operatorCodes = []
    for code in (codes.CONV_2D, codes.DEPTHWISE_CONV_2D, codes.DEQUANTIZE):
        entry = schema.OperatorCodeT()
        entry.builtinCode = entry.deprecatedBuiltinCode = code
        model.operatorCodes.append(entry)

    def add_tensor(name, values=None, scale=None):
        tensor = schema.TensorT()
        tensor.name, tensor.buffer, tensor.shape = name, 0, [1]
        tensor.type = schema.TensorType.FLOAT32
        if values is not None:
            kinds = {"<f4": "FLOAT32", "<f2": "FLOAT16", "|i1": "INT8"}
            tensor.type = getattr(schema.TensorType, kinds[values.dtype.str])
            tensor.shape, tensor.buffer = list(values.shape), len(model.buffers)
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(values.tobytes(), np.uint8)
            model.buffers.append(buffer)
        if scale is not None:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale = scale
            tensor.quantization.zeroPoint = np.zeros(len(scale), np.int64)
        graph.tensors.append(tensor)
        return len(graph.tensors) - 1

    def add_operator(code, inputs, output):
        operator = schema.OperatorT()
        operator.opcodeIndex, operator.inputs, operator.outputs = code, inputs, [output]
        graph.operators.append(operator)

    def add_constant(name, values):
        if kind == "float16":
            stored, wide = add_tensor(name, values.astype("<f2")), add_tensor(f"{name}_wide")
            add_operator(2, [stored], wide)
            return wide
        if kind == "int8" and values.ndim == 4:
            scale = np.abs(values).max((1, 2, 3)) / 127
            rounded = np.rint(values / scale[:, None, None, None]).astype(np.int8)
            return add_tensor(name, rounded, scale.astype(np.float32))
        return add_tensor(name, values)

    x = add_tensor("input")
    add_operator(
        1,
        [
            x,
            add_constant("box", np.ones((1, 3, 3, 3), "<f4")),
            add_constant("zero", np.ones(3, "<f4")),
        ],
        add_tensor("mean"),
    )
    for name, (weight, bias) in weights.items():
        stored = np.ascontiguousarray(weight.transpose(0, 2, 3, 1))
        y = add_tensor(f"{name}/out")
        add_operator(0, [x, add_constant(name, stored), add_constant(f"{name}/bias", bias)], y)
        x = y
    model.subgraphs = [graph]
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def make_onnx(weights, *, bias_added=False):
    """Write an ONNX file; the bias inside the convolution, or added after it."""
    nodes, initializers, x = [], [], "input"
    nodes.append(helper.make_node("Conv", [x, "box"], ["mean"], group=3))
    initializers.append(numpy_helper.from_array(np.ones((3, 1, 3, 3), np.float32), "box"))
    for name, (weight, bias) in weights.items():
        initializers.append(numpy_helper.from_array(weight, f"{name}/w"))
        if bias_added:
            initializers.append(numpy_helper.from_array(bias[None, :, None, None], f"{name}/b"))
            nodes.append(helper.make_node("Conv", [x, f"{name}/w"], [f"{name}/y"]))
            nodes.append(helper.make_node("Add", [f"{name}/b", f"{name}/y"], [f"{name}/z"]))
        else:
            initializers.append(numpy_helper.from_array(bias, f"{name}/b"))
            nodes.append(helper.make_node("Conv", [x, f"{name}/w", f"{name}/b"], [f"{name}/z"]))
        x = f"{name}/z"
    value = [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in ("input", x)]
    graph = helper.make_graph(nodes, "g", value[:1], value[1:], initializers)
    return helper.make_model(graph).SerializeToString()
