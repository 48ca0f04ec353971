"""Which scores become tags, compared with loops written by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zokusei.errors import ConfigError
from zokusei.inference.thresholds import compute_mcut, create_selection
from zokusei.tags import RATING, Tag, TagSet

TAGS = TagSet(
    (Tag("smile", 0, threshold=0.3), Tag("=_=", 0, threshold=0.6), Tag("skadi", 4, threshold=0.7),
     Tag("touhou", 3, threshold=0.2))
)  # fmt: skip
SCORES = st.lists(st.floats(0, 1), min_size=4, max_size=4)


def test_a_tag_counts_more_than_its_category_and_that_more_than_all():
    assert create_selection(TAGS).thresholds == (0.3, 0.6, 0.7, 0.2)
    assert create_selection(TAGS, ["0.4"]).thresholds == (0.4, 0.4, 0.4, 0.4)
    assert create_selection(TAGS, ["character=0.9"]).thresholds == (0.3, 0.6, 0.9, 0.2)
    chosen = create_selection(TAGS, ["general=0.5", "0.4"], ["=_==0.8", "skadi=0.1"])
    assert chosen.thresholds == (0.5, 0.8, 0.1, 0.4)
    assert create_selection(TAGS, mcut=True).thresholds == (0, 0, 0, 0)
    assert create_selection(TAGS, ["0.1"], mcut=True).thresholds == (0.1, 0.1, 0.1, 0.1)


@pytest.mark.parametrize(("thresholds", "of_tags", "says"), [
    (["caracter=0.5"], [], "did you mean 'character'"), (["smile=0.5"], [], "--tag-threshold"),
    (["1.5"], [], "between 0 and 1"), (["nan"], [], "between 0 and 1"), (["x"], [], "'x'"),
    ([], ["smle=0.5"], "did you mean 'smile'"), ([], ["0.5"], "write TAG=0.5"),
    ([], ["smile=high"], "'high'"),
])  # fmt: skip
def test_what_is_no_threshold_is_refused(thresholds, of_tags, says):
    with pytest.raises(ConfigError, match=says):
        create_selection(TAGS, thresholds, of_tags)


@given(SCORES, st.none() | st.integers(1, 5))
def test_the_best_few_above_their_thresholds(scores, topk):
    given_ = [i for i in range(4) if scores[i] >= TAGS.thresholds[i]]
    ranked = [i for _, i in sorted((-scores[i], i) for i in given_)]
    chosen = create_selection(TAGS, topk=topk).choose(scores)
    assert chosen == (ranked if topk is None else ranked[:topk])


@given(SCORES, st.none() | st.integers(1, 5))
def test_the_same_tags_in_the_order_of_the_model(scores, topk):
    chosen = create_selection(TAGS, topk=topk, order="vocabulary").choose(scores)
    assert chosen == sorted(create_selection(TAGS, topk=topk).choose(scores))
    with pytest.raises(ConfigError, match="did you mean 'vocabulary'"):
        create_selection(TAGS, order="vocabulry")


@given(st.lists(st.floats(0, 1), min_size=2, max_size=8))
def test_mcut_parts_at_the_widest_gap(scores):
    ranked = sorted(scores)[::-1]
    best, cut = -1.0, None
    for i in range(len(ranked) - 1):
        if ranked[i] - ranked[i + 1] > best:
            best, cut = ranked[i] - ranked[i + 1], (ranked[i] + ranked[i + 1]) / 2
    assert compute_mcut(scores) == cut


def test_mcut_cuts_each_category_for_itself():
    selection = create_selection(TAGS, mcut=True)
    assert selection.choose([0.9, 0.2, 0.8, 0.4]) == [0, 2]
    assert create_selection(TAGS, ["character=0.85"], mcut=True).choose([0.9, 0.2, 0.8, 0.6]) == [
        0, 3,
    ]  # fmt: skip


@given(st.lists(st.floats(0, 1), min_size=3, max_size=3, unique=True), st.integers(1, 3))
def test_one_rating_is_given_beside_the_best_few(ratings, topk):
    rated = (Tag(name, RATING) for name in ("general", "sensitive", "explicit"))
    tags = TagSet((*rated, Tag("smile"), Tag("hat")))
    scores = [*ratings, 0.9, 0.8]
    given = create_selection(tags, ["0.35"], topk=topk).choose(scores)
    assert [i for i in given if i < 3] == [ratings.index(max(ratings))]
    assert [i for i in given if i >= 3] == [3, 4][:topk]
    assert [scores[i] for i in given] == sorted((scores[i] for i in given), reverse=True)


def test_a_threshold_that_is_asked_for_counts_for_ratings():
    tags = TagSet((Tag("general", RATING), Tag("sensitive", RATING)))
    assert create_selection(tags, ["rating=0.5"]).choose([0.3, 0.4]) == []
    assert create_selection(tags, ["rating=0.5"]).choose([0.6, 0.7]) == [1]
