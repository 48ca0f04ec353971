from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zokusei.data.splits import assign_splits
from zokusei.errors import DataError

GROUPS = st.lists(st.integers(1, 5), min_size=20, max_size=40).map(
    lambda sizes: [f"g{i}" for i, size in enumerate(sizes) for _ in range(size)]
)


@given(GROUPS, st.integers(0, 5), st.randoms())
def test_a_group_is_never_divided_and_the_order_of_rows_is_nothing(groups, seed, random):
    splits = assign_splits(groups, [""] * len(groups), val=0.1, test=0.15, seed=seed)
    found = defaultdict(set)
    for group, split in zip(groups, splits, strict=True):
        found[group].add(split)
    assert all(len(splits) == 1 for splits in found.values())
    counts = [next(iter(s)) for s in found.values()]
    assert counts.count("test") == round(len(found) * 0.15)
    assert counts.count("val") == round(len(found) * 0.1)
    shuffled = groups.copy()
    random.shuffle(shuffled)
    again = assign_splits(shuffled, [""] * len(groups), val=0.1, test=0.15, seed=seed)
    assert dict(zip(shuffled, again, strict=True)) == dict(zip(groups, splits, strict=True))


def test_the_seed_decides():
    groups = [str(i) for i in range(100)]
    one, two = (assign_splits(groups, [""] * 100, val=0.1, test=0.1, seed=s) for s in (0, 1))
    assert one != two


def test_splits_of_the_source_stay_and_draw_their_group_along():
    splits = assign_splits(["a", "a", "b"], ["test", "", "train"], val=0.5, test=0.0)
    assert splits == ["test", "test", "train"]


def test_a_source_without_validation_gives_some_of_its_training():
    groups, given = [str(i // 2) for i in range(40)], ["train"] * 30 + ["test"] * 10
    splits = assign_splits(groups, given, val=0.2, test=0.5)
    assert splits[30:] == ["test"] * 10
    assert splits[:30].count("val") == 6
    assert all(splits[i] == splits[i + 1] for i in range(0, 40, 2))
    assert assign_splits(groups, given, val=0.0, test=0.5) == given


def test_a_divided_group_is_refused():
    with pytest.raises(DataError, match="group 'a'"):
        assign_splits(["a", "a"], ["test", "train"], val=0.1, test=0.1)
    with pytest.raises(DataError, match="unknown split 'dev'"):
        assign_splits(["a"], ["dev"], val=0.1, test=0.1)


def test_a_handful_still_gets_all_three_and_too_few_are_refused():
    assert sorted(assign_splits(list("abc"), [""] * 3, val=0.1, test=0.1)) == [
        "test",
        "train",
        "val",
    ]
    with pytest.raises(DataError, match="too few"):
        assign_splits(list("ab"), [""] * 2, val=0.1, test=0.1)
