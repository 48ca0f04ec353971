"""Which operations of a graph go into eight bits."""

import openvino
import pytest
import torch
from onnx import TensorProto, helper

from zokusei.checkpoint import Checkpoint, save_checkpoint
from zokusei.export.folder import export_run
from zokusei.export.quantize import find_exempt
from zokusei.images.preprocess import Preprocess
from zokusei.inference.exported import FILES
from zokusei.labels import LabelSpace
from zokusei.models import create_model
from zokusei.tags import TagSet


def list_quantized(file):
    """Kinds of the operations that read eight-bit numbers."""
    if file.suffix == ".xml":
        return {
            operation.get_type_name()
            for operation in openvino.Core().read_model(file).get_ops()
            for given in operation.inputs()
            if given.get_source_output().get_node().get_type_name() == "FakeQuantize"
        }
    import onnx

    nodes = onnx.load(file).graph.node
    quantized = {node.output[0] for node in nodes if node.op_type == "DequantizeLinear"}
    return {node.op_type for node in nodes if not quantized.isdisjoint(node.input)}


def write_model(folder, name, *, second_look=False):
    """A model that no training stands behind, the first three of whose tags compete."""
    names = ["red", "green", "blue", "square", "stripe"]
    labels = LabelSpace.from_targets(
        TagSet.from_names(names), torch.ones(2, len(names), dtype=torch.bool)
    )
    torch.manual_seed(0)
    model = create_model(
        name,
        labels,
        backbone="test_efficientnet",
        weights="none",
        one_of=[names[:3]],
        second_look={"tags": names[:1], "first": 32, "size": 32} if second_look else None,
    )
    preprocess = Preprocess(32, "squash", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    save_checkpoint(folder, Checkpoint(model, labels, preprocess))
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("runtime", ["onnx", "openvino"])
def test_a_head_that_takes_parts_of_weights_goes_into_eight_bits(tmp_path, corpus, runtime):
    model = write_model(tmp_path / "model", "add_gcn")
    parity = export_run(model, tmp_path / "int8", runtime, precision="int8", pictures=corpus)
    assert 0 < parity.mean < 0.05


@pytest.mark.slow
@pytest.mark.parametrize("runtime", ["onnx", "openvino"])
def test_tags_that_compete_do_so_with_all_their_bits(tmp_path, corpus, runtime):
    model = write_model(tmp_path / "model", "gap")
    export_run(model, tmp_path / "int8", runtime, precision="int8", pictures=corpus)
    kinds = list_quantized(tmp_path / "int8" / FILES[runtime])
    assert kinds & {"Conv", "Convolution"}
    assert kinds.isdisjoint({"Sub", "Subtract", "Concat", "ReduceSum", "ReduceLogSumExp"})


@pytest.mark.slow
def test_places_in_a_picture_keep_all_their_bits(tmp_path, corpus):
    model = write_model(tmp_path / "model", "gap", second_look=True)
    export_run(model, tmp_path / "int8", "openvino", precision="int8", pictures=corpus)
    graph = openvino.Core().read_model(tmp_path / "int8" / FILES["openvino"])
    (sampling,) = [it for it in graph.get_ops() if it.get_type_name() == "GridSample"]
    place = sampling.input(1).get_source_output().get_node()
    kinds = set()
    while place.get_type_name() != "Convolution":
        kinds.add(place.get_type_name())
        # The way to what says the place leads through the larger inputs.
        sources = [given.get_source_output().get_node() for given in place.inputs()]
        place = next(it for it in sources if it.get_type_name() not in ("Constant", "Convert"))
    assert kinds
    assert "FakeQuantize" not in kinds


@pytest.mark.slow
def test_convolutions_have_weights_of_eight_bits_depthwise_ones_too(tmp_path, corpus):
    model = write_model(tmp_path / "model", "gap")
    export_run(model, tmp_path / "int8", "openvino", precision="int8", pictures=corpus)
    graph = openvino.Core().read_model(tmp_path / "int8" / FILES["openvino"])
    kinds = set()
    for operation in graph.get_ops():
        if operation.get_type_name() in ("Convolution", "GroupConvolution"):
            weights = operation.input(1).get_source_output().get_node()
            # OpenVINO computes in eight bits what comes as a scaled constant of them.
            way = []
            while weights.get_type_name() != "Constant":
                way.append(weights.get_type_name())
                weights = weights.input(0).get_source_output().get_node()
            assert weights.get_element_type() == openvino.Type.i8
            assert way == ["Multiply", "Convert"]
            kinds.add(operation.get_type_name())
    assert kinds == {"Convolution", "GroupConvolution"}


def describe_graph(nodes, outputs):
    """An ONNX graph of no numbers."""
    ends = [
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in end]
        for end in (["input"], outputs)
    ]
    return helper.make_model(helper.make_graph(nodes, "small", *ends))


TAIL = [
    helper.make_node("MatMul", ["seen", "weights"], ["product"], name="product"),
    helper.make_node("Add", ["product", "bias"], ["raw"], name="bias"),
    helper.make_node("ReduceLogSumExp", ["raw"], ["sum"], name="sum"),
    helper.make_node("Sub", ["raw", "sum"], ["logits"], name="compete"),
    helper.make_node("Sigmoid", ["logits"], ["output"], name="sigmoid"),
]


def test_what_lies_behind_the_last_product_is_exempt():
    first = helper.make_node("Sub", ["input", "mean"], ["seen"], name="normalise")
    graph = describe_graph([first, *TAIL], ["output", "logits"])
    assert find_exempt(graph, "onnx", competing=True) == ["bias", "compete", "normalise", "sum"]
    assert find_exempt(graph, "onnx", competing=False) == ["normalise"]


def test_only_the_first_depthwise_convolution_is_exempt():
    nodes = [
        helper.make_node("Conv", ["input", "kernel"], ["stem"], name="stem"),
        helper.make_node("Relu", ["stem"], ["active"], name="activate"),
        helper.make_node("Conv", ["active", "kernel"], ["a"], name="first", group=32),
        helper.make_node("Conv", ["a", "kernel"], ["b"], name="widen"),
        helper.make_node("Conv", ["b", "kernel"], ["seen"], name="second", group=96),
    ]
    graph = describe_graph([*nodes, *TAIL], ["output", "logits"])
    assert find_exempt(graph, "onnx", competing=False) == ["first"]


def test_what_says_where_a_picture_is_cut_is_exempt():
    nodes = [
        helper.make_node("Conv", ["input", "kernel"], ["said"], name="say"),
        helper.make_node("Exp", ["said"], ["side"], name="side"),
        helper.make_node("Mul", ["side", "steps"], ["grid"], name="grid"),
        helper.make_node("Sub", ["input", "mean"], ["picture"], name="normalise"),
        helper.make_node("GridSample", ["picture", "grid"], ["seen"], name="cut"),
    ]
    graph = describe_graph([*nodes, *TAIL], ["output", "logits"])
    assert find_exempt(graph, "onnx", competing=False) == ["cut", "grid", "normalise", "side"]
