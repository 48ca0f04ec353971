"""Label graphs against published counts and loops written by hand.

`label_graphs/*.csv` hold how often the classes of VOC 2007 and COCO 2014 meet in their training
pictures, and on the diagonal how often each occurs, as published with ML-GCN.
"""

import inspect
import itertools
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from zokusei.data.graph import compute_label_graph
from zokusei.data.manifest import Manifest, Record
from zokusei.errors import ConfigError, DataError
from zokusei.label_graph import (
    compute_adjacency,
    compute_conditional,
    describe_graph,
    find_edges,
)
from zokusei.labels import LabelSpace
from zokusei.models import create_model
from zokusei.tags import TagSet

GRAPHS = Path(__file__).parent / "label_graphs"


def read(name):
    return torch.from_numpy(np.loadtxt(GRAPHS / f"{name}.csv", delimiter=",", dtype=np.int64))


def random_counts(size=6, seed=0):
    targets = torch.rand(200, size, generator=torch.Generator().manual_seed(seed)) < 0.5
    targets[:, 0] |= targets[:, 1] & (torch.arange(200) % 4 > 0)
    return (targets.double().T @ targets.double()).long()


@pytest.mark.parametrize(("name", "edges", "receiving_nothing", "top", "in_degree"), [
    ("voc", 6, 20 - 2, 14, 5),  # person receives from five
    ("coco", 111, 57, 49, 55),
])  # fmt: skip
def test_as_many_edges_as_the_published_matrices(name, edges, receiving_nothing, top, in_degree):
    counts = read(name)
    found = find_edges(counts, 0.4)
    assert int(found.sum()) == edges
    assert int((found.sum(0) == 0).sum()) == receiving_nothing
    assert (int(found.sum(0).argmax()), int(found.sum(0).max())) == (top, in_degree)
    description = describe_graph([str(i) for i in range(len(counts))], counts, 0.4)
    assert description["edges"] == len(description["strongest"]) == edges
    assert (description["receiver"], description["largest_in_degree"]) == (str(top), in_degree)
    assert "dominates" in description["warnings"][0]


def by_hand(counts, threshold, p):
    """Loops over the definition, in double precision."""
    size = len(counts)
    kept = [
        [i != j and counts[i][j] / counts[i][i] >= threshold for j in range(size)]
        for i in range(size)
    ]
    weights = [[0.0] * size for _ in range(size)]
    for j in range(size):
        column = sum(kept[i][j] for i in range(size))
        for i in range(size):
            if kept[i][j]:
                weights[i][j] = p / (1 - p) / (column + 1e-6)
        weights[j][j] += 1
    degree = [sum(row) for row in weights]
    return [
        [weights[j][i] / math.sqrt(degree[i]) / math.sqrt(degree[j]) for j in range(size)]
        for i in range(size)
    ]


@pytest.mark.parametrize("threshold", [0.3, 0.5])
@pytest.mark.parametrize("p", [0.0, 0.2, 0.6])
def test_the_adjacency_equals_the_loops(threshold, p):
    for counts in (random_counts(), read("voc")):
        adjacency = compute_adjacency(counts, threshold, p)
        wanted = torch.tensor(by_hand(counts.tolist(), threshold, p))
        torch.testing.assert_close(adjacency, wanted)
        if p and counts.shape[0] == 20:
            assert not torch.allclose(adjacency, adjacency.T)


def test_a_class_receives_from_those_that_imply_it():
    # Every picture with 1 has 0; of those with 0 only a tenth has 1.
    adjacency = compute_adjacency(torch.tensor([[10, 1], [1, 1]]))
    assert adjacency[0, 1] > 0
    assert adjacency[1, 0] == 0


def test_a_class_that_never_occurs_stands_alone_and_is_named():
    counts = torch.tensor([[0, 0, 0], [0, 4, 4], [0, 4, 8]])
    assert compute_conditional(counts)[0].tolist() == [0, 0, 0]
    adjacency = compute_adjacency(counts)
    assert adjacency.isfinite().all()
    assert adjacency[0].tolist() == [1, 0, 0]
    description = describe_graph(["a", "b", "c"], counts)
    assert description["unseen"] == description["isolated"] == ["a"]
    assert "never seen in training, so without edges: a" in description["warnings"][0]


def test_a_tag_counts_only_where_it_is_known():
    """Of 100 pictures with `a` ten say whether they have `b`, and all ten do."""
    targets = torch.tensor([[True, index < 10] for index in range(100)])
    known = targets.clone()
    tags = TagSet.from_names(["a", "b"])
    labels = LabelSpace.from_targets(tags, targets, known)
    assert labels.judged.tolist() == [[100, 10], [10, 10]]
    graph = labels.cooccurrence, labels.judged
    assert compute_conditional(*graph).tolist() == [[0, 1], [1, 0]]
    assert find_edges(graph[0], judged=graph[1])[0, 1]
    assert compute_adjacency(graph[0], judged=graph[1])[1, 0] > 0
    assert describe_graph(["a", "b"], graph[0], judged=graph[1])["edges"] == 2

    known[10:20, 1] = True  # ten more that say they do not
    labels = LabelSpace.from_targets(tags, targets, known)
    assert compute_conditional(labels.cooccurrence, labels.judged)[0, 1] == 0.5
    again = LabelSpace.from_tensors(tags, labels.to_tensors(), labels.num_pictures)
    assert torch.equal(again.judged, labels.judged)
    graphs = {"ml_gcn": compute_adjacency, "p_gcn": compute_adjacency, "ssgrl": compute_conditional}
    for name, compute in graphs.items():
        model = create_model(
            name, again.with_embeddings(torch.eye(2)), backbone="test_efficientnet"
        )
        wanted = compute(labels.cooccurrence, judged=labels.judged).float()
        assert torch.equal(model.head.adjacency, wanted)
        assert not torch.equal(wanted, compute(labels.cooccurrence).float())
    records = [
        Record(f"{i}.png", tags=[tag for tag, has in zip("ab", row, strict=True) if has],
               known=[tag for tag, sure in zip("ab", judged, strict=True) if sure], split="train")
        for i, (row, judged) in enumerate(zip(targets.tolist(), known.tolist(), strict=True))
    ]  # fmt: skip
    described = compute_label_graph(Manifest.from_records(records, tags, "."))
    assert described["conditional"][0][1] == 0.5


def test_where_all_is_known_how_often_is_not_kept():
    targets = torch.rand(50, 3, generator=torch.Generator().manual_seed(0)) < 0.5
    tags = TagSet.from_names(["a", "b", "c"])
    all_known = LabelSpace.from_targets(tags, targets, torch.ones_like(targets))
    kept = all_known.to_tensors()
    assert not any("judged" in name for name in kept)
    labels = LabelSpace.from_tensors(tags, kept, 50)
    diagonal = labels.cooccurrence.diagonal()[:, None].expand(3, 3)
    without = compute_conditional(labels.cooccurrence, labels.judged)
    assert torch.equal(without, compute_conditional(labels.cooccurrence, diagonal))
    with pytest.raises(DataError, match="2 tags has shape"):
        LabelSpace(TagSet.from_names("ab"), torch.eye(2).long(), 4, judged=torch.eye(3).long())


def test_impossible_settings_are_refused():
    with pytest.raises(ConfigError, match=r"\(0, 1\], not 0"):
        find_edges(random_counts(), 0)
    with pytest.raises(ConfigError, match=r"\[0, 1\), not 1"):
        compute_adjacency(random_counts(), 0.4, 1)
    with pytest.raises(DataError, match="square"):
        compute_conditional(torch.ones(2, 3).long())
    # Behind the check of shapes that tests have and users have not.
    unchecked = inspect.unwrap(compute_conditional)
    with pytest.raises(DataError, match=r"judged has shape \(4, 1\), not \(4, 4\)"):
        unchecked(torch.ones(4, 4).long(), torch.ones(4, 1).long())


@pytest.mark.parametrize(("name", "value", "message"), [
    ("places", torch.tensor([[0, 3]]).int(), "counts of more than 3 tags"),
    ("places", torch.tensor([[0, -1]]).int(), "counts of more than 3 tags"),
    ("places", torch.tensor([[0, 1], [1, 1]]).int(), "do not fit together"),
    ("counts", None, "do not fit together"),
])  # fmt: skip
def test_damaged_counts_are_refused(name, value, message):
    tags = TagSet.from_names("abc")
    kept = {"labels.cooccurrence.places": torch.tensor([[0, 1]]).int(),
            "labels.cooccurrence.counts": torch.tensor([4])}  # fmt: skip
    kept[f"labels.cooccurrence.{name}"] = value
    with pytest.raises(DataError, match=message):
        LabelSpace.from_tensors(tags, {k: v for k, v in kept.items() if v is not None}, 9)
    with pytest.raises(DataError, match="are missing"):
        LabelSpace.from_tensors(tags, {}, 9)


def test_counts_in_blocks_are_counts_of_all(monkeypatch):
    generator = torch.Generator().manual_seed(0)
    targets, known = (torch.rand(53, 7, generator=generator) < share for share in (0.4, 0.7))
    tags = TagSet.from_names("abcdefg")
    whole = LabelSpace.from_targets(tags, targets, known)
    for i, j in itertools.product(range(7), repeat=2):
        has = targets[:, i] & known[:, i]
        assert whole.cooccurrence[i, j] == (has & targets[:, j] & known[:, j]).sum()
        assert whole.judged[i, j] == (has & known[:, j]).sum()
    monkeypatch.setattr("zokusei.labels._ENTRIES", 7 * 10)
    parts = LabelSpace.from_targets(tags, targets, known)
    assert torch.equal(parts.cooccurrence, whole.cooccurrence)
    assert torch.equal(parts.judged, whole.judged)


@pytest.mark.parametrize("vectors", [torch.ones(2), torch.ones(2, 3).long(), torch.ones(3, 3)])
def test_vectors_that_are_no_row_of_numbers_a_tag_are_refused(vectors):
    labels = LabelSpace.from_targets(TagSet.from_names("ab"), torch.ones(1, 2).bool())
    object.__setattr__(labels, "embeddings", vectors)  # past the check of shapes that tests have
    with pytest.raises(DataError, match="label embeddings"):
        labels.__post_init__()
