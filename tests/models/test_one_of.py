"""Tags that exclude each other: their probabilities are a softmax, trained, kept and exported."""

import numpy as np
import onnxruntime
import openvino
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from conftest import Silent
from zokusei.checkpoint import load_checkpoint
from zokusei.config_file import load_config
from zokusei.errors import ConfigError
from zokusei.export.graph import write_onnx
from zokusei.export.openvino_file import write_openvino
from zokusei.inference.backends.torch import TorchBackend
from zokusei.losses import binary_cross_entropy
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
        ([["hat"]], r"too few tags \(hat\)"),
        ([[]], r"too few tags \(none\)"),
        ([["hat", "smile"], ["smile", "red_eyes"]], "'smile' twice"),
        ([["hat", "hat"]], "'hat' twice"),
    ],
)
def test_impossible_groups_are_refused(groups, message):
    with pytest.raises(ConfigError, match=message):
        OneOf(groups, NAMES)


def test_patterns():
    assert find_groups([["*_hair"], ["red_eyes", "blue_*s"]], NAMES) == GROUPS
    assert find_groups([["*_*", "smile"]], ["*_*", "red_hair", "smile"]) == [["*_*", "smile"]]
    with pytest.raises(ConfigError, match=r"no tag is called '\*_ears'.*data\.min_count"):
        find_groups([["*_hair", "*_ears"]], NAMES)


def test_many_tags_need_no_room_for_every_pair():
    names = [f"tag_{index}" for index in range(20_000)]
    logits = torch.linspace(-3, 3, 20_000, dtype=torch.float64)[None]
    found = OneOf([names], names)(logits)
    np.testing.assert_allclose(found.sigmoid(), reckon(logits.numpy(), names, [names]), rtol=1e-9)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_halves_are_summed_in_whole_numbers(dtype):
    logits = torch.randn(4, 7).to(dtype)
    found = OneOf(GROUPS, NAMES)(logits)
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found.sigmoid(), reckon(logits.float().numpy()), rtol=1e-5)


def test_what_nobody_looked_for_is_not_taught():
    """That some colours are absent says nothing of those that are unknown."""
    compete = OneOf(GROUPS, NAMES)
    targets, known = torch.zeros(4, 7, dtype=torch.bool), torch.ones(4, 7, dtype=torch.bool)
    red, blue, smile = (NAMES.index(name) for name in ("red_hair", "blue_hair", "smile"))
    known[:, blue] = known[:, smile] = False
    targets[1, red] = True
    targets[2, blue] = True  # unknown: what it says does not count
    known[3, blue] = True
    settled = compete.settle(targets, known)
    expected = known.clone()
    for row in (0, 2):
        expected[row, [NAMES.index(name) for name in GROUPS[0]]] = False
    assert torch.equal(settled, expected)
    logits = torch.randn(4, 7, requires_grad=True)
    binary_cross_entropy(compete(logits), targets.float(), settled).backward()
    assert logits.grad[[0, 2], blue].tolist() == [0, 0]
    assert logits.grad[1, blue] > 0  # red is there, so that blue is not
    assert logits.grad[:, smile].tolist() == [0] * 4


def test_trained_kept_tagged_and_exported(corpus, tmp_path):
    colours, shapes = ["red", "green", "blue"], ["square", "stripe"]
    settings = [
        f"data.path={corpus}", "model.backbone=test_efficientnet", "model.weights=none",
        "model.one_of=[[red, blue, 'gr*n'], [square, stripe]]", "preprocess.size=32",
        "train.epochs=1", "train.workers=0",
    ]  # fmt: skip
    train_classifier(load_config(None, settings), tmp_path / "run", Silent(), lambda message: None)
    loaded = load_checkpoint(tmp_path / "run")
    assert sorted(loaded.tags.names) == sorted([*colours, *shapes])  # each is of a group
    pixels = torch.randint(256, (3, 32, 32, 3), dtype=torch.uint8)

    plain = create_model("gap", loaded.labels, backbone="test_efficientnet").eval()
    plain.load_state_dict(loaded.model.state_dict())
    with torch.inference_mode():
        images = loaded.preprocess.normalize(pixels.permute(0, 3, 1, 2))
        raw, whole = plain(images), loaded.model(images)
        explained = loaded.model.explain(images)["logits"]
    expected = reckon(raw.numpy(), list(loaded.tags.names), [colours, shapes])
    assert np.abs(expected - raw.sigmoid().numpy()).max() > 0.1
    tagged = TorchBackend(loaded, "cpu").predict([pixels.numpy()])
    for found in (whole.sigmoid().numpy(), explained.sigmoid().numpy(), tagged):
        np.testing.assert_allclose(found, expected, rtol=1e-4)

    write_onnx(tmp_path / "model.onnx", loaded.model, loaded.preprocess)
    write_openvino(tmp_path / "model.onnx", tmp_path / "model.xml")
    given = {"input": pixels.flip(-1).float().numpy()}
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    np.testing.assert_allclose(session.run(["output"], given)[0], expected, rtol=1e-3)
    compiled = openvino.compile_model(tmp_path / "model.xml", "CPU")
    np.testing.assert_allclose(compiled(given)["output"], expected, rtol=1e-3)
