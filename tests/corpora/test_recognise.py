"""Every form of a corpus, on a small tree in exactly its own format."""

import csv
import io
import json
import sqlite3
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpora.danbooru_files import JPEG, old_post, write_copy
from zokusei.corpora import import_corpus, open_corpus
from zokusei.corpora.json_parts import read_parts
from zokusei.corpora.vocabulary import read_vocabulary
from zokusei.data.manifest import Box, Manifest
from zokusei.errors import ConfigError, DataError

DATA = Path(__file__).parents[3] / "shared" / "data"


def put(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(JPEG)


def read(path, **options):
    """Give format, records by path, and problems as (file name and line, what)."""
    corpus = open_corpus(path, **options)
    records = {record.path: record for record in corpus.records}
    for name in records:
        assert (corpus.root / name).is_file()
    return corpus.format, records, list(corpus.problems)


# Flickr8k


def write_flickr8k(folder):
    put(folder, "Images/10_a.jpg", "Images/11_b.jpg", "Images/12_c.jpg")
    (folder / "Flickr8k.token.txt").write_text(
        "10_a.jpg#0\tA child in a pink dress .\n10_a.jpg#1\tA girl .\n"
        "11_b.jpg#1\tSecond .\n12_c.jpg#0\tA boat .\n11_b.jpg#0\tFirst .\n"
        "gone.jpg#0\tNobody .\nno caption at all\n"
        f"12_c.jpg#{10**20}\tA number that nothing counts to .\n"
    )
    for name, files in {"train": "10_a.jpg", "dev": "11_b.jpg", "test": "12_c.jpg"}.items():
        (folder / f"Flickr_8k.{name}Images.txt").write_text(f"{files}\n")
    return folder


def test_flickr8k(tmp_path):
    form, records, problems = read(write_flickr8k(tmp_path))
    assert form == "flickr8k"
    assert [(r.split, r.captions) for r in records.values()] == [
        ("train", ["A child in a pink dress .", "A girl ."]),
        ("val", ["First .", "Second ."]),
        ("test", ["A boat ."]),
    ]
    assert all(record.known == [] for record in records.values())
    assert sorted(problem.line for problem in problems) == [6, 7, 8]


def test_flickr8k_of_kaggle(tmp_path):
    put(tmp_path, "Images/1.jpg", "Images/2.jpg")
    (tmp_path / "captions.txt").write_text(
        'image,caption\n1.jpg,"A dog , running ."\n1.jpg,A dog .\n2.jpg,\n2.jpg,A cat .\n'
    )
    form, records, problems = read(tmp_path)
    assert form == "flickr8k"
    assert [r.captions for r in records.values()] == [["A dog , running .", "A dog ."], ["A cat ."]]
    assert [problem.line for problem in problems] == [4]


@pytest.mark.skipif(not (DATA / "flickr8k").exists(), reason="Flickr8k is not beside the project")
def test_the_real_flickr8k_has_its_published_counts():
    manifest, problems = import_corpus(DATA / "flickr8k")
    assert len(manifest) == 8091
    assert sum(len(captions) for captions in manifest.column("captions")) == 40455
    assert {len(captions) for captions in manifest.column("captions")} == {5}
    splits = manifest.column("split")
    assert [splits.count(name) for name in ("train", "val", "test")] == [6000, 1000, 1000]
    assert not problems


# COCO


def coco_documents():
    captions = {
        "info": {"year": 2014}, "licenses": [],
        "images": [
            {"license": 5, "file_name": "COCO_train2014_01.jpg", "height": 8, "width": 8, "id": 1},
            {"license": 5, "file_name": "COCO_train2014_02.jpg", "height": 8, "width": 8, "id": 2},
        ],
        "annotations": [
            {"image_id": 2, "id": 9, "caption": "Two."},
            {"image_id": 1, "id": 10, "caption": "One."},
            {"image_id": 3, "id": 11, "caption": "Nobody."},
        ],
    }  # fmt: skip
    instances = {
        **captions,
        "annotations": [
            {"segmentation": [], "area": 4, "iscrowd": 0, "image_id": 1, "bbox": [1.5, 2, 3, 4],
             "category_id": 67, "id": 1},
            {"image_id": 1, "bbox": [0, 0, 1, 1], "category_id": 1, "id": 2},
        ],
        "categories": [{"supercategory": "furniture", "id": 67, "name": "dining table"},
                       {"supercategory": "person", "id": 1, "name": "person"}],
    }  # fmt: skip
    return captions, instances


def test_coco_captions_and_boxes(tmp_path):
    captions, instances = coco_documents()
    put(tmp_path, *(f"train2014/COCO_train2014_0{i}.jpg" for i in (1, 2)))
    folder = tmp_path / "annotations"
    folder.mkdir()
    (folder / "captions_train2014.json").write_text(json.dumps(captions))
    form, records, problems = read(tmp_path)
    assert form == "coco"
    assert [r.captions for r in records.values()] == [["One."], ["Two."]]
    assert {r.split for r in records.values()} == {"train"}
    assert all(r.known == [] for r in records.values())
    assert [p.what for p in problems] == ["an annotation of image 3, which there is not"]

    (folder / "instances_train2014.json").write_text(json.dumps(instances))
    _, records, problems = read(tmp_path)
    first, second = records.values()
    assert first.tags == ["dining_table", "person"]
    assert first.boxes == [Box("dining_table", 1.5, 2, 3, 4), Box("person", 0, 0, 1, 1)]
    assert (first.captions, second.tags, second.known) == (["One."], [], None)
    assert len(problems) == 1


def test_a_coco_document_that_is_cut_off_gives_what_it_has(tmp_path):
    captions, _ = coco_documents()
    put(tmp_path, *(f"COCO_train2014_0{i}.jpg" for i in (1, 2)))
    text = json.dumps(captions, indent=1)
    (tmp_path / "captions.json").write_text(text[: text.index("Nobody")])
    _, records, problems = read(tmp_path / "captions.json")
    assert [r.captions for r in records.values()] == [["One."], ["Two."]]
    assert "no whole JSON document" in problems[0].what


def test_coco_of_other_types_is_named_with_its_line(tmp_path):
    put(tmp_path, *(f"{name}.jpg" for name in "abcdefg"))
    more = {
        "a": {"tags": "long hair, hat", "known": "red, hat"}, "b": {"known": 7},
        "c": {"tags": {"a": 1}}, "d": {"group": []}, "e": {"source": {}}, "f": {"id": [6]},
        "g": {"id": "\ud800"},
    }  # fmt: skip
    document = {
        "images": [{"id": name, "file_name": f"{name}.jpg", **more[name]} for name in more],
        "annotations": [
            {"image_id": [6], "category_id": [1], "bbox": [1, 2, 3, 4]},
            {"image_id": "a", "category_id": 2, "bbox": [10**400, 2, 3, 4]},
        ],
        "categories": [{"id": [1], "name": "dining table"}, {"id": "2", "name": "hat"},
                       {"id": 3, "name": {}}, {"id": 4}],
    }  # fmt: skip
    text = json.dumps(document, indent=None).replace('{"id"', '\n{"id"')
    (tmp_path / "labels.json").write_text(text)
    _, records, problems = read(tmp_path / "labels.json")
    assert {path: record.tags for path, record in records.items()} == {
        "a.jpg": ["long_hair", "hat"], "f.jpg": ["dining_table"], "g.jpg": [],
    }  # fmt: skip
    assert records["a.jpg"].known == ["red", "hat"]
    assert records["f.jpg"].boxes == [Box("dining_table", 1, 2, 3, 4)]
    assert [(p.line, p.lost) for p in problems if "bbox" not in p.what] == [
        (11, True), (12, True), (3, True), (4, True), (5, True), (6, True),
    ]  # fmt: skip


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=5,
)


@settings(max_examples=30)
@given(st.dictionaries(st.text(max_size=4), st.lists(JSON, max_size=4) | JSON), st.booleans())
def test_the_parts_of_a_document_are_what_the_whole_says(tmp_path_factory, document, indented):
    path = tmp_path_factory.mktemp("json") / "a.json"
    text = json.dumps(document, indent=1 if indented else None)
    path.write_text(text)
    expected = [
        (name, part)
        for name, value in document.items()
        for part in (value if isinstance(value, list) else [value])
    ]
    import zokusei.corpora.json_parts as module

    chunk, module._CHUNK = module._CHUNK, 3  # every value crosses a border
    try:
        parts = list(read_parts(path))
    finally:
        module._CHUNK = chunk
    assert [(name, part) for name, part, _ in parts] == expected
    for name, part, line in parts:
        if indented and isinstance(part, str) and not isinstance(document[name], list):
            assert json.dumps(part) in text.splitlines()[line - 1]


# kohya


def test_kohya_folders_with_commas_and_parentheses(tmp_path):
    put(tmp_path, "10_skadi girl/a.png", "10_skadi girl/b.jpg", "2_other/c.png", "notes/d.png")
    (tmp_path / "10_skadi girl/a.txt").write_text("1girl, long hair, skadi \\(arknights\\), ^_^\n")
    (tmp_path / "10_skadi girl/b.txt").write_text("smile\nanother wording\n")
    (tmp_path / "2_other/c.txt").write_text("\n")
    (tmp_path / "2_other/c.caption").write_text("Nothing at all.\n")
    form, records, problems = read(tmp_path)
    assert form == "kohya"
    assert {path: r.tags for path, r in records.items()} == {
        "10_skadi girl/a.png": ["1girl", "long_hair", "skadi_(arknights)", "^_^"],
        "10_skadi girl/b.jpg": ["smile"],
        "2_other/c.png": [],
    }
    assert records["2_other/c.png"].captions == ["Nothing at all."]
    assert [(Path(p.file).name, p.lost) for p in problems] == [("d.png", False), ("b.jpg", False)]
    (tmp_path / "2_other/c.caption").write_bytes(b"\xff\xfe")  # the picture is kept without it
    _, records, problems = read(tmp_path)
    assert records["2_other/c.png"].captions == []
    assert [p.lost for p in problems] == [False] * 3


def test_kohya_folders_separated_by_spaces(tmp_path):
    put(tmp_path, "1_x/a.png", "1_x/a.jpg")
    (tmp_path / "1_x/a.txt").write_text("1girl long_hair skadi_\\(arknights\\)")
    _, records, problems = read(tmp_path)
    tags = ["1girl", "long_hair", "skadi_(arknights)"]
    assert [record.tags for record in records.values()] == [tags, tags]
    assert [p.what for p in problems] == ["shares its tags with a.jpg"]


def test_kohya_files_that_cannot_be_opened_are_no_end(tmp_path):
    put(tmp_path, "1_x/a.png", "1_x/b.png", "1_x/c.png")
    (tmp_path / "1_x/a.txt").symlink_to("nothing.txt")
    (tmp_path / "1_x/b.txt").mkdir()
    (tmp_path / "1_x/c.txt").write_text("long hair, hat")
    _, records, problems = read(tmp_path)
    assert {path: r.tags for path, r in records.items()} == {"1_x/c.png": ["long_hair", "hat"]}
    lost = [problem.file.rsplit("/", 1)[1] for problem in problems if problem.lost]
    assert lost == ["a.png", "b.png"]


# ImageFolder and tables


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_imagefolder(tmp_path, kind):
    rows = [{"file_name": "a.png", "text": "A hat.", "tags": "long hair, hat"},
            {"file_name": "sub/b.png", "text": "", "tags": "hat"}]  # fmt: skip
    for split in ("train", "validation"):
        put(tmp_path / split, "a.png", "sub/b.png")
        with (tmp_path / split / f"metadata.{kind}").open("w", newline="") as file:
            if kind == "csv":
                writer = csv.DictWriter(file, rows[0])
                writer.writeheader()
                writer.writerows(rows)
            else:
                file.writelines(json.dumps(row) + "\n" for row in rows)
    form, records, problems = read(tmp_path)
    assert form == "imagefolder"
    assert {path: (r.split, r.tags, r.captions) for path, r in records.items()} == {
        "train/a.png": ("train", ["long_hair", "hat"], ["A hat."]),
        "train/sub/b.png": ("train", ["hat"], []),
        "validation/a.png": ("val", ["long_hair", "hat"], ["A hat."]),
        "validation/sub/b.png": ("val", ["hat"], []),
    }
    assert not problems


def test_imagefolder_with_objects_and_only_captions(tmp_path):
    put(tmp_path, "a.png", "b.png")
    lines = [
        {"file_name": "a.png", "text": "One."},
        {"file_name": "b.png", "tags": ["a b", "c"], "known": ["c", "d"],
         "objects": {"bbox": [[1, 2, 3, 4]], "categories": ["c"]}},
    ]  # fmt: skip
    (tmp_path / "metadata.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    _, records, _ = read(tmp_path)
    assert (records["a.png"].tags, records["a.png"].known) == ([], [])
    assert (records["b.png"].tags, records["b.png"].known) == (["a b", "c"], ["c", "d"])
    assert records["b.png"].boxes == [Box("c", 1, 2, 3, 4)]


def test_plain_jsonl(tmp_path):
    put(tmp_path, "a.png", "b.png")
    (tmp_path / "labels.jsonl").write_text(
        '{"file": "a.png", "tags": ["smile"], "split": "validation"}\n'
        '{"file": "b.png", "tags": 7, "caption": {"not": "text"}}\n'
        '{"file": "b.png"'
    )
    form, records, problems = read(tmp_path / "labels.jsonl")
    assert form == "table"
    assert {path: (r.tags, r.split) for path, r in records.items()} == {"a.png": (["smile"], "val")}
    assert [problem.line for problem in problems] == [2, 3]


# WebDataset


def write_shard(path, members):
    with tarfile.open(path, "w") as shard:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            shard.addfile(info, io.BytesIO(content))


def test_webdataset(tmp_path):
    shards = tmp_path / "shards"
    shards.mkdir()
    write_shard(shards / "00000.tar", [
        ("000.jpg", JPEG), ("000.txt", b"A hat."), ("000.json", b'{"tags": ["hat", "a b"]}'),
        ("001.jpg", JPEG), ("001.txt", b"long hair, hat"),
        ("002.json", b'{"caption": "Boxed.", "url": "x"}'), ("002.jpg", JPEG), ("002.txt", b"B."),
        ("003.jpg", JPEG), ("004.txt", b"hat"), ("005.jpg", JPEG), ("005.json", b"{"),
        ("../006.jpg", JPEG),
    ])  # fmt: skip
    write_shard(shards / "00001.tar", [("x/000.png", JPEG), ("x/000.txt", b"hat")])
    whole = (shards / "00001.tar").read_bytes()
    (shards / "00002.tar").write_bytes(whole[:700])
    with pytest.raises(DataError, match=r"data import .*shards manifest\.parquet --images FOLDER"):
        read(shards)
    form, records, problems = read(shards, images=tmp_path / "out")
    assert form == "webdataset"
    assert {path: (r.tags, r.captions, r.known) for path, r in records.items()} == {
        "000.jpg": (["hat", "a b"], ["A hat."], None),
        "001.jpg": (["long_hair", "hat"], [], None),
        "002.jpg": ([], ["Boxed."], []),
        "x/000.png": (["hat"], [], None),
    }
    assert (tmp_path / "out/x/000.png").read_bytes() == JPEG
    assert len(problems) == 5
    assert not (tmp_path / "006.jpg").exists()


def test_a_name_of_another_shard_keeps_its_first_picture(tmp_path):
    """Of equal size, so that only the bytes tell them apart."""
    red, blue = JPEG + b"red.", JPEG + b"blue"
    write_shard(tmp_path / "0.tar", [("000.png", red), ("000.txt", b"red")])
    write_shard(tmp_path / "1.tar", [("000.png", blue), ("000.txt", b"blue")])
    out = tmp_path / "out"
    for _ in range(2):  # what was unpacked is the same file
        _, records, problems = read(tmp_path, images=out)
        assert {path: record.tags for path, record in records.items()} == {"000.png": ["red"]}
        assert (out / "000.png").read_bytes() == red
        assert [(p.file, p.what.split(";")[0]) for p in problems] == [
            (f"{tmp_path / '1.tar'}, 000", "000.png is in the shards twice")
        ]


def test_files_of_other_shards_or_of_the_user_are_not_unpacked_over(tmp_path):
    members = [(f"{key}.{ending}", JPEG) for key in "abc" for ending in ("png", "txt")]
    write_shard(tmp_path / "0.tar", [(n, b"x" if n.endswith("txt") else b) for n, b in members])
    out = tmp_path / "out"
    (out / "b.png").mkdir(parents=True)
    (out / "a.png").write_bytes(b"x" * len(JPEG))
    _, records, problems = read(tmp_path, images=out)
    assert list(records) == ["c.png"]
    assert (out / "a.png").read_bytes() == b"x" * len(JPEG)
    assert [(p.file[-3:], p.lost) for p in problems] == [(", a", True), (", b", True)]
    assert all("unpack into a folder of its own" in p.what for p in problems)


@pytest.mark.parametrize(("shard", "split"), [
    ("train-00000", "train"), ("validation-00000", "val"), ("val_00000", "val"),
    ("valid.000", "val"), ("dev", "val"), ("laion-test-0001", "test"), ("cc3m_train_0", "train"),
    ("val2017", "val"), ("latest-000", ""), ("trainer", ""), ("000", ""),
])  # fmt: skip
def test_the_split_of_a_shard_is_what_its_name_says(tmp_path, shard, split):
    write_shard(tmp_path / f"{shard}.tar", [
        ("a.jpg", JPEG), ("a.txt", b"hat"), ("b.jpg", JPEG), ("b.json", b'{"tags": "hat"}'),
        ("c.jpg", JPEG), ("c.json", b'{"tags": "hat", "split": "dev"}'),
        ("d.jpg", JPEG), ("d.json", b'{"tags": "hat", "split": "held out"}'),
    ])  # fmt: skip
    _, records, problems = read(tmp_path, images=tmp_path / "out")
    assert [record.split for record in records.values()] == [split, split, "val", split]
    assert [(p.what[:24], p.lost) for p in problems] == [("unknown split 'held out'", False)]


@pytest.mark.parametrize(
    "about",
    [
        {"tags": {"a": 1}}, {"tags": 7}, {"tags": [["hat"]]}, {"known": 7}, {"known": {"a": 1}},
        {"captions": {"a": 1}}, {"captions": "A hat."}, {"group": []}, {"source": {}},
        {"tag_string": 7}, {"boxes": [["hat", 10**400, 0, 0, 0]]}, [],
    ],
    ids=str,
)  # fmt: skip
def test_a_sample_of_another_form_is_named_and_the_next_one_read(tmp_path, about):
    if isinstance(about, dict) and not {"tags", "tag_string"} & set(about):
        about = {"tags": ["hat"], **about}
    write_shard(tmp_path / "0.tar", [
        ("a.jpg", JPEG), ("a.json", json.dumps(about).encode()),
        ("b.jpg", JPEG), ("b.json", b'{"tags": ["hat"], "known": "long hair, hat"}'),
        ("c.jpg", JPEG), ("c.json", b"[" * 100_000),
    ])  # fmt: skip
    _, records, problems = read(tmp_path, images=tmp_path / "out")
    assert {path: record.known for path, record in records.items()} == {
        "b.jpg": ["long_hair", "hat"]
    }
    assert [p.file.rsplit(", ", 1)[1] for p in problems] == ["a", "c"]


# DeepDanbooru


def write_project(folder, posts):
    (folder / "data").mkdir(parents=True)
    (folder / "project.json").write_text(
        json.dumps({"image_width": 299, "database_path": "data/danbooru.sqlite",
                    "minimum_tag_count": 20})
    )  # fmt: skip
    (folder / "tags.txt").write_text("smile\nhat\nrating:safe\n")
    base = sqlite3.connect(folder / "data/danbooru.sqlite")
    base.execute("CREATE TABLE posts (id INTEGER PRIMARY KEY, md5 TEXT, file_ext TEXT, "
                 "tag_string TEXT, tag_count_general INTEGER)")  # fmt: skip
    base.executemany("INSERT INTO posts VALUES (?, ?, ?, ?, ?)", posts)
    base.commit()
    base.close()
    return folder


def test_deepdanbooru(tmp_path):
    md5 = "ab" + "0" * 30
    project = write_project(tmp_path, [
        (7, md5, "png", "hat smile unheard_of", 2),
        (8, "ff" + "0" * 30, "png", "hat", 1),
        (9, "../../etc/passwd", "png", "hat", 1),
        (10, md5, "/../x", "hat", 1),
        (11, md5, "png", None, 1),
    ])  # fmt: skip
    put(project, f"data/images/ab/{md5}.png")
    form, records, problems = read(project)
    assert form == "deepdanbooru"
    assert {path: r.tags for path, r in records.items()} == {
        f"images/ab/{md5}.png": ["hat", "smile", "unheard_of"]
    }
    assert sum(problem.lost for problem in problems) == 4
    assert "unheard_of is not in the vocabulary" in problems[-1].what
    assert import_corpus(project)[0].tags.names == ("smile", "hat", "rating:safe")


def test_a_project_whose_tags_cannot_be_read_is_refused(tmp_path):
    md5 = "ab" + "0" * 30
    project = write_project(tmp_path, [(7, md5, "png", "hat smile", 2)])
    (project / "tags.txt").write_bytes("笑顔".encode("shift-jis"))
    with pytest.raises(DataError, match=r"tags\.txt cannot be read"):
        open_corpus(project)


def test_a_database_of_something_else_is_refused(tmp_path):
    base = sqlite3.connect(tmp_path / "a.sqlite")
    base.execute("CREATE TABLE other (id INTEGER)")
    base.commit()
    base.close()
    with pytest.raises(DataError, match="expected a table posts"):
        read(tmp_path / "a.sqlite")


# Vocabularies and recognition


def test_a_selected_tags_csv_is_a_vocabulary(tmp_path):
    (tmp_path / "selected_tags.csv").write_text(
        "tag_id,name,category,count\n9999999,general,9,807858\n470575,1girl,0,4225150\n"
        '1,"don\'t_say_""lazy""",0,5\n2,\\m/,0,5\n3,2b_(nier:automata),4,7\n'
    )
    tags = read_vocabulary(tmp_path / "selected_tags.csv")
    assert tags.names == ("general", "1girl", 'don\'t_say_"lazy"', "\\m/", "2b_(nier:automata)")
    assert [tag.category for tag in tags] == [9, 0, 0, 0, 4]


def test_every_form_is_told_from_the_others(tmp_path):
    write_flickr8k(tmp_path / "f")
    write_copy(tmp_path / "d", [old_post(5, ["hat"])])
    assert open_corpus(tmp_path / "d").format == "danbooru"
    found = open_corpus(tmp_path / "d" / "metadata" / "2020000000000000.json")
    assert (found.format, found.root) == ("danbooru", tmp_path / "d")
    put(tmp_path / "plain", "a.png")
    (tmp_path / "plain/a.txt").write_text("hat")
    (tmp_path / "plain/other.json").write_text('{"seed": 1}')
    assert open_corpus(tmp_path / "plain").format == "folder"
    manifest, _ = import_corpus(tmp_path / "plain")
    manifest.save(tmp_path / "m.parquet")
    assert open_corpus(tmp_path / "m.parquet").format == "manifest"
    with pytest.raises(ConfigError, match="did you mean 'kohya'"):
        open_corpus(tmp_path / "plain", format="koyha")
    with pytest.raises(DataError, match="does not look like coco"):
        open_corpus(tmp_path / "plain", format="coco")
    (tmp_path / "a.bin").write_bytes(b"\0\1")
    with pytest.raises(DataError, match="none of the known forms"):
        open_corpus(tmp_path / "a.bin")


def test_what_is_written_as_it_is_read_equals_what_was_read_whole(tmp_path):
    from zokusei.data.splits import split_manifest
    from zokusei.data.writing import write_manifest

    source = write_flickr8k(tmp_path / "f")
    whole = split_manifest(import_corpus(source)[0], val=0.2, test=0.2, seed=3)
    corpus = open_corpus(source)
    written = write_manifest(tmp_path / "m.parquet", corpus.records, None, corpus.root,
                             val=0.2, test=0.2, seed=3)  # fmt: skip
    loaded = Manifest.load(tmp_path / "m.parquet")
    assert loaded.table.equals(whole.table)
    assert (loaded.tags, loaded.root, written.pictures) == (whole.tags, whole.root, 3)


def test_options_that_would_do_nothing_are_refused(tmp_path):
    put(tmp_path, "plain/a.png", "k/1_x/a.png", "other/b.png")
    (tmp_path / "plain/a.txt").write_text("hat")
    (tmp_path / "k/1_x/a.txt").write_text("hat")
    (tmp_path / "t.csv").write_text("file,tags\nplain/a.png,hat\n")
    import_corpus(tmp_path / "plain")[0].save(tmp_path / "m.parquet")
    for name, options, says in [
        ("plain", {"columns": {"hair": "{}_hair"}}, "--column"),
        ("m.parquet", {"columns": {"hair": "{}_hair"}}, "--column"),
        ("k", {"group_column": "artist"}, "--group"),
        ("t.csv", {"ratings": ("safe",)}, "--ratings"),
        ("t.csv", {"rating_scheme": "old"}, "--rating-scheme"),
        ("plain", {"images": tmp_path / "other"}, "--images"),
        ("k", {"images": tmp_path / "other"}, "--images"),
    ]:
        with pytest.raises(ConfigError, match=says):
            open_corpus(tmp_path / name, **options)
    with pytest.raises(ConfigError, match="--column"):
        import_corpus(tmp_path / "m.parquet", columns={"hair": "{}_hair"})
    same = tmp_path / "other" / ".." / "plain"
    assert list(read(tmp_path / "plain", images=same)[1]) == ["a.png"]
    moved, _ = import_corpus(tmp_path / "m.parquet", images=tmp_path / "other")
    assert moved.root == tmp_path / "other"
