"""A tagger that reads captions: trained, judged, used; its captioner stays its own."""

import copy
import json
import math
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from captioned import write_captioned, write_captioner
from conftest import Silent
from zokusei.caption_checkpoint import (
    load_caption_checkpoint,
)
from zokusei.caption_source import CaptionSource
from zokusei.checkpoint import load_checkpoint
from zokusei.config_file import load_config
from zokusei.corpora import import_corpus
from zokusei.data.manifest import Manifest
from zokusei.data.row_file import no_counting
from zokusei.errors import CheckpointError, ConfigError, DataError
from zokusei.inference import Captioner, Tagger
from zokusei.inference.evaluate import evaluate_run
from zokusei.inference.explain import explain_picture
from zokusei.models.capgcn_votes import fit_votes, log_odds
from zokusei.report.explanation import draw_explanation
from zokusei.training.classifier import train_classifier

pytestmark = pytest.mark.usefixtures("own_cache")

TINY = [
    "model.name=capgcn", "model.backbone=test_efficientnet", "model.weights=none",
    "model.options={hidden: 16}", "preprocess.size=64", "train.epochs=2", "train.batch_size=16",
    "train.workers=1",
]  # fmt: skip


def train(corpus, captioner, folder, *settings):
    given = [f"data.path={corpus}", *TINY, f"captions.captioner={captioner}", *settings]
    return train_classifier(load_config(None, given), folder, Silent(), lambda message: None)


def test_tagging_gives_what_judging_gave(corpus, tmp_path):
    # Judging reads vectors from the disk, tagging has them made on the way, of another size.
    # An encoder without training says next to nothing; its words have vectors of a usual size.
    captioner = write_captioner(tmp_path / "captioner", size=96)
    train(
        corpus, captioner, tmp_path / "run", "captions.reading=text",
        "model.options={hidden: 16, caption_joins: both}",
    )  # fmt: skip
    evaluate_run(tmp_path / "run")
    table = pq.read_table(tmp_path / "run" / "scores-test.parquet").to_pylist()
    shutil.rmtree(tmp_path / "captioner")
    tagger = Tagger.load(tmp_path / "run")
    for row, tags in zip(table, tagger.tag(corpus / row["path"] for row in table), strict=True):
        for name, score in tags.scores.items():
            assert score == pytest.approx(row[name], abs=1e-4)
    # The captions are heard: without them the same weights say something else.
    deaf = replace(tagger.checkpoint.captions, control="zero")
    silent = Tagger(replace(tagger.checkpoint, captions=deaf))
    first = next(silent.tag([corpus / table[0]["path"]]))
    assert max(abs(score - table[0][name]) for name, score in first.scores.items()) > 1e-4


def test_votes_are_those_of_the_training_pictures_and_travel_with_the_model(
    corpus, captioner, tmp_path
):
    run, pictures = tmp_path / "run", tmp_path / "pictures"
    shutil.copytree(corpus, pictures)
    (pictures / "005.png").write_bytes(b"no picture")  # nothing is known of it
    head = train(pictures, captioner, run, "model.name=capgcn_votes").model.head
    manifest = Manifest.load(run / "manifest.parquet").select("train")
    rows = [path != "005.png" for path in manifest.column("path")]
    assert not all(rows)
    vectors = load_checkpoint(run).captions.open_table(manifest, counting=no_counting)[rows]
    targets, known = (
        torch.from_numpy(values[rows])
        for values in (manifest.compute_targets(), manifest.compute_known())
    )
    weight, bias = fit_votes(vectors.float(), targets, known, head.vote_penalty)
    torch.testing.assert_close(head.vote_weight, weight)
    torch.testing.assert_close(head.vote_bias, bias - log_odds(targets, known))
    assert weight.abs().max() > 0
    # An explanation says what the vote is: the logit that its score has, less the network's own.
    tagger, picture = Tagger.load(run), min(corpus.glob("*.png"))
    tagger.model.head.vote_share.fill_(0.7)
    explanation = explain_picture(tagger, picture, manifest.tags.names)
    tagger.model.head.vote_share.zero_()
    bare = {
        reason.name: reason
        for reason in explain_picture(tagger, picture, manifest.tags.names).reasons
    }
    for reason in explanation.reasons:
        own, without = (math.log(p / (1 - p)) for p in (reason.score, bare[reason.name].score))
        assert reason.vote == pytest.approx(own - without, abs=1e-3)
        assert reason.to_dict(1)["raised_by_caption"] == reason.vote
    plain = replace(explanation, reasons=[replace(it, vote=None) for it in explanation.reasons])
    assert draw_explanation(explanation).height > draw_explanation(plain).height


def test_one_encoder_serves_both_where_it_is_the_same(corpus, captioner, tmp_path, monkeypatch):
    train(
        corpus, captioner, tmp_path / "run",
        "model.weights=captioner", "model.freeze=all", "preprocess.fit=pad",
    )  # fmt: skip
    tagger = Tagger.load(tmp_path / "run")
    pictures = sorted(corpus.glob("*.png"))[:5]
    alone = [tags.scores for tags in tagger.tag(pictures)]
    with monkeypatch.context() as patch:
        patch.setattr(CaptionSource, "shares_encoder", lambda *given: False)
        apart = [tags.scores for tags in Tagger.load(tmp_path / "run").tag(pictures)]
    for one, other in zip(alone, apart, strict=True):
        assert one == pytest.approx(other, abs=1e-5)
    calls = []
    backbone = tagger.checkpoint.captions.checkpoint.model.backbone
    backbone.register_forward_hook(lambda *given: calls.append(1))
    list(tagger.tag(pictures))
    assert not calls
    trained = tagger.model.backbone.state_dict()
    assert all(torch.equal(trained[key], value) for key, value in backbone.state_dict().items())


def test_a_score_depends_on_no_other_picture_to_the_last_bit(corpus, captioner, tmp_path):
    train(corpus, captioner, tmp_path / "run")
    tagger = Tagger.load(tmp_path / "run")
    pictures = sorted(corpus.glob("*.png"))[:11]
    alone = [tags.scores for picture in pictures for tags in tagger.tag([picture])]
    assert alone == [tags.scores for tags in tagger.tag(pictures, batch_size=11)]
    mixed = [tags.scores for tags in copy.deepcopy(tagger).tag(pictures[::-1], batch_size=4)]
    assert alone == mixed[::-1]


@pytest.fixture(scope="module")
def captioned(tmp_path_factory):
    return import_corpus(write_captioned(tmp_path_factory.mktemp("captioned") / "flickr"))[0]


def open_table(captioner, manifest, folder, **changes):
    source = CaptionSource(load_caption_checkpoint(captioner), **changes)
    return source.open_table(manifest, counting=no_counting, folder=folder)


def test_controls_are_what_they_are_called(captioner, captioned, tmp_path):
    plain = open_table(captioner, captioned, tmp_path)
    assert torch.unique(plain, dim=0).shape[0] > 3
    assert not open_table(captioner, captioned, tmp_path, control="zero").any()
    shuffled = open_table(captioner, captioned, tmp_path, control="shuffled")
    rows = [tuple(row) for row in plain.tolist()]
    assert sorted(rows) == sorted(tuple(row) for row in shuffled.tolist())
    assert torch.equal(shuffled, open_table(captioner, captioned, tmp_path, control="shuffled"))
    assert not torch.equal(shuffled, plain)
    random = open_table(captioner, captioned, tmp_path, control="random")
    assert random.shape == plain.shape
    # A picture keeps its vector in whatever split or order it comes.
    half = captioned.select("train")
    kept = [captioned.column("path").index(path) for path in half.column("path")]
    assert torch.equal(random[kept], open_table(captioner, half, tmp_path, control="random"))
    assert len({row[0] for row in random.tolist()}) == len(random)
    truth = open_table(captioner, captioned, tmp_path, reading="text", control="truth")
    same = [i for i, texts in enumerate(captioned.column("captions"))
            if texts == captioned.column("captions")[0]]  # fmt: skip
    assert torch.equal(truth[same], truth[:1].expand(len(same), -1))
    assert torch.unique(truth, dim=0).shape[0] == 6  # three colours, two shapes


def test_nobody_keeps_its_own_vector_when_they_are_shuffled():
    from zokusei.caption_source import _give_to_others

    table = torch.arange(50.0)[:, None]
    given = _give_to_others(table)
    assert not (given == table).any()
    assert torch.equal(given.sort(0).values, table)


def test_truth_needs_captions_and_words(captioner, corpus, tmp_path):
    manifest = import_corpus(corpus)[0]
    with pytest.raises(DataError, match=r"captions\.control=truth needs captions, and 120 of 120"):
        open_table(captioner, manifest, tmp_path, reading="text", control="truth")
    with pytest.raises(ConfigError, match=r"so captions\.reading is text, not hidden"):
        open_table(captioner, manifest, tmp_path, reading="hidden", control="truth")


def test_vectors_are_made_once_and_a_picture_that_cannot_be_read_has_zeros(
    captioner, captioned, tmp_path
):
    shutil.copytree(captioned.root, tmp_path / "flickr")
    manifest = replace(captioned, root=tmp_path / "flickr")
    manifest.paths[2].write_bytes(b"no picture")
    told = []

    def counting(description, total):
        told.append((description, total))
        return no_counting(description, total)

    source = CaptionSource(load_caption_checkpoint(captioner), "hidden")
    first = source.open_table(manifest, counting=counting, folder=tmp_path / "cache")
    again = source.open_table(manifest, counting=counting, folder=tmp_path / "cache")
    assert told == [("captioning pictures", len(manifest))]
    assert torch.equal(first, again)
    assert np.flatnonzero(~first.any(1).numpy()).tolist() == [2]
    other = replace(source, beam=3)
    other.open_table(manifest, counting=counting, folder=tmp_path / "cache")
    assert len(told) == 2


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["model.name=gap", "model.options={}"], "'gap' reads no captions; leave it out"),
        (
            ["model.name=gap", "model.options={}", "captions.captioner=", "captions.beam=3"],
            r"captions\.beam is set, but 'gap' reads no captions",
        ),
        (["captions.captioner="], r"give captions\.captioner=RUN, which `zokusei train"),
        (["captions.reading=hiden"], "captions.reading = 'hiden'"),
        (["model.weights=captioner", "model.backbone=test_vit"], "set model.backbone=test_eff"),
    ],
)
def test_settings_that_cannot_be_leave_no_folder(corpus, captioner, tmp_path, settings, message):
    with pytest.raises(ConfigError, match=message):
        train(corpus, captioner, tmp_path / "run", *settings)
    assert not (tmp_path / "run").exists()


def test_another_captioner_is_noticed(corpus, captioner, tmp_path):
    train(corpus, captioner, tmp_path / "run")
    other = write_captioner(tmp_path / "other", seed=1)
    # At the path that a run was begun with.
    moved = shutil.copytree(captioner, tmp_path / "moved")
    train(corpus, moved, tmp_path / "second", "train.epochs=1")
    shutil.rmtree(moved)
    shutil.copytree(other, moved)
    with pytest.raises(ConfigError, match="began with another captioner than"):
        train(corpus, moved, tmp_path / "second", "train.epochs=1")
    # Inside the folder of a model.
    inside = tmp_path / "run" / "model" / "captioner"
    shutil.rmtree(inside)
    with pytest.raises(CheckpointError, match=r"captioner is missing.*put it back.*zokusei train"):
        load_checkpoint(tmp_path / "run")
    shutil.copytree(other, inside)
    with pytest.raises(CheckpointError, match="is another captioner than the one this model"):
        load_checkpoint(tmp_path / "run")
    about = json.loads((tmp_path / "run" / "model" / "config.json").read_text())["captions"]
    assert about["reading"] == "attended"


def test_an_explanation_holds_the_caption_and_where_it_looked(corpus, captioner, tmp_path):
    train(corpus, captioner, tmp_path / "run", "captions.reading=text", "train.epochs=1")
    picture = sorted(corpus.glob("*.png"))[0]
    tagger = Tagger.load(tmp_path / "run")
    explanation = explain_picture(tagger, picture)
    found = json.loads(json.dumps(explanation.to_dict()))
    said = next(Captioner.load(captioner).caption([picture]))
    assert found["caption"]["text"] == said.text
    assert [word["word"] for word in found["caption"]["words"]] == list(said.words)
    for word, look in zip(found["caption"]["words"], said.attention.tolist(), strict=True):
        np.testing.assert_allclose(word["attention"], look, atol=1e-4)
    scores = next(tagger.tag([picture])).scores
    assert explanation.reasons[0].score == pytest.approx(scores[explanation.reasons[0].name])
    sheet = draw_explanation(explanation)
    plain = draw_explanation(replace(explanation, caption=None, captioned=None))
    assert sheet.width == plain.width
    assert sheet.height > plain.height


@pytest.mark.parametrize("changes", [{"reading": "encoder"}, {"control": "zero"}])
def test_no_caption_is_written_where_none_is_read(captioner, monkeypatch, changes):
    source = CaptionSource(load_caption_checkpoint(captioner), **changes)
    monkeypatch.setattr("zokusei.caption_source.generate", None)
    pictures = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
    annotations = source.encode(pictures)
    vectors = source.compute(annotations)
    assert vectors.shape == (2, source.width)
    expected = annotations.mean(1) if source.control == "none" else torch.zeros_like(vectors)
    assert torch.equal(vectors, expected)


def test_two_processes_that_want_the_same_rows_make_them_once(tmp_path):
    # Each row says who made it: a file of two writers would hold both.
    code = """if True:
        import sys, time
        from pathlib import Path
        import numpy as np
        from zokusei.data.row_file import no_counting, open_rows

        def compute(rows):
            time.sleep(0.05)
            return np.full((len(rows), 3), float(sys.argv[2]), np.float32)

        rows = open_rows(
            Path(sys.argv[1]), compute, shape=(200, 3), dtype=np.float32, description="",
            counting=no_counting,
        )
        print(sorted(set(rows.ravel().tolist())))
    """
    command = [sys.executable, "-c", code, tmp_path / "cache" / "rows.f32"]
    both = [
        subprocess.Popen([*command, number], stdout=subprocess.PIPE, text=True)
        for number in ("1", "2")
    ]
    said = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert said[0] == said[1]
    assert said[0].strip() in ("[1.0]", "[2.0]")


def test_a_control_is_judged_and_not_used(corpus, captioner, tmp_path):
    train(corpus, captioner, tmp_path / "run", "captions.control=shuffled")
    assert evaluate_run(tmp_path / "run")["metrics"]["map"] > 0
    with pytest.raises(ConfigError, match="`zokusei evaluate` judges it"):
        next(Tagger.load(tmp_path / "run").tag(sorted(corpus.glob("*.png"))))
