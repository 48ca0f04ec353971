"""What models cost, beside their figures."""

import csv

import pytest
import yaml

from zokusei.errors import DataError
from zokusei.reproduce import write_up
from zokusei.reproduce.costs import find_costs, read_costs
from zokusei.reproduce.scale import load_scale

COLUMNS = "experiment model backbone size classes options parameters_million gflops to_gap " \
    "train_to_gap command".split()  # fmt: skip
COMMAND = "python benchmarks/heads.py desk"


def write_costs(path, *rows, columns=COLUMNS):
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return path


def cost(model, to_gap, backbone="tf_efficientnet_lite0", size=112, options="{}"):
    return {"model": model, "backbone": backbone, "size": size, "classes": 100, "gflops": 0.2149,
            "options": options, "parameters_million": 3.5, "to_gap": to_gap, "train_to_gap": 0.75,
            "command": COMMAND}  # fmt: skip


def test_the_newest_of_the_same_network_and_size_is_found(tmp_path):
    path = write_costs(
        tmp_path / "costs.csv", cost("gap", 0.9), cost("gap", 1.0),
        cost("capgcn", 0.8, options='{"attention": "mean"}'), cost("capgcn", 7),
        cost("gap", 7, size=224), cost("gap", 7, backbone="resnet101"), cost("gmp", ""),
        cost("query2label", 7),
        cost("ml_decoder", 0.6, options='{"feedforward": 1024, "hidden": 256}'),
    )  # fmt: skip
    costs = find_costs(read_costs(path), load_scale("desk").create_configs("real-art"))
    assert costs.head == ["million parameters", "GFLOPs", "tagging / `gap`", "training / `gap`"]
    assert costs.cells == {"gap": ["3.5", "0.21", "1.00", "0.75"],
                           "capgcn": ["3.5", "0.21", "0.80", "0.75"],
                           "ml_decoder": ["3.5", "0.21", "0.60", "0.75"]}  # fmt: skip
    assert costs.get("gmp") == [""] * 4  # of growth alone, without a ratio
    assert costs.get("query2label") == [""] * 4  # measured with another width
    assert f"(`{COMMAND}`, 100 classes)" in costs.note
    without = "Those of `capgcn` are without the captioner, which tagging runs too."
    assert costs.note.endswith(without)
    rows = [{"corpus": "drawn", "split": "test", "model": name, "seed": "0", "preset": "p",
             **dict.fromkeys("map op or of1 cp cr cf1 macro_f1".split(), "50")}
            for name in ("gap", "gmp")]  # fmt: skip
    head, *table = write_up.tabulate_table1(rows, [], "drawn", ["gap", "gmp"], costs=costs)
    places = [head.index(title) for title in costs.head]
    assert {line[0]: [line[p] for p in places] for line in table} == {
        "`gap`": ["3.5", "0.21", "1.00", "0.75"], "`gmp`": [""] * 4,
    }  # fmt: skip
    # Weights have no cost: the paper's scale names them, the measurement does not.
    own = cost("gap", 1.0, backbone="resnet101", size=448, options='{"dropout": 0.0}')
    path = write_costs(tmp_path / "paper.csv", own)
    assert (
        "gap" in find_costs(read_costs(path), load_scale("paper").create_configs("danbooru")).cells
    )
    # Where nothing fits there is no column.
    costs = find_costs(read_costs(path), load_scale("desk").create_configs("drawn"))
    assert (costs.head, costs.cells, costs.note) == ([], {}, "")
    assert read_costs(None) == []


def test_another_table_is_refused_before_anything_is_run(zokusei, tmp_path):
    with pytest.raises(DataError, match=r"--costs .*gone\.csv cannot be read"):
        read_costs(tmp_path / "gone.csv")
    path = write_costs(tmp_path / "other.csv", cost("gap", 1), columns=["model", "size"])
    code, _, err = zokusei(
        "reproduce", "all", "--out", tmp_path / "out", "--costs", path, "--dry-run"
    )
    assert code == 2
    assert "other.csv has no column 'backbone'; give what benchmarks/heads.py writes" in err


def test_a_comparison_has_them_in_its_table(zokusei, corpus, tmp_path):
    plan = {
        "name": "tiny", "seeds": [0], "baselines": ["gap"], "models": {"gap": {}},
        "base": {"data": {"path": str(corpus)}, "preprocess": {"size": 32},
                 "model": {"backbone": "test_efficientnet", "weights": "none"},
                 "train": {"epochs": 1, "workers": 0, "batch_size": 45}},
    }  # fmt: skip
    (tmp_path / "plan.yaml").write_text(yaml.safe_dump(plan))
    path = write_costs(
        tmp_path / "costs.csv", cost("gap", 1.0, backbone="test_efficientnet", size=32)
    )
    given = ["compare", tmp_path / "plan.yaml", "--out", tmp_path / "out"]
    code, _, err = zokusei(*given, "--costs", tmp_path / "gone.csv")
    assert code == 2
    assert not (tmp_path / "out").exists()
    code, _, err = zokusei(*given, "--costs", path)
    assert code == 0, err
    table = (tmp_path / "out" / "table.md").read_text()
    assert "| mAP less that of gap | million parameters | GFLOPs | tagging / `gap` |" in table
    assert "|  | 3.5 | 0.21 | 1.00 | 0.75 |" in table
    assert "Costs were measured apart" in table
