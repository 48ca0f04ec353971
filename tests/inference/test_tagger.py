import copy
import io
import json
import multiprocessing
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from zokusei.checkpoint import Checkpoint
from zokusei.errors import ConfigError, ImageError
from zokusei.images.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocess
from zokusei.inference import Tagger, choose_device
from zokusei.inference.backends import torch as torch_backend
from zokusei.labels import LabelSpace
from zokusei.models import create_model
from zokusei.tags import TagSet


@pytest.fixture(scope="module")
def tagger(run_folder):
    return Tagger.load(run_folder, device="cpu")


def test_it_has_learnt_what_the_pictures_show(tagger, corpus):
    paths = sorted(corpus.glob("*.png"))[:30]
    right = 0
    for tags in tagger.tag(paths):
        truth = Path(tags.path).with_suffix(".txt").read_text().strip().split(", ")
        colours = {name: tags.scores[name] for name in ("red", "green", "blue")}
        right += max(colours, key=colours.get) in truth
    assert right >= 25  # ten by chance


def test_the_result_does_not_depend_on_the_batch(tagger, corpus):
    paths = sorted(corpus.glob("*.png"))[:9]
    alone = [next(tagger.tag([path])) for path in paths]
    together = list(tagger.tag(paths, batch_size=9))
    small = list(tagger.tag(paths, batch_size=2))
    assert alone == together == small
    vectors = [next(tagger.tag([path], embedding=True)).embedding for path in paths]
    assert vectors == [tags.embedding for tags in tagger.tag(paths, embedding=True)]


def test_a_tag_at_its_threshold_does_not_flip_with_the_batch(tagger, corpus, monkeypatch):
    paths = sorted(corpus.glob("*.png"))[:9]
    alone = [next(tagger.tag([path])) for path in paths]
    for place, tags in enumerate(alone):
        exact = replace(tagger.selection, thresholds=tuple(tags.scores.values()))
        monkeypatch.setattr(tagger, "selection", exact)
        assert set(list(tagger.tag(paths))[place].names) == set(tags.scores)


def test_paths_bytes_and_pictures_are_the_same(tagger, corpus):
    path = corpus / "000.png"
    with Image.open(path) as image:
        scores = [
            next(tagger.tag([source])).scores
            for source in (path, str(path), path.read_bytes(), image)
        ]
    assert scores[0] == scores[1] == scores[2] == scores[3]


def test_one_picture_may_be_given_as_it_is(untrained, tmp_path):
    tagger = Tagger.load(untrained, device="cpu")
    path = tmp_path / "a.png"
    Image.new("RGB", (8, 8), "red").save(path)
    (wanted,) = tagger.tag([path])
    with Image.open(path) as image:
        for source in (path, str(path), path.read_bytes(), image):
            (tags,) = tagger.tag(source)
            assert tags.scores == wanted.scores


def test_tags_are_those_above_their_threshold_the_most_probable_first(tagger, corpus):
    for tags in tagger.tag(sorted(corpus.glob("*.png"))[:20]):
        thresholds = {tag.name: tag.threshold for tag in tagger.checkpoint.tags}
        wanted = [name for name, score in tags.scores.items() if score >= thresholds[name]]
        assert sorted(tags.names) == sorted(wanted)
        assert list(tags.names) == sorted(tags.names, key=lambda name: -tags.scores[name])
        assert list(tags.scores) == list(tagger.checkpoint.tags.names)


def test_the_json_form_is_the_contract(tagger, corpus):
    tags = next(tagger.tag([corpus / "000.png"]))
    record = json.loads(json.dumps(tags.to_dict()))
    assert list(record) == ["path", "tags", "scores"]
    assert record["path"] == str(corpus / "000.png")
    assert set(record["tags"]) <= set(record["scores"])


def test_a_broken_picture_ends_it_or_is_reported(tagger, corpus, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes((corpus / "000.png").read_bytes()[:60])
    paths = [corpus / "000.png", broken, corpus / "001.png"]
    with pytest.raises(ImageError, match=r"broken\.png"):
        list(tagger.tag(paths))
    failed = []
    for batch_size in (1, 2, 3):
        done = list(
            tagger.tag(
                paths, batch_size=batch_size, on_error=lambda p, error: failed.append((p, error))
            )
        )
        assert [tags.path for tags in done] == [str(paths[0]), str(paths[2])]
    assert [picture for picture, _ in failed] == [broken] * 3


def test_a_batch_of_broken_pictures_does_not_end_the_work(tagger, corpus):
    pictures = [b"one", b"two", corpus / "000.png"]
    done = list(tagger.tag(pictures, batch_size=2, on_error=lambda p, e: None))
    assert len(done) == 1


def test_pictures_are_read_as_they_are_needed(tagger, corpus):
    read = []

    def endless():
        while True:
            read.append(1)
            yield corpus / "000.png"

    stream = tagger.tag(endless(), batch_size=2)
    for _ in range(3):
        next(stream)
    assert len(read) <= 8
    stream.close()


def test_no_pictures_no_tags(tagger):
    assert list(tagger.tag([])) == []


@pytest.mark.parametrize("device", ["gpu", "cuda:x"])
def test_an_unknown_device_is_refused(run_folder, device):
    with pytest.raises(ConfigError, match=device):
        Tagger.load(run_folder, device=device)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is one here")
def test_a_missing_device_is_refused(run_folder):
    with pytest.raises(ConfigError, match="not available"):
        Tagger.load(run_folder, device="cuda")


@pytest.mark.parametrize("works", ["cuda", "mps", "cpu"])
def test_auto_passes_over_what_cannot_be_used(monkeypatch, works):
    def explain(device):
        return None if device.type == works else "no kernel image is available"

    monkeypatch.setattr(torch_backend, "_explain_unusable", explain)
    assert choose_device("auto").type == works


def test_a_tagger_works_after_a_fork_and_as_a_copy(run_folder, corpus):
    path = corpus / "000.png"
    tagger = Tagger.load(run_folder, device="cpu")
    (here,) = tagger.tag(path)
    copies = [copy.deepcopy(tagger), pickle.loads(pickle.dumps(tagger))]
    assert all(next(one.tag(path)).scores == here.scores for one in copies)
    fork = multiprocessing.get_context("fork")
    names = fork.Queue()
    child = fork.Process(target=lambda: names.put(next(tagger.tag(path)).names))
    child.start()
    assert names.get(timeout=60) == here.names
    child.join()


@pytest.mark.parametrize("device", ["meta", "xpu", "vulkan", "cuda:99"])
def test_what_torch_knows_and_cannot_use_is_refused(device):
    with pytest.raises(
        ConfigError, match=rf"device '{device}' is not available here \(.+\); `zoku"
    ):
        choose_device(device)


def test_a_picture_of_any_kind_is_tagged(tagger):
    for mode, suffix in (("RGBA", "PNG"), ("P", "GIF"), ("L", "JPEG"), ("CMYK", "JPEG")):
        data = io.BytesIO()
        Image.new(mode, (50, 20)).save(data, suffix)
        assert set(next(tagger.tag([data.getvalue()])).scores) == set(tagger.checkpoint.tags.names)


@pytest.mark.parametrize(("clear", "is_known_clear"), [(0.0, False), (0.03, False), (0.4, True)])
def test_transparent_paper_is_not_white(tmp_path, clear, is_known_clear):
    names = ("white_background", "smile", "transparent_background")
    labels = LabelSpace.from_targets(TagSet.from_names(names), torch.ones(2, 3, dtype=torch.bool))
    torch.manual_seed(0)
    model = create_model("gap", labels, backbone="test_efficientnet", weights="none")
    preprocess = Preprocess(32, "squash", IMAGENET_MEAN, IMAGENET_STD)
    tagger = Tagger(Checkpoint(model, labels, preprocess), device="cpu")
    pixels = np.full((100, 100, 4), 200, np.uint8)
    pixels[: round(100 * clear), :, 3] = 0
    picture = Image.fromarray(pixels)
    picture.save(tmp_path / "a.png")
    flat = Image.new("RGB", picture.size, "white")
    flat.paste(picture, mask=picture)
    (found,), (plain,) = tagger.tag(tmp_path / "a.png"), tagger.tag(flat)
    assert 0 < plain.scores["white_background"] < 1
    certain = {"white_background": 0.0, "transparent_background": 1.0} if is_known_clear else {}
    assert found.scores == {**plain.scores, **certain}
    assert ("transparent_background" in found.names) >= is_known_clear
    assert ("white_background" in found.names) <= (not is_known_clear)
