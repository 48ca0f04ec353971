"""Runs that are judged on other pictures as well, apart from the test split of their own."""

import json
import re
import shutil
import statistics

import pytest
import yaml
from miniatures import write_scale

from captioned import write_captioned, write_captioner
from zokusei.corpora.drawn import write_drawn_corpus
from zokusei.data.manifest import Manifest
from zokusei.errors import ConfigError
from zokusei.reproduce import write_up
from zokusei.reproduce.experiments import plan_work
from zokusei.reproduce.outlook import describe_work
from zokusei.reproduce.places import Places
from zokusei.reproduce.plan import load_plan
from zokusei.reproduce.runs import JUDGED
from zokusei.reproduce.scale import load_scale
from zokusei.results import read_results
from zokusei.tags import TagSet


@pytest.fixture
def unseen(corpus, run_folder, tmp_path):
    """A folder whose manifest was never divided."""
    manifest = Manifest.load(run_folder / "manifest.parquet")
    (tmp_path / "others").mkdir()
    manifest = manifest.with_column("split", [""] * len(manifest))
    manifest.save(tmp_path / "others" / "manifest.parquet")
    return tmp_path / "others"


@pytest.fixture
def write_plan(corpus, tmp_path):
    def write(**changes):
        plan = {
            "name": "tiny",
            "seeds": [0, 1],
            "baselines": ["gap"],
            "base": {
                "data": {"path": str(corpus)},
                "model": {"backbone": "test_efficientnet", "weights": "none"},
                "preprocess": {"size": 32},
                "train": {"epochs": 1, "workers": 0, "batch_size": 45},
            },
            "models": {"gap": {}, "plain": {"model.name": "gmp"}},
        }
        path = tmp_path / "plan.yaml"
        path.write_text(yaml.safe_dump(plan | changes))
        return path

    return write


def test_a_comparison_judges_old_and_new_runs_on_other_pictures(
    zokusei, write_plan, unseen, tmp_path, monkeypatch
):
    out = tmp_path / "out"
    code, _, err = zokusei("compare", write_plan(seeds=[0]), "--out", out)
    assert code == 0, err
    assert "## On" not in (out / "table.md").read_text()
    first = (out / "runs" / "gap-0" / "scores-test.parquet").read_bytes()
    # One run from before has no model any more, and keeps its row.
    shutil.rmtree(out / "runs" / "plain-0" / "model")
    code, _, err = zokusei("compare", write_plan(also={"strange": str(unseen)}), "--out", out)
    assert code == 0, err
    assert f"not judged on strange: {out / 'runs' / 'plain-0'} lacks model/config.json" in err
    rows, others = (read_results(out / f"results{end}.csv") for end in ("", "-strange"))
    assert [(row["model"], row["seed"], row["split"]) for row in others] == [
        ("gap", "0", "strange"), ("gap", "1", "strange"), ("plain", "1", "strange"),
    ]  # fmt: skip
    assert len(rows) == 4
    assert {row["split"] for row in rows} == {"test"}
    assert (out / "runs" / "gap-0" / "scores-test.parquet").read_bytes() == first
    for row in others:
        run = out / "runs" / f"{row['model']}-{row['seed']}"
        evaluation = json.loads((run / "evaluation-strange.json").read_text())
        assert evaluation["pictures"] == 120
        assert float(row["map"]) == pytest.approx(evaluation["metrics"]["map"], abs=1e-3)
    # The table has them beside the test split, of the seeds that have both.
    text = (out / "table.md").read_text().split("## On strange")[1]
    assert "| model | seeds | mAP, test | mAP, strange | difference |" in text
    found = {name: [float(row["map"]) for row in others if row["model"] == name]
             for name in ("gap", "plain")}  # fmt: skip
    cells = re.search(r"\| `gap` \| 2 \|.*", text)[0].split(" | ")
    assert cells[3].startswith(f"{statistics.fmean(found['gap']):.1f} ±")
    assert f"| `plain` | 1 | {float(rows[3]['map']):.1f} | {found['plain'][0]:.1f} |" in text

    # Given again nothing is trained or judged.
    monkeypatch.setattr("zokusei.reproduce.compare.train_classifier", None)
    monkeypatch.setattr("zokusei.reproduce.also.evaluate_run", None)
    code, _, err = zokusei("compare", write_plan(also={"strange": str(unseen)}), "--out", out)
    assert code == 0, err
    assert read_results(out / "results-strange.csv") == others
    # Nor is a name that means other pictures by now, whose rows would stand for them.
    manifest, other = Manifest.load(unseen / "manifest.parquet"), tmp_path / "other.parquet"
    manifest.with_tags(TagSet(manifest.tags.tags[1:])).save(other)
    code, _, err = zokusei("compare", write_plan(also={"strange": str(other)}), "--out", out)
    assert code == 2
    assert "also.strange" in err
    assert "other pictures or tags than the runs" in " ".join(err.split())


def test_other_pictures_that_cannot_be_used_end_it_before_a_training(zokusei, write_plan, tmp_path):
    for name in ("test", "a/b", ""):
        with pytest.raises(ConfigError, match=re.escape(f"also has the name {name!r}")):
            load_plan(write_plan(also={name: "x"}))
    plan = write_plan(also={"strange": str(tmp_path / "none")})
    code, _, err = zokusei("compare", plan, "--out", tmp_path / "out")
    assert code == 2
    assert "also.strange = " in err
    assert "holds no manifest" in err
    assert not (tmp_path / "out").exists()


def test_unseen_styles_are_drawn_for_those_who_learn_the_drawn_corpus(tmp_path):
    given = {name: write_captioner(tmp_path / name) for name in ("photographs", "adapted")}
    out = tmp_path / "out"
    places = Places(out, {}, None, given)
    small = {"drawn": {"count": 12, "size": 32, "unseen": 9}, "corpora": {"drawn": {}}}
    scale = load_scale(str(write_scale(tmp_path / "scale.yaml", **small)))
    work = plan_work(scale, "all", places)
    assert {job.also for job in work.jobs} == {("unseen",)}
    assert [stage.makes for stage in work.stages[:2]] == [
        out / "corpora" / "drawn", out / "corpora" / "drawn-unseen"
    ]  # fmt: skip
    stage = work.stages[1]
    assert not stage.is_done()
    write_drawn_corpus(places.unseen, count=9, size=32, seed=1, styles="unseen")
    assert stage.is_done()
    manifest = Manifest.load(places.unseen / "manifest.parquet")
    assert set(manifest.column("source")) == {"drawn/watercolour", "drawn/pencil"}
    # A run that has its row alone is still to be judged.
    (out / "drawn").mkdir()
    head = "model,seed,preset,seconds,map,op,or,of1,cp,cr,cf1,macro_f1\n"
    (out / "drawn" / "results.csv").write_text(head + "gap,0,p,60" + ",50" * 8 + "\n")
    assert (
        "table1, drawn, gap, seed 0: there, but for its run: intervals are without it"
        in describe_work(scale, work, places)
    )
    for name in JUDGED:
        path = out / "drawn" / "runs" / "gap-0" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert "table1, drawn, gap, seed 0: there, not judged on unseen" in describe_work(
        scale, work, places
    )
    (out / "drawn" / "results-unseen.csv").write_text(head + "gap,0,p,60" + ",50" * 8 + "\n")
    assert "table1, drawn, gap, seed 0: there" in describe_work(scale, work, places)
    without = load_scale(str(tmp_path / "scale.yaml"), ["drawn.unseen=0"])
    work = plan_work(without, "all", places)
    assert {job.also for job in work.jobs} == {()}
    assert places.unseen not in [stage.makes for stage in work.stages]


def test_unseen_styles_come_to_what_was_begun_without_them(tmp_path):
    flickr8k, out = write_captioned(tmp_path / "flickr8k", count=6), tmp_path / "out"
    places = Places(out, {"flickr8k": flickr8k})
    small = {"drawn": {"count": 12, "size": 32, "unseen": 9}, "corpora": {"drawn": {}}}
    path = str(write_scale(tmp_path / "scale.yaml", **small))
    scale = load_scale(path)
    begun = {
        "drawn": {"count": 12, "size": 32},
        "cartoons": {"method": "plain", "size": 64},
        "danbooru": {"classes": 3, "pictures": 30, "labels": 2.2, "val": 0.2, "test": 0.3},
        "captions.pictures": 6,
    }
    out.mkdir()
    (out / "stages.json").write_text(json.dumps(begun))
    assert plan_work(scale, "table1", places).jobs
    (out / "stages.json").write_text(json.dumps({**begun, "drawn.unseen": 4}))
    with pytest.raises(ConfigError, match=r"begun with drawn\.unseen = 4, not 9"):
        plan_work(scale, "table1", places)
    assert plan_work(load_scale(path, ["drawn.unseen=4"]), "table1", places).jobs


def test_the_table_of_unseen_styles_keeps_them_out_of_the_others():
    def row(model, seed, value, split):
        rates = dict.fromkeys("op or of1 cp cr cf1 macro_f1".split(), "50")
        return {"corpus": "drawn", "split": split, "model": model, "seed": seed, "map": value,
                "preset": "p", **rates}  # fmt: skip

    rows = [row("gap", "0", "60", "test"), row("gap", "1", "62", "test"),
            row("gap", "0", "40", "unseen"), row("gap", "1", "46", "unseen"),
            row("capgcn", "0", "70", "test"), row("capgcn", "0", "50.5", "unseen"),
            row("gmp", "0", "99", "test")]  # fmt: skip
    models = ["gap", "capgcn", "gmp"]
    table = write_up.tabulate_unseen(rows, "drawn", models)
    assert table[0] == ["model", "seeds", "mAP, test", "mAP, unseen styles", "difference"]
    assert table[1] == ["`capgcn`", "1", "70.0", "50.5", "-19.5"]
    assert table[2] == ["`gap`", "2", "61.0 ± 12.7", "43.0 ± 38.1", "-18.0 ± 25.4"]
    assert len(table) == 3
    first = write_up.tabulate_table1(rows, [], "drawn", models)
    maps = {line[0]: line[first[0].index("mAP")] for line in first[1:]}
    assert maps == {"`gmp`": "99.0", "`capgcn`": "70.0", "`gap`": "61.0 ± 12.7"}
