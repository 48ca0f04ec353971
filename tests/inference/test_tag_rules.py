"""A file of rules does what it says, and says what it does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zokusei.errors import ZokuseiError
from zokusei.inference.rules import Rules
from zokusei.tags import TagSet

CATEGORIES = {
    "skadi": "character",
    "skadi_(arknights)": "character",
    "touhou": "copyright",
    "general": "rating",
}


def load(folder, text, **files):
    for name, content in files.items():
        (folder / name).write_text(content)
    path = folder / "rules.yaml"
    path.write_text(text)
    return Rules.load(path)


@pytest.mark.parametrize(("text", "before", "after", "steps"), [
    ("aliases: {neko_ears: cat_ears}", "neko_ears cat_ears", "cat_ears",
     ["alias: neko_ears is cat_ears"]),
    ("replace: {hat: [headwear, red_hat], smile: []}", "smile hat solo", "headwear red_hat solo",
     ["replace: smile becomes nothing", "replace: hat becomes headwear, red_hat"]),
    ("implications: {cat_ears: animal_ears, animal_ears: ears}", "ears animal_ears cat_ears solo",
     "cat_ears solo", ["implied: ears is dropped, animal_ears implies it",
                       "implied: animal_ears is dropped, cat_ears implies it"]),
    ("implied: add\nimplications: {cat_ears: animal_ears, animal_ears: ears}", "cat_ears solo",
     "cat_ears solo animal_ears ears", ["implied: animal_ears is added, cat_ears implies it",
                                        "implied: ears is added, cat_ears implies it"]),
    ("remove: [solo, '*_background']", "solo red_background background", "background",
     ["remove: solo", "remove: red_background (*_background)"]),
    ("remove: solo", "sol solo solo_focus", "sol solo_focus", ["remove: solo"]),
    ("add: [my_style]", "my_style a", "my_style a", []),
    ("add: [my_style]", "a", "a my_style", ["add: my_style"]),
    ("order: [character, copyright]", "a skadi b touhou general", "skadi touhou a b general",
     ["order: character, copyright"]),
    ("order: [character, general]", "a touhou skadi b", "skadi a b touhou",
     ["order: character, general"]),
    ("first: [1girl, 1boy]", "a 1boy b 1girl", "1girl 1boy a b", ["first: 1girl, 1boy"]),
    ("first: [1girl, 1boy]", "1boy a", "1boy a", []),
    ("expand: [character]", "a skadi_(arknights) b_(c)", "a skadi arknights b_(c)",
     ["expand: skadi_(arknights) becomes skadi, arknights"]),
    ("expand: [character, general]\nremove: c", "b_(c) :d_(x", "b :d_(x",
     ["expand: b_(c) becomes b, c", "remove: c"]),
    # As kohya's taggers have it: the series is what stands in the last parentheses.
    ("expand: [general]", "saber_(swimsuit)_(fate) x_(y)_z", "saber_(swimsuit) fate x_(y)_z",
     ["expand: saber_(swimsuit)_(fate) becomes saber_(swimsuit), fate"]),
    ("add: my  style\nremove: long hair\nreplace: {red hat: big hat}\nfirst: big hat",
     "a long_hair red_hat", "big_hat a my_style",
     ["replace: red_hat becomes big_hat", "remove: long_hair", "add: my_style",
      "first: big_hat"]),
    ("one_of: [a, c, x]", "a b c", "a b", ["one_of: c goes, a stays"]),
    ("one_of: [[a, x], ['*_hair', b]]\naliases: {red_hair: b}", "b a red_hair blue_hair", "b a",
     ["one_of: red_hair goes, b stays", "one_of: blue_hair goes, b stays"]),
    ("rating: last", "general a skadi", "a skadi general", ["rating: general comes last"]),
    ("rating: last\nfirst: skadi\norder: [character]", "a general skadi b", "skadi a b general",
     ["order: character", "rating: general comes last"]),
    ("rating: first\nfirst: b", "a general b", "b general a",
     ["rating: general comes first", "first: b"]),
    ("rating: first", "a b", "a b", []),
    ("", "a b", "a b", []),
    # All of them: a rule sees what the ones before it made.
    ("aliases: {x: cat_ears}\nreplace: {cat_ears: [cat_ears, neko]}\n"
     "implications: {cat_ears: ears}\nremove: neko\nadd: [style]\norder: [character]\n"
     "first: style", "ears x skadi", "style skadi cat_ears",
     ["alias: x is cat_ears", "replace: cat_ears becomes cat_ears, neko",
      "implied: ears is dropped, cat_ears implies it", "remove: neko", "add: style",
      "order: character", "first: style"]),
])  # fmt: skip
def test_rules_do_what_they_say(tmp_path, text, before, after, steps):
    ruled = load(tmp_path, text).apply(before.split(), CATEGORIES)
    assert ruled.names == tuple(after.split())
    assert list(ruled.steps) == steps


def test_rules_that_are_given_one_by_one_come_on_top_of_a_file(tmp_path):
    path = tmp_path / "rules.yaml"
    path.write_text("remove: solo\nreplace: {hat: headwear}\nimplied: add")
    more = ["remove: [smile]", "replace: {bow: [ribbon]}", "first: x", "implied: drop"]
    rules = Rules.load(path, more)
    assert rules.apply(["solo", "smile", "hat", "bow", "x"], {}).names == (
        "x",
        "headwear",
        "ribbon",
    )
    assert rules.drop_implied
    assert len({rules.digest, Rules.load(path).digest, Rules.load(path, more[:1]).digest}) == 3
    assert Rules.load(None, ["add: [mine]"]).apply(["a"], {}).names == ("a", "mine")
    for text, says in (
        ("remove", "write it as"), ("a: [", "cannot be read"), ("removes: a", "did you mean"),
        ("replace: [a]", "in another way"), ("remove: [1]", "--rule: remove is a list"),
    ):  # fmt: skip
        with pytest.raises(ZokuseiError, match=says):
            Rules.load(path if says == "in another way" else None, [text])


def test_of_a_group_the_most_probable_stays_in_whatever_order():
    rules = Rules.load(None, ["one_of: [red, blue]", "one_of: [[a, b]]", "one_of: ['*_x', y]"])
    scores = {"red": 0.4, "blue": 0.6, "a": 0.9, "b": 0.8, "p_x": 0.1, "y": 0.2}
    ruled = rules.apply(["y", "red", "a", "p_x", "b", "blue"], {}, scores)
    assert ruled.names == ("y", "a", "blue")
    assert rules.find_unknown(TagSet.from_names(["red", "blue", "a", "y"])) == ["b"]


def test_aliases_and_implications_may_lie_in_files_that_import_reads(tmp_path):
    rules = load(
        tmp_path, "aliases: a.csv\nimplications: i.txt\nimplied: add",
        **{"a.csv": "antecedent,consequent\nneko_ears,cat_ears\n",
           "i.txt": "cat_ears -> animal_ears\n"},
    )  # fmt: skip
    assert rules.apply(["neko_ears"], {}).names == ("cat_ears", "animal_ears")
    other = load(tmp_path, "aliases: a.csv\nimplications: i.txt\nimplied: add",
                 **{"i.txt": "cat_ears -> ears\n"})  # fmt: skip
    assert rules.digest != other.digest


@pytest.mark.parametrize(("text", "says"), [
    ("removes: [a]", "did you mean 'remove'"), ("order: [charcter]", "did you mean 'character'"),
    ("implied: both", "drop or add"), ("remove: [1]", "use quotes"), ("first: {a: b}", "list"),
    ("replace: [a]", "tag: other_tag"), ("aliases: {a: [b, c]}", "one tag"),
    ("rating: middle", "first or last"), ("one_of: a", "other_tag"), ("one_of: [[a]]", "other_tag"),
    ("one_of: [[a, b], c]", "other_tag"), ("one_of: [a, 1]", "use quotes"),
    ("expand: [series]", "expand has no category 'series'"),
    ("aliases: {a: b, b: a}", "circle"), ("implications: {a: b, b: a}", "circle"),
    ("aliases: none.txt", "none.txt"), ("- a", "key: value"), ("a: [", "cannot be read"),
])  # fmt: skip
def test_what_is_no_rule_is_refused(tmp_path, text, says):
    with pytest.raises(ZokuseiError, match=says):
        load(tmp_path, text)


def test_a_new_name_has_the_category_of_the_tag_that_it_replaces(tmp_path):
    rules = load(
        tmp_path, "aliases: {general: safe, skadi: skadi_2, sol: solo}\n"
        "replace: {skadi_2: [skadi_3, woman], solo: [alone]}\norder: [character]",
    )  # fmt: skip
    known = {**CATEGORIES, "solo": "general", "woman": "meta", "sol": "artist"}
    categories = rules.carry(known)
    assert categories == {
        **known, "safe": "rating", "skadi_3": "character", "alone": "general", "touhou": "copyright"
    }  # fmt: skip
    assert rules.apply(["solo", "skadi"], categories).names == ("skadi_3", "alone", "woman")


NAMES = st.lists(st.sampled_from(["a", "b", "c", "skadi", "x_hat"]), unique=True)


@given(NAMES, NAMES, NAMES, st.permutations(["general", "character"]))
def test_nothing_is_lost_or_doubled(names, first, add, order):
    ruled = Rules(first=first, add=add, order=order).apply(names, CATEGORIES)
    assert sorted(ruled.names) == sorted({*names, *add})
    there = [name for name in first if name in ruled.names]
    assert list(ruled.names[: len(there)]) == there
    again = Rules(first=first, add=add, order=order).apply(ruled.names, CATEGORIES)
    assert again.names == ruled.names


def test_rules_that_can_never_do_anything_are_told():
    tags = TagSet.from_names(["smile", "cat_ears"])
    rules = Rules(remove=("smlie", "*_x", "smile"), first=("mine", "new"), add=("mine",),
                  replace={"smile": ("new",), "gone": ()})  # fmt: skip
    assert rules.find_unknown(tags) == ["gone", "smlie"]


def test_parts_of_a_name_are_waited_for_where_names_are_parted():
    tags = TagSet.from_names(["skadi_(arknights)"])
    assert Rules(remove=("arknights",)).find_unknown(tags) == ["arknights"]
    assert Rules(remove=("arknights",), expand=("character",)).find_unknown(tags) == []


def test_mistyped_aliases_and_implications_are_told_but_no_lists_of_a_whole_site(tmp_path):
    rules = load(
        tmp_path, "aliases: {smlie: smile, smile: grin, grin_: grin}\n"
        "implications: {cat_eras: ears, smile: mouth, mouth: face, new: x}\n"
        "replace: {cat_ears: [new]}",
    )  # fmt: skip
    tags = TagSet.from_names(["smile", "cat_ears"])
    assert rules.find_unknown(tags) == ["smlie", "grin_", "cat_eras"]
    listed = load(tmp_path, "aliases: a.txt\nimplications: i.txt",
                  **{"a.txt": "smlie -> smile\n", "i.txt": "cat_eras -> ears\n"})  # fmt: skip
    assert listed.find_unknown(tags) == []


def test_an_order_that_is_said_later_counts(tmp_path):
    (tmp_path / "rules.yaml").write_text("order: [general, copyright]")
    rules = Rules.load(tmp_path / "rules.yaml", ["order: [character, general]"])
    assert rules.order == ("character", "general", "copyright")
