"""The drawn corpus: the same everywhere, and labels that are true."""

import csv
import dataclasses
import random
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zokusei.corpora.drawn import DRAWN_TAGS, draw, write_drawn_corpus
from zokusei.corpora.drawn.attributes import AFFINITY, EYE_COLOURS, GROUPS, HAIR_COLOURS, IMPLIED
from zokusei.corpora.drawn.picture import draw_from, visible_tags
from zokusei.corpora.drawn.scene import Pose, Scene, sample_scene
from zokusei.corpora.drawn.styles import STYLES
from zokusei.errors import DataError, MissingExtraError

SAMPLED = [sample_scene(index) for index in range(300)]
LABELS = [set(visible_tags(scene)) for scene in SAMPLED]
COLOURS = {*HAIR_COLOURS, *EYE_COLOURS}
CENTRED = Pose(x=128, y=140, scale=0.95, tilt=0, turn=0, mirrored=False)
PLAIN = frozenset({"blue_hair", "red_eyes", "short_hair"})


def plain_scene(*attributes: str, pose: Pose = CENTRED, style: int = 0) -> Scene:
    """A bareheaded figure in the middle of the paper, with these attributes added."""
    return dataclasses.replace(
        sample_scene(1),
        attributes=PLAIN | set(attributes),
        pose=pose,
        style=STYLES[style],
        top="tee",
        fringe="blunt" if "blunt_bangs" in attributes else "locks",
    )


def changed_pixels(first: Scene, second: Scene, size: int = 96) -> int:
    """How many pixels differ to the eye between two scenes."""
    one, two = (draw_from(scene, size).image.astype(int) for scene in (first, second))
    return int((np.abs(one - two).max(axis=2) > 24).sum())


def test_a_picture_depends_on_index_seed_and_size_alone():
    first, second = draw(7, seed=3, size=48), draw(7, seed=3, size=48)
    assert first.image.shape == (48, 48, 3)
    assert first.image.dtype == np.uint8
    assert np.array_equal(first.image, second.image)
    assert (first.tags, first.style) == (second.tags, second.style)
    assert not np.array_equal(first.image, draw(8, seed=3, size=48).image)
    assert not np.array_equal(first.image, draw(7, seed=4, size=48).image)
    assert draw(7, seed=3, size=64).tags == first.tags


def test_drawing_leaves_the_callers_random_numbers_alone():
    random.seed(5)
    expected = random.random()
    random.seed(5)
    draw(0, size=16)
    assert random.random() == expected


def test_every_tag_can_be_sampled_and_every_option_is_a_tag():
    options = {option for group in GROUPS for option in group.weights if option}
    assert options | set(IMPLIED.values()) == set(DRAWN_TAGS.names)
    assert {name for pair in AFFINITY for name in pair} <= options


def test_every_tag_is_neither_missing_nor_everywhere():
    counts = Counter(tag for tags in LABELS for tag in tags)
    for name in DRAWN_TAGS.names:
        assert 3 <= counts[name] <= 0.75 * len(LABELS), name
    assert 5 <= sum(counts.values()) / len(LABELS) <= 8


def test_every_style_is_drawn():
    assert {scene.style.name for scene in SAMPLED} == {style.name for style in STYLES}
    assert len(STYLES) >= 4


def test_labels_are_in_the_order_of_the_tag_set():
    for scene in SAMPLED[:30]:
        tags = visible_tags(scene)
        assert list(tags) == sorted(tags, key=DRAWN_TAGS.index)


def test_labels_keep_the_rules():
    for tags in LABELS:
        assert len(tags & set(HAIR_COLOURS)) == 1
        assert len(tags & set(EYE_COLOURS)) == (0 if "closed_eyes" in tags else 1)
        assert not {"short_hair", "long_hair"} <= tags
        assert not {"smile", "frown"} <= tags
        assert ("animal_ears" in tags) == bool(tags & {"cat_ears", "rabbit_ears"})


def test_nothing_is_labelled_that_was_not_drawn():
    for scene, tags in zip(SAMPLED, LABELS, strict=True):
        assert tags - set(IMPLIED.values()) <= scene.attributes


@pytest.mark.parametrize(
    "attribute",
    [name for name in DRAWN_TAGS.names if name not in {*COLOURS, *PLAIN, "animal_ears"}],
)
def test_an_attribute_can_be_seen_and_is_labelled(attribute):
    without, having = plain_scene(), plain_scene(attribute)
    assert attribute not in visible_tags(without)
    assert changed_pixels(without, having) >= 12
    if attribute == "long_hair":  # the plain figure's hair is short already
        having = having.without("short_hair")
    assert attribute in visible_tags(having)


@pytest.mark.parametrize("style", range(len(STYLES)))
def test_labels_can_be_seen_in_every_style(style):
    for attribute in ("glasses", "smile", "choker", "halo", "tears"):
        assert changed_pixels(plain_scene(style=style), plain_scene(attribute, style=style)) >= 12


def test_sampled_labels_are_backed_by_pixels():
    worn = {"glasses", "choker", "horns", "ahoge", "hair_bow", "tears", "halo", "blush"}
    hidden = [
        (scene.key, tag)
        for scene, tags in zip(SAMPLED[:60], LABELS[:60], strict=True)
        for tag in sorted(tags & worn)
        if changed_pixels(scene, scene.without(tag)) < 12
    ]
    assert hidden == []


@pytest.mark.parametrize("group", [HAIR_COLOURS, EYE_COLOURS])
def test_colours_of_one_group_look_different(group):
    seen = []
    for name in group:
        index = next(i for i, scene in enumerate(SAMPLED) if name in scene.attributes)
        part = "hair" if name in HAIR_COLOURS else "eye"
        scene = plain_scene()
        attributes = frozenset({name} | (PLAIN - set(group)))
        colours = scene.colours | {part: SAMPLED[index].colours[part]}
        scene = dataclasses.replace(scene, attributes=attributes, colours=colours)
        assert name in visible_tags(scene)
        seen.append(draw_from(scene, 64).image.astype(int))
    for place, one in enumerate(seen):
        for two in seen[:place]:
            assert (np.abs(one - two).max(axis=2) > 24).sum() >= 12


def test_closed_eyes_hide_their_colour_and_one_closed_eye_does_not():
    assert "red_eyes" not in visible_tags(plain_scene("closed_eyes"))
    assert {"red_eyes", "one_eye_closed"} <= set(visible_tags(plain_scene("one_eye_closed")))
    assert {"red_eyes", "eyepatch"} <= set(visible_tags(plain_scene("eyepatch")))


def test_what_is_cropped_away_loses_its_label():
    high = dataclasses.replace(CENTRED, y=60.0)
    assert "halo" in visible_tags(plain_scene("halo"))
    assert "halo" not in visible_tags(plain_scene("halo", pose=high))
    low = dataclasses.replace(CENTRED, y=215.0, scale=1.3)
    assert "choker" in visible_tags(plain_scene("choker"))
    assert "choker" not in visible_tags(plain_scene("choker", pose=low))


def test_mirroring_keeps_the_labels():
    mirrored = dataclasses.replace(CENTRED, mirrored=True)
    attributes = ("ponytail", "hair_flower", "ahoge", "one_eye_closed")
    expected = visible_tags(plain_scene(*attributes))
    assert visible_tags(plain_scene(*attributes, pose=mirrored)) == expected


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
    for index, row in enumerate(rows):
        expected = draw(index, seed=2, size=32)
        assert tuple(row["tags"].split()) == expected.tags
        assert row["style"] == expected.style
        with Image.open(tmp_path / "c" / row["file"]) as picture:
            assert np.array_equal(np.asarray(picture), expected.image)


def test_the_number_of_workers_changes_no_byte(tmp_path):
    for workers in (1, 2):
        write_drawn_corpus(tmp_path / str(workers), count=40, size=16, workers=workers)
    assert contents(tmp_path / "1") == contents(tmp_path / "2")


def test_a_stopped_run_goes_on_where_it_was(tmp_path):
    write_drawn_corpus(tmp_path, count=6, size=32)
    whole = contents(tmp_path)
    kept = tmp_path / "images/000000.png"
    kept.write_bytes(b"drawn before")
    for gone in ("images/000002.png", "images/000005.png", "labels.csv"):
        (tmp_path / gone).unlink()
    write_drawn_corpus(tmp_path, count=6, size=32)
    assert contents(tmp_path) == whole | {"images/000000.png": b"drawn before"}


def test_a_corpus_grows(tmp_path):
    write_drawn_corpus(tmp_path / "grown", count=2, size=32)
    write_drawn_corpus(tmp_path / "grown", count=4, size=32)
    write_drawn_corpus(tmp_path / "at once", count=4, size=32)
    assert contents(tmp_path / "grown") == contents(tmp_path / "at once")


@pytest.mark.parametrize("other", [{"seed": 1}, {"size": 40}])
def test_a_folder_of_other_settings_is_refused_and_untouched(tmp_path, other):
    write_drawn_corpus(tmp_path, count=1, size=32)
    before = contents(tmp_path)
    with pytest.raises(DataError, match="was drawn with seed 0, size 32"):
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


def test_without_the_renderer_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(MissingExtraError, match=r"zokusei\[draw\]"):
        draw(0)
    with pytest.raises(MissingExtraError):
        write_drawn_corpus(tmp_path / "c", count=1)
    assert not (tmp_path / "c").exists()
