from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zokusei.data.manifest import Box, Manifest, Record
from zokusei.data.merging import merge_manifests
from zokusei.data.splits import split_manifest
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


PARTS = st.lists(
    st.tuples(st.sets(st.sampled_from(NAMES), min_size=1), ROWS), min_size=1, max_size=3
)


@given(PARTS)
def test_what_a_corpus_says_is_what_it_says_in_a_merged_one(parts):
    manifests = {
        str(index): Manifest.from_records(
            [Record(*row) for row in rows], TagSet.from_names(sorted(names)), f"/corpora/{index}"
        )
        for index, (names, rows) in enumerate(parts)
    }
    merged = merge_manifests(manifests)
    assert set(merged.tags.names) == set().union(*(names for names, _ in parts))
    start = 0
    for name, part in manifests.items():
        rows = slice(start, start := start + len(part))
        for index, tag in enumerate(merged.tags.names):
            targets = merged.compute_targets()[rows, index]
            known = merged.compute_known()[rows, index]
            if tag in part.tags:
                own = part.tags.index(tag)
                assert (targets == part.compute_targets()[:, own]).all()
                assert (known == part.compute_known()[:, own]).all()
            else:
                assert not targets.any()
                assert not known.any()
        assert set(merged.column("source")[rows]) == {name}
        assert [str(path) for path in merged.paths[rows]] == [str(path) for path in part.paths]
    paths = [set(part.paths) for part in manifests.values()]
    if sum(map(len, paths)) == len(set().union(*paths)):  # an absolute path is the same anywhere
        groups = [set(part.column("group")) for part in manifests.values()]
        assert len(set(merged.column("group"))) == sum(map(len, groups))


def test_parts_of_one_vocabulary_do_not_repeat_it_in_every_row():
    parts = {
        name: Manifest.from_records(
            [Record("a.png", ["hat"]), Record("b.png", ["bow"])], None, name
        )
        for name in ("one", "two")
    }
    merged = merge_manifests(parts)
    assert merged.column("known") == [None] * 4
    assert merged.compute_known().all()


def test_what_is_held_out_in_one_part_is_not_learnt_in_another():
    def part(*rows):
        records = [Record(path, ["hat"], None, split, group) for path, split, group in rows]
        return Manifest.from_records(records, None, "/pictures")

    whole = part(("a.png", "", "g"), ("b.png", "", "g"), ("c.png", "", "h"), ("d.png", "", "i"))
    hand = part(("a.png", "test", "x"), ("e.png", "train", "y"), ("c.png", "train", "y"))
    merged = merge_manifests({"whole": whole, "hand": hand})
    split = split_manifest(merged, val=0.0, test=0.0)
    found = dict(zip(split.column("path"), split.column("split"), strict=True))
    wanted = {
        "a.png": "test",
        "b.png": "test",
        "c.png": "train",
        "d.png": "train",
        "e.png": "train",
    }
    assert {Path(path).name: name for path, name in found.items()} == wanted
    groups = dict(zip(split.column("path"), split.column("group"), strict=True))
    assert len(set(groups.values())) == 3
    other = part(("b.png", "train", "z"))
    with pytest.raises(DataError, match=r"b\.png or a near copy is in several parts, for test in"):
        merge_manifests({"whole": whole, "hand": hand, "other": other})


def test_a_merged_manifest_survives_its_file(tmp_path):
    record = Record("a.png", ["hat"], None, "val", "g", ["A hat."], [Box("hat", 1, 2, 3, 4)])
    parts = {
        name: Manifest.from_records([record], None, tmp_path / "corpora" / name)
        for name in ("one", "two")
    }
    merge_manifests(parts).save(tmp_path / "corpora" / "all.parquet")
    (tmp_path / "corpora").rename(tmp_path / "moved")
    loaded = Manifest.load(tmp_path / "moved" / "all.parquet")
    assert loaded.paths == [tmp_path / "moved" / name / "a.png" for name in ("one", "two")]
    assert loaded.column("boxes")[1] == [{"tag": "hat", "x": 1, "y": 2, "width": 3, "height": 4}]
    assert loaded.column("captions") == [["A hat."], ["A hat."]]
    with pytest.raises(DataError, match="nothing to merge"):
        merge_manifests({})
