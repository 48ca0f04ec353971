"""The paired bootstrap against scikit-learn and against pictures that are really repeated."""

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score

from zokusei.metrics import compute_metrics
from zokusei.reproduce.bootstrap import compare_paired, resample_map


def sample(pictures=40, classes=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    targets = torch.rand(pictures, classes, generator=generator) < 0.4
    scores = torch.rand(pictures, classes, generator=generator)
    scores = ((scores + targets * 0.3) * 8).round() / 8  # many equal scores
    known = torch.rand(pictures, classes, generator=generator) < 0.9
    weights = torch.randint(0, 4, (5, pictures), generator=generator).double()
    return scores, targets, known, weights


def test_weighted_precision_is_that_of_scikit_learn():
    scores, targets, known, weights = sample()
    wanted = [
        np.mean([
            average_precision_score(targets[:, c], scores[:, c], sample_weight=row * known[:, c])
            for c in range(3)
        ])
        for row in weights
    ]  # fmt: skip
    np.testing.assert_allclose(resample_map(scores, targets, known, weights), wanted, rtol=1e-12)


def test_a_weight_is_a_picture_so_many_times():
    scores, targets, known, weights = sample()
    for row in weights:
        rows = torch.arange(40).repeat_interleave(row.long())
        repeated = compute_metrics(scores[rows], targets[rows], known[rows]).map
        assert float(resample_map(scores, targets, known, row[None])) == pytest.approx(repeated)


def test_a_class_without_a_positive_is_left_out():
    scores, targets, known, _ = sample()
    targets[:, 1] = False
    weights = torch.ones(1, 40).double()
    two = torch.tensor([0, 2])
    without = resample_map(scores[:, two], targets[:, two], known[:, two], weights)
    torch.testing.assert_close(resample_map(scores, targets, known, weights), without)


def test_a_model_does_not_differ_from_itself():
    scores, targets, known, _ = sample()
    same = compare_paired([scores], [scores], targets, known, resamples=20)
    assert (same.mean, same.low, same.high) == (0, 0, 0)


def test_what_is_really_better_is_told_from_chance():
    _, targets, known, _ = sample(pictures=300)
    generator = torch.Generator().manual_seed(1)
    noise = [torch.rand(300, 3, generator=generator) for _ in range(4)]
    good = [targets * 0.5 + one for one in noise[:2]]
    found = compare_paired(good, noise[2:], targets, known, resamples=200)
    assert found.low > 10
    assert found.low < found.mean < found.high
    none = compare_paired(noise[:2], noise[2:], targets, known, resamples=200)
    assert none.low < 0 < none.high
    swapped = compare_paired(noise[2:], good, targets, known, resamples=200)
    assert (swapped.mean, swapped.low) == (pytest.approx(-found.mean), pytest.approx(-found.high))


def test_a_difference_keeps_its_place_though_resampling_flatters_the_worse_model():
    generator = torch.Generator().manual_seed(3)
    targets = torch.rand(60, 12, generator=generator) < 0.2
    known = torch.ones_like(targets)
    chance = torch.rand(60, 12, generator=generator)
    perfect = targets.float() + chance / 10
    found = compare_paired([perfect], [chance], targets, known, resamples=400)
    # Percentiles as they are would lie two points below, since chance gains from repeated pictures.
    assert found.high - found.mean == pytest.approx(found.mean - found.low, rel=0.25)


def test_how_many_are_held_at_once_changes_nothing(monkeypatch):
    scores, targets, known, _ = sample()
    other = scores.flip(1)
    whole = compare_paired([scores], [other], targets, known, resamples=30)
    monkeypatch.setattr("zokusei.reproduce.bootstrap._ENTRIES", 40 * 30)
    assert compare_paired([scores], [other], targets, known, resamples=30) == whole
    monkeypatch.setattr("zokusei.reproduce.bootstrap._ENTRIES", 40 * 7)
    assert compare_paired([scores], [other], targets, known, resamples=30) == whole
