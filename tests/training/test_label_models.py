"""Models that start from label embeddings, through a training and out of its checkpoint."""

import pytest
import torch

from zokusei.checkpoint import load_checkpoint
from zokusei.config_file import load_config
from zokusei.errors import ConfigError, DataError
from zokusei.training.classifier import train_classifier

TINY = [
    "model.backbone=test_efficientnet", "model.weights=none", "preprocess.size=32",
    "train.epochs=2", "train.batch_size=30", "train.workers=0", "train.ema=0",
]  # fmt: skip


class Silent:
    def begin(self, total_steps, done_steps): ...
    def step(self, loss, images_per_second): ...
    def epoch(self, epoch, record): ...


@pytest.fixture
def train(corpus, tmp_path):
    def run(*settings):
        told = []
        config = load_config(None, [f"data.path={corpus}", *TINY, *settings])
        return train_classifier(config, tmp_path / "run", Silent(), told.append), told

    return run


@pytest.mark.parametrize("name", ["ml_gcn", "ssgrl"])
def test_a_checkpoint_needs_no_word_vectors(train, tmp_path, name):
    path = tmp_path / "vectors.txt"
    words = "red 1 0 2\ngreen 0 1 1\nblue 1 1 1\nsquare 0 0 1\nstr 2 2 2\nipe 4 2 0\n"
    path.write_text(words)
    checkpoint, told = train(
        f"model.name={name}", f"model.embeddings={path}", "model.options={hidden: 8}"
    )
    assert any("stripe = str ipe" in line for line in told)
    path.unlink()
    loaded = load_checkpoint(tmp_path / "run")
    vectors = loaded.labels.embeddings
    assert vectors[loaded.tags.index("stripe")].tolist() == [3, 2, 1]
    assert vectors[loaded.tags.index("red")].tolist() == [1, 0, 2]
    assert torch.equal(loaded.model.head.adjacency, checkpoint.model.head.adjacency)
    pictures = torch.randn(2, 3, 32, 32)
    assert torch.equal(loaded.model(pictures), checkpoint.model(pictures))


@pytest.mark.parametrize(("settings", "error", "message"), [
    (["model.name=ml_gcn"], ConfigError, "starts from label embeddings"),
    (["model.name=gap", "model.embeddings=one_hot"], ConfigError, "'gap' uses none"),
    (["model.name=ssgrl", "model.embeddings=golve"], ConfigError, "not 'golve'"),
    (["model.name=ml_gcn", "model.embeddings=VECTORS"], DataError, "'blue'.*embeddings_unknown"),
])  # fmt: skip
def test_what_cannot_be_trained_leaves_nothing_behind(train, tmp_path, settings, error, message):
    (tmp_path / "vectors.txt").write_text("red 1 2\n")
    settings = [s.replace("VECTORS", str(tmp_path / "vectors.txt")) for s in settings]
    with pytest.raises(error, match=message):
        train(*settings)
    assert not (tmp_path / "run").exists()


def test_unknown_tags_get_zeros_where_asked(train, tmp_path):
    (tmp_path / "vectors.txt").write_text("red 1 2\n")
    checkpoint, told = train(
        "model.name=ml_gcn", f"model.embeddings={tmp_path / 'vectors.txt'}",
        "model.embeddings_unknown=zeros", "model.options={hidden: 8}",
    )  # fmt: skip
    zeros = checkpoint.labels.embeddings.abs().sum(1) == 0
    assert zeros.sum() == 4
    assert any("zeros: " in line and "blue" in line for line in told)
