"""Query2Label and ML-Decoder against loops in double precision and torch's own attention."""

import math

import pytest
import torch
from torch import nn

from label_spaces import create_label_space
from loops import (
    add,
    dot,
    layer_norm,
    linear,
    numbers,
    positions,
    relu,
    softmax,
)  # fmt: skip
from zokusei.errors import ConfigError
from zokusei.models.attention import ResidualAttention
from zokusei.models.ml_decoder import MLDecoder
from zokusei.models.query2label import Query2Label, encode_positions

C, D, ROWS, COLUMNS = 5, 8, 2, 3


def create(head_class, **options):
    torch.manual_seed(0)
    head = head_class(D, create_label_space(C), heads=2, **options).double().eval()
    for name, weight in head.named_parameters():
        if weight.ndim == 1:  # norms and biases that start at 1 and 0 would hide mistakes
            weight.data = torch.rand_like(weight) + ("norm.weight" in name)
    return head


def pictures():
    generator = torch.Generator().manual_seed(1)
    return torch.randn(2, D, ROWS, COLUMNS, generator=generator, dtype=torch.float64)


def assert_equal(head, by_hand):
    features = pictures()
    wanted = [by_hand(head, positions(picture.tolist())) for picture in features]
    torch.testing.assert_close(
        head(features), torch.tensor(wanted, dtype=torch.float64), rtol=1e-9, atol=1e-9
    )


def norm(w, name, vector):
    return layer_norm(vector, w[f"{name}.weight"], w[f"{name}.bias"])


def attention(w, name, heads, nodes, query, key, value):
    """Every node, every head, every position."""
    width = len(query[0])
    parts = [w[f"{name}.weight"][k * width : (k + 1) * width] for k in range(3)]
    queries = [linear(parts[0], vector, w[f"{name}.query_bias"]) for vector in query]
    keys = [linear(parts[1], vector) for vector in key]
    values = [linear(parts[2], vector, w[f"{name}.value_bias"]) for vector in value]
    share = width // heads
    result = []
    for node, asked in zip(nodes, queries, strict=True):
        attended = []
        for head in range(heads):
            cut = slice(head * share, (head + 1) * share)
            weights = softmax([dot(asked[cut], k[cut]) / math.sqrt(share) for k in keys])
            parts = [v[cut] for v in values]
            attended += [dot(weights, column) for column in zip(*parts, strict=True)]
        added = linear(w[f"{name}.output.weight"], attended, w[f"{name}.output.bias"])
        result.append(norm(w, f"{name}.norm", add(node, added)))
    return result


def feed_forward(w, name, nodes):
    result = []
    for node in nodes:
        inner = relu(linear(w[f"{name}.layers.0.weight"], node, w[f"{name}.layers.0.bias"]))
        outer = linear(w[f"{name}.layers.3.weight"], inner, w[f"{name}.layers.3.bias"])
        result.append(norm(w, f"{name}.norm", add(node, outer)))
    return result


def places(width):
    """Sines and cosines down, then along, position by position."""
    encoded = []
    for y in range(ROWS):
        for x in range(COLUMNS):
            vector = []
            for index, size in ((y, ROWS), (x, COLUMNS)):
                at = 2 * math.pi * (index + 1) / size
                angles = [at / 10_000 ** (4 * k / width) for k in range(width // 4)]
                vector += [math.sin(a) for a in angles] + [math.cos(a) for a in angles]
            encoded.append(vector)
    return encoded


def query2label(head, points):
    w, heads = numbers(head), 2
    memory = points
    if isinstance(head.projection, nn.Conv2d):
        weight = [[v[0][0] for v in row] for row in w["projection.weight"]]
        memory = [linear(weight, point, w["projection.bias"]) for point in points]
    where = places(len(memory[0]))

    def placed(vectors):
        return [add(a, b) for a, b in zip(vectors, where, strict=True)]

    for index in range(len(head.encoder)):
        name = f"encoder.{index}"
        asking = placed(memory)
        memory = attention(w, f"{name}.attention", heads, memory, asking, asking, memory)
        memory = feed_forward(w, f"{name}.feed_forward", memory)
    queries = w["queries"]
    nodes = [[0.0] * len(queries[0])] * C

    def asked(nodes):
        return [add(a, b) for a, b in zip(nodes, queries, strict=True)]

    for index, layer in enumerate(head.decoder):
        name = f"decoder.{index}"
        if layer.own is not None:
            nodes = attention(w, f"{name}.own", heads, nodes, asked(nodes), asked(nodes), nodes)
        nodes = attention(w, f"{name}.cross", heads, nodes, asked(nodes), placed(memory), memory)
        nodes = feed_forward(w, f"{name}.feed_forward", nodes)
    nodes = [norm(w, "norm", node) for node in nodes]
    weight, bias = w["classifier.weight"], w["classifier.bias"]
    return [dot(weight[c], nodes[c]) + bias[c] for c in range(C)]


@pytest.mark.parametrize("options", [
    {}, {"self_attention": True}, {"hidden": 4, "feedforward": 6},
    {"encoder_layers": 0, "decoder_layers": 1}, {"encoder_layers": 2},
], ids=str)  # fmt: skip
def test_query2label_equals_the_loops(options):
    assert_equal(create(Query2Label, **options), query2label)


def ml_decoder(head, points):
    w = numbers(head)
    memory = [relu(linear(w["embed.weight"], point, w["embed.bias"])) for point in points]
    queries = [norm(w, "norm", [2 * x for x in query]) for query in w["queries"]]
    nodes = attention(w, "attention", 2, queries, queries, memory, memory)
    nodes = feed_forward(w, "feed_forward", nodes)
    answers = []
    for node, weight in zip(nodes, w["weight"], strict=True):
        answers += [dot(node, column) for column in zip(*weight, strict=True)]
    return add(answers[:C], w["bias"])


@pytest.mark.parametrize("groups", [100, 5, 3, 2, 1])
def test_ml_decoder_equals_the_loops(groups):
    """Three queries for five classes: two each, and the last answer of the last is cut off."""
    assert_equal(create(MLDecoder, groups=groups, hidden=6, feedforward=7), ml_decoder)


def test_classes_of_one_query_look_at_the_same_place():
    maps = create(MLDecoder, groups=2, hidden=6).explain(pictures())["activation_maps"]
    assert torch.equal(maps[:, 0], maps[:, 2])
    assert not torch.allclose(maps[:, 2], maps[:, 3])
    torch.testing.assert_close(maps.sum((2, 3)), torch.ones(2, C).double())


def test_attention_is_that_of_torch():
    torch.manual_seed(0)
    ours = ResidualAttention(D, 2, 0.0).double()
    theirs = nn.MultiheadAttention(D, 2, batch_first=True).double()
    ours.query_bias.data.normal_(), ours.value_bias.data.normal_()
    theirs.in_proj_weight.data = ours.weight.data
    any_shift = torch.randn(D).double()  # the bias of the keys changes nothing
    theirs.in_proj_bias.data = torch.cat([ours.query_bias, any_shift, ours.value_bias]).detach()
    theirs.out_proj.load_state_dict(ours.output.state_dict())
    nodes, memory = torch.randn(2, 3, D).double(), torch.randn(2, 4, D).double()
    attended, weights = theirs(nodes, memory, memory)
    torch.testing.assert_close(ours(nodes, nodes, memory, memory), ours.norm(nodes + attended))
    torch.testing.assert_close(ours.weigh(nodes, memory), weights)


def test_positions_are_told_apart():
    encoded = encode_positions(5, 7, 16)
    assert torch.cdist(encoded, encoded).add(torch.eye(35) * 9).min() > 0.1


def test_as_many_parameters_as_the_same_network_of_torchs_layers():
    labels = create_label_space(80)
    inner = nn.TransformerDecoderLayer(768, 8, 2048)
    del inner.self_attn  # what ML-Decoder is known for
    published = [
        nn.Linear(2048, 768), inner, nn.Linear(768, 80),
    ]  # fmt: skip
    # Less the bias of the keys, which nothing depends on.
    assert count(MLDecoder(2048, labels)) == count(*published) - 768
    layers = [nn.TransformerEncoderLayer(2048, 4, 8192)]
    for _ in range(2):
        layer = nn.TransformerDecoderLayer(2048, 4, 8192)
        del layer.self_attn, layer.norm1
        layers.append(layer)
    rest = [nn.LayerNorm(2048), nn.Embedding(80, 2048), nn.Linear(2048, 80)]
    assert count(Query2Label(2048, labels)) == count(*layers, *rest) - 3 * 2048


def count(*modules):
    return sum(p.numel() for module in modules for p in module.parameters())


@pytest.mark.parametrize(("head_class", "options"), [
    (Query2Label, {"hidden": 6}), (Query2Label, {"decoder_layers": 0}),
    (MLDecoder, {"groups": 0}), (MLDecoder, {"hidden": 7}),
])  # fmt: skip
def test_impossible_shapes_are_refused(head_class, options):
    with pytest.raises(ConfigError):
        create(head_class, **options)
