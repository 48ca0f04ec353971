"""A mirror from the configuration to exports."""

import pytest
import torch

from conftest import Silent
from zokusei.checkpoint import load_checkpoint, save_checkpoint
from zokusei.config import load_config
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
    # One epoch leaves next to nothing in the head, and both sides would say the same.
    checkpoint = load_checkpoint(folder)
    torch.manual_seed(0)
    torch.nn.init.normal_(checkpoint.model.head.classifier.weight, std=3)
    save_checkpoint(folder / "model", checkpoint)
    return folder


def test_the_run_is_judged_with_its_mirror(run):
    assert load_checkpoint(run).model.mirror
    assert evaluate_run(run)["mirror"]
    assert not evaluate_run(run, name="once", mirror=False)["mirror"]


@pytest.mark.slow
@pytest.mark.parametrize("runtime", ["onnx", "openvino"])
@pytest.mark.parametrize("int8", [False, True])
def test_what_is_exported_has_the_mirror(run, corpus, tmp_path, runtime, int8):
    paths = sorted(corpus.glob("*.png"))[:5]
    export_run(run, tmp_path / "x", runtime, int8=int8)
    trained = Tagger.load(run, device="cpu")
    before, after = (list(tagger.tag(paths)) for tagger in (trained, Tagger.load(tmp_path / "x")))
    trained.model.mirror = False
    once = list(trained.tag(paths))

    def distance(tags, others):
        return max(
            abs(one.scores[name] - two.scores[name])
            for one, two in zip(tags, others, strict=True)
            for name in one.scores
        )

    assert distance(after, before) < (0.1 if int8 else 1e-4)
    assert distance(once, before) > 0.2
