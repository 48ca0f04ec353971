"""How much a caption has to say: nothing, everything, and what follows from it."""

import numpy as np
import pytest
import torch
from PIL import Image
from test_tables import load

from captioned import write_captioner
from zokusei.caption_checkpoint import load_caption_checkpoint
from zokusei.caption_source import CaptionSource
from zokusei.checkpoint import Checkpoint
from zokusei.data.manifest import Manifest, Record
from zokusei.images.preprocess import Preprocess
from zokusei.labels import LabelSpace
from zokusei.models import create_model
from zokusei.tags import TagSet

NAMES = ["hat", "shoes", "smile"]


@pytest.fixture(scope="module")
def benchmark():
    return load("caption_weight")


@pytest.fixture
def checkpoint(tmp_path, monkeypatch):
    """The paper's model, not trained, with a captioner of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    source = CaptionSource(load_caption_checkpoint(write_captioner(tmp_path / "captioner")))
    torch.manual_seed(0)
    labels = LabelSpace.from_targets(TagSet.from_names(NAMES), torch.ones(1, 3).bool())
    model = create_model(
        "capgcn", labels, backbone="test_efficientnet", hidden=8, caption_width=source.width
    )
    for weight in model.head.parameters():
        torch.nn.init.normal_(weight, std=0.5)
    preprocess = Preprocess(64, "squash", (0.5,) * 3, (0.5,) * 3)
    return Checkpoint(model.eval(), labels, preprocess, captions=source)


@pytest.fixture
def manifest(tmp_path):
    records = []
    for number in range(12):
        rng = np.random.default_rng(number)
        coarse = Image.fromarray(rng.integers(0, 255, (3, 3, 3), dtype=np.uint8))
        coarse.resize((64, 64)).save(tmp_path / f"{number}.png")
        positive = [name for place, name in enumerate(NAMES) if number >> place & 1]
        records.append(Record(f"{number}.png", positive))
    return Manifest.from_records(records, TagSet.from_names(NAMES), tmp_path)


def parts_of(checkpoint):
    decide = checkpoint.model.head.dynamic_adjacency
    return decide.weight.data.tensor_split([decide.context], dim=1)


def test_what_nobody_listens_to_has_no_weight(benchmark, checkpoint, manifest):
    for_caption, _ = parts_of(checkpoint)
    for_caption.zero_()
    found = benchmark.measure(checkpoint, manifest)
    assert found["caption_share"] == 0
    assert found["map"] == found["map_of_others"]


def test_what_alone_decides_has_all_the_weight(benchmark, checkpoint, manifest):
    _, for_nodes = parts_of(checkpoint)
    for_nodes.zero_()
    assert benchmark.measure(checkpoint, manifest)["caption_share"] == pytest.approx(100)


def test_figures_are_those_of_a_loop_by_hand(benchmark, checkpoint, manifest):
    found = benchmark.measure(checkpoint, manifest)
    images = torch.stack([checkpoint.preprocess(path) for path in manifest.paths])
    seen = torch.stack([
        torch.from_numpy(checkpoint.captions.checkpoint.preprocess.to_array(Image.open(path)))
        for path in manifest.paths
    ]).permute(0, 3, 1, 2)  # fmt: skip
    vectors = checkpoint.captions.compute(checkpoint.captions.encode(seen)).clone()
    with torch.no_grad():
        parts = checkpoint.model.explain(images, vectors)
    assert found["node_rms"] == pytest.approx(
        float(parts["nodes"].square().mean().sqrt()), rel=1e-3
    )
    assert found["caption_rms"] == pytest.approx(
        float(parts["caption"].square().mean().sqrt()), rel=1e-3
    )
    edges = parts["adjacency"]
    assert found["decided"] == pytest.approx(
        100 * float(((edges < 0.01) | (edges > 0.99)).float().mean())
    )
    # The two parts of an edge, apart: what an edge is without the other.
    for_caption, for_nodes = parts_of(checkpoint)
    shares = []
    for sender in range(3):
        caption = (parts["caption"] @ for_caption[sender]).var()
        nodes = (parts["nodes"] @ for_nodes[sender]).flatten().var()
        shares.append(float(caption / (caption + nodes)))
    assert found["caption_share"] == pytest.approx(100 * np.mean(shares), rel=1e-3)


def test_a_model_without_captions_is_refused(benchmark, checkpoint, manifest):
    plain = create_model("gap", checkpoint.labels, backbone="test_efficientnet")
    with pytest.raises(SystemExit, match="no caption joins"):
        benchmark.measure(Checkpoint(plain, checkpoint.labels, checkpoint.preprocess), manifest)
