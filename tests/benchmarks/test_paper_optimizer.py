"""The trial of the paper's optimizer trains with it, and says when that breaks off."""

import sys

import pytest
import yaml
from test_tables import load

from zokusei.reproduce.plan import load_plan
from zokusei.results import read_results


@pytest.fixture
def attempt(tmp_path, corpus, monkeypatch):
    """Run the script on a small corpus; give its rows and its table."""
    script = load("paper_optimizer")

    def run(**optimizer):
        base = {
            "data": {"path": str(corpus)}, "preprocess": {"size": 32}, "augment": {"size": 32},
            "model": {"backbone": "test_efficientnet", "weights": "none"}, "optimizer": optimizer,
            "train": {"batch_size": 8, "workers": 1},
        }  # fmt: skip
        (tmp_path / "plan.yaml").write_text(yaml.safe_dump(
            {"name": "tiny", "base": base, "models": {"gap": {"optimizer.lr": 0.25}, "gmp": {}}}
        ))  # fmt: skip
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(script, "RESULTS", tmp_path / "rows.csv")
        monkeypatch.setattr(sys, "argv", ["paper_optimizer.py", "plan.yaml"])
        script.main()
        rows = read_results(tmp_path / "rows.csv")
        return rows, load("tables").judged.paper_optimizer(rows)

    return run


def test_each_model_is_trained_for_an_epoch_and_is_once(attempt, capsys):
    rows, table = attempt(clip=3.0)
    assert [(row["model"], row["clip"], row["stopped"]) for row in rows] == [
        ("gap", "3", ""),
        ("gmp", "3", ""),
    ]
    for row in rows:
        norms = [float(row[name]) for name in ("first_norm", "median_norm", "largest_norm")]
        assert 0 < norms[0] <= norms[2]
        assert norms[1] <= norms[2]
        assert 0 < float(row["chance_map"]) <= float(row["map"]) <= 100
    assert [line[:2] for line in table[1:]] == [["`gap`", "3"], ["`gmp`", "3"]]
    assert attempt(clip=3.0)[0] == rows, "a row that is there is not made again"


def test_the_optimizer_is_the_papers(attempt):
    script = load("paper_optimizer")
    attempt(clip=None)
    config = script.as_in_the_paper(load_plan("plan.yaml", []), "gap")
    assert (config.optimizer.name, config.optimizer.lr, config.optimizer.momentum) == (
        "sgd", 0.5, 0.9
    )  # fmt: skip
    assert config.optimizer.lr * config.optimizer.backbone_lr_factor == pytest.approx(0.05)
    assert (config.optimizer.weight_decay, config.optimizer.clip) == (1e-4, None)
    assert (config.train.epochs, config.schedule.name, config.schedule.warmup) == (1, "step", 0.0)


def test_a_loss_that_is_not_finite_is_a_row_too(attempt, monkeypatch):
    from zokusei.training.classifier import ClassifierTraining

    steps = []

    def break_off(task, model, batch):
        steps.append(batch)
        loss = sum(parameter.sum() for parameter in model.parameters())
        return loss * (float("nan") if len(steps) > 5 else 1.0)

    monkeypatch.setattr(ClassifierTraining, "compute_loss", break_off)
    rows, table = attempt()
    for row, line, step in zip(rows, table[1:], (5, 0), strict=True):
        assert row["map"] == ""
        assert row["stopped"].startswith("loss nan with gradient norm nan at step")
        assert row["stopped"].endswith(str(step))
        assert line[-2:] == [row["stopped"], ""]
