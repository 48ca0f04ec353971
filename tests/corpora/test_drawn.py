"""The drawn corpus: the same everywhere, and folders that can be stopped and grown."""

import csv
import itertools
import json
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torch.utils.data import DataLoader

from zokusei.corpora import import_corpus
from zokusei.corpora.drawn import DRAWN_TAGS, draw, write_drawn_corpus
from zokusei.corpora.drawn.scene import sample_scene
from zokusei.corpora.drawn.stream import DrawnStream
from zokusei.corpora.drawn.styles import STYLES, TRAINED, UNSEEN
from zokusei.data.manifest import Manifest
from zokusei.errors import DataError, MissingExtraError

SAMPLED = [sample_scene(index) for index in range(200)]


def test_a_picture_depends_on_index_seed_and_size_alone():
    first, second = draw(7, seed=3, size=48), draw(7, seed=3, size=48)
    assert first.image.shape == (48, 48, 3)
    assert first.image.dtype == np.uint8
    assert np.array_equal(first.image, second.image)
    assert (first.tags, first.boxes, first.captions) == (second.tags, second.boxes, second.captions)
    assert not np.array_equal(first.image, draw(8, seed=3, size=48).image)
    assert not np.array_equal(first.image, draw(7, seed=4, size=48).image)
    assert draw(7, seed=3, size=64).tags == first.tags


def test_drawing_leaves_the_callers_random_numbers_alone():
    random.seed(5)
    expected = random.random()
    random.seed(5)
    draw(0, size=16)
    assert random.random() == expected


def test_eight_styles_are_drawn_and_two_kept():
    assert {scene.style.name for scene in SAMPLED} == {style.name for style in TRAINED}
    assert len(TRAINED) >= 6
    assert len(UNSEEN) == 2
    assert len(STYLES) >= 8


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_the_folder_holds_the_pictures_and_their_labels(tmp_path):
    done = []
    write_drawn_corpus(tmp_path / "c", count=5, size=32, seed=2, progress=done.append)
    assert sum(done) == 5
    with (tmp_path / "c/labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == [f"images/{index:06d}.png" for index in range(5)]
    manifest = Manifest.load(tmp_path / "c/manifest.parquet")
    records = manifest.table.to_pylist()
    with (tmp_path / "c/captions.txt").open(newline="") as file:
        captions = [row["caption"] for row in csv.DictReader(file)]
    coco = json.loads((tmp_path / "c/annotations.json").read_text())
    for index, (row, record) in enumerate(zip(rows, records, strict=True)):
        expected = draw(index, seed=2, size=32)
        assert tuple(row["tags"].split()) == tuple(record["tags"]) == expected.tags
        assert row["style"] == expected.style
        assert tuple(captions[5 * index : 5 * index + 5]) == expected.captions
        assert record["captions"] == list(expected.captions)
        boxes = [each for each in coco["annotations"] if each["image_id"] == index + 1]
        assert [DRAWN_TAGS.names[each["category_id"] - 1] for each in boxes] == list(expected.boxes)
        for each, box, stored in zip(boxes, expected.boxes.values(), record["boxes"], strict=True):
            left, top, wide, high = each["bbox"]
            assert 0 <= left < left + wide <= 32
            assert 0 <= top < top + high <= 32
            assert (left / 32, top / 32) == (box.left, box.top)
            assert (left, top, wide, high) == tuple(
                stored[side] for side in ("x", "y", "width", "height")
            )
        with Image.open(tmp_path / "c" / row["file"]) as picture:
            assert np.array_equal(np.asarray(picture), expected.image)
    assert manifest.tags.names == DRAWN_TAGS.names
    assert len(import_corpus(tmp_path / "c")[0].tags) == 100


def test_the_number_of_workers_changes_no_byte(tmp_path):
    for workers in (1, 2):
        write_drawn_corpus(tmp_path / str(workers), count=40, size=16, workers=workers)
    assert contents(tmp_path / "1") == contents(tmp_path / "2")


def test_a_stopped_run_goes_on_where_it_was(tmp_path):
    write_drawn_corpus(tmp_path, count=6, size=32)
    whole = contents(tmp_path)
    kept = tmp_path / "images/000000.png"
    kept.write_bytes(b"drawn before")
    for gone in ("images/000002.png", "images/000005.png", "labels.csv", "manifest.parquet"):
        (tmp_path / gone).unlink()
    write_drawn_corpus(tmp_path, count=6, size=32)
    assert contents(tmp_path) == whole | {"images/000000.png": b"drawn before"}


def test_a_corpus_grows(tmp_path):
    write_drawn_corpus(tmp_path / "grown", count=2, size=32)
    write_drawn_corpus(tmp_path / "grown", count=4, size=32)
    write_drawn_corpus(tmp_path / "at once", count=4, size=32)
    assert contents(tmp_path / "grown") == contents(tmp_path / "at once")


@pytest.mark.parametrize("other", [{"seed": 1}, {"size": 40}, {"styles": "unseen"}])
def test_a_folder_of_other_settings_is_refused_and_untouched(tmp_path, other):
    write_drawn_corpus(tmp_path, count=1, size=32)
    before = contents(tmp_path)
    with pytest.raises(DataError, match=r"was drawn with seed 0, size 32"):
        write_drawn_corpus(tmp_path, count=2, **({"size": 32} | other))
    assert contents(tmp_path) == before


def test_a_folder_of_other_files_is_refused(tmp_path):
    (tmp_path / "diary.txt").write_text("mine")
    with pytest.raises(DataError, match="were not drawn"):
        write_drawn_corpus(tmp_path, count=1)


@pytest.mark.parametrize("wrong", [{"count": -1}, {"size": 2}, {"workers": 0}])
def test_impossible_numbers_are_refused(tmp_path, wrong):
    (name,) = wrong
    with pytest.raises(DataError, match=name):
        write_drawn_corpus(tmp_path, **({"count": 1} | wrong))


def test_drawing_and_checking_need_no_torch():
    code = (
        "import sys\n"
        "import zokusei.corpora.drawn, zokusei.data.inspect, zokusei.cli.data\n"
        "assert 'torch' not in sys.modules, 'torch was imported'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_unknown_style_is_refused_with_the_nearest(tmp_path):
    with pytest.raises(DataError, match="pencil"):
        write_drawn_corpus(tmp_path / "c", count=1, styles="cel,pensil")
    assert not (tmp_path / "c").exists()


def test_styles_kept_for_testing_are_drawn_only_when_asked_for(tmp_path):
    write_drawn_corpus(tmp_path, count=12, size=16, styles="unseen")
    with (tmp_path / "labels.csv").open(newline="") as file:
        names = {row["style"] for row in csv.DictReader(file)}
    assert names == {style.name for style in UNSEEN}
    assert not names & {scene.style.name for scene in SAMPLED}


def test_the_stream_draws_each_picture_once():
    loader = DataLoader(DrawnStream(size=16, seed=3), num_workers=2, batch_size=None)
    images = [image for image, _ in itertools.islice(loader, 6)]
    expected = {draw(index, seed=3, size=16).image.tobytes() for index in range(6)}
    assert {image.permute(1, 2, 0).numpy().tobytes() for image in images} == expected
    shares = [DrawnStream(size=16, seed=3, share=(rank, 2)) for rank in range(2)]
    halves = [next(itertools.islice(iter(stream), 1, 2)) for stream in shares]
    for index, (image, targets) in zip((2, 3), halves, strict=True):
        drawing = draw(index, seed=3, size=16)
        assert np.array_equal(image.permute(1, 2, 0).numpy(), drawing.image)
        assert [DRAWN_TAGS.names[place] for place in targets.nonzero()[:, 0]] == list(drawing.tags)


def test_without_the_renderer_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "resvg", None)
    with pytest.raises(MissingExtraError, match=r"zokusei\[draw\]"):
        draw(0)
    with pytest.raises(MissingExtraError):
        write_drawn_corpus(tmp_path / "c", count=1)
    assert not (tmp_path / "c").exists()
