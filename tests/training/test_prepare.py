"""What is chosen from the data where nobody said otherwise."""

import numpy as np
import pytest
from PIL import Image

from zokusei.config_file import load_config
from zokusei.errors import ConfigError, DataError
from zokusei.training.prepare import prepare_run


def prepare(folder, *settings):
    told = []
    config = load_config(None, [f"data.path={folder}", *settings])
    return prepare_run(config, folder.parent / "run", told.append), told


def write(folder, count, size, tags=lambda index: ["even" if index % 2 == 0 else "odd"]):
    folder.mkdir()
    for index in range(count):
        Image.new("RGB", size, (index % 256, 0, 0)).save(folder / f"{index}.png")
        (folder / f"{index}.txt").write_text(", ".join(tags(index)))
    return folder


@pytest.mark.parametrize(
    ("size", "wanted"), [((30, 20), 96), ((118, 90), 112), ((160, 210), 208), ((900, 500), 224)]
)
def test_the_size_is_about_that_of_the_pictures(tmp_path, size, wanted):
    run, _ = prepare(write(tmp_path / "p", 12, size))
    assert run.config.preprocess.size == wanted


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        (["preprocess.size=224"], 192),
        (["preprocess.size=112"], 96),
        (["preprocess.size=32"], 32),
        (["preprocess.size=224", "augment.crop=multi_scale_crop"], 224),
        (["preprocess.size=224", "augment.crop=none"], 224),
        (["preprocess.size=224", "augment.size=100"], 100),
        (["preprocess.size=448", 'model.second_look=["odd"]'], 192),
    ],
)
def test_training_pictures_are_smaller_where_crops_enlarge(tmp_path, settings, wanted):
    run, _ = prepare(write(tmp_path / "p", 12, (32, 32)), *settings)
    assert run.config.augment.size == wanted


def test_few_pictures_are_seen_often_and_many_seldom(tmp_path):
    run, _ = prepare(write(tmp_path / "p", 40, (32, 32)))
    assert run.config.train.epochs == 40
    assert run.is_new
    assert not (tmp_path / "run").exists()


def test_near_copies_are_kept_in_one_split(tmp_path):
    folder, random = tmp_path / "p", np.random.default_rng(0)
    folder.mkdir()
    for index in range(20):
        picture = Image.fromarray(random.integers(0, 256, (6, 6, 3), np.uint8))
        picture = picture.resize((96, 96), Image.Resampling.BICUBIC)
        picture.save(folder / f"{index}.png")
        picture.resize((64, 64)).save(folder / f"{index}-small.jpg", quality=70)
        for name in (f"{index}.txt", f"{index}-small.txt"):
            (folder / name).write_text("noise, more" if index % 2 else "noise")
    run, _ = prepare(folder)
    split = dict(zip(run.manifest.column("path"), run.manifest.column("split"), strict=True))
    assert any(split[f"{i}.png"] != split[f"{i}-small.jpg"] for i in range(20))
    run, told = prepare(folder, "data.near_copies=true")
    split = dict(zip(run.manifest.column("path"), run.manifest.column("split"), strict=True))
    assert all(split[f"{i}.png"] == split[f"{i}-small.jpg"] for i in range(20))
    assert "near copies: 20 of 40 groups of pictures join another's split" in told


def test_a_run_goes_on_with_less_memory_and_other_threads(tmp_path):
    run, _ = prepare(write(tmp_path / "p", 12, (32, 32)))
    run.save(tmp_path / "run")
    again, _ = prepare(tmp_path / "p", "train.cache_gib=0", "train.workers=0")
    assert not again.is_new
    assert (again.config.train.cache_gib, again.config.train.workers) == (0, 0)
    assert again.config.train.epochs == run.config.train.epochs
    with pytest.raises(ConfigError, match=r"train\.batch_size"):
        prepare(tmp_path / "p", "train.batch_size=3")


def test_rare_tags_are_left_out_and_named(tmp_path):
    def tags(index):
        return ["common", *(["rare"] if index == 0 else [])]

    run, told = prepare(write(tmp_path / "p", 30, (32, 32), tags))
    assert run.manifest.tags.names == ("common",)
    assert any("rare" in line and "data.min_count" in line for line in told)
    with pytest.raises(DataError, match=r"lower data\.min_count"):
        prepare(tmp_path / "p", "data.min_count=1000")


def test_too_few_pictures_are_refused(tmp_path):
    with pytest.raises(DataError, match="too few"):
        prepare(write(tmp_path / "p", 2, (32, 32)))
