"""Votes beside a trained network: how much they count, and whose network it may be."""

import dataclasses
import json
import re
import shutil

import pytest
import torch
from sklearn.metrics import average_precision_score

from conftest import Silent
from zokusei.checkpoint import load_checkpoint
from zokusei.config_file import load_config
from zokusei.data.manifest import Manifest
from zokusei.inference.evaluate import evaluate_run
from zokusei.training.classifier import train_classifier
from zokusei.training.votes import SHARES, find_network, judge_shares

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


def train(corpus, run, *settings, networks=()):
    told = []
    config = load_config(None, [f"data.path={corpus}", *TINY, *settings])
    train_classifier(config, run, Silent(), told.append, networks=networks)
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
def test_shares_are_judged_as_scikit_learn_judges(seed):
    generator = torch.Generator().manual_seed(seed)
    targets = torch.rand(80, 6, generator=generator) < 0.3
    known = torch.rand(80, 6, generator=generator) < 0.8
    logits, votes = (
        targets * gain + torch.randn(80, 6, generator=generator) for gain in (2.0, seed / 2)
    )
    reached = judge_shares([logits.sigmoid()], votes, targets, known)
    assert tuple(reached) == SHARES
    for share, value in reached.items():
        joined = logits.double() + share * votes.double()
        assert value == pytest.approx(judge_by_sklearn(joined, targets, known))


def test_a_certain_network_can_still_be_outvoted():
    targets = torch.tensor([[True], [False], [True]])
    # In single precision all are alike.
    votes = torch.tensor([[1.0], [-1.0], [0.5]])
    reached = judge_shares([torch.ones(3, 1)], votes, targets, torch.ones_like(targets))
    assert reached[0.1] == 1 > reached[0.0]


def test_a_network_that_is_there_is_not_trained_again(corpus, captioner, network, tmp_path):
    settings = [*VOTES, f"captions.captioner={captioner}"]
    whole = train(corpus, tmp_path / "whole", *settings)
    given = train(corpus, tmp_path / "given", *settings, networks=[network])
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
    whole, given = (evaluate_run(tmp_path / name)["metrics"] for name in ("whole", "given"))
    assert given == whole
    # It is done, whatever becomes of the other run.
    made = json.loads((tmp_path / "given" / "network.json").read_text())
    assert made["run"] == str(network)
    again = train(corpus, tmp_path / "given", *settings)
    assert not any("kept epoch" in line for line in again)
    assert (tmp_path / "given" / "metrics.jsonl").read_text() == log


def test_votes_of_another_run_stay_there(corpus, captioner, tmp_path):
    """Of another width, or where nothing is left to vote on."""
    settings = [*VOTES, f"captions.captioner={captioner}"]
    train(corpus, tmp_path / "first", *settings)
    assert load_checkpoint(tmp_path / "first").model.head.vote_weight.any()
    for number, change in enumerate(("captions.reading=hidden", "captions.control=zero")):
        run = tmp_path / str(number)
        told = train(corpus, run, *settings, change, networks=[tmp_path / "first"])
        assert any("its network is that of" in line for line in told)
        head = load_checkpoint(run).model.head
        assert head.vote_weight.any() == (number == 0)
        assert head.vote_bias.any() == (number == 0)


def damage(run, name):
    path = run / name
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


@pytest.mark.parametrize(
    "name", ["metrics.jsonl", "manifest.parquet", "model", "model/model.safetensors"]
)
def test_a_run_that_lacks_something_is_passed_over(captioner, network, tmp_path, name):
    config = load_config(network / "config.yaml")
    model = dataclasses.replace(config.model, name="capgcn_votes", options={"hidden": 16})
    config = dataclasses.replace(config, model=model)
    manifest = Manifest.load(network / "manifest.parquet")
    assert find_network([tmp_path, network], config, manifest) == network
    broken = shutil.copytree(network, tmp_path / "broken")
    damage(broken, name)
    assert find_network([broken], config, manifest) is None
    assert find_network([broken, network], config, manifest) == network


def test_a_training_that_was_begun_goes_on(corpus, captioner, network, tmp_path):
    settings = [*VOTES, f"captions.captioner={captioner}"]
    train(corpus, tmp_path / "run", *settings)
    told = train(corpus, tmp_path / "run", *settings, networks=[network])
    assert any("kept epoch" in line for line in told)


MANY = ["data.val=0.4", "model.options={hidden: 16, vote_penalty: 0.00001}"]  # votes are heard


@pytest.mark.parametrize(
    "settings",
    [
        [],
        ["model.mirror=true"],
        ["model.one_of=[[red, blue, green]]", "model.mirror=true"],
    ],
)
def test_the_checkpoint_has_the_figures_with_the_share_that_is_told(
    corpus, captioner, tmp_path, settings
):
    given = [*VOTES, f"captions.captioner={captioner}", *MANY, *settings]
    told = " ".join(train(corpus, tmp_path / "run", *given))
    share, joined, alone = map(float, re.search(
        r"vote with weight ([\d.]+): ([\d.]+) mAP on validation pictures, ([\d.]+) without",
        told,
    ).groups())  # fmt: skip
    checkpoint = load_checkpoint(tmp_path / "run")
    assert float(checkpoint.model.head.vote_share) == pytest.approx(share)
    assert checkpoint.metrics["map"] == pytest.approx(joined, abs=0.06)
    assert share > 0
    assert joined > alone
    # The network alone is what the log has of the epoch that was kept.
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    epochs = [entry for entry in map(json.loads, lines) if entry["kind"] == "epoch"]
    assert max(entry["map"] for entry in epochs) == pytest.approx(alone, abs=0.06)


@pytest.mark.parametrize(
    "changes",
    [
        ["optimizer.lr=0.5"],
        ["model.options={hidden: 8}"],
        ["train.seed=3"],
        ["model.name=capgcn"],
        [],
    ],
)
def test_a_network_of_other_settings_is_another(network, changes):
    asked = load_config(None, [*TINY, *VOTES, "data.path=elsewhere", "train.workers=3",
                               "captions.captioner=mine", *changes])  # fmt: skip
    manifest = Manifest.load(network / "manifest.parquet")
    assert find_network([network], asked, manifest) == (None if changes else network)


def test_an_encoder_that_a_captioner_gave_is_of_that_captioner(network, tmp_path):
    run = shutil.copytree(network, tmp_path / "run")
    settings = (run / "config.yaml").read_text()
    (run / "config.yaml").write_text(settings.replace("weights: none", "weights: captioner"))
    asked = load_config(None, [*TINY, *VOTES, "model.weights=captioner", "captions.captioner=mine"])
    manifest = Manifest.load(network / "manifest.parquet")
    assert load_config(run / "config.yaml").model.weights == "captioner"
    assert find_network([run], asked, manifest) is None


def test_a_network_of_other_pictures_is_another(corpus, captioner, network, tmp_path):
    others = shutil.copytree(corpus, tmp_path / "pictures")
    first = min(others.glob("*.png"))
    for path in list(others.glob(f"{first.stem}.*")):  # as many of each tag, and one is another
        path.rename(others / f"another{path.suffix}")
    settings = [*VOTES, f"captions.captioner={captioner}"]
    told = train(others, tmp_path / "run", *settings, networks=[network])
    assert any("kept epoch" in line for line in told)
