"""ML-GCN, P-GCN and SSGRL against their definitions written out in loops, in double precision."""

import pytest
import torch
from torch import nn

from label_spaces import create_label_space
from loops import (
    add,
    dot,
    gather,
    leaky,
    linear,
    multiply,
    numbers,
    positions,
    sigmoid,
    softmax,
    tanh,
    times,
)  # fmt: skip
from zokusei.errors import ConfigError
from zokusei.label_graph import compute_adjacency, compute_conditional
from zokusei.models.layers import ClassWiseLinear, GraphConvolution
from zokusei.models.ml_gcn import MLGCN
from zokusei.models.p_gcn import PGCN
from zokusei.models.ssgrl import SSGRL

C, D, H, ROWS, COLUMNS = 3, 4, 5, 3, 2


def create(head_class, **options):
    torch.manual_seed(0)
    head = head_class(D, create_label_space(C), **{"hidden": H} | options).double().eval()
    # Built in single precision: give the loops the same graph.
    assert not torch.allclose(head.adjacency, head.adjacency.T)
    return head


def pictures(count=2):
    generator = torch.Generator().manual_seed(1)
    return torch.randn(count, D, ROWS, COLUMNS, generator=generator, dtype=torch.float64)


def assert_equal(head, by_hand):
    features = pictures()
    wanted = [by_hand(head, positions(picture.tolist())) for picture in features]
    torch.testing.assert_close(
        head(features), torch.tensor(wanted, dtype=torch.float64), rtol=1e-10, atol=1e-10
    )


def ml_gcn(head, points):
    w = numbers(head)
    gathered = gather(w["adjacency"], w["label_embeddings"])
    nodes = [leaky(times(node, w["first.weight"])) for node in gathered]
    classifiers = [times(node, w["second.weight"]) for node in gather(w["adjacency"], nodes)]
    columns = list(zip(*points, strict=True))
    mean = [sum(column) / len(column) for column in columns]
    pooled = [max(column) for column in columns] if head.pooling == "max" else mean
    return [dot(classifier, pooled) for classifier in classifiers]


@pytest.mark.parametrize("pooling", ["max", "mean"])
def test_ml_gcn_equals_the_loops(pooling):
    assert_equal(create(MLGCN, pooling=pooling), ml_gcn)


def p_gcn(head, points):
    w = numbers(head)
    fc = [[value[0][0] for value in row] for row in w["activation_map.weight"]]
    attended = []
    for row in fc:
        scores = [dot(row, point) for point in points]
        weights = softmax(scores) if head.attention == "softmax" else sigmoid(scores)
        attended.append([dot(weights, column) for column in zip(*points, strict=True)])
    nodes = [leaky(times(node, w["first.weight"])) for node in gather(w["adjacency"], attended)]
    received = gather(w["adjacency"], nodes)
    if head.second is not None:
        scores = [times(node, w["second.weight"])[0] for node in received]
    else:
        scores = [dot(w["own.weight"][c], received[c]) + w["own.bias"][c] for c in range(C)]
    if head.classifier is None:
        return scores
    weight, bias = w["classifier.weight"], w["classifier.bias"]
    return [scores[c] + dot(weight[c], attended[c]) + bias[c] for c in range(C)]


@pytest.mark.parametrize("attention", ["softmax", "sigmoid"])
@pytest.mark.parametrize("residual", [True, False])
@pytest.mark.parametrize("output", ["shared", "own"])
def test_every_reading_of_p_gcn_equals_the_loops(attention, residual, output):
    assert_equal(create(PGCN, attention=attention, residual=residual, output=output), p_gcn)


def averaged(points):
    """Windows of 2 x 2 of a map of 3 x 2: two whole rows, then the last one alone."""
    windows = [points[:4], points[4:]]
    return [[sum(column) / len(window) for column in zip(*window, strict=True)]
            for window in windows]  # fmt: skip


def ssgrl(head, points):
    w = numbers(head)
    if head.pool:
        points = averaged(points)
    nodes = []
    for vector in w["label_embeddings"]:
        asked = linear(w["from_embeddings.weight"], vector)
        scores = []
        for point in points:
            joint = tanh(multiply(linear(w["from_features.weight"], point), asked))
            scores.append(dot(w["score.weight"][0], linear(w["mix.weight"], joint)))
        weights = softmax(scores)
        seen = [dot(weights, column) for column in zip(*points, strict=True)]
        projected = "to_state.weight" in w
        nodes.append(linear(w["to_state.weight"], seen, w["to_state.bias"]) if projected else seen)
    width = len(nodes[0])
    state, graph = nodes, w["adjacency"]
    back = [list(column) for column in zip(*graph, strict=True)]
    of_messages = [w["gates_of_messages.weight"][k * width : (k + 1) * width] for k in range(3)]
    messages_bias = [w["gates_of_messages.bias"][k * width : (k + 1) * width] for k in range(3)]
    reset_part = slice(0, width) if head.legacy_gate else slice(width, 2 * width)
    for _ in range(head.steps):
        following = []
        for own, there, here in zip(state, gather(graph, state), gather(back, state), strict=True):
            update, reset, candidate = (
                linear(weight, there + here, bias)
                for weight, bias in zip(of_messages, messages_bias, strict=True)
            )
            gates, bias = w["gates_of_state.weight"], w["gates_of_state.bias"]
            z = sigmoid(add(update, linear(gates[:width], own, bias[:width])))
            r = sigmoid(add(reset, linear(gates[reset_part], own, bias[reset_part])))
            kept = linear(
                w["candidate_of_state.weight"], multiply(r, own), w["candidate_of_state.bias"]
            )
            fresh = tanh(add(candidate, kept))
            following.append(
                [(1 - z[d]) * own[d] + z[d] * fresh[d] for d in range(width)]
            )  # fmt: skip
        state = following
    outputs = [
        tanh(linear(w["output.weight"], h + f, w["output.bias"]))
        for h, f in zip(state, nodes, strict=True)
    ]
    weight, bias = w["classifier.weight"], w["classifier.bias"]
    return [dot(weight[c], outputs[c]) + bias[c] for c in range(C)]


@pytest.mark.parametrize("options", [
    {}, {"legacy_gate": True}, {"pool": False}, {"normalize": True}, {"steps": 1},
    {"state": 3},
], ids=str)  # fmt: skip
def test_ssgrl_equals_the_loops(options):
    assert_equal(create(SSGRL, **options), ssgrl)


def test_the_options_are_different_models():
    for head_class, readings in (
        (MLGCN, [{}, {"pooling": "mean"}, {"threshold": 0.9}, {"reweight": 0.5}]),
        (PGCN, [{}, {"attention": "sigmoid"}, {"residual": False}, {"threshold": 0.9}]),
        (SSGRL, [{}, {"state": 3}, {"pool": False}, {"normalize": True}, {"steps": 1}]),
    ):
        logits = [create(head_class, **options)(pictures()) for options in readings]
        for index, one in enumerate(logits):
            assert not any(torch.allclose(one, two) for two in logits[index + 1 :])


@pytest.mark.parametrize("head_class", [MLGCN, PGCN])
@pytest.mark.parametrize("options", [{}, {"threshold": 0.7, "reweight": 0.5}], ids=str)
def test_the_graph_is_the_adjacency_of_the_counts(head_class, options):
    wanted = compute_adjacency(create_label_space(C).cooccurrence, **options)
    assert not torch.allclose(wanted, wanted.T)
    assert torch.equal(create(head_class, **options).adjacency, wanted.double())


def test_the_graph_of_ssgrl_is_the_conditional_probability():
    labels = create_label_space(C)
    head = create(SSGRL)
    torch.testing.assert_close(
        head.adjacency, compute_conditional(labels.cooccurrence).float().double()
    )
    normalized = create(SSGRL, normalize=True).adjacency.sum(1)
    torch.testing.assert_close(normalized, torch.ones_like(normalized), rtol=1e-6, atol=1e-6)


def test_the_attention_of_ssgrl_equals_its_published_form():
    """Every class repeated at every position, both layers with their biases."""
    head, features = create(SSGRL), pictures().flatten(2).mT
    count, places = features.shape[:2]
    mix = nn.Linear(H, H).double()
    score = nn.Linear(H, 1).double()
    mix.weight.data, score.weight.data = head.mix.weight.data, head.score.weight.data
    repeated = features[:, :, None].repeat(1, 1, C, 1).view(-1, D)
    words = head.label_embeddings.repeat(count * places, 1)
    joint = (head.from_features(repeated) * head.from_embeddings(words)).tanh()
    published = score(mix(joint)).view(count, places, C).softmax(1).mT
    torch.testing.assert_close(head.attend(features), published)


def test_many_classes_are_attended_to_in_parts():
    torch.manual_seed(0)
    many = SSGRL(D, create_label_space(130), hidden=H).double().eval()
    points = pictures(1).flatten(2).mT
    together = (many.from_features(points)[:, None]
                * many.from_embeddings(many.label_embeddings)[:, None]).tanh()  # fmt: skip
    scores = many.score(many.mix(together))[..., 0]
    torch.testing.assert_close(many.attend(points), scores.softmax(2))


def test_a_class_wise_layer_is_the_diagonal_of_the_whole_product():
    layer, nodes = ClassWiseLinear(D, C).double(), torch.randn(2, C, D, dtype=torch.float64)
    whole = nodes @ layer.weight.T + layer.bias
    torch.testing.assert_close(layer(nodes), whole.diagonal(dim1=1, dim2=2))


@pytest.mark.parametrize(("wide", "narrow"), [(6, 2), (2, 6)])
def test_a_graph_convolution_is_the_same_product_in_either_order(wide, narrow):
    layer = GraphConvolution(wide, narrow).double()
    adjacency, nodes = torch.randn(C, C).double(), torch.randn(2, C, wide).double()
    torch.testing.assert_close(layer(adjacency, nodes), adjacency @ nodes @ layer.weight)
    torch.testing.assert_close(layer(adjacency, nodes), adjacency @ (nodes @ layer.weight))
    assert layer.weight.abs().max() <= narrow**-0.5  # of the width that comes out


def count(*modules):
    return sum(p.numel() for module in modules for p in module.parameters())


def test_as_many_parameters_as_published():
    labels = create_label_space(20, width=300)
    assert count(MLGCN(2048, labels)) == 2_404_352  # 300 x 1024 + 1024 x 2048, "2.40 M"
    head = SSGRL(2048, labels)
    graph = count(head.gates_of_messages, head.gates_of_state, head.candidate_of_state)
    assert round(graph / 1e6, 1) == 37.8
    semantic = count(head.from_features, head.from_embeddings, head.mix, head.score)
    assert semantic + 1_025 == 3_454_977  # "3.5 M"; two biases that nothing depends on
    assert round(count(head.output) / 1e6, 1) == 8.4


@pytest.mark.parametrize(("head_class", "options"), [
    (MLGCN, {"pooling": "sum"}), (MLGCN, {"threshold": 0}), (MLGCN, {"reweight": 1}),
    (PGCN, {"attention": "mean"}), (PGCN, {"output": "all"}), (PGCN, {"threshold": 2}),
    (SSGRL, {"steps": 0}),
])  # fmt: skip
def test_impossible_readings_are_refused(head_class, options):
    with pytest.raises(ConfigError):
        create(head_class, **options)
