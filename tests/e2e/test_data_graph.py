"""`zokusei data graph`: what it counts, prints, draws and warns of."""

import json

import pytest
import torch
from PIL import Image

from zokusei.data.manifest import Manifest, Record
from zokusei.label_graph import compute_adjacency


@pytest.fixture
def manifest(tmp_path):
    """Of four hats three have a bow; in the other splits bows are everywhere."""
    rows = [["hat", "bow"]] * 3 + [["hat"]] + [["bow"]] * 6 + [["smile"]]
    records = [Record(f"{i}.png", tags, split="train") for i, tags in enumerate(rows)]
    records += [Record(f"v{i}.png", ["smile", "bow", "cape"], split="val") for i in range(9)]
    path = tmp_path / "manifest.parquet"
    Manifest.from_records(records, None, tmp_path).save(path)
    return path


def test_only_training_pictures_count(zokusei, manifest):
    code, out, err = zokusei("data", "graph", manifest, "--json")
    graph = json.loads(out)
    assert code == 0
    assert graph["pictures"] == 11
    counts = dict(zip(graph["names"], graph["counts"], strict=True))
    assert counts == {"hat": 4, "bow": 9, "smile": 1, "cape": 0}
    at = graph["names"].index
    conditional = torch.tensor(graph["conditional"])
    assert conditional[at("hat"), at("bow")] == 3 / 4
    assert conditional[at("bow"), at("hat")] == pytest.approx(3 / 9)
    assert conditional[at("smile"), at("bow")] == 0
    assert [(e["from"], e["to"], e["probability"]) for e in graph["strongest"]] == [
        ("hat", "bow", 0.75)
    ]
    assert graph["strongest"][0]["weight"] == graph["adjacency"][at("bow")][at("hat")] > 0
    assert (graph["edges"], graph["isolated"]) == (1, sorted(["smile", "cape"], key=at))
    assert graph["unseen"] == ["cape"]
    assert "warning: never seen in training, so without edges: cape" in err


def test_settings_change_the_graph_as_they_change_the_models(zokusei, manifest):
    settings = ["--threshold", 0.3, "--reweight", 0.5, "--json"]
    graph = json.loads(zokusei("data", "graph", manifest, *settings)[1])
    assert graph["edges"] == 2
    at = graph["names"].index
    counts = torch.zeros(4, 4).long()
    for one, two, count in (("hat", "hat", 4), ("bow", "bow", 9), ("smile", "smile", 1),
                            ("hat", "bow", 3), ("bow", "hat", 3)):  # fmt: skip
        counts[at(one), at(two)] = count
    wanted = compute_adjacency(counts, 0.3, 0.5)
    torch.testing.assert_close(torch.tensor(graph["adjacency"]), wanted)


@pytest.mark.parametrize("name", ["graph.png", "graph.svg", "graph.pdf"])
def test_it_is_drawn(zokusei, manifest, tmp_path, name):
    code, out, err = zokusei("data", "graph", manifest, "--out", tmp_path / name)
    assert code == 0, err
    assert "75.0" in out
    assert "largest in-degree" in out
    if name.endswith("png"):
        with Image.open(tmp_path / name) as picture:
            assert min(picture.size) > 500
            assert len(set(picture.convert("L").resize((90, 90)).tobytes())) > 20
    if name.endswith("svg"):
        assert (tmp_path / name).read_text().count("<path") > 10


def test_a_tag_that_dominates_is_named(zokusei, tmp_path):
    rows = [[f"tag{i}", "solo"] for i in range(8)]
    records = [Record(f"{i}.png", tags, split="train") for i, tags in enumerate(rows)]
    Manifest.from_records(records, None, tmp_path).save(tmp_path / "m.parquet")
    _, _, err = zokusei("data", "graph", tmp_path / "m.parquet")
    assert "warning: 'solo' is implied by 8 of 9 classes" in err


def test_what_cannot_be_is_one_line(zokusei, manifest, tmp_path, corpus):
    for arguments, message in (
        ([manifest, "--threshold", 0], "lies in (0, 1], not 0"),
        ([manifest, "--out", tmp_path / "graph.gif"], "not 'graph.gif'"),
        ([corpus], "no picture is in the training split"),
    ):
        code, out, err = zokusei("data", "graph", *arguments)
        assert (code, out) == (2, "")
        assert message in err
        assert err.count("\n") == 1
    assert not (tmp_path / "graph.gif").exists()
