"""A second look from the configuration to exports and explanations."""

import json

import pytest
import torch
from PIL import Image

from conftest import Silent
from zokusei.config import load_config
from zokusei.errors import ConfigError
from zokusei.export.folder import export_run
from zokusei.inference import Tagger
from zokusei.inference.evaluate import evaluate_run
from zokusei.models.second_look import FaceFinder, load_face_finder
from zokusei.training.classifier import train_classifier


@pytest.fixture(scope="module")
def settings(corpus):
    return [
        f"data.path={corpus}", "model.backbone=test_efficientnet", "model.weights=none",
        "preprocess.size=64", "augment.size=32", "train.epochs=1", "train.batch_size=8",
        "train.workers=0", "model.second_look=['str*', square]",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def run(settings, tmp_path_factory):
    folder = tmp_path_factory.mktemp("twice") / "run"
    train_classifier(load_config(None, settings), folder, Silent(), lambda message: None)
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
    pairs = zip(
        Tagger.load(run, device="cpu").tag(paths), Tagger.load(tmp_path / "x").tag(paths),
        strict=True,
    )  # fmt: skip
    for before, after in pairs:
        assert after.scores == pytest.approx(before.scores, abs=1e-4)


def test_an_explanation_says_where_it_looked_again(zokusei, run, corpus, tmp_path):
    picture = tmp_path / "wide.png"
    Image.open(sorted(corpus.glob("*.png"))[0]).convert("RGB").resize((200, 100)).save(picture)
    code, out, err = zokusei(
        "explain", run, picture, "--json", "-o", tmp_path / "sheet.png"
    )  # fmt: skip
    assert code == 0, err
    face = json.loads(out)["face"]
    assert 0 <= face["certainty"] <= 1
    assert all(0 <= low <= high <= 1 for low, high in zip(face["from"], face["to"], strict=True))
    assert (tmp_path / "sheet.png").exists()


def test_a_tag_that_is_not_there_is_named(settings, tmp_path):
    config = load_config(None, [*settings, "model.second_look=[sqare]"])
    with pytest.raises(ConfigError, match=r"second_look: no tag is called 'sqare'.*square"):
        train_classifier(config, tmp_path / "run", Silent(), lambda message: None)
    assert not (tmp_path / "run").exists()
