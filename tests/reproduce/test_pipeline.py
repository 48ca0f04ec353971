"""`zokusei reproduce` from nothing to a report on miniatures of every corpus, killed and not."""

import csv
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import pytest
from miniatures import WRITER, write_all, write_scale

from captioned import write_captioner
from zokusei.reproduce.scale import load_scale
from zokusei.results import RATES, read_results

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("own_cache")]
TESTS = Path(__file__).parents[1]
PROGRAM = "import sys; from killing import finish; finish(sys.argv[2:], int(sys.argv[1]) or None)"
SMALL = {"drawn": {"count": 30, "size": 32}, "seeds": [0]}


@pytest.fixture(scope="module")
def corpora(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpora")
    return [part for pair in write_all(folder).items() for part in pair]


def test_all_of_it_from_nothing_to_the_report(zokusei, corpora, tmp_path, monkeypatch):
    drawn = {"count": 40, "size": 32, "unseen": 6}
    scale, out = write_scale(tmp_path / "scale.yaml", drawn=drawn), tmp_path / "out"
    given = ["reproduce", "all", "--scale", scale, "--out", out, *corpora]
    code, _, err = zokusei(*given)
    assert code == 0, err
    assert "to be made: cartoons of the photographs (plain), from" in err
    rows = read_results(out / "rows.csv")
    others = [row for row in rows if row["split"] == "unseen"]
    rows = [row for row in rows if row["split"] != "unseen"]
    corpora_of = {(r["corpus"], r["model"], r["seed"]) for r in rows if r["seed"]}
    models = {"gap", "add_gcn", "capgcn"}
    wanted = {(c, m, s) for c in ("drawn", "anime-faces", "real-art") for m in models for s in "01"}
    wanted |= {("drawn", m, s) for m in ("photographs", "zero") for s in "01"}
    assert corpora_of == wanted
    assert len(rows) == len(wanted) + 2  # and the captioners
    assert all(row["commit"] or row["versions"] for row in rows)

    # Every run on the drawn corpus is judged on unseen styles as well.
    on_drawn = sorted((m, s) for c, m, s in wanted if c == "drawn")
    assert sorted((row["model"], row["seed"]) for row in others) == on_drawn

    # Every figure of the report's Table 1 is the mean of rows.
    report = (out / "report.md").read_text()
    page = (out / "report.html").read_text()
    for corpus in ("drawn", "anime-faces", "real-art"):
        section = report.split(f"## Table 1, {corpus}\n")[1].split("\n## ")[0]
        for model in models:
            cells = re.search(rf"\| `{model}` \|.*", section)[0].split(" | ")
            own = [r for r in rows if (r["corpus"], r["model"]) == (corpus, model)]
            for cell, rate in zip(
                cells[3:11], "op or of1 cp cr cf1 map macro_f1".split(), strict=True
            ):
                mean = statistics.fmean(float(row[rate]) for row in own)
                assert cell.startswith(f"{mean:.1f} ±")
                assert f"<td>{cell}</td>" in page
    # mAP of the paired bootstrap is that of the rows as well.
    intervals = read_results(out / "intervals.csv")
    for interval in intervals:
        if interval["table"] not in ("table1", "table2"):
            continue
        means = [
            statistics.fmean(float(r["map"]) for r in rows
                             if (r["corpus"], r["model"]) == (interval["corpus"], name))
            for name in (interval["model"], interval["against"]) if name
        ]  # fmt: skip
        expected = means[0] - (means[1] if interval["against"] else 0)
        assert float(interval["value"]) == pytest.approx(expected, abs=0.02)
    hundred = next(i for i in intervals if i["table"] == "table2-hundred")
    assert hundred["pictures"] == "6"
    captions = json.loads((out / "captions-adapted.json").read_text())["captions"]
    from zokusei.data.manifest import Manifest

    manifest = Manifest.load(out / "drawn" / "runs" / "gap-0" / "manifest.parquet")
    assert {c["path"] for c in captions} <= set(manifest.select("test").column("path"))
    assert 'src="http' not in page

    # Given again it trains and draws nothing, and says the same.
    for module, name in (("compare", "train_classifier"), ("also", "evaluate_run"),
                         ("captioners", "train_captioner"),
                         ("stages", "draw_folder"), ("stages", "write_drawn_corpus")):  # fmt: skip
        monkeypatch.setattr(f"zokusei.reproduce.{module}.{name}", None)
    before = {file: file.read_bytes() for file in (out / "rows.csv", out / "report.md")}
    code, _, err = zokusei(*given)
    assert code == 0, err
    assert "to be made" not in err
    assert {file: file.read_bytes() for file in before} == before
    code, printed, err = zokusei(*given, "--dry-run")
    assert "to do" not in printed
    # Other settings are refused before anything of it is mixed.
    code, _, err = zokusei(*given, "base.train.epochs=2")
    assert code == 2
    assert "train.epochs = 1, not 2" in err
    code, _, err = zokusei(*given, "photographs.train.epochs=3")
    assert code == 2
    assert "train.epochs = 1, not 3" in err


def run(arguments, last_event=0):
    """Run the command line in a new process; its exit code, or None where it was killed."""
    # Not forked: the tests before may have left threads of autograd, which do not survive that.
    command = [sys.executable, "-c", PROGRAM, str(last_event), *map(str, arguments)]
    path = os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])
    code = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, check=False).returncode
    return None if code < 0 else code


def test_killed_it_goes_on_and_ends_the_same(corpora, tmp_path):
    scale = write_scale(tmp_path / "scale.yaml", **SMALL, corpora={"drawn": {}})

    def given(out):
        return ["reproduce", "all", "--scale", scale, "--out", tmp_path / out, *corpora]

    assert run(given("whole")) == 0
    kills = 0
    for events in range(60, 2000, 173):
        if run(given("killed"), events) == 0:
            break
        kills += 1
    assert kills >= 3
    assert run(given("killed")) == 0
    shown = [*RATES, "corpus", "model", "seed", "split", "bleu1", "bleu4"]  # not the machine's own
    whole, killed = (
        sorted([row[key] for key in shown] for row in read_results(tmp_path / name / "rows.csv"))
        for name in ("whole", "killed")
    )
    assert len(whole) == 3 + 2 + 2
    assert killed == whole


def test_what_is_missing_or_breaks_off_leaves_the_rest(zokusei, corpora, tmp_path):
    captioners = [write_captioner(tmp_path / name, seed) for seed, name in enumerate("pa")]
    wild = {"model.name": "gap", "optimizer.name": "sgd", "optimizer.lr": 1e30,
            "optimizer.clip": None}  # fmt: skip
    small = {"hidden": 8}
    models = {"wild": wild, "add_gcn": {"model.options": small},
              "capgcn": {"model.options": small, "captions.reading": "text"}}  # fmt: skip
    scale = write_scale(tmp_path / "scale.yaml", **SMALL, models=models)
    out = tmp_path / "out"
    code, _, err = zokusei(
        "reproduce", "table1", "--scale", scale, "--out", out, *corpora,
        "--real-art", tmp_path / "none", "--photographs", captioners[0],
        "--adapted", captioners[1], "base.train.epochs=3",
    )  # fmt: skip
    assert code == 3
    assert "left out: table1: real-art is not at" in err
    assert "broken off: wild, seed 0: " in err
    rows = read_results(out / "rows.csv")
    found = {(row["corpus"], row["model"]) for row in rows if row["seed"]}
    assert found == {(c, m) for c in ("drawn", "anime-faces") for m in ("add_gcn", "capgcn")}
    report = (out / "report.md").read_text()
    assert "real-art is not at" in report
    assert "broken off: table1 on drawn: wild, seed 0" in report
    assert "## Table 1, real-art\n\nNot measured yet." in report
    # Another captioner in the same folder would not be the row's.
    code, _, err = zokusei(
        "reproduce", "table1", "--scale", scale, "--out", out, *corpora,
        "--photographs", captioners[0], "--adapted", captioners[0],
    )  # fmt: skip
    assert code == 2
    assert "has the row of" in err


def test_every_stage_of_the_papers_scale_on_miniatures(zokusei, corpora, tmp_path):
    """Danbooru2020 and Flickr8k in their exact forms, every row of both tables, SGD 0.5 / 0.05."""
    out = tmp_path / "out"
    short = [
        "seeds=[0]", "drawn={count: 20, size: 64}", "cartoons={method: plain, size: 64}",
        "danbooru={classes: 3, pictures: 30, labels: 2.2, val: 0.2, test: 0.3}",
        "base.model={backbone: test_efficientnet, weights: none}", "base.preprocess.size=64",
        "base.augment.size=64", "base.data={min_count: 1}", "base.train.epochs=1",
        "base.train.batch_size=15", "base.train.workers=0",
        # Two maps of a feature have no room to be pooled.
        "models.ssgrl={model.embeddings: one_hot, model.options: {pool: false, hidden: 8}}",
        "models.ml_gcn={model.embeddings: one_hot}",
    ]  # fmt: skip
    short += [
        f"{name}.{section}={json.dumps(WRITER[section])}"
        for name in ("photographs", "adapted")
        for section in ("model", "preprocess", "train", "data")
    ]
    code, _, err = zokusei(
        "reproduce", "all", "--scale", "paper", "--out", out, *corpora, *short
    )  # fmt: skip
    assert code == 0, err
    rows = [row for row in read_results(out / "rows.csv") if row["seed"]]
    assert {row["corpus"] for row in rows} == {"danbooru"}
    scale = load_scale("paper")
    assert len(rows) == len(scale.models) + len(scale.captions.rows) == 11 + 13
    presets = {row["preset"] for row in rows if row["model"] == "gap"}
    assert presets == {"test_efficientnet-64-sgd-0.5x0.1"}
    report = (out / "report.md").read_text()
    assert "## Table 2, danbooru\n\n| row" in report


def test_two_processes_write_every_row_once(corpora, tmp_path):
    scale = write_scale(
        tmp_path / "scale.yaml", **SMALL, corpora={"drawn": {}},
        models={"add_gcn": {"model.options": {"hidden": 8}},
                "capgcn": {"model.options": {"hidden": 8}},
                "first": {"model.name": "capgcn_votes", "model.options": {"hidden": 8}},
                "second": {"model.name": "capgcn_votes", "model.options": {"hidden": 8}}},
    )  # fmt: skip
    launch = [
        sys.executable, "-m", "accelerate.commands.launch", "--num_processes", "2", "--cpu",
        "--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no",
        "--num_cpu_threads_per_process", "1", "--main_process_port", "0", "-m", "zokusei",
    ]  # fmt: skip
    given = ["reproduce", "table1", "--scale", scale, "--out", tmp_path / "out", *corpora]
    done = subprocess.run(
        [*launch, *map(str, given), "base.train.batch_size=10", "photographs.train.batch_size=4",
         "adapted.train.batch_size=4"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    with (tmp_path / "out" / "rows.csv").open(newline="") as file:
        found = [row["model"] for row in csv.DictReader(file)]
    captioners = ["captioner-adapted", "captioner-photographs"]
    assert sorted(found) == ["add_gcn", "capgcn", *captioners, "first", "second"]
    assert done.stderr.count("written: ") == 1
    shutil.rmtree(tmp_path / "out")
