"""A mirror from the configuration to exports."""

import pytest

from conftest import Silent
from undecided import leave_undecided
from zokusei.checkpoint import load_checkpoint
from zokusei.config_file import load_config
from zokusei.export.folder import export_run
from zokusei.inference import Tagger
from zokusei.inference.evaluate import evaluate_run
from zokusei.training.classifier import train_classifier


@pytest.fixture(scope="module")
def run(corpus, tmp_path_factory):
    folder = tmp_path_factory.mktemp("mirror") / "run"
    config = load_config(None, [
        f"data.path={corpus}", "model.backbone=test_efficientnet", "model.weights=none",
        "preprocess.size=32", "train.epochs=1", "train.batch_size=8", "train.workers=0",
        "model.mirror=true", "augment.flip=0",
    ])  # fmt: skip
    told = []
    train_classifier(config, folder, Silent(), told.append)
    assert "model.mirror sees mirrored pictures, which augment.flip = 0 never shows it" in told
    leave_undecided(folder, min(corpus.glob("*.png")), std=8)
    return folder


def test_the_run_is_judged_with_its_mirror(run):
    assert load_checkpoint(run).model.mirror
    assert evaluate_run(run)["mirror"]
    assert not evaluate_run(run, name="once", mirror=False)["mirror"]


@pytest.mark.parametrize("runtime", ["onnx", "openvino"])
def test_what_is_exported_has_the_mirror(run, corpus, tmp_path, runtime):
    paths = sorted(corpus.glob("*.png"))[:5]
    export_run(run, tmp_path / "x", runtime)
    trained = Tagger.load(run, device="cpu")
    before, after = (list(tagger.tag(paths)) for tagger in (trained, Tagger.load(tmp_path / "x")))
    trained.backend.model.mirror = False
    once = list(trained.tag(paths))
    for one, two in zip(after, before, strict=True):
        assert one.scores == pytest.approx(two.scores, abs=1e-4)
    assert max(
        abs(one.scores[name] - two.scores[name])
        for one, two in zip(once, before, strict=True)
        for name in one.scores
    ) > 0.05  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("runtime", ["onnx", "openvino"])
def test_eight_bits_say_nearly_the_same(run, tmp_path, runtime):
    assert 0 < export_run(run, tmp_path / "x", runtime, precision="int8").mean < 0.1
