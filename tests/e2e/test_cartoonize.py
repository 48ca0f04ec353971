"""`zokusei cartoonize` as people use it."""

import csv
import importlib.util
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zokusei.stylize.generator import WhiteBoxGenerator


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    rng = np.random.default_rng(0)
    for name, size in {"a.jpg": (30, 20), "deep/b.png": (30, 20), "c.png": (1, 1)}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (*size, 3), dtype=np.uint8)).save(path)
    return folder


@pytest.fixture
def weights(tmp_path):
    from safetensors.torch import save_file

    save_file(WhiteBoxGenerator().state_dict(), tmp_path / "weights.safetensors")
    return tmp_path / "weights.safetensors"


def test_a_folder_is_drawn_and_resumed(zokusei, photos, weights, tmp_path):
    arguments = ("cartoonize", photos, "-o", tmp_path / "out", "--weights", weights)
    code, out, err = zokusei(*arguments)
    assert (code, out) == (0, "")
    assert "3 pictures drawn" in err
    assert "(white-box)" in err
    drawn = {p.relative_to(tmp_path / "out"): p for p in (tmp_path / "out").rglob("*.*g")}
    assert {str(name) for name in drawn} == {"a.jpg", "deep/b.png", "c.png"}
    before = {name: path.stat().st_mtime_ns for name, path in drawn.items()}
    drawn.popitem()[1].unlink()
    code, _, err = zokusei(*arguments)
    assert code == 0
    assert "2 of 3 pictures are drawn already" in err
    assert "1 pictures drawn" in err
    after = {name: (tmp_path / "out" / name).stat().st_mtime_ns for name in before}
    assert sum(after[name] != before[name] for name in before) == 1


def test_drawings_of_another_kind_are_not_mixed(zokusei, photos, weights, tmp_path):
    zokusei("cartoonize", photos, "-o", tmp_path / "out", "--method", "plain")
    assert json.loads((tmp_path / "out" / "cartoonize.json").read_text())["method"] == "plain"
    for more in (("--weights", weights), ("--method", "plain", "--size", 10)):
        code, _, err = zokusei("cartoonize", photos, "-o", tmp_path / "out", *more)
        assert code == 2
        assert "choose another folder" in err
    other = shutil.copy(photos / "a.jpg", tmp_path / "other.jpg")
    code, _, err = zokusei("cartoonize", other, "-o", photos, "--method", "plain")
    assert code == 2
    assert "holds other files" in err


def test_size(zokusei, photos, tmp_path):
    command = ("cartoonize", photos / "a.jpg", "-o", tmp_path / "out", "--method", "plain")
    assert zokusei(*command, "--size", 10)[0] == 0
    with Image.open(tmp_path / "out" / "a.jpg") as image:
        assert image.size == (10, 15)


def test_broken_pictures_are_named_and_counted(zokusei, photos, tmp_path):
    (photos / "broken.jpg").write_bytes(b"\xff\xd8\xff nothing")
    (photos / "deep" / "phone.heic").write_bytes(b"no decoder")
    (photos / "nowhere.png").symlink_to("nothing.png")
    gone = photos / ("gone" * 100 + ".png")  # longer than a name may be
    code, _, err = zokusei("cartoonize", photos, gone, "-o", tmp_path / "out", "--method", "plain")
    assert code == 3
    assert "broken.jpg" in err
    assert "gone.png" in err
    assert "phone.heic" in err
    assert "nowhere.png: a link that leads nowhere" in err
    assert "3 pictures drawn" in err
    assert "4 of 7 pictures could not be drawn" in err
    assert (tmp_path / "out" / "photos" / "deep" / "b.png").exists()


def test_without_weights_nothing_else_is_done_in_silence(zokusei, photos, tmp_path):
    code, _, err = zokusei(
        "cartoonize", photos, "-o", tmp_path / "out", "--weights", tmp_path / "none.safetensors"
    )
    assert code == 2
    assert "--import-weights" in err
    assert "--method plain" in err
    assert err.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "nothing to draw"),
        (["a.png"], "--out"),
        (["a.png", "-o", "out", "--method", "wite-box"], "did you mean 'white-box'"),
        (["--import-weights", "gone.tflite"], "cannot be opened"),
    ],
)
def test_mistakes_are_one_line(zokusei, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    code, _, err = zokusei("cartoonize", *arguments, "--weights", "w.safetensors")
    assert code == 2
    assert message in err
    assert err.count("\n") == 1


def test_a_missing_package_is_named_with_its_extra(zokusei, photos, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage", None)
    monkeypatch.setitem(sys.modules, "skimage.segmentation", None)
    code, _, err = zokusei("cartoonize", photos, "-o", tmp_path / "out", "--method", "plain")
    assert code == 2
    assert "pip install 'zokusei[stylize]'" in err


def test_the_benchmark_counts_the_pictures_there_are(photos, weights, tmp_path, monkeypatch):
    path = Path(__file__).parents[2] / "benchmarks" / "cartoonize.py"
    spec = importlib.util.spec_from_file_location("cartoonize_benchmark", path)
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    monkeypatch.setattr(benchmark, "RESULTS", tmp_path / "results.csv")
    monkeypatch.setattr(benchmark, "time_of", lambda draw, sources, out: 2.0)
    monkeypatch.setattr(sys, "argv", ["cartoonize.py", str(weights), str(photos)])
    benchmark.main()
    with (tmp_path / "results.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["pictures"], float(row["images_per_second"])) for row in rows] == 2 * [("3", 1.5)]
