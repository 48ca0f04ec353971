"""A second look from the configuration to exports and explanations."""

import json

import pytest
import torch
from PIL import Image

from conftest import Silent
from undecided import leave_undecided
from zokusei.config_file import load_config
from zokusei.errors import ConfigError
from zokusei.export.folder import export_run
from zokusei.inference import Tagger
from zokusei.inference.evaluate import evaluate_run
from zokusei.models.second_look import Face, FaceFinder, SecondLook, load_face_finder
from zokusei.training.classifier import train_classifier


@pytest.fixture(scope="module")
def settings(corpus):
    return [
        f"data.path={corpus}", "model.backbone=test_efficientnet", "model.weights=none",
        "preprocess.size=64", "augment.size=32", "train.epochs=1", "train.batch_size=8",
        "train.workers=0", "model.second_look=['str*', square]",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def run(settings, corpus, tmp_path_factory):
    folder = tmp_path_factory.mktemp("twice") / "run"
    train_classifier(load_config(None, settings), folder, Silent(), lambda message: None)
    leave_undecided(folder, min(corpus.glob("*.png")), std=3)
    evaluate_run(folder)
    return folder


def test_the_checkpoint_has_the_finder_of_the_package(run):
    model = Tagger.load(run).model
    assert model.arguments["second_look"]["first"] == 32
    finder = FaceFinder()
    load_face_finder(finder)
    for name, weight in model.second_look.finder.state_dict().items():
        assert torch.equal(weight, finder.state_dict()[name]), name


@pytest.mark.parametrize("target", ["onnx", "openvino"])
def test_what_is_exported_looks_twice(run, corpus, tmp_path, target):
    paths = sorted(corpus.glob("*.png"))[:5]
    export_run(run, tmp_path / "x", target)
    trained = Tagger.load(run, device="cpu")
    before, after = (list(tagger.tag(paths)) for tagger in (trained, Tagger.load(tmp_path / "x")))
    for one, other in zip(before, after, strict=True):
        assert other.scores == pytest.approx(one.scores, abs=1e-4)
    # One look says something else, and of the tag that is not named the same.
    trained.backend.model.conclude = lambda images, logits, vectors: logits
    once = list(trained.tag(paths))
    assert max(abs(one.scores["square"] - two.scores["square"])
               for one, two in zip(once, before, strict=True)) > 1e-3  # fmt: skip
    assert [one.scores["red"] for one in once] == [two.scores["red"] for two in before]


def test_an_explanation_says_where_it_looked_again(zokusei, run, tmp_path, monkeypatch):
    picture = tmp_path / "wide.png"
    Image.new("RGB", (200, 100), "#4080c0").save(picture)
    face = Face(*(torch.tensor([number]) for number in (0.4, 0.51, 0.2, 0.75)))
    monkeypatch.setattr(SecondLook, "find_face", lambda self, images: face)
    code, out, err = zokusei("explain", run, picture, "--json", "-o", tmp_path / "sheet.png")
    assert code == 0, err
    # The square of 0.3 around (0.4, 0.5); the picture is the middle half of what is padded.
    assert json.loads(out)["face"] == {
        "from": pytest.approx([0.25, 0.2], abs=1e-5),
        "to": pytest.approx([0.55, 0.8], abs=1e-5),
        "certainty": 0.75,
    }
    with Image.open(tmp_path / "sheet.png") as sheet:
        corner, side = 18, 264
        frame = sheet.getpixel((corner + round(0.25 * side), corner + side // 2))
        inside = sheet.getpixel((corner + round(0.4 * side), corner + side // 2))
    assert frame[0] > 2 * frame[2]  # red
    assert inside[2] > 2 * inside[0]  # as the picture


def test_a_tag_that_is_not_there_is_named(settings, tmp_path):
    config = load_config(None, [*settings, "model.second_look=[sqare]"])
    with pytest.raises(ConfigError, match=r"second_look: no tag is called 'sqare'.*square"):
        train_classifier(config, tmp_path / "run", Silent(), lambda message: None)
    assert not (tmp_path / "run").exists()
