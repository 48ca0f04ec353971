"""Whatever a run changed, undo brings every byte back."""

import errno
import io
import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zokusei.errors import DataError, ZokuseiError
from zokusei.inference.journal import Journal, undo
from zokusei.inference.writers.changes import change_file, replace_file

NAMES = st.sampled_from(
    ["a.txt", "two\nlines.txt", "qu\"o'te.txt", "\U0001f3b4.txt", os.fsdecode(b"\xff\xfe.txt"),
     "x" * 251 + ".txt", "sub/deep/a.txt"]
)  # fmt: skip
CONTENTS = st.binary(max_size=40) | st.sampled_from([b"x" * 70_000, b"y" * 70_001])


def contents(folder):
    return {
        path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def nothing(*about):
    pass


def never(path, what):
    pytest.fail(f"{path}: {what}")


@given(
    st.dictionaries(NAMES, CONTENTS),
    st.lists(st.tuples(NAMES, CONTENTS), max_size=5, unique_by=lambda change: change[0]),
)
@settings(max_examples=10)
def test_every_byte_comes_back(tmp_path_factory, before, changes):
    root = tmp_path_factory.mktemp("undo")
    folder, path = root / "files", root / "journal"
    folder.mkdir()
    for name, data in before.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    old = contents(folder)
    journal = Journal(path)
    for number, (name, data) in enumerate(changes):
        if number % 2:
            replace_file(folder / name, lambda place, data=data: place.write_bytes(data), journal)
        else:
            change_file(folder / name, lambda was, data=data: data, journal)
        assert (folder / name).read_bytes() == data
    journal.close()
    if not journal.count:
        assert not path.exists()
        return
    undo(path, never, nothing)
    assert contents(folder) == old
    assert undo(path, never, nothing) == 0


@pytest.fixture
def changed(tmp_path):
    """Three files of which one was there, and the journal of how they came."""
    (tmp_path / "b.txt").write_bytes(b"mine\r\n")
    journal = Journal(tmp_path / "j.jsonl", {"job": "x"})
    for name in "abc":
        change_file(tmp_path / f"{name}.txt", lambda was: b"smile", journal, picture=Path("p.png"))
    journal.close()
    return tmp_path


def test_what_was_changed_since_is_left_and_named(changed):
    (changed / "b.txt").write_bytes(b"more of mine")
    left, forgotten = [], []
    restored = undo(
        changed / "j.jsonl",
        lambda path, what: left.append(path.name),
        lambda about, record: forgotten.append((about["job"], Path(record["path"]).name)),
    )
    assert restored == 2
    assert left == ["b.txt"]
    assert forgotten == [("x", "c.txt"), ("x", "a.txt")]
    assert (changed / "b.txt").read_bytes() == b"more of mine"
    assert not (changed / "a.txt").exists()


def test_a_journal_that_a_kill_cut_off_is_followed_as_far_as_it_goes(changed):
    path = changed / "j.jsonl"
    *whole, last = path.read_bytes().splitlines(keepends=True)
    (changed / "c.txt").unlink()  # a record comes before its change
    for length in (0, 1, len(last) // 2, len(last) - 1):
        path.write_bytes(b"".join(whole) + last[:length])
        undo(path, never, nothing)
        assert (changed / "b.txt").read_bytes() == b"mine\r\n"
        assert not (changed / "a.txt").exists()


@pytest.mark.parametrize("damage", [b"\n", b"[]\n", b'{"path": "a", "after": "b"}\n', b"\xff\n",
                                    b'{"path": "a", "after": "b", "before": "%"}\n'])  # fmt: skip
def test_a_damaged_journal_undoes_nothing(changed, damage):
    path = changed / "j.jsonl"
    first, *others = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + damage + b"".join(others))
    with pytest.raises(DataError, match=r"line 2, is no record"):
        undo(path, never, nothing)
    assert (changed / "a.txt").read_bytes() == b"smile"
    with pytest.raises(DataError, match="cannot be read"):
        undo(changed / "none", never, nothing)


def test_without_its_journal_no_file_is_changed(tmp_path):
    (tmp_path / "file").touch()
    journal = Journal(tmp_path / "file" / "j.jsonl")
    with pytest.raises(ZokuseiError, match=r"the journal .* was not written"):
        change_file(tmp_path / "a.txt", lambda was: b"smile", journal)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_journal_whose_disk_fails_says_so_once(tmp_path, number):
    class Failing(io.RawIOBase):
        def writable(self):
            return True

        def write(self, data):
            raise OSError(number, os.strerror(number))

    journal = Journal(tmp_path / "j.jsonl")
    change_file(tmp_path / "a.txt", lambda was: b"smile", journal)
    journal._file.close()
    journal._file = io.BufferedWriter(Failing())
    with pytest.raises(ZokuseiError, match=rf"j.jsonl was not written: {os.strerror(number)}"):
        change_file(tmp_path / "b.txt", lambda was: b"smile", journal)
    journal.close()
    assert not (tmp_path / "b.txt").exists()
    assert undo(tmp_path / "j.jsonl", never, nothing) == 1


def test_the_record_is_on_the_disk_before_the_change(tmp_path, monkeypatch):
    path = tmp_path / "j.jsonl"
    journal = Journal(path)
    replace = Path.replace

    def look(self, target):
        assert json.loads(path.read_bytes().splitlines()[-1])["path"] == str(target)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", look)
    change_file(tmp_path / "a.txt", lambda was: b"smile", journal)
    journal.close()


def test_a_link_stays_one_and_what_it_leads_to_is_changed_and_restored(tmp_path):
    (tmp_path / "captions").mkdir()
    caption, link = tmp_path / "captions" / "a.txt", tmp_path / "a.txt"
    caption.write_bytes(b"mine")
    caption.chmod(0o600)
    link.symlink_to("captions/a.txt")
    journal = Journal(tmp_path / "journal")
    change_file(link, lambda was: was + b", more", journal)
    journal.close()
    assert (link.is_symlink(), caption.read_bytes()) == (True, b"mine, more")
    assert undo(tmp_path / "journal", never, nothing) == 1
    assert (link.is_symlink(), caption.read_bytes()) == (True, b"mine")
    assert caption.stat().st_mode & 0o777 == 0o600


def test_one_file_that_cannot_be_restored_keeps_no_other_from_it(tmp_path, monkeypatch):
    journal = Journal(tmp_path / "journal")
    for name in ("a", "b"):
        change_file(tmp_path / name / "x.txt", lambda was: b"new", journal)
    journal.close()
    unlink, left = Path.unlink, []

    def refuse(path, **more):
        if path.name == "x.txt" and path.parent.name == "b":
            raise PermissionError(errno.EACCES, "Permission denied")
        unlink(path, **more)

    monkeypatch.setattr(Path, "unlink", refuse)
    assert undo(tmp_path / "journal", lambda *what: left.append(what), nothing) == 1
    assert left == [(tmp_path / "b" / "x.txt", "Permission denied")]
    assert not (tmp_path / "a" / "x.txt").exists()
