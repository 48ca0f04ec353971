"""What is exported for imgutils is read as its client reads it."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from zokusei.errors import ConfigError
from zokusei.export.folder import export_run
from zokusei.images.preprocess import Preprocess
from zokusei.inference import Tagger
from zokusei.inference.steps import describe_steps, load_steps


def read_like_imgutils(folder, path):
    """What imgutils' client does by the five files; of its steps those that are written here."""
    import onnxruntime

    steps = json.loads((folder / "preprocess.json").read_text())
    resize, to_tensor, normalize = steps["test"]
    assert (steps["val"], to_tensor) == (steps["test"], {"type": "maybe_to_tensor"})
    assert (resize["type"], resize["interpolation"]) == ("pad_to_size", "bicubic")
    width, height = resize["size"]
    image = Image.open(path).convert("RGB")
    assert image.width == image.height  # so that nothing is padded
    image = image.resize((width, height), Image.Resampling.BICUBIC)
    array = np.asarray(image).transpose(2, 0, 1).astype(np.float32) / 255
    mean, std = (np.array(normalize[key], np.float32)[:, None, None] for key in ("mean", "std"))
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    names = [output.name for output in session.get_outputs()]
    given = {"input": ((array - mean) / std)[None]}
    found = dict(zip(names, session.run(names, given), strict=True))
    named = json.loads((folder / "categories.json").read_text())
    categories = {entry["category"]: entry["name"] for entry in named}
    with (folder / "thresholds.csv").open(newline="") as file:
        limits = {int(row["category"]): float(row["threshold"]) for row in csv.DictReader(file)}
    with (folder / "selected_tags.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert set(limits) == set(categories) == {int(row["category"]) for row in rows}
    given = [float(row["best_threshold"]) for row in rows]
    assert limits[0] == pytest.approx(np.median(given), abs=1e-6)
    scores = dict(zip([row["name"] for row in rows], found["prediction"][0].tolist(), strict=True))
    return scores, found


def test_imgutils_reads_the_same_where_it_is_asked_for(run_folder, corpus, tmp_path):
    export_run(run_folder, tmp_path / "onnx", "onnx", form="imgutils")
    trained, exported = Tagger.load(run_folder, device="cpu"), Tagger.load(tmp_path / "onnx")
    path = corpus / "002.png"
    (before,), (after,) = trained.tag([path], embedding=True), exported.tag([path])
    assert after.scores == pytest.approx(before.scores, abs=1e-5)
    assert exported.checkpoint.preprocess == trained.checkpoint.preprocess
    scores, found = read_like_imgutils(tmp_path / "onnx", path)
    assert scores == pytest.approx(before.scores, abs=1e-5)
    assert found["embedding"][0].tolist() == pytest.approx(before.embedding, abs=1e-4)
    # Without our own config.json it is a folder of imgutils like any other.
    (tmp_path / "onnx" / "config.json").unlink()
    foreign = Tagger.load(tmp_path / "onnx")
    (read,) = foreign.tag([path])
    assert read.scores == pytest.approx(before.scores, abs=1e-5)
    # Thresholds are written with six digits.
    expected = trained.checkpoint.tags.thresholds
    assert foreign.checkpoint.tags.thresholds == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("fit", ["pad", "squash", "crop"])
def test_steps_that_are_written_fit_as_the_model_does(tmp_path, fit):
    preprocess = Preprocess(32, fit, (0.5, 0.4, 0.3), (0.2, 0.25, 0.5), "lanczos")
    (tmp_path / "preprocess.json").write_text(json.dumps(describe_steps(preprocess)))
    steps = load_steps(tmp_path / "preprocess.json")
    assert (steps.mean, steps.std) == (preprocess.mean, preprocess.std)
    image = Image.radial_gradient("L").resize((90, 61)).convert("RGB")
    far = np.abs(steps.to_array(image).astype(int) - preprocess.to_array(image).astype(int))
    # imgutils cuts at a whole pixel after it resized; a pixel of this gradient is 8 levels.
    assert far.max() <= (8 if fit == "crop" else 0)


def test_a_form_that_does_not_go_is_refused(run_folder, tmp_path):
    with pytest.raises(ConfigError, match=r"unknown form 'imgutil'; did you mean 'imgutils'"):
        export_run(run_folder, tmp_path / "a", "onnx", form="imgutil")
    with pytest.raises(ConfigError, match=r"'imgutils' is for clients that run ONNX; give --to"):
        export_run(run_folder, tmp_path / "a", "openvino", form="imgutils")
