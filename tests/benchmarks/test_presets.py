"""Rates are chosen on validation pictures, each run once."""

import sys
from types import SimpleNamespace

import yaml
from test_tables import load

from zokusei.results import read_results


def test_every_model_has_every_rate_once(tmp_path, monkeypatch):
    presets, seen = load("presets"), []
    plan = {
        "name": "tiny", "base": {"data": {"path": "corpus"}, "optimizer": {"lr": 0.3}},
        "models": {"gap": {}, "gmp": {"optimizer.backbone_lr_factor": 0.25}}, "seeds": [4, 5],
    }  # fmt: skip
    (tmp_path / "plan.yaml").write_text(yaml.safe_dump(plan))

    def train(config, run, reporter, tell):
        seen.append((config, run))

    def evaluate(run, split):
        assert split == "val"
        return {"metrics": {"map": 50.0 + len(seen)}}

    def as_row(run, evaluation):
        return {"split": "val", "seed": 4, "map": evaluation["metrics"]["map"]}

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(presets, "RESULTS", tmp_path / "presets.csv")
    monkeypatch.setattr(presets, "train_classifier", train)
    monkeypatch.setattr(presets, "evaluate_run", evaluate)
    monkeypatch.setattr(presets, "result_row", as_row)
    silent = SimpleNamespace(close=lambda: None)
    monkeypatch.setattr(presets, "TrainingProgress", lambda: silent)
    given = ["presets.py", "plan.yaml", "--rates", "0.1,0.02", "train.epochs=3"]
    for more, runs in (([], 4), (["gap"], 4)):  # the second time all of them have their row
        monkeypatch.setattr(sys, "argv", [*given, *more])
        presets.main()
        assert len(seen) == runs
    chosen = [(config.model.name, config.optimizer.lr, config.train.seed) for config, _ in seen]
    assert chosen == [("gap", 0.1, 4), ("gmp", 0.1, 4), ("gap", 0.02, 4), ("gmp", 0.02, 4)]
    assert all(config.train.epochs == 3 for config, _ in seen)
    assert seen[1][0].optimizer.backbone_lr_factor == 0.25
    assert len({run for _, run in seen}) == 4
    rows = read_results(tmp_path / "presets.csv")
    assert rows[0]["config"] == "tiny optimizer.lr=0.1 train.epochs=3"
    tables = load("tables")
    monkeypatch.setattr(tables, "PRESETS", ("presets: tiny train.epochs=3",))
    assert tables.presets(rows) == [
        ["model", "0.02", "0.1"],
        ["`gap`", "**53.0**", "51.0"],
        ["`gmp`", "**54.0**", "52.0"],
    ]

    # What was asked with other settings is no part of the table.
    monkeypatch.setattr(sys, "argv", [*given[:-1], "train.epochs=4"])
    presets.main()
    assert len(seen) == 8
    # Of a model with other settings of its own nothing is known yet.
    plan["models"]["gmp"] = {"optimizer.backbone_lr_factor": 0.5}
    (tmp_path / "plan.yaml").write_text(yaml.safe_dump(plan))
    monkeypatch.setattr(sys, "argv", given)
    presets.main()
    assert [config.model.name for config, _ in seen[8:]] == ["gmp", "gmp"]
    assert len({run for _, run in seen}) == 10
    rows = read_results(tmp_path / "presets.csv")
    assert len(rows) == 10
    assert tables.presets(rows)[1:] == [["`gap`", "**53.0**", "51.0"],
                                        ["`gmp`", "**60.0**", "59.0"]]  # fmt: skip
