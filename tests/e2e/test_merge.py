"""`zokusei data merge`, and a training on what it makes."""

import json

import numpy as np

from pictures import write_picture
from zokusei.data.manifest import Manifest, Record

TINY = ["model.backbone=test_efficientnet", "model.weights=none", "preprocess.size=32",
        "train.batch_size=4", "train.epochs=1", "train.workers=1", "data.min_count=1"]  # fmt: skip


def write_part(folder, tags, count=12, split=("train", "train", "val", "test")):
    folder.mkdir()
    rng, records = np.random.default_rng(0), []
    for index in range(count):
        write_picture(folder / f"{index}.png", "red", "circle", rng, 32)
        records.append(
            Record(f"{index}.png", [tags[index % len(tags)]], split=split[index % len(split)])
        )
    Manifest.from_records(records, None, folder).save(folder / "manifest.parquet")
    return folder / "manifest.parquet"


def test_two_corpora_become_one_that_a_model_learns_from(zokusei, tmp_path):
    art = write_part(tmp_path / "art", ["smile", "hat"])
    faces = write_part(tmp_path / "faces", ["red_hair", "blue_hair", "hat"])
    out = tmp_path / "all.parquet"
    code, _, err = zokusei("data", "merge", out, f"art={art}", f"faces={faces}")
    assert code == 0, err
    assert "art: 12 pictures (6 train, 3 val, 3 test), 2 tags" in err
    assert f"24 pictures with 4 tags in {out}" in err
    given = [f"data.path={out}", *TINY, "augment.shrink=0.5", "augment.jitter=0.2"]
    run = tmp_path / "run"
    code, _, err = zokusei("train", *given, "data.repeat={art: 3}", "--out", run)
    assert code == 0, err
    steps = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert max(record["step"] for record in steps) == (6 * 3 + 6) // 4
    code, _, err = zokusei("train", *given, "data.repeat={faecs: 3}", "--out", tmp_path / "no")
    assert code == 2
    assert "did you mean 'faces'" in err
    assert not (tmp_path / "no").exists()


def test_what_cannot_be_merged_is_said(zokusei, tmp_path):
    art = write_part(tmp_path / "art", ["smile"])
    free = write_part(tmp_path / "free", ["smile"], split=("",))
    out = tmp_path / "all.parquet"
    for parts, message in (
        ([str(art)], "write each part NAME=PATH"),
        ([f"a={art}", f"a={art}"], "with a name of its own"),
        ([f"a={free}"], "not every picture has a split"),
        ([f"a={tmp_path / 'gone.parquet'}"], "gone.parquet"),
    ):
        code, _, err = zokusei("data", "merge", out, *parts)
        assert (code, out.exists()) == (2, False)
        assert message in err
    before = art.read_bytes()
    for part in (art, art.parent):  # a folder stands for the manifest in it
        code, _, err = zokusei("data", "merge", art, f"a={part}")
        assert (code, art.read_bytes()) == (2, before)
        assert "would be written over" in err
    code, _, err = zokusei("data", "merge", tmp_path / "all.csv", f"a={art}")
    assert code == 2
    assert ".parquet" in err
