"""`zokusei tag --hydrus` against a small Hydrus of our own."""

import json
from pathlib import Path

import pytest
from hydrus_server import KEY, OTHERS, OWN, FakeHydrus
from PIL import Image

from images.picture_files import encode


@pytest.fixture
def hydrus():
    hydrus = FakeHydrus()
    yield hydrus
    hydrus.close()


@pytest.fixture
def pictures(hydrus, tmp_path, monkeypatch):
    """Three pictures in it, one of which another search finds; hashes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HYDRUS_ACCESS_KEY", raising=False)
    colours = [(200, 30, 30), (30, 200, 30), (30, 30, 200)]
    return [
        hydrus.add(encode(Image.new("RGB", (30, 20), colour), "PNG"), "image/png",
                   ["mine"] if index else ["mine", "red"])
        for index, colour in enumerate(colours)
    ]  # fmt: skip


@pytest.fixture
def tag(zokusei, untrained, hydrus, pictures):
    def run(*more, search="mine", key=KEY, service="zokusei", url=None):
        return zokusei(
            "tag", "--model", untrained, "--hydrus", url or hydrus.url, "--access-key", key,
            "--search", search, "--tag-service", service, "--state", "state", *more,
        )  # fmt: skip

    return run


def test_tags_come_into_the_own_service_and_nothing_else_changes(
    tag, zokusei, untrained, hydrus, pictures
):
    hydrus.tags[pictures[0]][OWN] = {"by hand"}
    hydrus.deleted = {"smile"}
    code, out, err = tag("--json", "--threshold", "0")
    assert code == 0
    records = {record["path"]: record for record in map(json.loads, out.splitlines())}
    assert list(records) == pictures
    assert "tags of 3 files added to 'zokusei'" in err
    for digest, record in records.items():
        Path("a.png").write_bytes(hydrus.files[digest][0])
        alone = json.loads(zokusei("tag", "a.png", "--model", untrained, "--json")[1])
        assert record["scores"] == pytest.approx(alone["scores"], abs=1e-5)
        rating = max(("general", "sensitive", "explicit"), key=record["scores"].__getitem__)
        wanted = {"1girl", "long hair", "^_^", "character:skadi (arknights)", "d:",
                  f"rating:{rating}"}  # fmt: skip
        assert hydrus.tags[digest][OWN] - {"by hand"} == wanted
    assert "by hand" in hydrus.tags[pictures[0]][OWN]
    assert hydrus.tags[pictures[0]][OTHERS] == {"mine", "red"}
    assert KEY.encode() not in Path("state/done.sqlite").read_bytes()


def test_only_what_is_searched_for_and_not_done_before(tag, hydrus, pictures):
    assert "tags of 1 files added" in tag(search="mine, red")[2]
    assert not hydrus.tags[pictures[1]][OWN]
    code, _, err = tag(search="mine,system:everything")
    assert code == 0
    assert "tags of 2 files added" in err
    assert "1 files were done before" in err
    assert hydrus.asked.count("/get_files/file") == 3
    assert "tags of 3 files added" in tag("--topk", "1")[2], "other options are other work"
    elsewhere = hydrus.url.replace("127.0.0.1", "localhost")
    assert elsewhere != hydrus.url
    assert "tags of 3 files added" in tag(url=elsewhere)[2], "another Hydrus may lack the tags"
    code, _, err = tag(search="nothing")
    assert code == 2
    assert "no picture was found in Hydrus" in err


def test_files_that_are_marked_are_left_out(tag, hydrus, pictures):
    mark = "wd14:mine"
    hydrus.tags[pictures[1]][OTHERS].add(mark)
    code, out, err = tag("--mark", mark, "--threshold", "1", "--threshold", "rating=1", "--dry-run")
    assert code == 0
    assert out.splitlines().count(f"  + {mark}") == 2
    code, _, err = tag("--mark", mark, "--threshold", "1", "--threshold", "rating=1")
    assert code == 0
    assert "tags of 2 files added" in err
    assert "1 files have the tag 'wd14:mine' already" in err
    assert [hydrus.tags[digest][OWN] for digest in pictures] == [{mark}, set(), {mark}]
    hydrus.tags[pictures[0]][OWN].remove(mark)  # to have it done again
    assert "tags of 1 files added" in tag("--mark", mark)[2]
    # Whatever the state, and the model: nothing is left to be done, which is no mistake.
    code, _, err = tag("--mark", mark, "--state", "other")
    assert code == 0
    assert "0 pictures tagged" in err
    assert "3 files have the tag 'wd14:mine' already" in err


@pytest.mark.parametrize("mark", ["", "-a", "system:inbox", "a,b", "a*", "a\nb"])
def test_a_mark_that_is_no_tag_is_refused(tag, mark):
    code, _, err = tag("--mark", mark)
    assert code == 2
    assert f"--mark {mark!r} " in err


def test_a_dry_run_prints_what_would_be_added(tag, hydrus, pictures):
    code, out, err = tag("--dry-run", "--threshold", "0")
    assert code == 0
    assert out.splitlines()[0] == f"add {pictures[0]}"
    assert "  + ::d:" not in out
    assert "  + :d:" in out.splitlines()
    assert "would be added" in err
    assert "/add_tags/add_tags" not in hydrus.asked
    assert not Path("state").exists()


def test_files_that_cannot_be_tagged_are_named_and_the_others_done(tag, hydrus, pictures):
    text = hydrus.add(b"%PDF", "application/pdf", ["mine"])
    broken = hydrus.add(b"no picture", "image/png", ["mine"])
    gone = hydrus.add(b"gone", "image/gif", ["mine"])
    hydrus.files[gone] = None, "image/gif"
    code, _, err = tag("--errors", "e.jsonl")
    assert code == 3
    assert "tags of 3 files added" in err
    named = {json.loads(line)["file"] for line in Path("e.jsonl").read_text().splitlines()}
    assert named == {text, broken, gone}
    assert f"{text}: is application/pdf" in err
    assert "File not there!" in err


def test_a_thousand_files_are_asked_for_in_batches(tag, hydrus, pictures, monkeypatch):
    monkeypatch.setattr("zokusei.inference.hydrus._METADATA", 2)
    assert tag()[0] == 0
    assert hydrus.asked.count("/get_files/file_metadata") == 2


@pytest.mark.parametrize(("change", "says"), [
    ({"key": "f" * 64}, "does not know this access key"),
    ({"key": "a b"}, "the access key is none"),
    ({"service": "zokuse"}, "no local tag service 'zokuse'; did you mean 'zokusei'"),
    ({"service": "public tag repository"}, "no local tag service 'public tag repository'"),
    ({"url": "127.0.0.1:1"}, "Hydrus does not answer at http://127.0.0.1:1"),
    ({"url": "ftp://x"}, "'ftp://x' is no address"),
    ({"url": "http://x:99999999"}, "is no address"),
    ({"search": " , "}, "--search is empty"),
])  # fmt: skip
def test_what_is_wrong_is_said_in_one_line(tag, change, says):
    code, _, err = tag(**change)
    assert code == 2
    assert says in err
    assert "Traceback" not in err
    assert KEY not in err
    assert not Path("state").exists()


def test_a_permission_that_is_missing_is_named(tag, hydrus):
    hydrus.permissions = [0, 3]
    code, _, err = tag()
    assert code == 2
    assert "lacks the permission to edit file tags" in err
    assert "search" not in err.split("lacks")[1].split(";")[0]


def test_hydrus_that_goes_away_ends_the_run_which_goes_on_later(tag, hydrus, pictures):
    hydrus.fail_after = 6
    code, _, err = tag("--batch-size", "1", "--workers", "1")
    assert code == 2
    assert "Hydrus does not answer" in err
    hydrus.fail_after = None
    assert tag()[0] == 0
    assert all(hydrus.tags[digest][OWN] for digest in pictures)


def test_something_else_than_hydrus_is_recognised(tag, hydrus, monkeypatch):
    monkeypatch.setattr(hydrus, "answer", lambda *_: (200, b"<html>hello"))
    code, _, err = tag()
    assert code == 2
    assert "is no Hydrus: it answers" in err


@pytest.mark.parametrize(("arguments", "says"), [
    (["--search", "a"], "need --hydrus URL"),
    ([], "name pictures"),
    (["--hydrus", "x"], "needs --search TAGS and --tag-service NAME"),
    (["a.png", "--hydrus", "x"], "leave 'a.png' away"),
    (["--hydrus", "x", "--write", "kohya"], "leave --write away"),
    (["--hydrus", "x", "--search", "a", "--tag-service", "b", "-o", "out"], "Hydrus gets none"),
    (["--hydrus", "x", "--search", "a", "--tag-service", "b"], "HYDRUS_ACCESS_KEY"),
])  # fmt: skip
def test_options_that_do_not_go_together(zokusei, untrained, pictures, arguments, says):
    code, _, err = zokusei("tag", *arguments, "--model", untrained)
    assert code == 2
    assert says in err
    assert len(err.splitlines()) <= 2


def test_the_key_may_stand_in_the_environment(zokusei, untrained, hydrus, pictures, monkeypatch):
    monkeypatch.setenv("HYDRUS_ACCESS_KEY", KEY)
    code, _, err = zokusei(
        "tag", "--model", untrained, "--hydrus", hydrus.url, "--search", "mine",
        "--tag-service", "my tags", "--state", "state",
    )  # fmt: skip
    assert code == 0
    assert "added to 'my tags'" in err
    assert {"mine", "red"} < hydrus.tags[pictures[0]][OTHERS]


def test_a_file_that_is_too_large_is_named_and_the_others_are_tagged(
    tag, hydrus, pictures, monkeypatch
):
    hydrus.add(hydrus.files[pictures[0]][0] + bytes(20_000), "image/png", ["mine"])
    monkeypatch.setattr("zokusei.inference.hydrus._MAX_BYTES", 10_000)
    code, out, err = tag("--json")
    assert code == 3
    assert [json.loads(line)["path"] for line in out.splitlines()] == pictures
    assert "more than 10000 bytes" in err
