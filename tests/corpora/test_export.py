"""What is exported and read back is what it was."""

import json
import tarfile
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from corpora.danbooru_files import JPEG
from zokusei.corpora import Problems, open_corpus
from zokusei.corpora.export import WRITERS, export_corpus
from zokusei.corpora.export.pictures import Copier
from zokusei.data.manifest import Box, Manifest, Record
from zokusei.errors import ConfigError, DataError

# Names as Danbooru allows them: no commas, no spaces, no underscore at an end.
TAG = st.sampled_from(
    ["long_hair", "^_^", "o_o", "skadi_(arknights)", ":d", "\\m/", "日本", "don't_say_\"lazy\"",
     "2b_(nier:automata)", ";)", "|_|", "<o>_<o>", "=_=", "d:", "!", "\\||/", "1girl"]
) | st.from_regex(r"[a-z0-9:;()'!?^+.-]+(_[a-z0-9()'!?^+.-]+)*", fullmatch=True)  # fmt: skip
SIDE = st.integers(0, 8).map(float)
CAPTION = st.text("abc XY.é日", min_size=1).map(str.strip).filter(bool)
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["a.jpg", "a.png", "A.jpg", "sub/a.jpg", "sub_a.jpg", "b.c.jpg", "日.jpg"]),
        st.lists(TAG, unique=True, max_size=5),
        st.none() | st.lists(TAG, unique=True, max_size=3),
        st.sampled_from(["train", "val", "test", ""]),
        st.lists(CAPTION, max_size=2),
        st.lists(st.builds(Box, TAG, SIDE, SIDE, SIDE, SIDE), max_size=2),
    ),
    min_size=1, max_size=5, unique_by=lambda row: row[0],
)  # fmt: skip


def make_records(rows):
    for path, tags, known, split, captions, boxes in rows:
        boxes = [box for box in boxes if box.tag in tags]
        yield Record(path, tags, known, split, f"group of {path}", captions, boxes, "somewhere")


def put_pictures(folder, records):
    for number, record in enumerate(records):
        path = folder / record.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(JPEG + bytes([number]))  # told apart by the byte behind the picture


def read_back(out, unpack):
    """Give what a reader says of each picture, by the byte that tells them apart."""
    options = {"images": unpack} if list(out.glob("*.tar")) else {}
    corpus = open_corpus(out, **options)
    records = {(corpus.root / record.path).read_bytes()[-1]: record for record in corpus.records}
    assert not corpus.problems, corpus.problems.summary()
    return records


@pytest.mark.parametrize("form", WRITERS)
@settings(max_examples=12, phases=[Phase.explicit, Phase.generate])  # every example writes files
@given(rows=ROWS)
def test_read_back_gives_the_same(form, tmp_path_factory, rows):
    folder, records = tmp_path_factory.mktemp("export"), list(make_records(rows))
    put_pictures(folder / "in", records)
    problems = Problems()
    # Kohya's folders unescape parentheses when they are read: such names are refused, not changed.
    assert export_corpus(records, folder / "in", folder / "out", form, problems) == len(records)
    found = read_back(folder / "out", folder / "unpacked")
    assert len(found) == len(records)
    for number, record in enumerate(records):
        back = found[number]
        assert list(back.tags) == list(record.tags)
        # Kohya's files hold one caption a line.
        one_line = [" ".join(text.split()) for text in record.captions]
        assert back.captions == (one_line if form == "kohya" else record.captions)
        if form != "kohya":
            assert (back.known, back.split) == (record.known, record.split)
            assert (back.group, back.source) == (record.group, record.source)
            assert list(back.boxes) == record.boxes


def test_kohya_is_written_as_its_trainer_wants_it(tmp_path):
    records = [
        Record("a.png", ["long_hair", "^_^", "skadi_(arknights)"], captions=["A girl.", "One."]),
        Record("sub/a.png", [], known=[]),
        Record("b.png", ["one,two"]),
        Record("gone.png", ["hat"]),
    ]
    put_pictures(tmp_path, records[:3])
    problems = Problems()
    assert export_corpus(records, tmp_path, tmp_path / "out", "kohya", problems) == 2
    folder = tmp_path / "out" / "1_pictures"
    assert (folder / "a.txt").read_bytes() == b"long hair, ^_^, skadi (arknights)\n"
    assert (folder / "sub_a.txt").read_bytes() == b"\n"
    assert (folder / "a.caption").read_bytes() == b"A girl.\nOne.\n"
    assert (problems.lost, problems.remarks) == (2, 1)
    assert "'one,two'" in problems.found[0][1]


def test_coco_is_written_as_its_tools_want_it(tmp_path):
    records = [
        Record("a.jpg", ["hat", "bow"], split="train", captions=["A hat."],
               boxes=[Box("hat", 1, 2, 3, 4)]),
        Record("b.jpg", ["bow"], split="val"),
    ]  # fmt: skip
    put_pictures(tmp_path, records)
    export_corpus(records, tmp_path, tmp_path / "out", "coco", Problems())
    folder = tmp_path / "out" / "annotations"
    assert sorted(path.name for path in folder.iterdir()) == [
        "captions_train.json", "instances_train.json", "instances_val.json",
    ]  # fmt: skip
    document = json.loads((folder / "instances_train.json").read_text())
    assert document["categories"] == [{"id": 1, "name": "hat"}, {"id": 2, "name": "bow"}]
    assert document["annotations"] == [
        {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "area": 12, "iscrowd": 0}
    ]
    image = document["images"][0]
    assert (image["width"], image["height"]) == (8, 8)
    assert (tmp_path / "out" / "train" / image["file_name"]).is_file()
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "annotations", "train", "val",
    ]  # fmt: skip


def test_shards_hold_a_thousand_and_are_the_same_every_time(tmp_path):
    records = [Record(f"{number}.jpg", ["hat"], split="train") for number in range(1001)]
    for record in records:
        (tmp_path / record.path).write_bytes(b"\xff\xd8\xff")
    for name in ("one", "two"):
        export_corpus(records, tmp_path, tmp_path / name, "webdataset", Problems())
    shards = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert shards == ["train-00000.tar", "train-00001.tar"]
    for name in shards:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    with tarfile.open(tmp_path / "one" / "train-00001.tar") as shard:
        assert shard.getnames() == ["1000.jpg", "1000.json"]


def test_names_differ_even_where_capitals_do_not_count(tmp_path):
    records = [Record(name, ["hat"]) for name in ("a.jpg", "A.jpg", "a.png", "sub/a.jpg")]
    put_pictures(tmp_path, records)
    export_corpus(records, tmp_path, tmp_path / "out", "kohya", Problems())
    names = sorted(path.name for path in (tmp_path / "out" / "1_pictures").glob("*.txt"))
    assert names == ["A-2.txt", "a-3.txt", "a.txt", "sub_a.txt"]


def test_long_paths_have_names_that_file_systems_take(tmp_path):
    copier = Copier(tmp_path, Problems())
    long = "長い名前" * 20
    names = [copier.choose_name(Record(f"{long}/{long}/{end}.png", [])) for end in "aab"]
    assert len(set(names)) == 3
    assert all(len(name.encode()) < 240 for name in names)
    assert [name.rpartition("-")[0][-2:] or name[-2:] for name in names] == ["_a", "_a", "_b"]
    short = "x" * 200
    assert copier.choose_name(Record(f"{short}.png", [])) == short


def test_a_folder_that_holds_something_is_left_alone(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "precious.txt").write_text("by hand")
    with pytest.raises(DataError, match="holds something"):
        export_corpus([], tmp_path, tmp_path / "mine", "kohya", Problems())
    with pytest.raises(ConfigError, match="did you mean 'coco'"):
        export_corpus([], tmp_path, tmp_path / "new", "cocoa", Problems())
    with pytest.raises(DataError, match="no picture could be written"):
        export_corpus([Record("a.png", [])], tmp_path, tmp_path / "new", "kohya", Problems())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine"]


def test_the_command(zokusei, corpus, tmp_path):
    code, _, err = zokusei("data", "import", corpus, tmp_path / "m.parquet")
    assert code == 0
    code, out, err = zokusei(
        "data", "export", tmp_path / "m.parquet", tmp_path / "out", "--to", "imagefolder",
        "--split", "test",
    )  # fmt: skip
    assert (code, out) == (0, ""), err
    assert "18 pictures" in err
    assert len(list((tmp_path / "out" / "test").glob("*.png"))) == 18
    code, _, err = zokusei("data", "export", corpus, tmp_path / "out", "--to", "imagefolder")
    assert code == 2
    manifest = Manifest.load(tmp_path / "m.parquet").select("test")
    code, _, err = zokusei("data", "import", tmp_path / "out", tmp_path / "n.parquet", "--test", 0)
    again = Manifest.load(tmp_path / "n.parquet")

    def tags_of(table):
        return {
            Path(path).name: tags
            for path, tags in zip(table.column("path"), table.column("tags"), strict=True)
        }

    assert tags_of(again) == tags_of(manifest)
