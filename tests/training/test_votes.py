"""Votes beside a trained network: how much they count, and whose network it may be."""

import json
import re
import shutil

import pytest
import torch
from sklearn.metrics import average_precision_score

from conftest import Silent
from zokusei.checkpoint import load_checkpoint
from zokusei.config_file import load_config
from zokusei.errors import ConfigError
from zokusei.inference.evaluate import evaluate_run
from zokusei.training.classifier import train_classifier
from zokusei.training.votes import SHARES, leave_out_votes, refuse_another_network, weigh_votes

pytestmark = pytest.mark.usefixtures("own_cache")

TINY = [
    "model.backbone=test_efficientnet", "model.weights=none", "preprocess.size=64",
    "train.epochs=2", "train.batch_size=16", "train.workers=1",
]  # fmt: skip
VOTES = ["model.name=capgcn_votes", "model.options={hidden: 16}", "captions.reading=encoder"]
ALONE = ["model.name=add_gcn", "model.options={hidden: 16, attention: mean}"]


@pytest.fixture(scope="module")
def network(corpus, tmp_path_factory):
    """A finished ADD-GCN."""
    run = tmp_path_factory.mktemp("network") / "add_gcn"
    train(corpus, run, *ALONE)
    return run


def train(corpus, run, *settings, network=None):
    told = []
    config = load_config(None, [f"data.path={corpus}", *TINY, *settings])
    train_classifier(config, run, Silent(), told.append, network=network)
    return told


def judge_by_sklearn(logits, targets, known):
    """Mean AP of the classes that have a positive among what is known."""
    found = []
    for label in range(targets.shape[1]):
        rows = known[:, label]
        if targets[rows, label].any():
            true, score = targets[rows, label].numpy(), logits[rows, label].numpy()
            found.append(average_precision_score(true, score))
    return sum(found) / len(found)


@pytest.mark.parametrize("seed", range(4))
def test_the_share_is_the_one_with_the_highest_map(seed):
    generator = torch.Generator().manual_seed(seed)
    targets = torch.rand(80, 6, generator=generator) < 0.3
    known = torch.rand(80, 6, generator=generator) < 0.8
    logits, votes = (
        targets * gain + torch.randn(80, 6, generator=generator) for gain in (2.0, seed / 2)
    )
    share = weigh_votes(logits.sigmoid(), votes, targets, known)
    reached = {
        s: judge_by_sklearn(logits.double() + s * votes.double(), targets, known) for s in SHARES
    }
    assert reached[share] == pytest.approx(max(reached.values()))
    assert all(value < reached[share] + 1e-12 for s, value in reached.items() if s < share)


def test_a_certain_network_can_still_be_outvoted():
    targets = torch.tensor([[True], [False], [True]])
    # In single precision the first two are alike.
    scores = torch.tensor([[1.0], [1.0], [1.0]])
    votes = torch.tensor([[1.0], [-1.0], [0.5]])
    assert weigh_votes(scores, votes, targets, torch.ones_like(targets)) == SHARES[1]


def test_a_network_that_is_there_is_not_trained_again(corpus, captioner, network, tmp_path):
    settings = [*VOTES, f"captions.captioner={captioner}"]
    whole = train(corpus, tmp_path / "whole", *settings)
    given = train(corpus, tmp_path / "given", *settings, network=network)
    assert any(f"its network is that of {network}" in line for line in given)
    assert any("kept epoch" in line for line in whole)
    assert not any("kept epoch" in line for line in given)
    one, other = (load_checkpoint(tmp_path / name) for name in ("whole", "given"))
    theirs = load_checkpoint(network).model.state_dict()
    for key, value in one.model.state_dict().items():
        assert torch.equal(other.model.state_dict()[key], value), key
        if "vote" not in key:
            assert torch.equal(theirs[key], value), key
    assert one.metrics == other.metrics
    assert one.tags == other.tags
    # What it took to train the network is what it took.
    log = (tmp_path / "given" / "metrics.jsonl").read_text()
    assert log == (network / "metrics.jsonl").read_text()
    assert (
        evaluate_run(tmp_path / "given")["metrics"] == evaluate_run(tmp_path / "whole")["metrics"]
    )


def test_the_checkpoint_has_the_figures_with_the_share_that_is_told(corpus, captioner, tmp_path):
    settings = [*VOTES, f"captions.captioner={captioner}", "data.val=0.4"]
    settings.append("model.options={hidden: 16, vote_penalty: 0.00001}")  # votes that are heard
    told = " ".join(train(corpus, tmp_path / "run", *settings))
    share, joined, alone = re.search(
        r"vote with weight ([\d.]+): ([\d.]+) mAP on validation pictures, ([\d.]+) without",
        told,
    ).groups()  # fmt: skip
    checkpoint = load_checkpoint(tmp_path / "run")
    assert float(checkpoint.model.head.vote_share) == pytest.approx(float(share))
    assert checkpoint.metrics["map"] == pytest.approx(float(joined), abs=0.06)
    assert float(alone) <= float(joined)
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    epochs = [entry for entry in map(json.loads, lines) if entry["kind"] == "epoch"]
    assert max(entry["map"] for entry in epochs) == pytest.approx(float(alone), abs=0.06)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["optimizer.lr=0.5"], r"optimizer\.lr"),
        (["model.options={hidden: 8}"], r"model\.options"),
        (["train.seed=3"], r"train\.seed"),
        (["data.split_seed=9"], r"data\.split_seed"),
    ],
)
def test_a_network_of_other_settings_is_refused(
    corpus, captioner, network, tmp_path, changes, message
):
    with pytest.raises(ConfigError, match=message):
        train(corpus, tmp_path / "run", *VOTES, f"captions.captioner={captioner}", *changes,
              network=network)  # fmt: skip
    assert not (tmp_path / "run").exists()


def test_a_network_of_other_pictures_is_refused(corpus, captioner, network, tmp_path):
    others = shutil.copytree(corpus, tmp_path / "pictures")
    first = min(others.glob("*.png"))
    for path in list(others.glob(f"{first.stem}.*")):  # as many of each tag, and one is another
        path.rename(others / f"another{path.suffix}")
    settings = [*VOTES, f"captions.captioner={captioner}"]
    with pytest.raises(ConfigError, match="learnt from other pictures, tags or splits"):
        train(others, tmp_path / "run", *settings, network=network)


def test_where_things_lie_and_how_fast_they_are_computed_makes_no_other_network(network):
    asked = load_config(None, [*TINY, *VOTES, "data.path=elsewhere", "train.workers=3",
                               "captions.captioner=mine"])  # fmt: skip
    refuse_another_network(network, asked)
    # An encoder that the captioner gave is another start.
    started = load_config(None, [*TINY, *VOTES, "model.weights=captioner", "captions.beam=3"])
    assert leave_out_votes(started).captions.beam == 3
