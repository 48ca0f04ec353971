"""Experiments that are run in parts: which rows count together, and what is left without a run."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from miniatures import write_faces, write_scale
from PIL import Image
from sklearn.metrics import average_precision_score

from captioned import write_captioned, write_captioner
from zokusei.caption_checkpoint import load_caption_checkpoint
from zokusei.caption_source import CaptionSource
from zokusei.config import CaptionsConfig, Config, ModelConfig
from zokusei.config_file import save_config
from zokusei.data.manifest import Manifest, Record
from zokusei.data.row_file import no_counting
from zokusei.errors import ConfigError, DataError
from zokusei.reproduce.compare import run_missing
from zokusei.reproduce.experiments import plan_work
from zokusei.reproduce.figure2 import draw_figure2
from zokusei.reproduce.measure import measure
from zokusei.reproduce.places import Places
from zokusei.reproduce.plan import Plan
from zokusei.reproduce.report import write_report
from zokusei.reproduce.runs import JUDGED, find_run, read_rows
from zokusei.reproduce.scale import load_scale
from zokusei.results import RATES, append_result, read_results
from zokusei.tags import TagSet

TAGS = ("hat", "bow")
TARGETS = np.random.default_rng(5).random((40, 2)) < 0.4


def write_run(folder: Path, model: str, seed: int, skill: float) -> np.ndarray:
    """Write what is left of a run that has its row, and the row."""
    run = find_run(folder, model, seed)
    run.mkdir(parents=True)
    records = [
        Record(f"{i}.png", tags=[t for t, has in zip(TAGS, row, strict=True) if has],
               split="test", group=f"g{i // 10}")
        for i, row in enumerate(TARGETS)
    ]  # fmt: skip
    records.append(Record("train.png", tags=list(TAGS), split="train"))
    Manifest.from_records(records, TagSet.from_names(TAGS), folder).save(run / "manifest.parquet")
    scores = np.random.default_rng([len(model), seed]).random((40, 2)) + skill * TARGETS
    table = {"path": [f"{i}.png" for i in range(40)]}
    table |= {tag: scores[:, i].astype(np.float32) for i, tag in enumerate(TAGS)}
    pq.write_table(pa.table(table), run / "scores-test.parquet")
    precision = [{"name": tag, "ap": 50.0} for tag in TAGS]
    (run / "evaluation-test.json").write_text(json.dumps({"tags": precision}))
    save_config(Config(), run / "config.yaml")
    row = dict.fromkeys(RATES, 50) | {"model": model, "seed": seed, "preset": "p", "split": "test"}
    append_result(folder / "results.csv", row | {"map": find_map(scores)})
    return scores


def find_map(scores):
    return 100 * np.mean([average_precision_score(TARGETS[:, c], scores[:, c]) for c in (0, 1)])


@pytest.fixture
def judged(tmp_path):
    """Two seeds of the paper's model and of what it was built on; one more of the latter."""
    folder = tmp_path / "drawn"
    scores = {(model, seed): write_run(folder, model, seed, skill)
              for model, seed, skill in [("add_gcn", 0, 0.1), ("capgcn", 0, 0.3),
                                         ("add_gcn", 1, 0.1), ("capgcn", 1, 0.3),
                                         ("add_gcn", 2, 0.6)]}  # fmt: skip
    plan = load(tmp_path).create_plan("drawn", folder, ["add_gcn", "capgcn"], [0], {})
    for model, seed in scores:
        save_config(plan.create_config(model, seed), find_run(folder, model, seed) / "config.yaml")
    return tmp_path, scores


def load(tmp_path, *overrides):
    path = write_scale(tmp_path / "scale.yaml", seeds=[0, 1, 2], corpora={"drawn": {}})
    return load_scale(str(path), overrides)


def find_pair(out):
    intervals = read_results(out / "intervals.csv")
    return next(i for i in intervals if i["table"] == "table1" and i["against"] == "add_gcn")


def test_a_difference_is_of_the_seeds_that_both_have(judged):
    out, scores = judged
    assert measure(load(out), out, no_counting) == []
    pair = find_pair(out)
    wanted = np.mean([find_map(scores["capgcn", seed]) - find_map(scores["add_gcn", seed])
                      for seed in (0, 1)])  # fmt: skip
    assert float(pair["value"]) == pytest.approx(wanted, abs=1e-3)
    assert (pair["trainings"], pair["pictures"], pair["groups"]) == ("2", "40", "4")


def test_rows_and_intervals_are_of_the_seeds_that_are_asked_for(judged):
    out, scores = judged
    measure(load(out, "seeds=[1]"), out, no_counting)
    assert {row["seed"] for row in read_results(out / "rows.csv")} == {"1"}
    wanted = find_map(scores["capgcn", 1]) - find_map(scores["add_gcn", 1])
    assert float(find_pair(out)["value"]) == pytest.approx(wanted, abs=1e-3)


def test_variants_and_plain_models_have_differences_of_their_own(judged):
    out, scores = judged
    scores |= {("gap", seed): write_run(out / "drawn", "gap", seed, 0.0) for seed in (0, 1)}
    scores["wide", 0] = write_run(out / "drawn", "wide", 0, 0.5)
    names = ("photographs", "photographs-shuffled", "photographs-votes", "votes-shuffled")
    for model in names:
        scores[model, 1] = write_run(out / "drawn", model, 1, 0.2)
    plain = {"gap": {}, "add_gcn": {}, "capgcn": {}, "wide": {"model.name": "capgcn"}}
    rows = {name: {"model.name": "capgcn"} for name in names}
    path = write_scale(
        out / "scale.yaml", seeds=[0, 1, 2], corpora={"drawn": {}}, models=plain,
        subjects=["capgcn", "wide"], captions={"corpus": "drawn", "pictures": 6, "rows": rows},
    )  # fmt: skip
    scale = load_scale(str(path))
    measure(scale, out, no_counting)
    intervals = read_results(out / "intervals.csv")
    found = {(i["table"], i["model"], i["against"]): float(i["value"]) for i in intervals}
    pairs = [("table1", "wide", "capgcn"), ("table1", "wide", "gap"), ("table1", "capgcn", "wide"),
             ("table1", "add_gcn", "gap"), ("table2", "wide", "add_gcn"),
             ("table2", "photographs", "photographs-shuffled"),
             ("table2", "photographs-votes", "votes-shuffled")]  # fmt: skip
    assert len(found) == len(intervals)
    for table, model, rival in pairs:
        seeds = [s for s in range(3) if (model, s) in scores and (rival, s) in scores]
        wanted = [find_map(scores[model, s]) - find_map(scores[rival, s]) for s in seeds]
        assert found[table, model, rival] == pytest.approx(np.mean(wanted), abs=1e-3)
    write_report(scale, Places(out, {}), [])
    report = (out / "report.md").read_text()
    assert "macro-F1 | mAP less that of `gap` | mAP of `capgcn` less its | mAP of `wide`" in report
    assert "AP of every tag, and what models gain over gap" in report
    for subject in ("capgcn", "wide"):
        assert re.search(rf"On drawn, `{subject}` is .*The mark, 0.8 points above", report)
    assert "these better than shuffled ones: " in report


def test_rows_intervals_and_report_are_of_the_seeds_of_their_corpus(judged):
    out, scores = judged
    path = write_scale(out / "scale.yaml", seeds=[1, 2], corpora={"drawn": {"seeds": [0]}})
    scale = load_scale(str(path))
    measure(scale, out, no_counting)
    assert {row["seed"] for row in read_results(out / "rows.csv")} == {"0"}
    wanted = find_map(scores["capgcn", 0]) - find_map(scores["add_gcn", 0])
    assert float(find_pair(out)["value"]) == pytest.approx(wanted, abs=1e-3)
    write_report(scale, Places(out, {}), [])
    report = (out / "report.md").read_text()
    assert "there are up to 2 (1 on drawn)." in report
    assert re.search(r"\| `capgcn` \|.* 1 \|", report)


@pytest.mark.parametrize("lost", [0, 1])
def test_a_run_that_is_gone_keeps_its_row_and_is_named(judged, lost):
    out, scores = judged
    shutil.rmtree(find_run(out / "drawn", "add_gcn", lost))
    (note,) = measure(load(out), out, no_counting)
    assert f"without {find_run(out / 'drawn', 'add_gcn', lost)}" in note
    assert len(read_results(out / "rows.csv")) == 5
    pair, kept = find_pair(out), 1 - lost
    wanted = find_map(scores["capgcn", kept]) - find_map(scores["add_gcn", kept])
    assert (float(pair["value"]), pair["trainings"]) == (pytest.approx(wanted, abs=1e-3), "1")


def test_a_corpus_without_rows_is_no_end_of_the_report(judged):
    out, _ = judged
    path = write_scale(
        out / "scale.yaml", seeds=[0, 1, 2], corpora={"drawn": {}, "anime-faces": {}}
    )
    scale = load_scale(str(path))
    assert measure(scale, out, no_counting) == []
    assert find_pair(out)["corpus"] == "drawn"


def test_a_row_of_other_settings_than_the_reports_is_named(judged):
    out, _ = judged
    assert measure(load(out), out, no_counting) == []
    notes = measure(load(out, "base.train.epochs=7", "seeds=[2]"), out, no_counting)
    (note,) = notes
    assert "add_gcn-2" in note
    assert "not 7" in note


def test_runs_on_other_pictures_or_labels_are_not_compared(judged):
    out, _ = judged
    folder = out / "drawn"
    run = find_run(folder, "add_gcn", 1)
    manifest = Manifest.load(run / "manifest.parquet")
    records = [
        Record(path, tags=["hat"], split=split, group=group)
        for path, split, group in zip(
            *(manifest.column(name) for name in ("path", "split", "group")), strict=True
        )
    ]
    other = Manifest.from_records(records, manifest.tags, folder)
    other.save(run / "manifest.parquet")
    with pytest.raises(DataError, match=r"add_gcn-1 has other test pictures or labels \(40 pict"):
        measure(load(out), out, no_counting)
    plan = load(out).create_plan("drawn", folder, ["add_gcn"], [0, 1], {})
    with pytest.raises(DataError, match="choose another --out"):
        run_missing(plan, folder, None, print)


@pytest.mark.parametrize("lost", ["capgcn", "photographs"])
def test_figure_2_of_a_run_that_is_gone_is_not_there(judged, lost):
    out, _ = judged
    write_run(out / "drawn", "photographs", 0, 0.2)
    places = Places(out, {})
    shutil.rmtree(find_run(out / "drawn", lost, 0))
    with pytest.raises(
        DataError, match=r"no seed of 0, 1, 2 with a run of capgcn and one of photo"
    ):
        draw_figure2(load(out), places, out / "figure2.png")


@pytest.fixture
def pictured(judged, tmp_path):
    """Runs of both captioners with one seed, and pictures."""
    out, scores = judged
    given = {name: write_captioner(tmp_path / name, seed) for seed, name in
             enumerate(("photographs", "adapted"))}  # fmt: skip
    for seed in (1, 2):
        scores["photographs", seed] = write_run(out / "drawn", "photographs", seed, 0.2)
    (out / "corpora" / "drawn").mkdir(parents=True)
    for i in range(len(TARGETS)):
        Image.new("RGB", (32, 32), (6 * i, 90, 20)).save(out / "corpora" / "drawn" / f"{i}.png")
    for name, row, seeds in (("adapted", "capgcn", (0, 1)), ("photographs", "photographs", (1, 2))):
        for seed in seeds:
            run = find_run(out / "drawn", row, seed)
            captions = CaptionsConfig(captioner=str(given[name]))
            config = Config(model=ModelConfig(name="capgcn"), captions=captions)
            save_config(config, run / "config.yaml")
            digest = CaptionSource(load_caption_checkpoint(given[name])).digest
            (run / "captioner.json").write_text(json.dumps({"digest": digest}))
    return Places(out, {}, None, given), scores


def test_figure_2_is_of_the_first_seed_that_has_both(pictured):
    places, scores = pictured
    said = draw_figure2(load(places.out), places, places.out / "figure2.png")
    assert ".png, seed 1. Right only with" in said
    assert (places.out / "figure2.png").exists()

    def count(ours, theirs):
        more = fewer = 0
        for one, other, true in zip(ours, theirs, TARGETS, strict=True):
            right, wrong = (sum((s >= 0.5) == true) for s in (one, other))
            more, fewer = more + (right > wrong), fewer + (right < wrong)
        return more, fewer

    more, fewer = count(scores["capgcn", 1], scores["photographs", 1])
    assert f"on {more} of 40 test pictures the adapted captioner leads to more right" in said
    assert f"decisions, on {fewer} to fewer." in said
    more, fewer = count(scores["capgcn", 0], scores["capgcn", 1])
    assert f"right decisions than seed 1 on {more} and to fewer on {fewer}." in said
    # It is the seed that is learnt where the first one's run is gone.
    shutil.rmtree(find_run(places.out / "drawn", "capgcn", 0))
    (job,) = plan_work(load(places.out), "figure2", places).jobs
    assert job.seeds == (1,)


def test_figure_2_is_not_captioned_by_another_captioner(pictured):
    places, _ = pictured
    swapped = dict(zip(places.captioners, reversed(places.captioners.values()), strict=True))
    with pytest.raises(ConfigError, match=r"began with another captioner than --photographs"):
        draw_figure2(load(places.out), replace(places, captioners=swapped),
                     places.out / "figure2.png")  # fmt: skip


def test_captioners_that_saw_different_pictures_are_not_compared(judged):
    out, _ = judged
    for name, path in (("adapted", "a.png"), ("photographs", "b.png")):
        entry = {"path": path, "caption": "a hat", "references": ["a hat", "a red hat"]}
        (out / f"captions-{name}.json").write_text(json.dumps({"captions": [entry]}))
    notes = measure(load(out), out, no_counting)
    assert any("judged on different pictures and are not compared" in note for note in notes)
    assert any("the adapted captioner was given, and nothing here says" in note for note in notes)
    found = [i for i in read_results(out / "intervals.csv") if i["table"] == "captions"]
    assert len(found) == 8
    assert not any(i["against"] for i in found)


def test_a_row_that_is_there_twice_is_refused(judged):
    out, _ = judged
    path = out / "drawn" / "results.csv"
    path.write_text(path.read_text() + path.read_text().splitlines()[1] + "\n")
    with pytest.raises(DataError, match="2 rows of add_gcn, seed 0; keep one"):
        read_rows(path)


def test_a_run_of_another_machine_is_one_of_the_same_settings(judged, tmp_path):
    out, _ = judged
    folder = out / "drawn"
    base = {"data": {"path": "here"}, "preprocess": {"size": 64}, "train": {"epochs": 2}}
    plan = Plan("p", base, {"add_gcn": {}}, seeds=(0,), baselines=("add_gcn",))
    there = plan.create_config("add_gcn", 0)
    elsewhere = {"name": "q", "data": {"path": "/elsewhere/pictures"}}
    there = Config(**{**vars(there), **elsewhere})
    run = find_run(folder, "add_gcn", 0)
    save_config(there, run / "config.yaml")
    assert run_missing(plan, folder, None, print) == []
    other = Plan("p", {**base, "train": {"epochs": 3}}, plan.models, (0,), ("add_gcn",))
    with pytest.raises(ConfigError, match="epochs = 2, not 3"):
        run_missing(other, folder, None, print)
    # Of the run only these are needed.
    (run / "state.safetensors").touch()
    assert all((run / name).exists() for name in JUDGED)
    (run / "scores-test.parquet").unlink()
    told = []
    assert run_missing(plan, folder, None, told.append) == []
    assert "lacks scores-test.parquet; bring them, or remove the row" in told[0]
    assert "its figures stay, and intervals are without it" in told[0]


def test_one_corpus_is_learnt_and_the_others_left(tmp_path):
    faces = write_faces(tmp_path / "faces")
    given = {name: write_captioner(tmp_path / name) for name in ("photographs", "adapted")}
    scale = load_scale(str(write_scale(tmp_path / "scale.yaml")))
    out = tmp_path / "out"
    places = Places(out, {"anime-faces": faces, "real-art": tmp_path / "no"}, None, given)
    work = plan_work(scale, "all", places, ["anime-faces"])
    assert [(job.name, job.corpus) for job in work.jobs] == [("table1", "anime-faces")]
    assert work.missing == []
    with pytest.raises(ConfigError, match="no corpus 'anime-face'; did you mean 'anime-faces'"):
        plan_work(scale, "all", places, ["anime-face"])
    with pytest.raises(DataError, match="table2 learns nothing on anime-faces"):
        plan_work(scale, "table2", places, ["anime-faces"])


def test_a_folder_of_other_corpora_is_refused(tmp_path):
    flickr8k = write_captioned(tmp_path / "flickr8k", count=6)
    path, out = write_scale(tmp_path / "scale.yaml", corpora={"drawn": {}}), tmp_path / "out"
    out.mkdir()
    places = Places(out, {"flickr8k": flickr8k})
    scale = load_scale(str(path))
    with pytest.raises(DataError, match="out holds no row of any experiment yet"):
        plan_work(scale, "report", places)
    (out / "stages.json").write_text("{")
    with pytest.raises(ConfigError, match=r"stages\.json cannot be read.*remove it"):
        plan_work(scale, "report", places)
    begun = {"drawn": {"count": 600, "size": 32}}
    (out / "stages.json").write_text(json.dumps(begun))
    with pytest.raises(ConfigError, match=re.escape("begun with drawn = {'count': 600")):
        plan_work(scale, "table1", places)


def test_the_report_is_written_without_learning(zokusei, judged):
    out, _ = judged
    path = write_scale(out / "scale.yaml", seeds=[0, 1, 2], corpora={"drawn": {}})
    given = ["reproduce", "report", "--scale", path, "--out", out]
    code, _, err = zokusei(*given, "seeds=[0, 1]")
    assert code == 0, err
    report = (out / "report.md").read_text()
    assert "Settings other than the scale's: seeds=[0, 1]." in report
    assert "of 4 sources" in report
    assert re.search(r"\| `capgcn` \| p \| 2 \|", report)
    assert not (out / "corpora").exists()
    settings = yaml.safe_load(path.read_text())
    begun = json.loads((out / "stages.json").read_text())
    assert begun["drawn"] == settings["drawn"]
