import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zokusei.data.manifest import Box, Manifest, Record
from zokusei.errors import DataError
from zokusei.tags import TagSet

NAMES = ["smile", "hat", ":d", "日本"]
ROWS = st.lists(
    st.tuples(
        st.text("abc/", min_size=1),
        st.lists(st.sampled_from([*NAMES, "not_in_it"]), unique=True),
        st.none() | st.lists(st.sampled_from(NAMES), unique=True),
    ),
    min_size=1,
    max_size=12,
)


@given(ROWS)
def test_targets_and_known_equal_a_loop_over_the_rows(rows):
    records = [Record(*row) for row in rows]
    manifest = Manifest.from_records(records, TagSet.from_names(NAMES), ".")
    for row, record in enumerate(records):
        for column, name in enumerate(NAMES):
            known = record.known is None or name in record.known or name in record.tags
            assert manifest.compute_targets()[row, column] == (name in record.tags)
            assert manifest.compute_known()[row, column] == known


def test_everything_survives_the_file(tmp_path):
    record = Record(
        "a b.png", ["hat"], ["hat", ":d"], "val", "g", ["A hat."], [Box("hat", 1, 2, 3, 4)], "s"
    )
    manifest = Manifest.from_records(
        [record, Record("c.png", [])], TagSet.from_names(NAMES), tmp_path
    )
    manifest.save(tmp_path / "m.parquet")
    loaded = Manifest.load(tmp_path / "m.parquet")
    assert loaded.table.equals(manifest.table)
    assert loaded.tags == manifest.tags
    assert loaded.paths == [tmp_path / "a b.png", tmp_path / "c.png"]


def test_a_folder_moved_with_its_manifest_still_finds_its_pictures(tmp_path):
    (tmp_path / "one").mkdir()
    Manifest.from_records([Record("a.png", ["x"])], None, tmp_path / "one").save(
        tmp_path / "one/m.parquet"
    )
    (tmp_path / "one").rename(tmp_path / "two")
    assert Manifest.load(tmp_path / "two/m.parquet").paths == [tmp_path / "two" / "a.png"]


def test_a_vocabulary_is_ordered_by_count():
    records = [Record("a", ["x", "y"]), Record("b", ["y"]), Record("c", ["z", "a"])]
    assert Manifest.from_records(records, None, ".").tags.names == ("y", "a", "x", "z")


def test_select_keeps_order_and_an_empty_split_is_empty():
    records = [Record(str(i), ["x"], split="val" if i % 2 else "train") for i in range(6)]
    manifest = Manifest.from_records(records, None, ".")
    assert manifest.select("val").column("path") == ["1", "3", "5"]
    assert manifest.select("test").compute_targets().shape == (0, 1)
    with pytest.raises(DataError, match="unknown split"):
        manifest.select("dev")


def test_other_files_are_refused(tmp_path):
    (tmp_path / "text.parquet").write_text("no")
    pq.write_table(pa.table({"path": ["a"]}), tmp_path / "other.parquet")
    for name in ("text.parquet", "other.parquet", "missing.parquet"):
        with pytest.raises(DataError, match=name.replace(".", r"\.")):
            Manifest.load(tmp_path / name)


def test_more_rows_than_one_batch_holds():
    manifest = Manifest.from_records(
        (Record(str(i), ["x"][: i % 2]) for i in range(25_001)), None, "."
    )
    assert np.array_equal(manifest.compute_targets()[:, 0], np.arange(25_001) % 2 == 1)
