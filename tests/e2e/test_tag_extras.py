"""`zokusei tag --caption` and `--embedding`: what is found beside tags."""

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from captioned import write_captioner
from pictures import write_tree
from zokusei import model_folder
from zokusei.caption_checkpoint import load_caption_checkpoint
from zokusei.caption_source import CaptionSource
from zokusei.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from zokusei.errors import ConfigError
from zokusei.inference import Tagger
from zokusei.models import create_model

NAMES = ["art/a.png", "art/sub/b.png", "art/sub/deep/c.jpg"]


@pytest.fixture(scope="module")
def captioner(tmp_path_factory):
    return write_captioner(tmp_path_factory.mktemp("models") / "captioner")


@pytest.fixture
def tag(zokusei, untrained, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_tree(tmp_path)

    def run(*more, model=untrained):
        state = ["--state", "state"] if "--write" in more else []
        return zokusei("tag", "art", "--model", model, *state, *more)

    return run


def test_the_packaged_captioner_is_named_base(tag, captioner, tmp_path, monkeypatch):
    monkeypatch.setattr(model_folder, "_PACKAGED", tmp_path / "weights")
    code, _, err = tag("--captioner", "base")
    assert code == 2
    assert "this one came without" in err
    shutil.copytree(captioner, tmp_path / "weights" / "captioner")
    code, out, err = tag("--captioner", "base", "--json", "--write", "csv", "-o", "out")
    assert code == 0, err
    assert records(out) == records(tag("--captioner", captioner, "--json")[1])


def records(text):
    return [json.loads(line) for line in text.splitlines()]


def test_captions_are_those_of_the_captioner_in_every_output(tag, zokusei, captioner):
    _, out, _ = zokusei("caption", "art", "--model", captioner, "--json")
    wanted = [record["caption"] for record in records(out)]
    assert all(wanted)
    formats = "kohya,json,jsonl,csv,parquet"
    code, out, _ = tag("--captioner", captioner, "--json", "--write", formats, "-o", "out",
                       "--caption-first")  # fmt: skip
    assert code == 0
    printed = records(out)
    members = ["path", "tags", "scores", "rating", "caption"]
    assert [list(record) for record in printed] == [members] * 3
    assert [record["caption"] for record in printed] == wanted
    assert records(Path("out/tags.jsonl").read_text()) == printed
    with Path("out/tags.csv").open(newline="") as file:
        assert [row["caption"] for row in csv.DictReader(file)] == wanted
    assert pq.read_table("out/tags.parquet")["caption"].to_pylist() == wanted
    assert json.loads(Path("out/a.png.json").read_text())["caption"] == wanted[0]
    line = Path("out/a.txt").read_text()
    assert line.startswith(f"{wanted[0]}, ")
    # What is there already does not come again.
    more = ("--write", "kohya", "-o", "out", "--existing", "append", "--caption-first")
    assert tag("--captioner", captioner, *more)[0] == 0
    assert Path("out/a.txt").read_text() == line


def test_a_model_that_reads_captions_carries_its_captioner(tag, zokusei, untrained, captioner):
    model = load_checkpoint(untrained)
    source = CaptionSource(load_caption_checkpoint(captioner))
    network = create_model(
        "capgcn", model.labels, backbone="test_efficientnet", weights="none",
        caption_width=source.width,
    )  # fmt: skip
    save_checkpoint(
        Path("reads"), Checkpoint(network, model.labels, model.preprocess, captions=source)
    )
    _, out, _ = zokusei("caption", "art", "--model", captioner, "--json")
    wanted = [record["caption"] for record in records(out)]
    code, out, _ = tag("--caption", "--json", model="reads")
    assert code == 0
    assert [record["caption"] for record in records(out)] == wanted
    code, out, _ = tag("--caption", model="reads")
    assert out.splitlines()[1::2] == [f"  {caption}" for caption in wanted]


def test_without_a_captioner_of_its_own_a_model_has_the_packaged_one(tag):
    code, out, err = tag("--caption", "--json")
    assert code == 0, err
    assert all(record["caption"].startswith(("a ", "the ", "two ")) for record in records(out))
    assert records(tag("--captioner", "base", "--json")[1]) == records(out)


def test_embeddings_are_the_mean_of_the_last_feature_map(tag, untrained):
    small = load_checkpoint(untrained)
    # The map of a small picture has one place, where every way of pooling is the same.
    checkpoint = replace(small, preprocess=replace(small.preprocess, size=96))
    save_checkpoint(Path("large"), checkpoint)
    code, out, _ = tag(
        "--embedding", "--write", "parquet,npz", "-o", "out", "--json", model="large"
    )
    assert code == 0
    assert list(records(out)[0]) == ["path", "tags", "scores", "rating"], "no embedding"
    wanted = []
    for name in NAMES:
        images = checkpoint.preprocess(name)[None]
        with torch.inference_mode():
            features = checkpoint.model.backbone(images)[0].double().numpy()
        assert features.shape[1:] == (3, 3)
        wanted.append([np.mean([v for row in channel for v in row]) for channel in features])
    found = np.load("out/tags.npz")
    assert found["path"].tolist() == NAMES
    assert (found["embedding"].dtype, found["embedding"].shape) == (np.float32, (3, len(wanted[0])))
    np.testing.assert_allclose(found["embedding"], wanted, atol=1e-5)
    table = pq.read_table("out/tags.parquet")
    assert table.column_names == ["path", "tags", "scores", "rating", "embedding"]
    np.testing.assert_array_equal(np.array(table["embedding"].to_pylist()), found["embedding"])


def test_an_embedding_of_what_moves_is_the_mean_of_its_frames(untrained, tmp_path):
    images = [Image.new("RGB", (32, 32), colour) for colour in ("red", "blue", "white")]
    images[0].save(tmp_path / "a.webp", save_all=True, append_images=images[1:], lossless=True)
    tagger = Tagger.load(untrained, device="cpu")
    alone = [next(tagger.tag([image], embedding=True)).embedding for image in images]
    (moving,) = tagger.tag([tmp_path / "a.webp"], frames=3, embedding=True)
    np.testing.assert_allclose(moving.embedding, np.mean(alone, axis=0), atol=1e-5)


@pytest.mark.parametrize(("arguments", "says"), [
    (["--embedding"], "parquet and npz"),
    (["--write", "npz", "-o", "out"], "add --embedding"),
    (["--caption-first", "--write", "kohya"], "add --caption"),
    (["--caption", "--caption-first", "--write", "jsonl", "-o", "out"], "about text files"),
    (["--caption", "--write", "kohya,xmp"], "captions are written into json"),
])  # fmt: skip
def test_what_does_not_go_together(tag, arguments, says):
    code, _, err = tag(*arguments)
    assert code == 2
    assert says in err
    assert "Traceback" not in err


def test_an_exported_model_gives_no_embedding_and_says_so(untrained):
    class Exported:
        place, preprocesses = "cpu through onnxruntime", []

        def predict(self, fitted): ...

    tagger = Tagger.load(untrained, device="cpu")
    tagger.backend = Exported()
    with pytest.raises(ConfigError, match="cpu through onnxruntime gives tags and no embeddings"):
        next(tagger.tag(["a.png"], embedding=True))
