import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from zokusei.checkpoint import load_checkpoint, save_checkpoint
from zokusei.errors import CheckpointError, ZokuseiError


@pytest.fixture
def folder(run_folder, tmp_path):
    return shutil.copytree(run_folder / "model", tmp_path / "model")


def test_the_folder_holds_what_it_promises_and_no_pickle(folder):
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "model.safetensors", "config.json", "tags.csv", "preprocess.json", "metrics.json",
        "README.md",
    }  # fmt: skip
    assert (folder / "tags.csv").read_text().startswith("tag_id,name,category,count,threshold\n")
    card = (folder / "README.md").read_text()
    assert "seed: 0" in card
    assert "| map |" in card


def test_a_run_folder_is_as_good_as_its_model_folder(run_folder):
    one, two = load_checkpoint(run_folder), load_checkpoint(run_folder / "model")
    for a, b in zip(one.model.parameters(), two.model.parameters(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("name", ["model.safetensors", "tags.csv", "preprocess.json"])
@pytest.mark.parametrize("damage", ["missing", "cut", "noise"])
def test_a_damaged_folder_is_refused(folder, name, damage):
    path = folder / name
    data = path.read_bytes()
    if damage == "missing":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(data[: len(data) // 3])
    else:
        path.write_bytes(b"\xff\x00 noise \xfe" * 9)
    with pytest.raises(CheckpointError, match=r"damaged or incomplete|of another model|needs"):
        load_checkpoint(folder)


def test_weights_of_another_model_are_refused(folder):
    config = json.loads((folder / "config.json").read_text())
    config["model"] = "add_gcn"
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match="of another model"):
        load_checkpoint(folder)


def test_weights_with_a_tensor_too_many_are_refused(folder):
    weights = load_file(folder / "model.safetensors")
    save_file({**weights, "extra": torch.zeros(1)}, folder / "model.safetensors")
    with pytest.raises(CheckpointError, match="no place for 'extra'"):
        load_checkpoint(folder)


def test_another_version_is_refused(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "format_version": 99}))
    with pytest.raises(CheckpointError, match="format 99"):
        load_checkpoint(folder)


@pytest.mark.parametrize("what", ["nothing", "file"])
def test_no_checkpoint_there(tmp_path, what):
    if what == "file":
        (tmp_path / what).write_text("")
    with pytest.raises(
        CheckpointError, match="is a file; give the folder" if what == "file" else "no trained"
    ):
        load_checkpoint(tmp_path / what)


def test_writing_again_replaces_the_folder_and_leaves_nothing(folder):
    checkpoint = load_checkpoint(folder)
    (folder / "stale").write_text("")
    save_checkpoint(folder, checkpoint)
    assert [path.name for path in folder.parent.iterdir()] == ["model"]
    assert not (folder / "stale").exists()


def test_a_run_that_is_read_while_its_model_is_replaced_has_the_old_one(folder, monkeypatch):
    read, rename = [], Path.rename

    def look(path, target):
        moved = rename(path, target)
        read.append(load_checkpoint(folder.parent).tags.names)
        return moved

    monkeypatch.setattr(Path, "rename", look)
    checkpoint = load_checkpoint(folder)
    save_checkpoint(folder, checkpoint)
    assert read == [checkpoint.tags.names] * 2


def test_a_failed_write_leaves_the_old_folder(folder, monkeypatch):
    checkpoint = load_checkpoint(folder)
    before = (folder / "model.safetensors").read_bytes()

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("zokusei.model_weights.save", full)
    with pytest.raises(ZokuseiError, match="No space left"):
        save_checkpoint(folder, checkpoint)
    assert (folder / "model.safetensors").read_bytes() == before
    assert [path.name for path in folder.parent.iterdir()] == ["model"]
