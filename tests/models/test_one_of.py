"""Tags that exclude each other: their probabilities are a softmax, trained, kept and exported."""

import numpy as np
import onnxruntime
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from conftest import Silent
from zokusei.checkpoint import load_checkpoint
from zokusei.config import load_config
from zokusei.errors import ConfigError
from zokusei.export.graph import write_onnx
from zokusei.inference import Tagger
from zokusei.models import OneOf, create_model, find_groups
from zokusei.training.classifier import train_classifier

NAMES = ["red_hair", "smile", "blue_eyes", "blue_hair", "red_eyes", "hat", "grey_hair"]
GROUPS = [["red_hair", "blue_hair", "grey_hair"], ["blue_eyes", "red_eyes"]]


def reckon(logits, names=NAMES, groups=GROUPS):
    """Each group's softmax, with a logit of 0 for none of it; the others' sigmoid."""
    probabilities = 1 / (1 + np.exp(-logits))
    for group in groups:
        columns = [names.index(name) for name in group]
        powers = np.exp(logits[:, columns])
        probabilities[:, columns] = powers / (1 + powers.sum(axis=1, keepdims=True))
    return probabilities


@given(st.lists(st.floats(-20, 20), min_size=14, max_size=14), st.permutations(NAMES))
def test_probabilities_are_a_softmax_whatever_the_order(values, names):
    logits = torch.tensor(values, dtype=torch.float64).view(2, 7)
    found = OneOf(GROUPS, names)(logits).sigmoid().numpy()
    np.testing.assert_allclose(found, reckon(logits.numpy(), names), rtol=1e-9, atol=1e-300)


def test_certainty_is_not_lost_to_rounding():
    """A tag at 60 with one rival at 0 is as sure as exp(-60) * 2 lets it be, in float32 too."""
    logits = OneOf([["a", "b"]], ["a", "b"])(torch.tensor([[60.0, 0.0], [1e4, -1e4]]))
    assert logits[0, 0].item() == pytest.approx(60 - np.log(2), rel=1e-6)
    assert logits[0, 1].item() == pytest.approx(-60, rel=1e-6)
    assert logits.isfinite().all()


def test_gradients_are_those_of_the_definition():
    logits = torch.randn(3, 7, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(OneOf(GROUPS, NAMES), logits)
    extreme = torch.tensor([[300.0, 0, 0, -300, 0, 0, 0]], requires_grad=True)
    OneOf(GROUPS, NAMES)(extreme).sum().backward()
    assert extreme.grad.isfinite().all()


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([["red_hair", "blu_hair"]], "no tag 'blu_hair'; did you mean 'blue_hair'"),
        ([["hat"]], "one tag only: hat"),
        ([["hat", "smile"], ["smile", "red_eyes"]], "'smile' twice"),
        ([["hat", "hat"]], "'hat' twice"),
    ],
)
def test_impossible_groups_are_refused(groups, message):
    with pytest.raises(ConfigError, match=message):
        OneOf(groups, NAMES)


def test_patterns():
    assert find_groups([["*_hair"], ["red_eyes", "blue_*s"]], NAMES) == GROUPS
    with pytest.raises(ConfigError, match=r"no tag is called '\*_ears'"):
        find_groups([["*_hair", "*_ears"]], NAMES)


def test_trained_kept_tagged_and_exported(corpus, tmp_path):
    colours = ["red", "green", "blue"]
    settings = [
        f"data.path={corpus}", "model.backbone=test_efficientnet", "model.weights=none",
        "model.one_of=[[red, blue, 'gr*n']]", "preprocess.size=32", "train.epochs=1",
        "train.workers=0",
    ]  # fmt: skip
    train_classifier(load_config(None, settings), tmp_path / "run", Silent(), lambda message: None)
    loaded = load_checkpoint(tmp_path / "run")
    names = loaded.tags.names
    places = [names.index(colour) for colour in colours]
    pictures = torch.rand(3, 32, 32, 3) * 255

    plain = create_model("gap", loaded.labels, backbone="test_efficientnet").eval()
    plain.load_state_dict(loaded.model.state_dict())
    mean, std = (torch.tensor(value) for value in (loaded.preprocess.mean, loaded.preprocess.std))
    with torch.inference_mode():
        images = ((pictures / 255 - mean) / std).permute(0, 3, 1, 2)
        raw, explained = plain(images), loaded.model.explain(images)["logits"]
    expected = reckon(raw.numpy(), list(names), [colours])
    np.testing.assert_allclose(explained.sigmoid().numpy(), expected, rtol=1e-4)
    assert (expected[:, places].sum(axis=1) < 1).all()

    write_onnx(tmp_path / "model.onnx", loaded.model, loaded.preprocess)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    bgr = pictures.flip(-1).numpy()
    np.testing.assert_allclose(session.run(["output"], {"input": bgr})[0], expected, rtol=1e-3)

    (tags,) = Tagger.load(tmp_path / "run").tag([corpus / "000.png"])
    assert sum(tags.scores[colour] for colour in colours) < 1
