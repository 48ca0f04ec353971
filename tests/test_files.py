import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from zokusei.errors import ZokuseiError
from zokusei.files import write_folder_whole, write_text, write_whole


def test_a_failure_inside_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def write_half():
        with write_whole(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_full_disk_is_one_line_and_nothing_is_left(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ZokuseiError, match=r"a\.txt was not written: No space left"):
        write_text(path, "text")
    assert list(tmp_path.iterdir()) == []


def test_permissions_are_those_of_a_plain_file(tmp_path):
    (tmp_path / "plain").write_text("")
    write_text(tmp_path / "whole", "")
    assert (tmp_path / "whole").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_folder_that_is_a_file_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ZokuseiError, match="was not written"):
        write_text(tmp_path / "file" / "a.txt", "text")


def test_two_machines_on_a_share_never_write_into_one_temporary_file():
    code = """
import platform, sys
platform.node = lambda: sys.argv[1]
from zokusei.files import LOCKED_NAME
print(LOCKED_NAME)
"""
    names = [
        subprocess.run(
            [sys.executable, "-c", code, host], capture_output=True, text=True, check=True
        ).stdout.strip()
        for host in ("one", "two", "two", "../a b/" + "ü" * 300, "")
    ]
    assert names[0] != names[1] == names[2]
    for name in names:
        assert name.startswith(".zokusei-new-")
        assert Path(name).name == name
        assert len(name.encode()) < 100


@pytest.mark.parametrize("name", ["x" * 251 + ".txt", "長" * 83 + ".txt", "a." + "\U0001f3b4" * 63])
def test_names_as_long_as_the_system_takes_them(tmp_path, name):
    write_text(tmp_path / name, "text")
    with write_folder_whole(tmp_path / "folders" / name) as temporary:
        (temporary / "a.txt").write_text("all")
    assert (tmp_path / name).read_text() == "text"
    assert (tmp_path / "folders" / name / "a.txt").read_text() == "all"


@pytest.mark.parametrize("name", [".", "../here"])
def test_the_current_folder_is_refused_before_anything_is_written(tmp_path, monkeypatch, name):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with (
        pytest.raises(ZokuseiError, match="is the current folder"),
        write_folder_whole(name) as temporary,
    ):
        pytest.fail(f"{temporary} was made")
    assert [path.name for path in tmp_path.rglob("*")] == ["here"]
    with write_folder_whole("new") as temporary:
        (temporary / "a.txt").write_text("all")
    assert (tmp_path / "here" / "new" / "a.txt").read_text() == "all"


def test_who_may_read_a_file_stays_as_it_is(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "mine")
    path.chmod(0o600)
    write_text(path, "still mine")
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("still mine", 0o600)


def test_on_a_read_only_disk_there_is_one_line(tmp_path, monkeypatch):
    def refuse(*arguments, **more):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "unlink", refuse)
    with (
        pytest.raises(ZokuseiError, match=r"a\.txt was not written: Read-only file system"),
        write_whole(tmp_path / "a.txt", temporary_name=".new"),
    ):
        pytest.fail("nothing can be written")
