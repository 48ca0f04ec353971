"""ADD-GCN against its definition written out in loops, in double precision."""

import math

import pytest
import torch

from zokusei.errors import ConfigError
from zokusei.labels import LabelSpace
from zokusei.models.add_gcn import ADDGCN
from zokusei.tags import TagSet

C, D, CHANNELS, ROWS, COLUMNS = 3, 4, 5, 2, 3


def create(**options):
    torch.manual_seed(0)
    labels = LabelSpace.from_targets(
        TagSet.from_names([f"t{i}" for i in range(C)]), torch.ones(2, C).bool()
    )
    head = ADDGCN(CHANNELS, labels, **{"hidden": D} | options).double()
    for buffer, value in ((head, 0.3), (head, 1.7)):
        if hasattr(buffer, "global_norm"):
            head.global_norm.running_mean.fill_(0.1)
            head.global_norm.running_var.fill_(value)
    return head.eval()


def leaky(x):
    return x if x > 0 else 0.2 * x


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def by_hand(head, features):
    """One picture (channels, rows, columns) to its logits, in plain Python."""
    weights = {key: value.tolist() for key, value in head.state_dict().items()}
    points = [
        [features[c][y][x] for c in range(CHANNELS)] for y in range(ROWS) for x in range(COLUMNS)
    ]

    def dot(a, b):
        return sum(p * q for p, q in zip(a, b, strict=True))

    fc = [[w[0][0] for w in row] for row in weights["activation_map.weight"]]
    maps = [[dot(fc[c], point) for point in points] for c in range(C)]
    s_m = [max(row) for row in maps]
    if head.fusion == "activation":
        return s_m
    conv = [[w[0][0] for w in row] for row in weights["transform.weight"]]
    moved = [
        [dot(conv[d], point) + weights["transform.bias"][d] for d in range(D)] for point in points
    ]
    v = [
        [
            sum(sigmoid(maps[c][p]) * moved[p][d] for p in range(len(points)))
            / (len(points) if head.attention == "mean" else 1)
            for d in range(D)
        ]
        for c in range(C)
    ]

    def convolve(gathered, layer):
        if getattr(head, layer).double_activation:
            gathered = [[leaky(value) for value in node] for node in gathered]
        matrix, bias = weights[f"{layer}.weight"], weights[f"{layer}.bias"]
        return [[leaky(dot(matrix[d], node) + bias[d]) for d in range(D)] for node in gathered]

    def added(a, b):
        if not head.residual:
            return b
        return [[p + q for p, q in zip(x, y, strict=True)] for x, y in zip(a, b, strict=True)]

    a_s = weights["static_adjacency.weight"]
    gathered = [[sum(a_s[c][k] * v[k][d] for k in range(C)) for d in range(D)] for c in range(C)]
    x = added(v, convolve(gathered, "static_weight"))
    mean = [sum(node[d] for node in x) / C for d in range(D)]
    g = []
    for d in range(D):
        value = dot(weights["global_weight.weight"][d], mean) + weights["global_weight.bias"][d]
        value = (value - weights["global_norm.running_mean"][d]) / math.sqrt(
            weights["global_norm.running_var"][d] + 1e-5
        )
        g.append(leaky(value * weights["global_norm.weight"][d] + weights["global_norm.bias"][d]))
    w, b = weights["dynamic_adjacency.weight"], weights["dynamic_adjacency.bias"]
    adjacency = [[sigmoid(dot(w[k], g + x[n]) + b[k]) for n in range(C)] for k in range(C)]
    received = [
        [sum(adjacency[k][n] * x[k][d] for k in range(C)) for d in range(D)] for n in range(C)
    ]
    z = added(v, convolve(received, "dynamic_weight"))
    s_r = [
        dot(weights["classifier.weight"][c], z[c]) + weights["classifier.bias"][c] for c in range(C)
    ]
    if head.fusion == "graph":
        return s_r
    return [(one + two) / 2 for one, two in zip(s_m, s_r, strict=True)]


@pytest.mark.parametrize("double_activation", [True, False])
@pytest.mark.parametrize("residual", [True, False])
@pytest.mark.parametrize("fusion", ["mean", "graph", "activation"])
@pytest.mark.parametrize("attention", ["sum", "mean"])
def test_every_reading_equals_the_loops(double_activation, residual, fusion, attention):
    head = create(
        double_activation=double_activation, residual=residual, fusion=fusion, attention=attention
    )
    features = torch.randn(2, CHANNELS, ROWS, COLUMNS, dtype=torch.float64)
    wanted = [by_hand(head, picture.tolist()) for picture in features]
    torch.testing.assert_close(
        head(features), torch.tensor(wanted, dtype=torch.float64), rtol=1e-10, atol=1e-10
    )


def test_the_options_are_different_models():
    features = torch.randn(2, CHANNELS, ROWS, COLUMNS, dtype=torch.float64)
    readings = [
        create(**options)(features)
        for options in (
            {},
            {"double_activation": False},
            {"residual": False},
            {"fusion": "graph"},
            {"fusion": "activation"},
            {"attention": "mean"},
        )
    ]
    for index, one in enumerate(readings):
        for two in readings[index + 1 :]:
            assert not torch.allclose(one, two)


def test_as_many_parameters_as_the_published_head():
    """5.78 million for 100 classes, of which 100 x 100 are a fixed mask that picks a diagonal."""
    labels = LabelSpace.from_targets(
        TagSet.from_names([f"t{i}" for i in range(100)]), torch.ones(1, 100).bool()
    )
    count = sum(p.numel() for p in ADDGCN(2048, labels).parameters())
    assert count + 100 * 100 == 5_781_224


def test_checkpoints_of_earlier_versions_fit():
    shapes = {key: tuple(weight.shape) for key, weight in create().state_dict().items()}
    assert shapes["classifier.weight"] == (C, D)
    assert shapes["classifier.bias"] == (C,)
    assert {key.split(".")[0] for key in shapes} == {
        "activation_map", "transform", "static_adjacency", "static_weight", "global_weight",
        "global_norm", "dynamic_adjacency", "dynamic_weight", "classifier",
    }  # fmt: skip


def test_the_adjacency_says_what_a_class_receives_from_which():
    head = create()
    features = torch.randn(2, CHANNELS, ROWS, COLUMNS, dtype=torch.float64)
    parts = head.explain(features)
    assert parts["adjacency"].shape == (2, C, C)
    assert ((parts["adjacency"] > 0) & (parts["adjacency"] < 1)).all()
    # A class that nobody receives from (its row is nothing) changes only its own score.
    with torch.no_grad():
        head.dynamic_adjacency.bias[1] = -1e9
    assert head.explain(features)["adjacency"][:, 1].abs().max() == 0


def test_gradients_in_double_precision():
    head = create()
    features = torch.randn(2, CHANNELS, ROWS, COLUMNS, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(head, (features,))


def test_the_batch_norm_of_one_picture_uses_what_it_has_seen():
    head = create().train()
    features = torch.randn(1, CHANNELS, ROWS, COLUMNS, dtype=torch.float64)
    before = head.global_norm.running_mean.clone()
    trained = head(features)
    assert torch.equal(head.global_norm.running_mean, before)
    torch.testing.assert_close(trained, head.eval()(features))


@pytest.mark.parametrize("option", [{"fusion": "sum"}, {"attention": "max"}])
def test_unknown_readings_are_refused(option):
    with pytest.raises(ConfigError, match="unknown"):
        create(**option)


@pytest.mark.parametrize("fusion", ["mean", "graph"])
@pytest.mark.parametrize("residual", [True, False])
def test_the_influence_of_a_class_is_what_the_logit_loses_without_its_edge(fusion, residual):
    head = create(fusion=fusion, residual=residual)
    parts = head.explain(torch.randn(2, CHANNELS, ROWS, COLUMNS, dtype=torch.float64))
    for picture, receiver, sender in [(0, 0, 1), (1, 2, 0), (1, 1, 1)]:
        adjacency = parts["adjacency"].clone()
        adjacency[picture, sender, receiver] = 0
        without = head.conclude(
            parts["attended"], parts["nodes"], adjacency, parts["activation_maps"]
        )
        lost = (parts["logits"] - without["logits"])[picture]
        influence = head.compute_influence(parts, picture, receiver)
        torch.testing.assert_close(influence[sender], lost[receiver])
        lost[receiver] = 0  # and no other logit has changed
        assert lost.abs().max() == 0
