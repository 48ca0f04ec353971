"""`zokusei tag` as people with collections use it."""

import io
import json
import os
import sys
from pathlib import Path

import pytest

from pictures import write_tree


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    """A small tree in the current folder, in which nothing else lies."""
    monkeypatch.chdir(tmp_path)
    return write_tree(tmp_path)


@pytest.fixture
def stdin(monkeypatch):
    def give(data):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))

    return give


def read_lines(path):
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def test_lists_on_stdin(zokusei, untrained, pictures, stdin):
    stdin(b"art/a.png\nart/sub\n")
    code, out, err = zokusei("tag", "-", "--model", untrained, "--json")
    assert code == 0
    paths = [json.loads(line)["path"] for line in out.splitlines()]
    assert paths == ["art/a.png", "art/sub/b.png", "art/sub/deep/c.jpg"]
    assert "model gap, 32 px, 9 tags, on cpu" in err
    assert "3 pictures tagged" in err
    assert "images/s on cpu" in err
    (pictures / "a.png").rename(pictures / "two\nlines.png")
    stdin(b"art/two\nlines.png\0")
    code, out, _ = zokusei("tag", "-", "-0", "--model", untrained)
    assert code == 0
    assert out.startswith("art/two\\nlines.png: ")


def test_names_that_are_no_text_are_printed_and_named(zokusei, untrained, pictures):
    (pictures / "a.png").rename(pictures / os.fsdecode(b"\xff\xfe.png"))
    (pictures / os.fsdecode(b"\xfd.png")).touch()
    code, out, err = zokusei("tag", "art", "--model", untrained, "--json", "--errors", "e.jsonl")
    assert code == 3
    assert os.fsencode(json.loads(out.splitlines()[-1])["path"]) == b"art/\xff\xfe.png"
    problem = read_lines("e.jsonl")[0]
    assert problem["lost"] is True
    assert "is empty" in problem["problem"]
    assert "1 of 4 pictures could not be read" in err


def test_what_is_left_out_is_named_on_one_line_each(zokusei, untrained, pictures):
    Path("art/two\nlines.png").write_bytes(b"no picture")
    Path("art/gone\nagain.png").symlink_to("nowhere")
    Path("art/odd\nbook.zip").write_bytes(b"no archive")
    (pictures / "sub/b.png").rename(pictures / "sub/b\n.png")
    Path("art/sub/b\n.txt").write_bytes(b"\xff")
    code, _, err = zokusei(
        "tag",
        "art",
        "--model",
        untrained,
        "--write",
        "kohya",
        "--state",
        "s",
        "--existing",
        "merge",
    )
    assert code == 3
    assert len([line for line in err.splitlines() if line.startswith("not ")]) == 4
    for name in ("two\\nlines.png", "gone\\nagain.png", "odd\\nbook.zip", "b\\n.png"):
        assert f"/{name}" in err


def test_what_is_left_out_is_listed_before_anything_can_end_the_run(
    zokusei, untrained, pictures, monkeypatch
):
    from zokusei.cli import console

    (pictures / "broken.png").write_bytes(b"no picture")
    listed = []

    def look(message):
        if message.startswith("not tagged: "):
            listed.append([problem["file"] for problem in read_lines("e.jsonl")])

    monkeypatch.setattr(console, "tell", look)
    code, _, _ = zokusei(
        "tag", "art", "gone.png", "--model", untrained, "--errors", "e.jsonl", "--batch-size", "1"
    )
    assert code == 3
    assert listed == [["art/broken.png"], ["art/broken.png", "gone.png"]]


def test_with_files_the_list_lies_in_the_state_folder(zokusei, untrained, pictures):
    command = ("tag", "art", "--model", untrained, "--write", "kohya", "-o", "out")
    assert zokusei(*command)[0] == 0
    assert not Path("out/.zokusei/errors").exists()
    (pictures / "broken.png").write_bytes(b"no picture")
    assert zokusei(*command, "--dry-run")[0] == 3
    assert not Path("out/.zokusei/errors").exists()
    code, _, err = zokusei(*command)
    assert code == 3
    (path,) = Path("out/.zokusei/errors").glob("*.jsonl")
    assert err.splitlines()[-1] == f"they are listed in {path}"
    assert [problem["file"] for problem in read_lines(path)] == ["art/broken.png"]


def test_a_list_that_cannot_be_written_is_one_line(zokusei, untrained, pictures):
    Path("file").touch()
    code, _, err = zokusei("tag", "art", "--model", untrained, "--errors", "file/e.jsonl")
    assert code == 2
    assert "file/e.jsonl, the list of what is left out, was not written" in err
    assert "Traceback" not in err


def test_what_is_wrong_is_listed_and_the_rest_done(zokusei, untrained, pictures):
    (pictures / "broken.png").write_bytes(b"no picture")
    code, out, _ = zokusei("tag", "art", "gone.png", "--model", untrained, "--errors", "e.jsonl")
    assert code == 3
    assert len(out.splitlines()) == 3
    listed = read_lines("e.jsonl")
    assert [problem["file"] for problem in listed] == ["art/broken.png", "gone.png"]
