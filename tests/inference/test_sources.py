"""What is named becomes a stream of pictures."""

import io
import itertools
import os
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zokusei.errors import DataError
from zokusei.inference.sources import find_items, read_list


@pytest.fixture
def tree(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("art/a.png", "art/deep/er/b.JPG", "art/notes.txt", "more/a.png"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    return tmp_path


def refuse(path, what):
    pytest.fail(f"{path}: {what}")


def found(*names):
    return [(str(item.path), str(item.relative)) for item in find_items(names, refuse)]


def test_one_folder_lies_directly_in_the_output_and_several_keep_their_paths(tree):
    assert found("art") == [("art/a.png", "a.png"), ("art/deep/er/b.JPG", "deep/er/b.JPG")]
    assert found("art", "more") == [
        ("art/a.png", "art/a.png"),
        ("art/deep/er/b.JPG", "art/deep/er/b.JPG"),
        ("more/a.png", "more/a.png"),
    ]
    assert found(str(tree / "more"), "gone.png") == [
        (str(tree / "more/a.png"), str(tree / "more/a.png")[1:]),
        ("gone.png", "gone.png"),
    ]


def test_patterns_are_globs_and_names_that_look_like_one_are_names(tree):
    assert sorted(found("*/a.png")) == [("art/a.png", "art/a.png"), ("more/a.png", "more/a.png")]
    assert [path for path, _ in found("art/**/*.JPG")] == ["art/deep/er/b.JPG"]
    assert [path for path, _ in found("m*")] == ["more/a.png"]
    Path("odd[1].png").touch()
    assert found("odd[1].png") == [("odd[1].png", "odd[1].png")]


def test_a_pattern_that_nothing_fits_and_a_closed_folder_end_nothing(tree, monkeypatch):
    told = []
    closed = tree / "closed"
    real = os.scandir

    def refuse_one(folder):
        if Path(folder) == closed:
            raise PermissionError(13, "Permission denied")
        return real(folder)

    closed.mkdir()
    monkeypatch.setattr(os, "scandir", refuse_one)
    given = ["art/a.png", "none*.png", str(closed), "more"]
    items = find_items(given, lambda path, what: told.append((str(path), what)))
    assert [str(item.path) for item in items] == ["art/a.png", "more/a.png"]
    assert [path for path, _ in told] == ["none*.png", str(closed)]
    assert "nothing fits this pattern" in told[0][1]
    assert "Permission denied" in told[1][1]


@pytest.mark.parametrize("pattern", ["art/**/*", "art/**", "art/*", "art/**/**/*", "a*", "./a*"])
def test_a_pattern_gives_each_picture_once_in_order_and_nothing_else(tree, pattern):
    for name in ("art/deep/c.png", "art/deep.png", "art/0/z.png", "art/deep/c.txt"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).touch()
    paths = [path for path, _ in found(pattern)]
    assert paths == [path for path, _ in found("art", "more")][:-1]
    assert len(paths) == 5


def test_a_folder_that_fits_a_pattern_is_read_once_and_what_is_wrong_with_it_told_once(tree):
    Path("art/deep/back").symlink_to("..")
    told = []
    items = list(find_items(["art/**/deep"], lambda path, what: told.append(str(path))))
    assert [str(item.path) for item in items] == [
        "art/deep/back/a.png", "art/deep/er/b.JPG",
    ]  # fmt: skip
    assert told == ["art/deep/back/deep"]


def test_nothing_leads_out_of_the_output_folder(tree):
    os.chdir("art")
    for path, relative in found("../more/a.png", "deep/../a.png", str(tree / "more")):
        assert not Path(relative).is_absolute(), path
        assert ".." not in Path(relative).parts


def test_a_folder_that_may_not_be_read_is_reported_and_the_others_go_on(tree, monkeypatch):
    real = os.scandir

    def scandir(folder):
        if Path(folder).name == "deep":
            raise PermissionError(13, "Permission denied")
        return real(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    left_out = []
    items = list(find_items(["art"], lambda path, what: left_out.append((path.name, what))))
    assert [item.path.name for item in items] == ["a.png"]
    assert left_out[0][0] == "deep"
    assert "Permission denied" in left_out[0][1]


@pytest.mark.parametrize("given", ["art", "art/*", "art/**/*", "art/book.cbz"])
def test_pictures_in_a_format_that_is_not_read_are_named(tree, given):
    with zipfile.ZipFile("art/book.cbz", "w") as file:
        for name in ("in.jxl", "in.png", "sub/", "in.txt", ".in.jxl"):
            file.writestr(name, b"content")
    for name in ("art/a.jxl", "art/deep/b.HEIC", "art/.hidden.jxl"):
        Path(name).touch()
    told = []
    items = find_items([given], lambda path, what: told.append((str(path), what)),
                       also=frozenset({".cbz"}))  # fmt: skip
    assert "art/book.cbz/in.png" in [str(item.path) for item in items]
    alone = [] if given == "art/book.cbz" else ["art/a.jxl", "art/deep/b.HEIC"]
    assert sorted(path for path, _ in told) == sorted([*alone, "art/book.cbz/in.jxl"])
    assert all("convert it to PNG" in what for _, what in told)


def test_sources_are_read_as_they_are_needed(tree):
    endless = itertools.repeat("art/a.png")
    assert len(list(itertools.islice(find_items(endless, print), 100))) == 100


NAMES = st.lists(st.binary(min_size=1, max_size=50).filter(lambda name: b"\0" not in name))


@given(NAMES, st.integers(1, 60))
def test_lists_of_any_bytes_are_read_whole_however_they_arrive(names, piece):
    class Slowly(io.BytesIO):
        def read1(self, size=-1):
            return self.read(piece)

    listed = list(read_list(Slowly(b"".join(name + b"\0" for name in names)), zero=True))
    assert listed == [Path(os.fsdecode(name)) for name in names]
    lines = [name.replace(b"\n", b"").rstrip(b"\r") for name in names]
    listed = list(read_list(Slowly(b"\n".join(lines))))
    assert listed == [Path(os.fsdecode(line)) for line in lines if line]


def test_what_is_no_list_is_refused_before_it_fills_the_memory():
    with pytest.raises(DataError, match="no file name"):
        list(read_list(io.BytesIO(b"x" * 10**6)))


def test_a_name_on_a_list_is_never_a_pattern(tree, monkeypatch):
    monkeypatch.chdir(tree)
    (tree / "set1.png").write_bytes(b"")
    gone = Path("set[12].png")
    assert [item.path for item in find_items([gone, Path("set1.png")], refuse)] == [
        gone, Path("set1.png"),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b"])
def test_what_can_be_no_file_is_a_picture_that_cannot_be_read(name):
    assert [item.path for item in find_items([Path(name), "a.png"], refuse)] == [
        Path(name), Path("a.png"),
    ]  # fmt: skip
