"""Rates are chosen on validation pictures, each run once."""

import math
import sys
from types import SimpleNamespace

import yaml
from test_tables import load

from zokusei.results import read_results


def test_the_best_rate_lies_between_two_worse_ones_and_no_run_is_made_twice(tmp_path, monkeypatch):
    presets, seen = load("presets"), []
    plan = {
        "name": "tiny", "base": {"data": {"path": "corpus"}, "optimizer": {"lr": 0.25}},
        "models": {"gap": {}, "gmp": {"optimizer.lr": 1.0}}, "seeds": [4, 5],
    }  # fmt: skip

    def train(config, run, reporter, tell):
        seen.append((config, run))

    def evaluate(run, split):
        assert split == "val"
        (rate,) = [config.optimizer.lr for config, folder in seen if folder == run]
        return {"metrics": {"map": 80.0 - 10 * abs(math.log2(rate))}}  # 1 is the best

    def as_row(run, evaluation):
        return {"split": "val", "seed": 4, "map": evaluation["metrics"]["map"]}

    def search(*settings):
        (tmp_path / "plan.yaml").write_text(yaml.safe_dump(plan))
        monkeypatch.setattr(sys, "argv", ["presets.py", "plan.yaml", *settings])
        before = len(seen)
        presets.main()
        return [(config.model.name, config.optimizer.lr) for config, _ in seen[before:]]

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(presets, "RESULTS", tmp_path / "presets.csv")
    monkeypatch.setattr(presets, "train_classifier", train)
    monkeypatch.setattr(presets, "evaluate_run", evaluate)
    monkeypatch.setattr(presets, "result_row", as_row)
    silent = SimpleNamespace(close=lambda: None)
    monkeypatch.setattr(presets, "TrainingProgress", lambda: silent)

    gap = [("gap", rate) for rate in (0.25, 0.5, 1.0, 2.0)]
    gmp = [("gmp", rate) for rate in (1.0, 2.0, 0.5)]
    assert search("train.epochs=3", "train.workers=1") == [*gap, *gmp]
    assert search("gap", "train.epochs=3") == []  # how a machine computes makes no other runs
    assert all(config.train.epochs == 3 and config.train.seed == 4 for config, _ in seen)
    rows = read_results(tmp_path / "presets.csv")
    assert rows[0]["config"] == "tiny optimizer.lr=0.25 train.epochs=3"
    tables = load("tables")
    monkeypatch.setattr(tables.judged, "PRESETS", ("presets: tiny train.epochs=3",))
    assert tables.judged.presets(rows) == [
        ["model", "0.25", "0.5", "1", "2"],
        ["`gap`", "60.0", "70.0", "**80.0**", "70.0"],
        ["`gmp`", "", "70.0", "**80.0**", "70.0"],
    ]

    # What was asked with other settings is no part of the table.
    assert search("gmp", "train.epochs=4") == gmp
    written = read_results(tmp_path / "presets.csv")
    assert tables.judged.presets(written) == tables.judged.presets(rows)
    # Of a model with other settings of its own nothing is known yet, whatever rate it has now.
    plan["models"]["gmp"] |= {"optimizer.lr": 2.0}
    assert search("train.epochs=3") == [("gmp", 4.0)]
    plan["models"]["gmp"] |= {"optimizer.backbone_lr_factor": 0.5}
    assert search("train.epochs=3") == [("gmp", rate) for rate in (2.0, 4.0, 1.0, 0.5)]
    assert seen[-1][0].optimizer.backbone_lr_factor == 0.5
    assert len({run for _, run in seen}) == len(seen)
