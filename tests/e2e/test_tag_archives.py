"""`zokusei tag` on archives: what is inside of them is tagged where it lies."""

import io
import json
import sys
import zipfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pictures import write_tree

NAMES = ["a.png", "sub/b.png", "sub/deep/c.jpg"]


@pytest.fixture
def book(tmp_path, monkeypatch):
    """An archive of three pictures beside the same ones in a folder."""
    monkeypatch.chdir(tmp_path)
    art = write_tree(tmp_path)
    (tmp_path / "books").mkdir()
    book = Path("books/book.cbz")
    with zipfile.ZipFile(book, "w") as file:
        for name in NAMES:
            file.write(art / name, name)
        file.writestr("../out.png", b"x")
        file.writestr("broken.png", b"no picture")
    return book


@pytest.fixture
def tag(zokusei, untrained):
    def run(*arguments):
        return zokusei("tag", *arguments, "--model", untrained)

    return run


def records(text):
    return [json.loads(line) for line in text.splitlines()]


def test_members_have_the_tags_of_the_same_pictures_in_a_folder(tag, book, monkeypatch):
    code, out, _ = tag("art", "--json")
    assert code == 0
    wanted = records(out)
    for given in ("books", "books/book.cbz", "books/*.cbz"):
        code, out, err = tag(given, "--json", "--errors", "e.jsonl")
        assert code == 3
        got = records(out)
        assert [record["path"] for record in got] == [f"books/book.cbz/{name}" for name in NAMES]
        for one, other in zip(got, wanted, strict=True):
            assert one["scores"] == pytest.approx(other["scores"], abs=1e-5)
        lost = {
            problem["file"]: problem["problem"] for problem in records(Path("e.jsonl").read_text())
        }
        assert set(lost) == {"books/book.cbz/../out.png", "books/book.cbz/broken.png"}
        assert "not tagged: books/book.cbz/../out.png: its name leads out" in err
        assert "not tagged: books/book.cbz/broken.png is no picture of a known format" in err
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"books/book.cbz\0art/a.png\0")))
    assert len(tag("-", "-0")[1].splitlines()) == 4


def test_results_of_members_lie_in_the_output_and_never_in_the_archive(tag, zokusei, book):
    before = book.read_bytes()
    code, out, err = tag(
        "books", "art/a.png", "--write", "kohya,jsonl,csv,parquet,coco", "-o", "out", "--json"
    )
    assert code == 3
    assert "../out.png" in err
    texts = sorted(str(path.relative_to("out")) for path in Path("out").rglob("*.txt"))
    inside = [f"books/book.cbz/{Path(name).with_suffix('.txt')}" for name in NAMES]
    assert texts == ["art/a.txt", *inside]
    paths = ["art/a.png", *(f"books/book.cbz/{name}" for name in NAMES)]
    assert [record["path"] for record in records(Path("out/tags.jsonl").read_text())] == paths
    assert pq.read_table("out/tags.parquet")["path"].to_pylist() == paths
    csv_lines = Path("out/tags.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in csv_lines[1:]] == paths
    images = json.loads(Path("out/tags.coco.json").read_text())["images"]
    assert [(image["file_name"], image["width"]) for image in images] == [(p, 40) for p in paths]
    assert sorted(record["path"] for record in records(out)) == paths
    assert book.read_bytes() == before


def test_what_is_done_is_known_by_the_content_of_each_member(tag, zokusei, book):
    again = ("--write", "kohya", "-o", "out", "--state", "s", "--existing", "replace")
    assert "4 pictures tagged" in tag("books", "art/a.png", *again)[2]
    assert "4 pictures were done before" in tag("books", "art/a.png", *again)[2]
    with zipfile.ZipFile(book, "w") as file:
        for name in NAMES:
            file.write(Path("art", "a.png" if "c" in name else name), name)
    code, _, err = tag("books", "art/a.png", *again)
    assert code == 0
    assert "1 pictures tagged" in err
    assert "3 pictures were done before" in err
    for journal in sorted(Path("s/journals").glob("*.jsonl"), reverse=True):
        assert zokusei("undo", journal)[0] == 0
    assert not list(Path("out").rglob("*.txt"))
    assert "4 pictures tagged" in tag("books", "art/a.png", *again)[2]


def test_beside_a_member_nothing_can_be_written_which_is_said_once_an_archive(tag, book):
    code, _, err = tag("books", "art", "--write", "kohya,xmp", "--state", "s")
    assert code == 3
    assert err.count("not written: ") == 1
    assert "not written: books/book.cbz: files are never written into an archive" in err
    assert len(list(Path("art").rglob("*.txt"))) == 3
    assert [path.name for path in Path("books").iterdir()] == ["book.cbz"]


def test_an_output_in_which_the_archive_itself_lies_is_no_place(tag, book):
    before = book.read_bytes()
    code, _, err = tag("books", "--write", "kohya", "-o", "books")
    assert code == 3
    assert err.count("not written: ") == 3
    assert "Traceback" not in err
    assert book.read_bytes() == before


def test_two_pictures_of_archives_never_share_a_caption(tag, book):
    with zipfile.ZipFile("books/two.zip", "w") as file:
        file.write("art/a.png", "a.png")
        file.write("art/sub/deep/c.jpg", "a.jpg")
    code, _, err = tag("books/two.zip", "--write", "kohya", "-o", "out")
    assert code == 3
    assert [path.name for path in Path("out").iterdir() if path.suffix] == ["a.txt"]
    assert "two.zip/a.jpg (a.txt)" in err
