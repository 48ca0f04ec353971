"""`zokusei tag` by the names of kohya's taggers does what it does by its own."""

import json

import pytest

from pictures import write_tree
from zokusei.cli.kohya_names import KNOWN, translate
from zokusei.errors import ConfigError


@pytest.fixture
def written(zokusei, untrained, tmp_path, monkeypatch):
    """Give the captions that arguments make of a small tree."""
    monkeypatch.chdir(tmp_path)
    write_tree(tmp_path)

    def run(*arguments):
        out = tmp_path / f"out{len(list(tmp_path.iterdir()))}"
        command = ("tag", "art", "--model", untrained, "--write", "kohya", "-o", out)
        code, _, err = zokusei(*command, *arguments)
        assert code == 0, err
        found = sorted(path for path in out.rglob("*") if ".zokusei" not in path.parts)
        return {path.relative_to(out): path.read_text() for path in found if path.is_file()}

    return run


@pytest.mark.parametrize(("theirs", "ours"), [
    ("--thresh 0.2", "--threshold 0.2"),
    ("--thresh=0.2 --batch_size 1 --recursive --remove_underscore", "--threshold 0.2"),
    ("--general_threshold 0.3 --character_threshold 0.9",
     "--threshold general=0.3 --threshold character=0.9"),
    ("--thresh 0 --caption_extension .caption", "--threshold 0 --caption-extension .caption"),
    ("--thresh 0 --character_tags_first --caption_separator=,",
     "--threshold 0 --rule {order:[character,general]} --caption-separator=,"),
])  # fmt: skip
def test_captions_are_those_of_our_own_names(written, theirs, ours):
    found = written(*theirs.split(" "))
    assert len(found) == 3
    assert found == written(*ours.split(" "))


def test_characters_come_first_and_are_parted_from_their_series(written):
    command = ("--thresh", "0", "--character_tags_first", "--character_tag_expand")
    for caption in written(*command).values():
        assert caption.startswith("skadi, arknights, ")
        assert "(arknights)" not in caption


def test_the_rating_stands_where_theirs_puts_it(written):
    plain = {path: text.strip() for path, text in written("--thresh", "0").items()}
    for name, first in (("--use_rating_tags", True), ("--use_rating_tags_as_last_tag", False)):
        for path, caption in written("--thresh", "0", name).items():
            tags = caption.strip().split(", ")
            rating = tags.pop(0 if first else -1)
            assert rating in ("general", "sensitive", "explicit")
            assert ", ".join(tags) == plain[path]


def test_tags_are_dropped_moved_and_renamed(written):
    names = next(iter(written("--thresh", "0").values())).strip().split(", ")
    assert len(names) > 4
    first, second, third, fourth, *rest = names
    found = written(
        "--thresh",
        "0",
        "--undesired_tags",
        f"{first},{second.replace(' ', '_')}",
        "--always_first_tags",
        f" {fourth} ",
        "--tag_replacement",
        f"{third},a new one",
    )
    assert next(iter(found.values())).strip().split(", ") == [fourth, "a new one", *rest]


def test_each_name_of_theirs_is_translated_or_explained():
    for name in KNOWN:
        assert name not in translate([name, "a,b"])
    assert translate(["--", "--thresh"]) == ["--", "--thresh"]
    assert translate([r"--tag_replacement=a\,b,c\;d;e,"]) == [
        "--rule", '{"replace": {"a,b": ["c;d"], "e": []}}'
    ]  # fmt: skip
    for parted in (["--caption_separator", "; "], ["--caption_separator=;"]):
        lists = translate(["--undesired_tags", "a b;c,", *parted, "--always_first_tags=d;e"])
        assert json.loads(lists[1]) == {"remove": ["a_b", "c,"]}
        assert json.loads(lists[-1]) == {"first": ["d", "e"]}
    for wrong, says in (
        (["--tag_replacement", "a"], "is no `old,new`"), (["--thresh"], "needs a value"),
    ):  # fmt: skip
        with pytest.raises(ConfigError, match=says):
            translate(wrong)
