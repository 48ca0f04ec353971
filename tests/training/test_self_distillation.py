"""Targets that the run itself refines."""

import pytest
import torch
from safetensors.torch import load_file

from conftest import Silent
from zokusei.config_file import load_config
from zokusei.errors import ConfigError
from zokusei.training.classifier import train_classifier
from zokusei.training.self_distillation import EarlierPredictions, gather_batch

TINY = [
    "model.backbone=test_efficientnet", "model.weights=none", "preprocess.size=32",
    "train.epochs=2", "train.keep=last", "train.batch_size=20", "train.workers=0",
    "train.self_distillation=0.6",
]  # fmt: skip


def train(corpus, folder, *settings):
    config = load_config(None, [f"data.path={corpus}", *TINY, *settings])
    return train_classifier(config, folder, Silent(), lambda _: None)


def test_targets_are_refined_as_published():
    chance = torch.Generator().manual_seed(0)
    targets = torch.rand(10, 3, generator=chance) < 0.5
    earlier = EarlierPredictions(targets, 0.8, total_steps=6)
    last = {row: targets[row].float() for row in range(10)}
    for step in range(6):
        rows = torch.randperm(10, generator=chance)[:4]
        alpha = 0.8 * step / 6
        goals = earlier.refine(rows, targets[rows])
        for row, goal in zip(rows.tolist(), goals, strict=True):
            expected = (1 - alpha) * targets[row].float() + alpha * last[row]
            torch.testing.assert_close(goal, expected, atol=1e-3, rtol=1e-3)
        said = torch.rand(4, 3, generator=chance)
        earlier.remember(rows, said)
        last |= dict(zip(rows.tolist(), said, strict=True))


def test_a_training_remembers_what_it_said(corpus, tmp_path):
    train(corpus, tmp_path / "run")
    state = load_file(tmp_path / "run" / "state.safetensors")
    said = state["memory.probabilities"]
    assert int(state["memory.step"]) == 2 * (len(said) // 20)
    certain = (said == 0) | (said == 1)
    # Of a last small batch, which is left out, a picture may never have been shown.
    assert certain.all(dim=1).sum() < 20
    assert (~certain).any(dim=1).sum() > len(said) - 20


def test_what_was_said_changes_what_is_learnt(corpus, tmp_path):
    train(corpus, tmp_path / "refined")
    train(corpus, tmp_path / "plain", "train.self_distillation=0")
    one, two = (
        load_file(tmp_path / name / "model" / "model.safetensors") for name in ("refined", "plain")
    )
    assert any(not torch.equal(one[key], two[key]) for key in one)


def test_nothing_is_remembered_of_pages(corpus, tmp_path):
    train(corpus, tmp_path / "run", "augment.collage={folder: 2}")
    said = load_file(tmp_path / "run" / "state.safetensors")["memory.probabilities"]
    alone = (~((said == 0) | (said == 1))).any(dim=1)
    assert 0 < alone.sum() < 0.9 * len(alone)  # half of the pictures an epoch


def test_what_is_not_remembered_keeps_its_labels():
    earlier = EarlierPredictions(torch.tensor([[True], [True]]), 0.5, total_steps=2)
    earlier.remember(torch.tensor([-1, 0]), torch.tensor([[0.1], [0.2]]))
    goals = earlier.refine(torch.tensor([0, 1, -1]), torch.tensor([[True], [True], [False]]))
    torch.testing.assert_close(goals, torch.tensor([[0.8], [1.0], [0.0]]), atol=1e-3, rtol=0)


def test_of_a_picture_that_is_shown_twice_the_last_counts():
    earlier = EarlierPredictions(torch.zeros(2, 1).bool(), 0.5, total_steps=2)
    earlier.remember(torch.tensor([1, 0, 1]), torch.tensor([[0.1], [0.2], [0.3]]))
    torch.testing.assert_close(earlier.probabilities, torch.tensor([[0.2], [0.3]]).half())


class OneOfTwo:
    """What accelerate does in one of two processes, the other of which has another share."""

    num_processes = 2

    def __init__(self, rank, shares):
        self.rank, self.shares, self.asked = rank, shares, 0

    def pad_across_processes(self, tensor, pad_index=0):
        place, self.asked = self.asked, self.asked + 1
        torch.testing.assert_close(tensor, self.shares[self.rank][place])
        self.pads = [*getattr(self, "pads", []), pad_index]
        return tensor

    def gather(self, tensors):
        longest = max(len(share[0]) for share in self.shares)

        def pad(tensor, value):
            missing = longest - len(tensor)
            return torch.cat([tensor, tensor.new_full((missing, *tensor.shape[1:]), value)])

        return tuple(
            torch.cat([pad(share[place], value) for share in self.shares])
            for place, value in zip(range(len(tensors)), self.pads, strict=True)
        )


@pytest.mark.parametrize("count", [1, 4, 5])
def test_every_process_remembers_the_whole_batch_in_its_order(count):
    rows, said = torch.arange(10, 10 + count), torch.rand(count, 3)
    shares = [(rows[rank::2], said[rank::2]) for rank in range(2)]
    for rank in range(2):
        found = gather_batch(OneOfTwo(rank, shares), *shares[rank])
        there = found[0] >= 0
        torch.testing.assert_close(found[0][there], rows)
        torch.testing.assert_close(found[1][there], said)


def test_a_loss_that_counts_positives_is_refused(corpus, tmp_path):
    with pytest.raises(ConfigError, match="choose bce or asl"):
        train(corpus, tmp_path / "run", "loss.name=dan")
    assert not (tmp_path / "run").exists()
