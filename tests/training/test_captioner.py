"""A captioner's training: its batches, its cache, its pairs, and that it goes on after a kill."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from safetensors.torch import load_file, save_file

from captioned import settings, train, write_captioned
from conftest import Silent
from zokusei.caption_checkpoint import load_caption_checkpoint
from zokusei.caption_source import CaptionSource
from zokusei.captioning import losses
from zokusei.captioning.beam import generate
from zokusei.captioning.losses import compute_annotation_distance
from zokusei.captioning.model import CaptionModel
from zokusei.checkpoint import load_checkpoint
from zokusei.errors import CheckpointError, ConfigError, DataError, ZokuseiError
from zokusei.images.preprocess import Preprocess
from zokusei.inference import Captioner
from zokusei.run_folder import read_log
from zokusei.training import captioner as training_module
from zokusei.training.annotations import open_annotations
from zokusei.training.captioner import CaptionerTraining, train_captioner
from zokusei.training.captioner_data import find_mirrorable
from zokusei.training.captioner_parts import create_parts
from zokusei.training.captioner_prepare import prepare_captioner


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return write_captioned(tmp_path_factory.mktemp("captioned") / "corpus")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def photos_run(corpus, cache, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "photos"
    train(settings(corpus, cache), folder)
    return folder


@pytest.fixture(scope="module")
def drawings(corpus, tmp_path_factory):
    """The same names with other pixels."""
    folder = tmp_path_factory.mktemp("drawings") / "Images"
    names = sorted(path.name for path in (corpus / "Images").iterdir())
    folder.mkdir()
    for name, other in zip(names, names[1:] + names[:1], strict=True):
        shutil.copy(corpus / "Images" / other, folder / name)
    return folder


def pairs(corpus, cache, drawings, run, *more):
    given = [f"start={run}", f"data.images={drawings}", f"pairs.photographs={corpus / 'Images'}"]
    return settings(corpus, cache, *given, *more)


def create_training(config, folder):
    accelerator = Accelerator()
    run = prepare_captioner(config, folder, lambda message: None, counting, accelerator.device)
    parts = create_parts(run.config, run.manifest, accelerator, counting)
    return CaptionerTraining(run.config, run.manifest, parts, folder, accelerator)


def counting(description, total):
    from contextlib import nullcontext

    return nullcontext(lambda count: None)


def test_a_run_has_what_it_promises(photos_run, corpus, cache):
    assert {path.name for path in photos_run.iterdir()} == {
        "config.yaml", "environment.json", "manifest.parquet", "metrics.jsonl",
        "state.safetensors", "model",
    }  # fmt: skip
    records = [r for r in read_log(photos_run / "metrics.jsonl") if r["kind"] == "epoch"]
    assert len(records) == 2
    assert all(0 <= record["bleu1"] <= 100 and "cider" in record for record in records)
    checkpoint = load_caption_checkpoint(photos_run)
    assert "square" in checkpoint.vocabulary.words
    weights = load_file(photos_run / "model" / "model.safetensors")
    assert weights["head.word.weight"].dtype == torch.float16
    before = (photos_run / "model" / "config.json").stat().st_mtime_ns
    train(settings(corpus, cache), photos_run)  # nothing is left to do
    assert (photos_run / "model" / "config.json").stat().st_mtime_ns == before
    with pytest.raises(ConfigError, match=r"loss\.coverage"):
        train(settings(corpus, cache, "loss.coverage=2"), photos_run)


def test_a_frozen_encoder_stays_as_it_was(photos_run, corpus, cache, tmp_path):
    fresh = create_training(settings(corpus, cache), tmp_path / "run").parts.model
    state = load_file(photos_run / "state.safetensors")
    for name, tensor in fresh.state_dict().items():
        same = torch.equal(state[f"model.{name}"], tensor)
        assert same == name.startswith("backbone."), name


def test_the_loss_is_the_weighted_sum_of_its_parts(corpus, cache, photos_run, drawings, tmp_path):
    more = ["loss.smoothing=0.3", "loss.coverage=0.7", "pairs.words=0.4", "pairs.attention=0.9",
            "pairs.annotations=1.5", "model.freeze=1"]  # fmt: skip
    training = create_training(pairs(corpus, cache, drawings, photos_run, *more), tmp_path / "run")
    model, teacher = training.parts.model.eval(), training.parts.teacher.eval()
    batch = next(iter(training.loader.batches(0)))
    with torch.no_grad():
        said = model(batch.pictures, batch.tokens, batch.lengths)
        wanted = teacher(batch.photographs, batch.tokens, batch.lengths)
        summed = (
            losses.compute_word_loss(said.logits, said.targets, 0.3)
            + 0.7 * losses.compute_coverage_loss(said.alphas, batch.lengths)
            + 1.5 * losses.compute_annotation_distance(
                said.annotations, batch.photographs, batch.lengths
            )
            + 0.4 * losses.compute_word_divergence(said.logits, wanted.logits)
            + 0.9 * losses.compute_attention_distance(said.alphas, wanted.alphas, batch.lengths)
        )  # fmt: skip
        found = training.compute_loss(model, batch)
    assert float(found) == pytest.approx(float(summed), rel=1e-5)


def test_the_search_is_the_one_that_was_asked_for(corpus, cache, tmp_path, monkeypatch):
    asked = []

    def note(*given, **search):
        asked.append(search)
        return generate(*given, **search)

    monkeypatch.setattr(training_module, "generate", note)
    config = settings(corpus, cache, "train.beam=4", "data.max_words=6", "train.epochs=1")
    train(config, tmp_path / "run")
    assert asked == [{"beam": 4, "max_length": 6}]
    # What was learnt from captions of six words writes no longer ones afterwards.
    checkpoint = load_caption_checkpoint(tmp_path / "run")
    assert checkpoint.max_words == 6
    with torch.no_grad():
        checkpoint.model.head.word.weight.zero_()  # whose end never comes
        checkpoint.model.head.word.bias.zero_()[checkpoint.vocabulary.encode("a")[1]] = 9.0
    caption = next(Captioner(checkpoint).caption([corpus / "Images" / "000.png"]))
    assert caption.words == ("a",) * 6
    assert (
        CaptionSource(checkpoint).digest
        != CaptionSource(dataclasses.replace(checkpoint, max_words=7)).digest
    )


def test_the_last_epoch_is_told_where_it_is_kept(corpus, cache, tmp_path):
    told = []
    config = settings(corpus, cache, "train.keep=last", "train.epochs=3")
    train_captioner(config, tmp_path / "run", Silent(), told.append, counting)
    assert told[-1] == f"kept epoch 3 in {tmp_path / 'run' / 'model'}"


def test_a_run_goes_on_with_less_memory_but_not_from_another_captioner(
    corpus, cache, photos_run, tmp_path
):
    start = shutil.copytree(photos_run / "model", tmp_path / "start")
    given = (corpus, cache, f"start={start}", "train.save_minutes=1e-9")
    with pytest.raises(KilledError):
        train(settings(*given), tmp_path / "run", KillAt(3))
    weights = load_file(start / "model.safetensors")
    changed = {name: tensor + 1 if tensor.is_floating_point() else tensor
               for name, tensor in weights.items()}  # fmt: skip
    save_file(changed, start / "model.safetensors")
    with pytest.raises(ConfigError, match="another captioner than start holds now"):
        train(settings(*given), tmp_path / "run")
    save_file(weights, start / "model.safetensors")
    train(settings(*given[:3], "train.cache_gib=0", "train.workers=0"), tmp_path / "run")
    assert load_caption_checkpoint(tmp_path / "run")


class KilledError(Exception):
    pass


class KillAt(Silent):
    def __init__(self, steps):
        self.left = steps

    def step(self, loss, images_per_second):
        self.left -= 1
        if self.left < 0:
            raise KilledError


@pytest.mark.parametrize("more", [[], ["model.freeze=1", "augment.crop=0.5", "train.ema=0.9"]])
def test_a_killed_training_ends_as_one_left_alone(corpus, cache, tmp_path, more):
    config = settings(corpus, cache, "train.save_minutes=1e-9", *more)
    train(config, tmp_path / "whole")
    with pytest.raises(KilledError):
        train(config, tmp_path / "killed", KillAt(3))
    train(config, tmp_path / "killed")
    for name in ("model/model.safetensors", "state.safetensors"):
        one, two = (load_file(tmp_path / run / name) for run in ("whole", "killed"))
        assert one.keys() == two.keys()
        for key in one:
            assert torch.equal(one[key], two[key]), f"{name}: {key}"


def test_batches_hold_what_the_seed_decides(corpus, cache, tmp_path):
    loader = create_training(settings(corpus, cache), tmp_path / "run").loader
    assert len(loader) == 2
    batches = list(loader.batches(1))
    again = list(loader.batches(1, start=1))
    assert torch.equal(batches[1].tokens, again[0].tokens)
    assert torch.equal(batches[1].pictures, again[0].pictures)
    assert batches[0].rows != next(iter(loader.batches(0))).rows
    for batch in batches:
        for row, tokens, lengths in zip(batch.rows, batch.tokens, batch.lengths, strict=True):
            for numbers, length in zip(tokens.tolist(), lengths.tolist(), strict=True):
                assert numbers[: length + 1] in loader.captions[row]
                assert not any(numbers[length + 1 :])


def test_pictures_that_tell_left_from_right_are_not_mirrored(corpus, cache, tmp_path):
    found = find_mirrorable([["a dog"], ["a dog on the Left ."], ["leftovers"], []])
    assert found.tolist() == [True, False, True, True]
    loader = create_training(settings(corpus, cache, "augment.flip=1"), tmp_path / "run").loader
    plain, mirrored = loader.source.plain.rows, loader.source.mirrored.rows
    assert not np.array_equal(plain, mirrored)
    loader.mirrorable[:] = False
    loader.mirrorable[3] = True
    for batch in loader.batches(0):
        for row, found in zip(batch.rows, batch.pictures, strict=True):
            wanted = (mirrored if row == 3 else plain)[row].astype(np.float32)
            assert np.array_equal(found.numpy(), wanted)


@pytest.fixture
def encoder():
    torch.manual_seed(0)
    model = CaptionModel(9, "test_efficientnet", embedding=8, hidden=8, attention=8)
    return model.eval().requires_grad_(requires_grad=False)


HALVES = (0.5, 0.5, 0.5)


def row_files(folder):
    """What lies in a cache, but for the locks of those who wrote there."""
    return sorted(path for path in folder.iterdir() if path.suffix != ".lock")


def test_annotations_are_those_of_the_encoder(encoder, corpus, tmp_path):
    paths = sorted((corpus / "Images").iterdir())
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"nothing")
    given = [*paths, broken]
    preprocess = Preprocess(64, "squash", mean=HALVES, std=HALVES)
    arguments = (encoder, given, preprocess, tmp_path / "cache")
    found = open_annotations(*arguments, counting=counting)
    assert list(found.unreadable) == [len(paths)]
    assert "broken.png" in found.unreadable[len(paths)]
    images = torch.stack([preprocess(path) for path in paths])
    with torch.no_grad():
        wanted = encoder.encode(images)
        turned = encoder.encode(images.flip(3))
    rows = list(range(len(paths)))
    torch.testing.assert_close(found.read(rows), wanted, atol=2e-3, rtol=2e-3)
    mirrored = open_annotations(*arguments, counting=counting, mirrored=True)
    torch.testing.assert_close(mirrored.read(rows), turned, atol=2e-3, rtol=2e-3)
    files = row_files(tmp_path / "cache")
    assert len(files) == 2
    times = [file.stat().st_mtime_ns for file in files]
    open_annotations(*arguments, counting=counting)
    assert [file.stat().st_mtime_ns for file in files] == times
    encoder.backbone.body.conv_stem.weight.data[0] += 1
    open_annotations(*arguments, counting=counting)
    assert len(row_files(tmp_path / "cache")) == 3


def test_a_killed_encoding_goes_on(encoder, corpus, tmp_path):
    paths = sorted((corpus / "Images").iterdir()) * 5  # three batches
    arguments = (encoder, paths, Preprocess(64, "squash", mean=HALVES, std=HALVES))
    open_annotations(*arguments, tmp_path / "whole", counting=counting)
    (whole,) = row_files(tmp_path / "whole")
    size = whole.stat().st_size // len(paths) * 32
    (tmp_path / "killed").mkdir()
    # A batch that is there already is taken as it is; half a batch is written again.
    marked = bytes(2 * size)
    part = tmp_path / "killed" / whole.with_suffix(".part").name
    part.write_bytes(marked[: size + size // 2])
    open_annotations(*arguments, tmp_path / "killed", counting=counting)
    (killed,) = row_files(tmp_path / "killed")
    assert killed.name == whole.name
    assert killed.read_bytes()[:size] == bytes(size)
    assert killed.read_bytes()[size:] == whole.read_bytes()[size:]


def test_generated_targets_are_what_the_first_model_says(
    corpus, cache, drawings, photos_run, tmp_path
):
    config = pairs(corpus, cache, drawings, photos_run, "pairs.target=generated")
    run = prepare_captioner(
        config, tmp_path / "run", lambda message: None, counting, torch.device("cpu")
    )
    by_split = {split: run.manifest.select(split).column("captions") for split in ("train", "val")}
    assert {len(texts) for texts in by_split["train"]} == {1}
    assert {len(texts) for texts in by_split["val"]} == {5}
    from zokusei.captioning.beam import generate

    start = load_caption_checkpoint(photos_run)
    image = start.preprocess(corpus / "Images" / "000.png")
    found = generate(start.model, start.model.encode(image[None]), beam=3)
    assert start.vocabulary.decode(found.tokens[0].tolist()) == by_split["train"][0][0]


def test_pairs_that_are_equal_are_not_apart(corpus, cache, photos_run, tmp_path):
    same = ["pairs.words=1", "pairs.attention=1", "pairs.annotations=1", "model.freeze=1",
            "model.dropout=0"]  # fmt: skip
    config = pairs(corpus, cache, corpus / "Images", photos_run, *same)
    training = create_training(config, tmp_path / "run")
    model = training.parts.model
    batch = next(iter(training.loader.batches(0)))
    whole = training.compute_loss(model, batch)
    alone = training.compute_loss(model, batch._replace(photographs=None))
    torch.testing.assert_close(whole, alone)


def test_a_run_on_pairs_starts_from_the_first_and_moves(
    corpus, cache, drawings, photos_run, tmp_path
):
    more = ["pairs.words=1", "pairs.attention=1", "pairs.annotations=1", "model.freeze=1",
            "train.epochs=1"]  # fmt: skip
    config = pairs(corpus, cache, drawings, photos_run, *more)
    training = create_training(config, tmp_path / "other")
    batch = next(iter(training.loader.batches(0)))
    assert batch.photographs is not None
    whole = training.compute_loss(training.parts.model, batch)
    assert whole > training.compute_loss(training.parts.model, batch._replace(photographs=None))
    train(config, tmp_path / "run")
    start, end = load_caption_checkpoint(photos_run), load_caption_checkpoint(tmp_path / "run")
    assert start.vocabulary == end.vocabulary
    changed = [
        name.split(".")[0]
        for name, weight in end.model.named_parameters()
        if not torch.equal(weight, start.model.get_parameter(name))
    ]
    assert {"backbone", "head"} == set(changed)
    for name, buffer in end.model.named_buffers():
        assert torch.equal(buffer, start.model.get_buffer(name)), name


def test_an_encoder_that_learns_comes_closer_to_what_is_said_of_the_photographs(
    corpus, cache, drawings, photos_run, tmp_path
):
    more = ["pairs.annotations=10", "model.freeze=0", "train.epochs=6", "train.keep=last",
            "optimizer.lr=0.003", "optimizer.backbone_lr_factor=1", "augment.flip=0"]  # fmt: skip
    config = pairs(corpus, cache, drawings, photos_run, *more)
    train(config, tmp_path / "run")
    start, end = load_caption_checkpoint(photos_run), load_caption_checkpoint(tmp_path / "run")
    names = sorted(path.name for path in drawings.iterdir())
    drawn = torch.stack([start.preprocess(drawings / name) for name in names])
    photographs = torch.stack([start.preprocess(corpus / "Images" / name) for name in names])
    with torch.no_grad():
        wanted, everyone = start.model.encode(photographs), torch.ones(len(names), 1)
        before, after = (
            compute_annotation_distance(x.model.encode(drawn), wanted, everyone.long())
            for x in (start, end)
        )
    assert after < 0.9 * before


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["pairs.annotations=1"], r"model\.freeze=all keeps"),
        (["pairs.annotations=1", "model.freeze=1", "augment.crop=0.5"], r"pairs\.annotations comp"),
        (["pairs.attention=1", "model.freeze=1", "augment.crop=0.5"], r"pairs\.attention compares"),
    ],
)
def test_pairs_that_could_not_be_compared_are_refused(
    corpus, cache, drawings, photos_run, tmp_path, more, message
):
    with pytest.raises(ConfigError, match=message):
        train(pairs(corpus, cache, drawings, photos_run, *more), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("more", "error", "message"),
    [
        (["data.path=gone"], DataError, "gone"),
        (["data.path=''"], ConfigError, r"data\.path is empty"),
        (["data.max_words=1"], DataError, "has a caption of 1 to 1 words"),
        (["data.min_count=1000"], DataError, "min_count"),
        (["pairs.words=1"], ConfigError, r"pairs\.photographs"),
        (["pairs.photographs=somewhere"], ConfigError, "nothing uses it"),
        (["augment.crop=0.5"], ConfigError, r"model\.freeze"),
        (["model.freeze=99"], ConfigError, "stages"),
        (["start=gone"], CheckpointError, "no trained model"),
        (["preprocess.size=32"], ConfigError, "one position"),
        (["train.captons=3"], ConfigError, r"did you mean 'train\.captions'"),
    ],
)
def test_what_is_refused_leaves_no_folder(corpus, cache, tmp_path, more, error, message):
    with pytest.raises(ZokuseiError, match=message) as caught:
        train(settings(corpus, cache, *more), tmp_path / "run")
    assert isinstance(caught.value, error)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_a_start_of_another_shape_is_named(corpus, cache, photos_run, tmp_path):
    with pytest.raises(ConfigError, match=r"model\.hidden = 8, not 16"):
        train(settings(corpus, cache, f"start={photos_run}", "model.hidden=16"), tmp_path / "run")
    with pytest.raises(DataError, match=r"lacks the photographs of 14 pictures, first 000\.png"):
        train(pairs(tmp_path, cache, corpus / "Images", photos_run, "pairs.words=1",
                    f"data.path={corpus}"), tmp_path / "run")  # fmt: skip


@pytest.fixture
def folder(photos_run, tmp_path):
    return shutil.copytree(photos_run / "model", tmp_path / "model")


def test_a_tensor_of_another_shape_is_named_with_both(folder):
    weights = load_file(folder / "model.safetensors")
    weights["head.query.weight"] = weights["head.query.weight"][:, :4].contiguous()
    save_file(weights, folder / "model.safetensors")
    with pytest.raises(CheckpointError, match=r"'head.query.weight' has shape \(8, 4\).*\(8, 8\)"):
        load_caption_checkpoint(folder)


def test_the_words_of_another_model_are_refused(folder):
    path = folder / "vocabulary.json"
    words = json.loads(path.read_text())["words"]
    path.write_text(json.dumps({"words": [words[1], words[0], *words[2:]]}))
    with pytest.raises(CheckpointError, match=r"vocabulary\.json .* of another model"):
        load_caption_checkpoint(folder)


@pytest.mark.parametrize("name", ["model.safetensors", "vocabulary.json", "preprocess.json"])
@pytest.mark.parametrize("damage", ["missing", "cut"])
def test_a_damaged_folder_is_refused(folder, name, damage):
    path = folder / name
    data = path.read_bytes()
    path.unlink()
    if damage == "cut":
        path.write_bytes(data[: len(data) // 3])
    with pytest.raises(CheckpointError):
        load_caption_checkpoint(folder)


def test_taggers_and_captioners_are_told_apart(folder):
    with pytest.raises(CheckpointError, match="holds a captioner, not a tagger"):
        load_checkpoint(folder)
    config = json.loads((folder / "config.json").read_text())
    del config["kind"]
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match="holds a tagger, not a captioner"):
        load_caption_checkpoint(folder)


def test_a_resumed_run_finds_what_was_encoded(corpus, tmp_path, monkeypatch):
    """A manifest writes the corpus's path in its own way; that is no other picture."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    (tmp_path / "link").symlink_to(corpus)
    given = "../link", tmp_path / "cache"
    train(settings(*given, "train.epochs=1"), tmp_path / "one")
    made = sorted((tmp_path / "cache").glob("*.f16"))
    train(settings(corpus, tmp_path / "cache", "train.epochs=1"), tmp_path / "two")
    assert sorted((tmp_path / "cache").glob("*.f16")) == made


def test_a_run_that_cannot_be_written_has_not_begun(corpus, tmp_path, monkeypatch):
    from zokusei.training import prepare

    def fail(*given):
        raise KeyboardInterrupt

    config = settings(corpus, tmp_path / "cache", "train.epochs=1")
    with monkeypatch.context() as patch:
        patch.setattr(prepare, "save_config", fail)
        with pytest.raises(KeyboardInterrupt):
            train(config, tmp_path / "run")
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]
    train(config, tmp_path / "run")
    assert (tmp_path / "run" / "model" / "config.json").exists()


def test_the_current_folder_is_no_run(corpus, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="current folder"):
        train(settings(corpus, tmp_path / "cache"), Path())
    assert list(tmp_path.iterdir()) == []
