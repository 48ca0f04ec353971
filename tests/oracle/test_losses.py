"""Losses against loops in double precision, and what must hold of all of them."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from zokusei.errors import ConfigError
from zokusei.losses import LOSSES, create_loss


def batch(seed=0, shape=(6, 5)):
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(shape, generator=generator, dtype=torch.float64)
    targets = (torch.rand(shape, generator=generator) < 0.4).double()
    known = torch.rand(shape, generator=generator) < 0.7
    return logits, targets, known


def cross_entropy(logit, target):
    p = 1 / (1 + math.exp(-logit))
    return -(target * math.log(p) + (1 - target) * math.log(1 - p))


def entries(logits, targets, known):
    rows, columns = logits.shape
    return [
        (float(logits[i, j]), float(targets[i, j]), i, j)
        for i in range(rows)
        for j in range(columns)
        if known is None or known[i, j]
    ]


@pytest.mark.parametrize("partly", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_binary_cross_entropy(partly, seed):
    logits, targets, known = batch(seed)
    known = known if partly else None
    counted = entries(logits, targets, known)
    wanted = sum(cross_entropy(x, y) for x, y, _, _ in counted) / len(counted)
    assert float(create_loss("bce")(logits, targets, known)) == pytest.approx(wanted, rel=1e-12)


def test_binary_cross_entropy_is_the_published_soft_margin_loss():
    logits, targets, _ = batch()
    published = torch.nn.MultiLabelSoftMarginLoss()(logits, targets)
    torch.testing.assert_close(create_loss("bce")(logits, targets, None), published)


@pytest.mark.parametrize("options", [{}, {"gamma_pos": 1.0, "gamma_neg": 2.0, "clip": 0.0}])
@pytest.mark.parametrize("partly", [True, False])
def test_asymmetric_loss(options, partly):
    logits, targets, known = batch(1)
    known = known if partly else None
    settings = {"gamma_pos": 0.0, "gamma_neg": 4.0, "clip": 0.05} | options
    total, counted = 0.0, entries(logits, targets, known)
    for x, y, _, _ in counted:
        p = 1 / (1 + math.exp(-x))
        if y:
            total -= (1 - p) ** settings["gamma_pos"] * math.log(p)
        else:
            shifted = max(p - settings["clip"], 0.0)
            total -= shifted ** settings["gamma_neg"] * math.log(1 - shifted)
    wanted = total / len(counted)
    loss = create_loss("asl", **options)(logits, targets, known)
    assert float(loss) == pytest.approx(wanted, rel=1e-10)


def test_a_target_between_has_its_share_of_both_sides_of_the_asymmetric_loss():
    logits, _, _ = batch(1)
    share = torch.rand(logits.shape, generator=torch.Generator().manual_seed(0)).to(logits)
    loss = create_loss("asl", gamma_pos=1.0)
    one, none = (entry_by_entry(loss, logits, torch.full_like(logits, y)) for y in (1.0, 0.0))
    found = entry_by_entry(loss, logits, share)
    share = share.flatten()
    torch.testing.assert_close(found, share * one + (1 - share) * none)


def entry_by_entry(loss, logits, targets):
    return torch.stack([
        loss(x[None, None], y[None, None], None)
        for x, y in zip(logits.flatten(), targets.flatten(), strict=True)
    ])  # fmt: skip


def test_the_weights_of_the_asymmetric_loss_carry_no_gradient():
    x = torch.tensor([[1.3]], dtype=torch.float64, requires_grad=True)
    create_loss("asl", gamma_neg=2.0, clip=0.0)(x, torch.zeros(1, 1).double(), None).backward()
    p = 1 / (1 + math.exp(-1.3))
    assert float(x.grad) == pytest.approx(p**2 * p, rel=1e-12)  # weight p^2, slope of -log(1-p)


@pytest.mark.parametrize("partly", [True, False])
def test_batch_weighted_cross_entropy(partly):
    logits, targets, known = batch(2)
    known = known if partly else None
    wanted = 0.0
    for column in range(logits.shape[1]):
        own = [e for e in entries(logits, targets, known) if e[3] == column]
        weight = 1 - sum(y > 0 for _, y, _, _ in own) / len(own)
        wanted += weight * sum(cross_entropy(x, y) for x, y, _, _ in own) / len(own)
    loss = create_loss("dan")(logits, targets, known)
    assert float(loss) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("name", sorted(LOSSES))
@given(seed=st.integers(0, 10_000))
def test_unknown_entries_contribute_nothing(name, seed):
    logits, targets, known = batch(seed)
    loss = create_loss(name)
    changed = logits.where(known, torch.full_like(logits, 50.0)).requires_grad_()
    flipped = targets.where(known, 1 - targets)
    value = loss(changed, flipped, known)
    torch.testing.assert_close(value, loss(logits, targets, known))
    value.backward()
    assert (changed.grad[~known] == 0).all()


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_nothing_known_is_no_loss(name):
    logits, targets, known = batch()
    logits.requires_grad_()
    value = create_loss(name)(logits, targets, torch.zeros_like(known))
    value.backward()
    assert value.item() == 0
    assert (logits.grad == 0).all()


@pytest.mark.parametrize("name", sorted(LOSSES))
@pytest.mark.parametrize("extreme", [-1e4, 1e4])
def test_extreme_logits_stay_finite(name, extreme):
    logits = torch.full((2, 2), extreme, requires_grad=True)
    value = create_loss(name)(logits, torch.tensor([[1.0, 0.0], [0.0, 1.0]]), None)
    value.backward()
    assert value.isfinite()
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_a_step_down_the_loss_moves_scores_to_the_truth(name):
    logits = torch.zeros(2, 2, requires_grad=True)
    targets = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    create_loss(name)(logits, targets, None).backward()
    assert ((-logits.grad).sign() == 2 * targets - 1).all()


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_gradients_are_not_switched_on(name):
    logits, targets, known = batch()
    with torch.no_grad():
        create_loss(name)(logits, targets, known)
        assert not torch.is_grad_enabled()


def test_unknown_losses_and_options_are_refused():
    with pytest.raises(ConfigError, match="did you mean 'bce'"):
        create_loss("bec")
    with pytest.raises(ConfigError, match="did you mean 'gamma_neg'"):
        create_loss("asl", gama_neg=2)


@pytest.mark.parametrize(("option", "value", "bounds"), [
    ("gamma_neg", -1, "0 or more"), ("gamma_pos", "two", "0 or more"), ("gamma_neg", True, "0 or"),
    ("clip", -0.1, "at least 0 and below 1"), ("clip", 1.0, "at least 0 and below 1"),
])  # fmt: skip
def test_impossible_options_are_refused(option, value, bounds):
    with pytest.raises(ConfigError, match=f"loss 'asl': {option} is a number, {bounds}"):
        create_loss("asl", **{option: value})
