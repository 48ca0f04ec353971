"""Tables of costs: the newest row of each, read as it is written."""

import csv
import importlib.util
import io
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def load(name):
    if str(BENCHMARKS) not in sys.path:
        sys.path.append(str(BENCHMARKS))  # where a script finds what lies beside it
    spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def tables():
    return load("tables")


def as_read(columns, rows):
    """Give rows as they come back from a file with these columns."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="")
    writer.writeheader()
    writer.writerows(rows)
    text.seek(0)
    return list(csv.DictReader(text))


def test_models_are_ranked_on_the_test_split_alone(tables):
    figures = dict.fromkeys(tables.judged.RATES, 50.0) | {"seconds": 60, "images_per_second": 9}
    rows = as_read(["model", "split", *figures], [
        {"model": "gap", "split": "val", **figures, "map": 99},
        {"model": "gap", "split": "test", **figures, "map": 60},
        {"model": "gmp", "split": "test", **figures, "map": 70},
    ])  # fmt: skip
    assert [row[:3] for row in tables.judged.anime_faces(rows)[1:]] == [
        ["`gmp`", "1", "70.0"], ["`gap`", "1", "60.0"],
    ]  # fmt: skip


def test_what_a_mirror_gives_is_paired_by_seed(tables):
    def row(model, seed, value, split="val", config="faces"):
        return {"model": model, "seed": seed, "split": split, "config": config, "map": value}

    rows = as_read(["model", "seed", "split", "config", "map"], [
        row("gap", 0, 60, "val-once"), row("gap", 0, 61), row("gap", 0, 50, "test"),
        row("gap", 1, 70.5), row("gap", 1, 70, "val-once"), row("gap", 2, 99, "val-once"),
        row("gap", 2, 98, config="faces train.epochs=1"), row("gmp", 0, 70),
    ])  # fmt: skip
    (found,) = tables.judged.mirror(rows)[1:]
    assert found[:2] == ["`gap`", "2"]
    assert [cell.split()[0] for cell in found[2:]] == ["65.0", "65.8", "+0.8"]


def test_costs_of_models_are_beside_the_plain_one(tables):
    def row(experiment, model, to_gap, **more):
        return {
            "experiment": experiment, "model": model, "backbone": "resnet101", "size": 448,
            "classes": 100, "parameters_million": 42.7049, "head_parameters_million": 0.2,
            "gflops": 62.634, "images_per_second": 3.14, "to_gap": to_gap, "train_to_gap": 0.915,
            **more,
        }  # fmt: skip

    rows = as_read(load("heads").COLUMNS, [
        row("heads paper", "ssgrl", 0.5), row("heads paper", "gap", 1.0),
        row("heads desk", "gap", 1.0, backbone="tf_efficientnet_lite0", size=112),
        row("heads paper", "ssgrl", 0.91),  # measured again
        {"experiment": "heads growth", "model": "gap", "classes": 100, "seconds": 0.0015,
         "megabytes": 2.4},
        {"experiment": "heads growth", "model": "gap", "classes": 10_000},
        {"experiment": "heads growth", "model": "gmp", "classes": 100, "seconds": 0.1,
         "megabytes": 1200},
    ])  # fmt: skip
    weights = ["42.7 M", "0.2 M", "62.63", "3.1"]
    assert tables.measured.heads(rows)[1:] == [
        ["tf_efficientnet_lite0, 112 px", "`gap`", *weights, "1.00", "0.92"],
        ["resnet101, 448 px", "`gap`", *weights, "1.00", "0.92"],
        ["resnet101, 448 px", "`ssgrl`", *weights, "0.91", "0.92"],
    ]
    assert tables.measured.heads_growth(rows) == [
        ["model", "100 classes", "10,000 classes"],
        ["`gap`", "1.5 ms, 2 MB", "failed"],
        ["`gmp`", "100.0 ms, 1,200 MB", ""],
    ]
    assert len(tables.measured.heads([])) == len(tables.measured.heads_growth([])) == 1


def test_the_weight_of_captions_is_that_of_the_newest_row(tables):
    columns = load("caption_weight").COLUMNS
    figures = {"node_rms": 1.234, "caption_rms": 0.5, "caption_share": 12.34, "decided": 5.0,
               "map": 60.123, "map_of_others": 59.0}  # fmt: skip
    run = {"run": "capgcn-0", "attention": "mean", "command": "of one run"}
    rows = as_read(columns, [{**run, **figures, "map": 1}, {**run, **figures}])
    assert tables.judged.caption_weight(rows)[1:] == [
        ["`capgcn-0`", "mean", "1.23", "0.50", "12.3 %", "5.0 %", "60.12", "59.00"]
    ]
    assert len(tables.judged.caption_weight([])) == 1


def test_costs_of_captions_are_those_of_the_newest_round(tables):
    def row(model, ratio, experiment="caption cost, tagging"):
        return {
            "experiment": experiment,
            "model": model,
            "size": 224,
            "images_per_second": 51.26,
            "to_add_gcn": ratio,
            "lowest": ratio - 0.1,
            "highest": ratio + 0.1,
            "rounds": 7,
        }

    rows = as_read(load("caption_cost").COLUMNS, [
        row("add_gcn", 1.0), row("capgcn shared", 0.5), row("capgcn shared", 0.75),
        row("capgcn", 0.9, "caption cost, training"),
    ])  # fmt: skip
    assert tables.measured.caption_cost(rows)[1:] == [
        ["tagging", "`add_gcn`", "224 px", "51.3", "1.00", "0.90 to 1.10", "7"],
        ["tagging", "`capgcn`, encoder shared", "224 px", "51.3", "0.75", "0.65 to 0.85", "7"],
        ["training", "`capgcn`", "224 px", "51.3", "0.90", "0.80 to 1.00", "7"],
    ]


def test_every_file_of_results_is_in_the_list_with_its_command():
    page = (BENCHMARKS / "README.md").read_text()
    for path in (BENCHMARKS / "results").glob("*.csv"):
        assert f"`results/{path.name}`" in page


def test_decisions_of_both_readings_stand_side_by_side(tables):
    rates = "op or of1 cp cr cf1".split()
    rows = as_read(["model", "threshold", "trainings", *rates], [
        {"model": name, "threshold": threshold, "trainings": 2, **dict.fromkeys(rates, value)}
        for name, threshold, value in (
            ("gap", 0.5, 1), ("gap", 0.6225, 2), ("gmp", 0.5, 5), ("gmp", 0.6225, 6),
            ("gap", 0.6225, 4), ("gap", 0.5, 3),  # measured again
        )
    ])  # fmt: skip
    head, *table = tables.judged.decisions(rows)
    assert head[:4] == ["model", "trainings", "OP", "OR"]
    assert table == [["`gap`", "2", *["3.0 / 4.0"] * 6], ["`gmp`", "2", *["5.0 / 6.0"] * 6]]
    assert len(tables.judged.decisions([])) == 1
