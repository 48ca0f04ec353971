"""Metrics against scikit-learn and against loops."""

import math
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, precision_recall_fscore_support

from zokusei.errors import DataError
from zokusei.metrics import (
    compute_average_precision,
    compute_legacy_metrics,
    compute_metrics,
    find_best_thresholds,
)


def judged(seed, pictures=40, classes=6, ties=False, share=0.3):
    rng = np.random.default_rng(seed)
    scores = rng.random((pictures, classes), dtype=np.float32)
    if ties:
        scores = np.round(scores, 1)
    targets = rng.random((pictures, classes)) < share
    known = rng.random((pictures, classes)) < 0.8
    return tuple(torch.from_numpy(part) for part in (scores, targets, known))


@pytest.mark.parametrize("ties", [True, False])
@pytest.mark.parametrize("partly", [True, False])
@given(seed=st.integers(0, 100_000))
def test_average_precision_equals_scikit_learn(ties, partly, seed):
    scores, targets, known = judged(seed, ties=ties)
    ours = compute_average_precision(scores, targets, known if partly else None)
    for column in range(scores.shape[1]):
        rows = known[:, column] if partly else slice(None)
        truth, values = targets[rows, column].numpy(), scores[rows, column].numpy()
        if truth.any():
            wanted = average_precision_score(truth, values)
            assert float(ours[column]) == pytest.approx(wanted, abs=1e-6)
        else:
            assert math.isnan(ours[column])


@pytest.mark.parametrize("thresholds", [0.5, 0.3, "own"])
@pytest.mark.parametrize("seed", range(5))
def test_rates_equal_scikit_learn(seed, thresholds):
    scores, targets, _ = judged(seed)
    own = torch.linspace(0.2, 0.8, scores.shape[1])
    given_threshold = own if thresholds == "own" else thresholds
    metrics = compute_metrics(scores, targets, thresholds=given_threshold)
    decided = scores >= (own if thresholds == "own" else thresholds)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        per_class, micro, macro = (
            precision_recall_fscore_support(
                targets.numpy(), decided.numpy(), average=average, zero_division=0.0
            )
            for average in (None, "micro", "macro")
        )
    assert metrics.precision.tolist() == pytest.approx(per_class[0].tolist(), abs=1e-6)
    assert metrics.recall.tolist() == pytest.approx(per_class[1].tolist(), abs=1e-6)
    assert metrics.f1.tolist() == pytest.approx(per_class[2].tolist(), abs=1e-6)
    assert (metrics.op, metrics.or_, metrics.of1) == pytest.approx(micro[:3], abs=1e-6)
    assert (metrics.cp, metrics.cr, metrics.macro_f1) == pytest.approx(macro[:3], abs=1e-6)
    harmonic = 2 * metrics.cp * metrics.cr / (metrics.cp + metrics.cr)
    assert metrics.cf1 == pytest.approx(harmonic, abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_unknown_entries_change_no_figure(seed):
    scores, targets, known = judged(seed)
    row = compute_metrics(scores, targets, known).as_row()
    other = scores.where(known, 1 - scores)
    assert compute_metrics(other, targets ^ ~known, known).as_row() == row
    only_two = known & (known.cumsum(1) <= 2)  # fewer than three can be given
    right = (targets & only_two).sum() / only_two.sum()
    assert compute_metrics(scores, targets, only_two).top3.op == pytest.approx(float(right))


@pytest.mark.parametrize("seed", range(3))
def test_the_three_highest_are_three(seed):
    scores, targets, _ = judged(seed)
    metrics = compute_metrics(scores, targets)
    right = sum(
        bool(targets[row, column])
        for row in range(len(scores))
        for column in sorted(range(6), key=lambda c, row=row: -float(scores[row, c]))[:3]
    )
    assert metrics.top3.op == pytest.approx(right / (3 * len(scores)), abs=1e-6)
    assert metrics.top3.or_ == pytest.approx(right / int(targets.sum()), abs=1e-6)


@given(seed=st.integers(0, 100_000), ties=st.booleans())
def test_best_thresholds_are_the_best_of_all(seed, ties):
    scores, targets, known = judged(seed, pictures=15, classes=3, ties=ties)
    found = find_best_thresholds(scores, targets, known)
    for column in range(3):
        rows = known[:, column]
        truth, values = targets[rows, column], scores[rows, column]
        if not truth.any() or truth.all():
            assert float(found[column]) == 0.5
            continue

        def f1(threshold, truth=truth, values=values):
            decided = values >= threshold
            return 2 * float((decided & truth).sum()) / float(decided.sum() + truth.sum())

        candidates = [f1(value) for value in values.unique()]
        assert f1(found[column]) == pytest.approx(max(candidates), abs=1e-6)


@given(seed=st.integers(0, 100_000), weight=st.floats(0.5, 50))
def test_thresholds_lean_on_the_one_that_is_best_for_all_the_more_the_fewer_positives(seed, weight):
    scores, targets, known = judged(seed, pictures=15, classes=5)
    found = find_best_thresholds(scores, targets, known, shared_weight=weight)
    own = find_best_thresholds(scores, targets, known)
    truth, values = targets[known], scores[known]
    if truth.any() and not truth.all():

        def f1(threshold):
            decided = values >= threshold
            return 2 * float((decided & truth).sum()) / float(decided.sum() + truth.sum())

        shared = float(find_best_thresholds(values[:, None], truth[:, None]))
        assert f1(shared) == pytest.approx(max(f1(value) for value in values.unique()), abs=1e-6)
    else:
        shared = 0.5
    for column in range(5):
        rows = known[:, column]
        positives = int(targets[rows, column].sum())
        weights = (positives if positives < rows.sum() else 0), weight
        odds = [math.log(p / (1 - p)) for p in (float(own[column]), shared)]
        expected = np.average(odds, weights=weights)
        assert float(found[column].logit()) == pytest.approx(expected, abs=1e-3)


def test_a_tag_that_is_always_there_and_one_that_never_is_share_a_threshold():
    scores = torch.tensor([[0.8, 0.3], [0.7, 0.1]])
    targets = torch.tensor([[True, False], [True, False]])
    assert find_best_thresholds(scores, targets).tolist() == [0.5, 0.5]
    found = find_best_thresholds(scores - 0.2, targets, shared_weight=3)
    assert found.tolist() == pytest.approx([0.3, 0.3])


def test_order_of_the_pictures_is_nothing():
    scores, targets, known = judged(7, ties=True)
    order = torch.randperm(len(scores), generator=torch.Generator().manual_seed(0))
    one = compute_metrics(scores, targets, known).as_row()
    two = compute_metrics(scores[order], targets[order], known[order]).as_row()
    # Ties among a picture's tags are not touched by the order of the pictures.
    assert two == pytest.approx(one, abs=1e-4)


@pytest.mark.parametrize(("empty", "wanted"), [("skip", 1.0), ("zero", 0.5), ("nan", math.nan)])
def test_a_class_without_positives_follows_the_policy(empty, wanted):
    scores = torch.tensor([[0.9, 0.9], [0.1, 0.2]])
    targets = torch.tensor([[True, False], [False, False]])
    metrics = compute_metrics(scores, targets, empty=empty)
    for value in (metrics.map, metrics.cp, metrics.cr, metrics.macro_f1):
        assert value == pytest.approx(wanted, nan_ok=True)
    assert metrics.op == 0.5


def test_no_positive_at_all_gives_no_map_and_no_error():
    metrics = compute_metrics(torch.rand(3, 2), torch.zeros(3, 2).bool())
    assert math.isnan(metrics.map)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_broken_scores_are_refused(bad):
    with pytest.raises(DataError, match="NaN or infinity"):
        compute_metrics(torch.tensor([[bad]]), torch.tensor([[True]]))


def test_targets_that_are_no_truth_values_are_refused():
    # Shapes and kinds are checked in the tests before our own check sees them; without it:
    unchecked = compute_metrics.__wrapped__
    with pytest.raises(DataError, match="true or false"):
        unchecked(torch.rand(2, 2), torch.ones(2, 2))


def legacy_by_hand(logits, targets):
    """The published definitions, entry by entry, quirks included."""
    rows, classes = len(logits), len(logits[0])
    aps = []
    for c in range(classes):
        order = sorted(range(rows), key=lambda r, c=c: -logits[r][c])
        hits = seen = 0
        total = 0.0
        for r in order:
            if targets[r][c] == 0:
                continue  # difficult
            seen += 1
            if targets[r][c] == 1:
                hits += 1
                total += hits / seen
        aps.append(total / hits)

    def rates(scores):
        right, given_, true = ([0] * classes for _ in range(3))
        for c in range(classes):
            for r in range(rows):
                given_[c] += scores[r][c] >= 0
                true[c] += targets[r][c] == 1
                right[c] += scores[r][c] >= 0 and targets[r][c] == 1
            given_[c] = given_[c] or 1
        op, or_ = sum(right) / sum(given_), sum(right) / sum(true)
        cp = sum(a / b for a, b in zip(right, given_, strict=True)) / classes
        cr = sum(a / b for a, b in zip(right, true, strict=True)) / classes
        return [op, or_, 2 * op * or_ / (op + or_), cp, cr, 2 * cp * cr / (cp + cr)]

    top = []
    for row in logits:
        highest = sorted(range(classes), key=lambda c: -row[c])[:3]
        top.append([row[c] if c in highest and row[c] >= 0 else -1 for c in range(classes)])
    return [sum(aps) / classes, *rates(logits), *rates(top)]


@pytest.mark.parametrize("seed", range(6))
def test_legacy_figures_equal_the_loops(seed):
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(30, 5)).astype(np.float32)
    logits[:, 4] = -np.abs(logits[:, 4])  # a class that is never given
    targets = rng.choice([-1, 0, 1], size=(30, 5), p=[0.6, 0.1, 0.3])
    figures = compute_legacy_metrics(torch.from_numpy(logits), torch.from_numpy(targets))
    wanted = legacy_by_hand(logits.tolist(), targets.tolist())
    assert list(figures.values()) == pytest.approx(wanted, abs=1e-6)


def test_the_phantom_prediction_of_silent_classes():
    """0.600 becomes 0.583 with three silent classes of four (read off the published code)."""
    logits = torch.full((100, 4), -1.0)
    targets = torch.full((100, 4), -1)
    logits[:100, 0] = 1.0
    targets[:60, 0] = 1
    targets[0, 1:] = 1
    figures = compute_legacy_metrics(logits, targets)
    assert figures["op"] == pytest.approx(60 / 103, abs=1e-6)
    plain = compute_metrics(logits.sigmoid(), targets == 1)
    assert plain.op == pytest.approx(0.6, abs=1e-6)


def test_labels_on_which_the_published_meter_lies_are_refused():
    with pytest.raises(DataError, match="mAP 100"):
        compute_legacy_metrics(torch.rand(3, 2), torch.tensor([[1, 0], [0, 1], [1, 1]]))
    with pytest.raises(DataError, match="no positive"):
        compute_legacy_metrics(torch.rand(2, 2), torch.tensor([[1, -1], [1, -1]]))


@pytest.mark.slow
def test_a_hundred_thousand_pictures_take_seconds_not_minutes():
    import time

    scores, targets, known = judged(0, pictures=100_000, classes=100, share=0.06)
    began = time.perf_counter()
    compute_metrics(scores, targets, known)
    assert time.perf_counter() - began < 5  # the figure itself is in benchmarks
