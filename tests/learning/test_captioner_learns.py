"""A captioner learns what pictures show: it beats captions that are the same for all pictures."""

import pytest

from captioned import train
from zokusei.captioner_config import CaptionerConfig
from zokusei.captioning.metrics import compute_caption_metrics
from zokusei.config_file import load_config
from zokusei.corpora.drawn.folder import write_drawn_corpus
from zokusei.data.manifest import Manifest
from zokusei.inference.evaluate_captions import evaluate_captions


@pytest.mark.slow
def test_it_beats_constant_captions(tmp_path):
    write_drawn_corpus(tmp_path / "corpus", count=400, size=128, seed=0)
    given = [
        f"data.path={tmp_path / 'corpus'}", f"train.annotations={tmp_path / 'cache'}",
        "preprocess.size=128", "model.hidden=128", "model.embedding=64", "model.attention=64",
        "train.epochs=10", "train.batch_size=16", "train.beam=1", "augment.flip=0",
        "data.min_count=3", "optimizer.lr=0.003",
    ]  # fmt: skip
    train(load_config(None, given, kind=CaptionerConfig), tmp_path / "run")
    found = evaluate_captions(tmp_path / "run", split="test", beam=3)
    references = [entry["references"] for entry in found["captions"]]
    texts = Manifest.load(tmp_path / "run" / "manifest.parquet").select("train").column("captions")
    # Forty training captions are tried on the test pictures themselves, and the best of them is the
    # rival, which favours the constant.
    tried = sorted({text for own in texts for text in own})
    constants = [
        compute_caption_metrics([text] * len(references), references)
        for text in tried[:: len(tried) // 40]
    ]
    assert found["metrics"]["bleu1"] > max(one.bleu[0] for one in constants)
    assert found["metrics"]["bleu4"] > max(one.bleu[3] for one in constants)
    assert found["metrics"]["cider"] > max(one.cider for one in constants)
    assert len({entry["caption"] for entry in found["captions"]}) > 10
