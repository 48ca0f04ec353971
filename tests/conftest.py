"""Shapes written in annotations are checked while the tests run."""

import sys

import pytest
from hypothesis import settings
from jaxtyping import install_import_hook

# A busy machine makes no property false.
settings.register_profile("zokusei", deadline=None, max_examples=50)
settings.load_profile("zokusei")

install_import_hook(
    [
        "zokusei.models",
        "zokusei.losses",
        "zokusei.metrics",
        "zokusei.data",
        "zokusei.labels",
        "zokusei.embeddings",
        "zokusei.label_graph",
        "zokusei.stylize",
        "zokusei.captioning",
    ],
    "shapes.check",
)


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    """Small pictures of coloured shapes, with sidecars."""
    from pictures import write_corpus

    return write_corpus(tmp_path_factory.mktemp("data") / "corpus", count=120)


@pytest.fixture(scope="session")
def run_folder(corpus, tmp_path_factory):
    """A run on them that has been evaluated; tests must leave it as it is."""
    from zokusei.config_file import load_config
    from zokusei.inference.evaluate import evaluate_run
    from zokusei.training.classifier import train_classifier

    folder = tmp_path_factory.mktemp("runs") / "tiny"
    settings = [
        f"data.path={corpus}", "model.backbone=test_efficientnet", "model.weights=none",
        "preprocess.size=32", "train.epochs=6", "train.batch_size=8", "train.workers=1",
    ]  # fmt: skip
    train_classifier(load_config(None, settings), folder, Silent(), lambda message: None)
    evaluate_run(folder)
    return folder


@pytest.fixture
def own_cache(tmp_path_factory, monkeypatch):
    """A folder for vectors of captions that belongs to the tests."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(scope="session")
def captioner(tmp_path_factory):
    """A captioner without training; tests must leave it as it is."""
    from captioned import write_captioner

    return write_captioner(tmp_path_factory.mktemp("captioner") / "model")


@pytest.fixture(scope="session")
def untrained(tmp_path_factory):
    """A model folder that no training stands behind, for whatever lies around the model."""
    import torch

    from zokusei.checkpoint import Checkpoint, save_checkpoint
    from zokusei.images.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocess
    from zokusei.labels import LabelSpace
    from zokusei.models import create_model
    from zokusei.tags import Tag, TagSet

    names = {"1girl": 0, "long_hair": 0, "^_^": 0, "skadi_(arknights)": 4, "smile": 0, "d:": 0}
    ratings = {"general": 9, "sensitive": 9, "explicit": 9}
    tags = TagSet(tuple(Tag(name, number, 10) for name, number in {**names, **ratings}.items()))
    torch.manual_seed(0)
    labels = LabelSpace.from_targets(tags, torch.ones(2, len(tags), dtype=torch.bool))
    model = create_model("gap", labels, backbone="test_efficientnet", weights="none")
    preprocess = Preprocess(32, "squash", IMAGENET_MEAN, IMAGENET_STD)
    folder = tmp_path_factory.mktemp("models") / "untrained"
    save_checkpoint(folder, Checkpoint(model, labels, preprocess))
    return folder


class Silent:
    """Is told how a training goes, and says nothing."""

    def begin(self, total_steps, done_steps): ...
    def step(self, loss, images_per_second): ...
    def epoch(self, epoch, record): ...


@pytest.fixture
def zokusei(monkeypatch, capsys):
    """The command line, in this process: arguments in; exit code, stdout and stderr out."""
    from zokusei.cli import main

    def command(*arguments):
        monkeypatch.setattr(sys, "argv", ["zokusei", *map(str, arguments)])
        capsys.readouterr()
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = stop.code or 0
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return command
