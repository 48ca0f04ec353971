"""Tags as words."""

import pytest

from zokusei.words import explain_word, split_compound, split_tag


@pytest.mark.parametrize(("tag", "words"), [
    ("one_eye_closed", "one eye closed"),
    ("hair_over_one_eye", "hair over one eye"),
    (":d", "open mouth smile"),
    (">_<", "tightly closed eyes"),
    ("^_^", "happy closed eyes"),
    ("1girl", "one girl"),
    ("6+girls", "six girls"),
    ("star_(symbol)", "star symbol"),
    ("two-tone_hair", "two tone hair"),
    ("Blue Hair", "blue hair"),
    ("frilled_maid's_apron", "frilled maid apron"),
    ("hatsune_miku_(cosplay)", "hatsune miku cosplay"),
    ("40s_(style)", "40 s style"),
    ("page_23", "page 23"),
    ("1234", "1234"),
    ("unit_01", "unit 01"),
    ("unit_0", "unit zero"),
    ("crème_brûlée", "crème brûlée"),
    ("%", ""),
])  # fmt: skip
def test_a_tag_becomes_its_words(tag, words):
    assert split_tag(tag) == words.split()


def test_a_compound_is_parted_where_both_halves_are_most_frequent():
    ranks = {"hair": 5, "band": 7, "hairb": 90, "and": 1, "rband": 2}
    assert split_compound("hairband", ranks) == ["hair", "band"]
    assert split_compound("hair", ranks) == []
    # Halves of two letters would be words of some language always.
    assert split_compound("ahat", {"a": 1, "hat": 2, "ah": 3, "at": 4}) == []


def test_words_of_the_drawing_world_are_explained():
    assert explain_word("serafuku") == ["sailor", "school", "uniform"]
    assert explain_word("hair") == []
