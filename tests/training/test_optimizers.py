import pytest
import torch
from torch.optim.lr_scheduler import OneCycleLR

from zokusei.errors import ConfigError
from zokusei.training.optimizers import create_optimizer, create_schedule


@pytest.mark.parametrize(("steps", "warmup"), [(100, 0.3), (37, 0.15), (1000, 0.05)])
def test_one_cycle_equals_torchs(steps, warmup):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = OneCycleLR(
        optimizer, max_lr=2.0, total_steps=steps, pct_start=warmup, cycle_momentum=False
    )
    ours = create_schedule("one_cycle", steps, warmup=warmup)
    for step in range(steps):
        assert 2.0 * ours(step) == pytest.approx(theirs.get_last_lr()[0], rel=1e-9, abs=1e-12)
        optimizer.step()
        if step < steps - 1:
            theirs.step()


def test_the_published_step_schedule_drops_after_30_and_40_of_50_epochs():
    schedule = create_schedule("step", 50 * 10, milestones=(0.6, 0.8), gamma=0.1)
    rates = [round(schedule(epoch * 10), 6) for epoch in range(50)]
    assert rates == [1.0] * 30 + [0.1] * 10 + [0.01] * 10


def test_cosine_rises_in_a_line_and_falls_to_nothing():
    schedule = create_schedule("cosine", 100, warmup=0.1)
    assert [schedule(s) for s in (0, 4, 9)] == pytest.approx([0.1, 0.5, 1.0])
    assert schedule(55) == pytest.approx(0.5)
    assert 0 <= schedule(99) < 1e-3


def test_unknown_names_are_refused():
    with pytest.raises(ConfigError, match="cosine"):
        create_schedule("cosin", 10)


class TwoParts(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone, self.head = torch.nn.Linear(2, 2), torch.nn.Linear(2, 1)


def test_the_papers_groups():
    model = TwoParts()
    optimizer = create_optimizer(model, "sgd", lr=0.5, backbone_lr_factor=0.1, weight_decay=1e-4)
    head, backbone = optimizer.param_groups
    assert (head["lr"], backbone["lr"]) == (0.5, 0.05)
    assert {group["momentum"] for group in optimizer.param_groups} == {0.9}
    assert {group["weight_decay"] for group in optimizer.param_groups} == {1e-4}
    assert set(head["params"]) == set(model.head.parameters())
    assert set(backbone["params"]) == set(model.backbone.parameters())
