"""CapGCN against the paper's equations written out in loops, in double precision."""

import math
from itertools import combinations

import pytest
import torch

from zokusei.errors import ConfigError
from zokusei.labels import LabelSpace
from zokusei.models.add_gcn import ADDGCN
from zokusei.models.capgcn import CapGCN
from zokusei.tags import TagSet

C, D, CHANNELS, ROWS, COLUMNS, WIDTH = 3, 4, 5, 2, 3, 6
READINGS = [
    {},
    {"mask": "softmax"},
    {"mask": "raw"},
    {"transform": False},
    {"attention": "mean"},
    {"double_activation": False},
    {"residual": False},
    {"caption_projection": False},
    {"caption_joins": "nodes"},
    {"caption_joins": "both"},
    {"global_vector": True},
    {"global_vector": True, "caption_joins": "nodes"},
    {"orientation": "paper"},
    {"fusion": "graph"},
]


def create_labels():
    return LabelSpace.from_targets(
        TagSet.from_names([f"t{i}" for i in range(C)]), torch.ones(2, C).bool()
    )


def create(**options):
    torch.manual_seed(0)
    width = WIDTH if options.get("caption_projection", True) else D
    head = CapGCN(CHANNELS, create_labels(), **{"hidden": D, "caption_width": width} | options)
    head = head.double().eval()
    for name, buffer in head.named_buffers():
        if buffer.ndim:
            buffer.fill_(0.1 if name.endswith("mean") else 1.7)
    return head


def given(head):
    generator = torch.Generator().manual_seed(1)
    features = torch.randn(2, CHANNELS, ROWS, COLUMNS, generator=generator).double()
    captions = torch.randn(2, head.caption_width, generator=generator).double()
    return features, captions


def leaky(x):
    return x if x > 0 else 0.2 * x


def dot(a, b):
    return sum(p * q for p, q in zip(a, b, strict=True))


def by_hand(head, options, features, caption):
    """One picture (channels, rows, columns) and its caption to its logits, in plain Python."""
    options = {
        "mask": "sigmoid", "transform": True, "attention": "sum", "double_activation": True,
        "residual": True, "caption_projection": True, "caption_joins": "adjacency",
        "global_vector": False, "orientation": "code", "fusion": "mean",
    } | options  # fmt: skip
    weights = {key: value.tolist() for key, value in head.state_dict().items()}

    def normed(vector, layer, norm):
        moved = [
            dot(row, vector) + b
            for row, b in zip(weights[f"{layer}.weight"], weights[f"{layer}.bias"], strict=True)
        ]
        return [
            (value - mean) / math.sqrt(var + 1e-5) * scale + shift
            for value, mean, var, scale, shift in zip(
                moved, *(weights[f"{norm}.{key}"] for key in
                         ("running_mean", "running_var", "weight", "bias")), strict=True,
            )
        ]  # fmt: skip

    points = [
        [features[c][y][x] for c in range(CHANNELS)] for y in range(ROWS) for x in range(COLUMNS)
    ]
    fc = [[w[0][0] for w in row] for row in weights["activation_map.weight"]]
    maps = [[dot(fc[c], point) for point in points] for c in range(C)]
    masks = maps
    if options["mask"] == "sigmoid":
        masks = [[1 / (1 + math.exp(-m)) for m in row] for row in maps]
    if options["mask"] == "softmax":
        masks = [[math.exp(m) / sum(map(math.exp, row)) for m in row] for row in maps]
    moved = points
    if options["transform"]:
        conv = [[w[0][0] for w in row] for row in weights["transform.weight"]]
        moved = [
            [dot(row, point) + b for row, b in zip(conv, weights["transform.bias"], strict=True)]
            for point in points
        ]
    width = len(moved[0])
    share = len(points) if options["attention"] == "mean" else 1
    h = [
        [sum(mask[p] * moved[p][d] for p in range(len(points))) / share for d in range(width)]
        for mask in masks
    ]

    def update(gathered, layer):
        if options["double_activation"]:
            gathered = [[leaky(value) for value in node] for node in gathered]
        matrix, bias = weights[f"{layer}.weight"], weights[f"{layer}.bias"]
        return [
            [leaky(dot(row, node) + b) for row, b in zip(matrix, bias, strict=True)]
            for node in gathered
        ]

    def added(a, b):
        if not options["residual"]:
            return b
        return [[p + q for p, q in zip(x, y, strict=True)] for x, y in zip(a, b, strict=True)]

    static = weights["static_adjacency.weight"]
    gathered = [[sum(static[c][k] * h[k][d] for k in range(C)) for d in range(width)]
                for c in range(C)]  # fmt: skip
    v = added(h, update(gathered, "static_weight"))
    if options["caption_projection"]:
        caption = normed(caption, "caption_weight", "caption_norm")
    context = []
    if options["caption_joins"] != "nodes":
        context += caption
    if options["global_vector"]:
        mean = [sum(node[d] for node in v) / C for d in range(width)]
        context += [leaky(value) for value in normed(mean, "global_weight", "global_norm")]
    w, b = weights["dynamic_adjacency.weight"], weights["dynamic_adjacency.bias"]
    a = [
        [1 / (1 + math.exp(-(dot(w[k], context + v[n]) + b[k]))) for n in range(C)]
        for k in range(C)
    ]
    nodes = v if options["caption_joins"] == "adjacency" else [node + caption for node in v]
    received = []
    for n in range(C):
        taken = [a[k][n] if options["orientation"] == "code" else a[n][k] for k in range(C)]
        received.append(
            [sum(taken[k] * nodes[k][d] for k in range(C)) for d in range(len(nodes[0]))]
        )
    z = added(h, update(received, "dynamic_weight"))
    s_r = [
        dot(row, node) + bias
        for row, node, bias in zip(
            weights["classifier.weight"], z, weights["classifier.bias"], strict=True
        )
    ]
    if options["fusion"] == "graph":
        return s_r
    return [(max(row) + score) / 2 for row, score in zip(maps, s_r, strict=True)]


@pytest.mark.parametrize("options", READINGS, ids=str)
def test_every_reading_equals_the_loops(options):
    head = create(**options)
    features, captions = given(head)
    wanted = [
        by_hand(head, options, picture, caption)
        for picture, caption in zip(features.tolist(), captions.tolist(), strict=True)
    ]
    torch.testing.assert_close(
        head(features, captions), torch.tensor(wanted, dtype=torch.float64), rtol=1e-10, atol=1e-10
    )


def test_the_readings_are_different_models():
    readings = []
    for options in READINGS:
        head = create(**options)
        readings.append(head(*given(head)))
    for one, two in combinations(readings, 2):
        assert not torch.allclose(one, two)


@pytest.mark.parametrize("caption_joins", ["adjacency", "nodes", "both"])
def test_the_caption_changes_the_scores_of_every_class(caption_joins):
    head = create(caption_joins=caption_joins)
    features, captions = given(head)
    changed = head(features, captions + 1) - head(features, captions)
    assert (changed.abs() > 1e-9).all()


def test_a_caption_shapes_the_adjacency_only_where_it_joins_it():
    for caption_joins, shapes in (("adjacency", True), ("nodes", False), ("both", True)):
        head = create(caption_joins=caption_joins)
        features, captions = given(head)
        one = head.explain(features, captions)["adjacency"]
        two = head.explain(features, captions + 1)["adjacency"]
        assert torch.allclose(one, two) != shapes


@pytest.mark.parametrize("orientation", ["code", "paper"])
def test_the_adjacency_says_what_a_class_receives_from_which(orientation):
    # Without a residual and of the graph alone, a class whose column is nothing receives nothing.
    head = create(orientation=orientation, residual=False, fusion="graph")
    features, captions = given(head)
    adjacency = head.explain(features, captions)["adjacency"]
    with torch.no_grad():
        head.dynamic_adjacency.bias[1] = -1e9
    silenced = head.explain(features, captions)["adjacency"]
    gone = silenced[:, 1] if orientation == "code" else silenced[:, :, 1]
    assert gone.abs().max() == 0
    assert adjacency.min() > 0


def test_without_a_caption_it_is_add_gcn():
    """The global vector in the place of the caption, which joins with weights of zero."""
    torch.manual_seed(0)
    rival = ADDGCN(CHANNELS, create_labels(), hidden=D).double().eval()
    head = create(global_vector=True)
    state = head.state_dict()
    for key, tensor in rival.state_dict().items():
        if key == "dynamic_adjacency.weight":
            state[key] = torch.cat([torch.zeros(C, D).double(), tensor], dim=1)
        else:
            state[key] = tensor
    head.load_state_dict(state)
    features, captions = given(head)
    torch.testing.assert_close(head(features, captions), rival(features))


@pytest.mark.parametrize(
    "option",
    [{"mask": "max"}, {"attention": "max"}, {"caption_joins": "edges"},
     {"orientation": "up"}, {"fusion": "sum"}],
)  # fmt: skip
def test_unknown_readings_are_refused(option):
    with pytest.raises(ConfigError, match="unknown"):
        create(**option)


def test_a_caption_that_does_not_fit_the_nodes_as_it_is_is_refused():
    with pytest.raises(ConfigError, match="cannot join nodes of 4"):
        create(caption_projection=False, caption_width=WIDTH)


def test_a_batch_of_one_trains_with_what_the_batch_norm_has_seen():
    head = create().train()
    features, captions = given(head)
    before = head.caption_norm.running_mean.clone()
    trained = head(features[:1], captions[:1])
    assert torch.equal(head.caption_norm.running_mean, before)
    torch.testing.assert_close(trained, head.eval()(features[:1], captions[:1]))
