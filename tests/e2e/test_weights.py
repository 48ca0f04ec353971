"""Models that come with the package, and the scripts that put them there."""

import dataclasses
import importlib.util
from pathlib import Path

import pytest

from captioned import write_captioned, write_captioner
from zokusei import model_folder
from zokusei.caption_checkpoint import load_caption_checkpoint, save_caption_checkpoint
from zokusei.results import append_result

ROOT = Path(__file__).parents[2]
COLUMNS = [
    "experiment", "corpus", "split", "pictures",
    *(f"{name}{end}" for name in ("bleu1", "bleu4", "cider") for end in ("", "_low", "_high")),
    "commit", "hardware", "versions",
]  # fmt: skip


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("ship_captioner", ROOT / "weights/captioner.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def run(tmp_path):
    folder = write_captioner(tmp_path / "run")
    found = dataclasses.replace(load_caption_checkpoint(folder), provenance={"name": "tiny"})
    save_caption_checkpoint(folder, found)
    return folder


@pytest.fixture
def pictures(tmp_path):
    return write_captioned(tmp_path / "corpus", count=6) / "Images"


def write_results(path, corpus="photographs", **figures):
    row = {"experiment": "tiny", "corpus": corpus, "split": "test", "pictures": 1000}
    row |= {name: 0.0 for name in COLUMNS if name.startswith(("bleu", "cider"))} | figures
    append_result(path, row, COLUMNS)


def test_what_is_packed_is_what_captions_without_a_model(
    zokusei, script, run, pictures, tmp_path, monkeypatch
):
    results = tmp_path / "results.csv"
    write_results(results, bleu4=3.25)
    write_results(results, bleu4=20.54, bleu4_low=19.06, bleu4_high=22.0)
    write_results(results, "cartoons", bleu4=18.0)
    monkeypatch.setattr(model_folder, "_PACKAGED", tmp_path / "weights")
    script.ship(run, tmp_path / "weights" / "captioner", results)
    code, packed, _ = zokusei("caption", pictures)
    assert code == 0
    assert packed == zokusei("caption", pictures, "--model", run)[1]
    assert len(packed.splitlines()) == 6
    card = (tmp_path / "weights" / "captioner" / "README.md").read_text()
    assert "| 1000 photographs | 0.0 (0.0 to 0.0) | 20.5 (19.1 to 22.0) |" in card
    assert "| 1000 cartoons |" in card
    assert "CC BY-NC-SA 4.0" in card


def test_a_package_without_captioner_says_so(zokusei, pictures, tmp_path, monkeypatch):
    monkeypatch.setattr(model_folder, "_PACKAGED", tmp_path / "weights")
    code, _, err = zokusei("caption", pictures)
    assert code == 2
    assert "this one came without" in err


def test_nothing_is_packed_without_figures(script, tmp_path):
    write_results(tmp_path / "results.csv")
    with pytest.raises(SystemExit, match="no test figures of 'other'"):
        script.list_figures(tmp_path / "results.csv", "other")


def test_every_stage_is_a_command_that_there_is(zokusei, script):
    for stage in script.list_stages(Path("flickr8k"), Path("white-box.tflite")):
        if stage[0] == "-m":
            command = stage[2:4] if stage[2] == "data" else stage[2:3]
            code, out, _ = zokusei(*command, "--help")
            assert code == 0
            assert all(option in out for option in stage if option.startswith("--"))
        else:
            assert (ROOT / stage[0]).exists()
        assert all((ROOT / part).exists() for part in stage if part.startswith("configs/"))
