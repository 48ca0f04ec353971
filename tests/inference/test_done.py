"""The manifest of what is done: nothing is lost, nothing is done twice."""

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest

from zokusei.errors import DataError
from zokusei.inference.done import Done, Row
from zokusei.inference.done_file import forget
from zokusei.inference.model_hash import hash_model

SCRIPT = Path(__file__).parents[1] / "killing.py"


def kill(model, folder, kills):
    done = subprocess.run(
        [sys.executable, SCRIPT, model, folder, str(kills)],
        capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[0]) >= kills
    return done.stdout


def test_a_few_kills_and_two_taggers_at_once(untrained, tmp_path):
    kill(untrained, tmp_path, 3)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_many_kills(untrained, tmp_path):
    print(kill(untrained, tmp_path, 200))


def meet(barrier):
    global BARRIER
    BARRIER = barrier


def begin(path):
    BARRIER.wait()
    Done(path, {"a": 1}).close()


def test_two_begin_the_same_manifest_at_once(tmp_path):
    context = multiprocessing.get_context("spawn")
    with context.Pool(2, meet, [context.Barrier(2)]) as pool:
        for number in range(40):
            pool.map(begin, [tmp_path / str(number) / "done.sqlite"] * 2, chunksize=1)


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"pixels")
    return path


def test_a_picture_is_known_by_its_content(tmp_path, picture):
    done = Done(tmp_path / "d", {"a": 1})
    known, mark = done.look(picture)
    assert not known
    done.record(picture, mark)
    assert done.look(picture)[0]
    os.utime(picture, ns=(1, 1))
    assert done.look(picture)[0], "it was touched, and is the same"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("zokusei.inference.done.hash_file", None)
        assert done.look(picture)[0], "what was touched is read once more, and not every time"
    picture.write_bytes(b"others")  # as long, at what may be the same moment
    assert not done.look(picture)[0]
    assert not Done(tmp_path / "d", {"a": 2}).look(picture)[0], "other options, other results"
    again = Done(tmp_path / "d", {"a": 1})
    again.record(picture, again.look(picture)[1])
    assert again.look(picture)[0]
    forget(tmp_path / "d", again.job_hash, picture, "a.txt")
    assert not again.look(picture)[0]
    assert done.look(tmp_path / "gone.png") == (False, None)


def test_an_old_picture_is_not_read_again(tmp_path, picture, monkeypatch):
    import zokusei.inference.done as module

    os.utime(picture, ns=(1, 1))
    done = Done(tmp_path / "d", {})
    done.record(picture, done.look(picture)[1])
    monkeypatch.setattr(module, "hash_file", lambda path: pytest.fail("it was read"))
    assert done.look(picture)[0]


def test_rows_come_back_as_they_were_in_the_order_of_paths(tmp_path, picture):
    done = Done(tmp_path / "d", {})
    _, mark = done.look(picture)
    rows = [
        Row(f"{name}", f"sub/{name}", ("1girl", "日本"), [0.1, 1.0, 0.0], size)
        for name, size in (("b", None), ("a", (3, 2)), (os.fsdecode(b"\xff"), (1, 1)))
    ]
    for row in rows:
        done.record(tmp_path / row.path, mark, row)
    read = list(done.read())
    assert [row.path for row in read] == ["a", "b", os.fsdecode(b"\xff")]
    assert [(row.relative, row.names, row.size) for row in read] == [
        (row.relative, row.names, row.size) for row in (rows[1], rows[0], rows[2])
    ]
    assert all(list(row.scores) == pytest.approx([0.1, 1, 0]) for row in read)


def test_a_dry_look_changes_nothing(tmp_path, picture):
    path = tmp_path / "d"
    dry = Done(path, {}, dry=True)
    assert dry.claim("a.txt", picture) is None
    assert dry.claim("a.txt", tmp_path) == picture
    assert not path.exists()
    done = Done(path, {})
    done.record(picture, done.look(picture)[1])
    done.close()
    before = path.read_bytes()
    dry = Done(path, {}, dry=True)
    assert dry.look(picture)[0]
    assert dry.claim("a.txt", picture) is None
    dry.close()
    assert path.read_bytes() == before


def test_a_file_is_held_until_other_options_change_it_or_it_is_brought_back(tmp_path, picture):
    one, two = (Done(tmp_path / "d", {"threshold": value}) for value in (0.3, 0.5))
    for done in (one, two):
        assert not done.holds("a.txt", picture)
        assert done.claim("a.txt", picture) is None
    assert one.holds("a.txt", picture)
    assert not one.holds("a.txt", picture.with_suffix(".jpg"))
    assert Done(tmp_path / "d", {"threshold": 0.3}, dry=True).holds("a.txt", picture)
    two.take_over("a.txt", picture)
    assert not one.holds("a.txt", picture)
    assert two.holds("a.txt", picture)
    one.claim("a.txt", picture)
    forget(tmp_path / "d", one.job_hash, picture, "a.txt")
    assert not two.holds("a.txt", picture)


def test_another_database_is_refused(tmp_path):
    import sqlite3

    other = sqlite3.connect(tmp_path / "d")
    other.execute("CREATE TABLE t (x)")
    other.close()
    for dry in (False, True):
        with pytest.raises(DataError, match="version 0"):
            Done(tmp_path / "d", {}, dry=dry)


def test_the_hash_of_a_model_changes_with_its_thresholds(untrained, tmp_path):
    import shutil

    shutil.copytree(untrained, tmp_path / "model")
    assert hash_model(untrained) == hash_model(tmp_path / "model")
    tags = tmp_path / "model/tags.csv"
    tags.write_text(tags.read_text().replace("0.5", "0.6"))
    assert hash_model(untrained) != hash_model(tmp_path / "model")
