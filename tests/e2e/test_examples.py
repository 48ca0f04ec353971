"""The examples do what their first lines say."""

import re
import runpy
import sys
from pathlib import Path

import pytest

from pictures import write_tree

EXAMPLES = Path(__file__).parents[2] / "examples"
TINY = ("model.backbone=test_efficientnet", "model.weights=none", "preprocess.size=32",
        "train.epochs=1", "train.batch_size=8", "train.workers=1")  # fmt: skip


@pytest.fixture
def run(monkeypatch, capsys):
    def call(name, *arguments):
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")
        return capsys.readouterr().out

    return call


def test_they_are_numbered_and_say_how_they_are_called():
    names = sorted(path.name for path in EXAMPLES.iterdir() if path.suffix == ".py")
    assert [name[0] for name in names] == ["1", "2", "3", "4"]
    for name in names:
        assert f"python examples/{name} " in (EXAMPLES / name).read_text(encoding="utf-8")


def test_tags_of_a_folder_are_counted(run, untrained, tmp_path):
    counted = run("1_tag_a_folder.py", write_tree(tmp_path), untrained)
    counts = [int(line.split()[0]) for line in counted.splitlines()]
    assert counts == sorted(counts, reverse=True)
    assert all(1 <= count <= 3 for count in counts)


def test_a_corpus_is_drawn_learnt_and_judged(run, tmp_path):
    printed = run("2_train_and_judge.py", tmp_path, *TINY)
    assert "300 pictures" in printed
    judged = printed[printed.index("mAP ") :].splitlines()
    worst = [float(line.split()[0]) for line in judged[1:]]
    assert len(worst) == 5
    assert worst == sorted(worst)
    assert worst[-1] <= float(judged[0].split()[1])


def test_the_most_similar_picture_is_the_same_one_elsewhere(run, untrained, tmp_path):
    art = write_tree(tmp_path)
    (art / "sub" / "copy.png").write_bytes((art / "a.png").read_bytes())
    printed = run("3_find_similar.py", art, untrained)
    assert f"{art}/a.png: {art}/sub/copy.png (1.00)" in printed.splitlines()
    assert len(printed.splitlines()) == 4


def test_a_model_that_is_not_ours_is_trained(run, corpus, tmp_path):
    fast = "optimizer.lr=0.05", "train.ema=0"
    printed = run("4_a_model_of_your_own.py", corpus, tmp_path / "run", *TINY, *fast)
    assert re.search(r"epoch 1: validation mAP \d+\.\d", printed)
    exponent = float(re.search(r"the exponent is ([\d.]+) now", printed)[1])
    assert exponent != 3.0
    assert (tmp_path / "run" / "model").is_dir()
