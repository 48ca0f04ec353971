"""The pointing game: what counts as a hit, and that models which read captions can play."""

import numpy as np
import pytest
import torch
from PIL import Image
from test_tables import load

from captioned import write_captioner
from zokusei.caption_checkpoint import load_caption_checkpoint
from zokusei.caption_source import CaptionSource
from zokusei.checkpoint import Checkpoint
from zokusei.data.manifest import Box, Manifest, Record
from zokusei.images.preprocess import Preprocess
from zokusei.inference import Tagger
from zokusei.inference.explain import explain_picture
from zokusei.labels import LabelSpace
from zokusei.models import create_model
from zokusei.tags import TagSet

NAMES = ["hat", "shoes", "smile"]


@pytest.fixture(scope="module")
def pointing():
    return load("pointing")


@pytest.fixture
def tagger(tmp_path):
    """The paper's model, not trained, with a captioner of its own."""
    captions = CaptionSource(load_caption_checkpoint(write_captioner(tmp_path / "captioner")))
    torch.manual_seed(0)
    labels = LabelSpace.from_targets(TagSet.from_names(NAMES), torch.ones(1, 3).bool())
    model = create_model(
        "capgcn", labels, backbone="test_efficientnet", hidden=8, caption_width=captions.width,
        caption_joins="both",
    )  # fmt: skip
    preprocess = Preprocess(96, "squash", (0.5,) * 3, (0.5,) * 3)
    return Tagger(Checkpoint(model.eval(), labels, preprocess, captions=captions))


@pytest.fixture
def manifest(tmp_path):
    """A hat at the top left, shoes at the bottom right; then a smile alone, and nothing."""
    boxes = [
        [Box("hat", 0, 0, 32, 32), Box("shoes", 64, 64, 32, 32), Box("wings", 0, 0, 96, 96)],
        [Box("smile", 0, 0, 96, 48)],
        [],
    ]
    records = []
    for number, own in enumerate(boxes):
        pixels = np.random.default_rng(number).integers(0, 255, (96, 96, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
        records.append(Record(f"{number}.png", [box.tag for box in own], boxes=own))
    return Manifest.from_records(records, TagSet.from_names([*NAMES, "wings"]), tmp_path)


def test_a_hit_is_a_peak_in_the_box_and_another_tags_map_is_chance(
    pointing, tagger, manifest, monkeypatch
):
    maps = np.zeros((3, 3, 3), np.float32)
    maps[NAMES.index("hat"), 0, 0] = 1  # in its box
    maps[NAMES.index("shoes"), 0, 0] = 1  # in the box of the hat
    maps[NAMES.index("smile"), 2, 2] = 1  # in no box
    monkeypatch.setattr(
        pointing, "look",
        lambda tagger, images, indices, vectors: {"map": maps[indices]} if indices else {},
    )  # fmt: skip
    hat, shoes, smile = pointing.point_at_all(tagger, manifest)
    assert (hat["map"], hat["map, another tag"]) == (True, 1.0)
    assert (shoes["map"], shoes["map, another tag"]) == (False, 0.0)
    assert not smile["map"]
    assert np.isnan(smile["map, another tag"])  # the picture has no other
    assert [hit["picture"] for hit in (hat, shoes, smile)] == [0, 0, 1]
    assert hat["area"] == pytest.approx(1 / 9)
    assert smile["area"] == pytest.approx(1 / 2)


def test_a_model_that_reads_captions_points_as_it_explains(pointing, tagger, manifest, monkeypatch):
    given = []

    def record(bound, images, indices):
        given.append((bound, images, indices))
        return np.zeros((len(indices), 96, 96), np.float32)

    monkeypatch.setattr(pointing, "compute_grad_cam", record)
    points = []
    inside = pointing.inside
    monkeypatch.setattr(pointing, "inside", lambda *a: points.append(a[1]) or inside(*a))
    tries = pointing.point_at_all(tagger, manifest)
    assert len(tries) == 3
    explained = explain_picture(tagger, manifest.paths[1], ["smile"]).reasons[0]
    assert points[-2] == pytest.approx(explained.peak)  # the last is Grad-CAM's
    # What Grad-CAM looks at has the scores of tagging, for each copy of the picture.
    scores = next(tagger.tag([manifest.paths[0]])).scores
    bound, images, indices = given[0]
    assert indices == [0, 1]
    logits = bound(images.expand(2, -1, -1, -1))
    wanted = [scores[name] for name in NAMES]
    for row in logits.sigmoid().tolist():
        assert row == pytest.approx(wanted, abs=1e-5)
    logits.sum().backward()  # a vector made without gradients would refuse


def test_grad_cam_looks_at_a_model_that_reads_captions(pointing, tagger, manifest):
    pytest.importorskip("pytorch_grad_cam")
    for hit in pointing.point_at_all(tagger, manifest):
        assert {"activation map", "grad-cam", "grad-cam, another tag"} < set(hit)
