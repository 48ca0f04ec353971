"""`zokusei reproduce`: what it finds to do, and that what it says is what the rows say."""

import csv
import re
import shutil
import statistics
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from miniatures import write_all, write_faces, write_scale
from PIL import Image

from captioned import write_captioned, write_captioner
from zokusei.caption_checkpoint import load_caption_checkpoint
from zokusei.captioner_config import CaptionerConfig
from zokusei.captioning.metrics import compute_caption_metrics
from zokusei.config_file import load_config, save_config
from zokusei.data.row_file import digest_weights
from zokusei.errors import ConfigError, DataError
from zokusei.report.decisions import Decisions, draw_decisions
from zokusei.report.sections import Section, write_html, write_markdown
from zokusei.reproduce import paper, write_up, write_up_table2
from zokusei.reproduce.bootstrap import resample_captions
from zokusei.reproduce.captioners import choose_pictures, create_captioner_stage
from zokusei.reproduce.experiments import plan_work
from zokusei.reproduce.figure2 import choose_example
from zokusei.reproduce.places import Places
from zokusei.reproduce.plan import flatten_sections, nest_sections
from zokusei.reproduce.scale import load_scale
from zokusei.results import append_result

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path_factory.getbasetemp() / "data"))


@pytest.fixture(scope="session")
def desk():
    return load_scale("desk")


@pytest.fixture(scope="session")
def paper_scale():
    return load_scale("paper")


def test_the_desk_scale_has_the_settings_of_the_projects_own_configurations(desk):
    def read(name):
        return yaml.safe_load((ROOT / "configs" / f"{name}.yaml").read_text())

    drawn, captions = read("compare-drawn"), read("compare-captions")
    data = drawn["base"].pop("data")
    assert data == {"path": "demo/compare"}
    assert {k: v for k, v in desk.base.items() if k != "captions"} == drawn["base"]
    models = {row: nest_sections(changes) for row, changes in drawn["models"].items()}
    plain = {name for name in desk.models if not desk.reads_captions(name)}
    assert {name: desk.models[name] for name in plain} == models
    # The row `attended` of that plan is `capgcn` here; the others are the same.
    rows = {
        row: nest_sections(changes)
        for row, changes in captions["models"].items()
        if row not in ("add_gcn", "attended")
    }
    ours = rows.pop("capgcn_votes")
    assert ours.pop("captions") == {"reading": "attended"}
    assert ours == nest_sections(desk.models["capgcn_votes"])
    for name in ("attended-nodes", "literal-sum"):
        reading = rows[name].pop("captions")
        assert reading == {"reading": desk.base["captions"]["reading"]} == {"reading": "attended"}
    given = {name: desk.rows[name] for name in desk.captions.rows}
    assert {k: v for k, v in given.items() if not k.startswith("photographs")} == rows
    photographs = flatten_sections(given["photographs"])
    shuffled = nest_sections({**dict(photographs), "captions.control": "shuffled"})
    assert desk.captions.rows["photographs-shuffled"] == shuffled
    for name, file in (("photographs", "captioner-photos"), ("adapted", "captioner-cartoons")):
        places = {"start", "data", "pairs"}
        whole = load_config(ROOT / "configs" / f"{file}.yaml", kind=CaptionerConfig)
        own = desk.create_captioner_config(name, {})
        for section in ("model", "preprocess", "augment", "loss", "optimizer", "schedule", "train"):
            assert section not in places
            assert getattr(own, section) == getattr(whole, section)
        for key in ("target", "words", "attention", "beam"):
            assert getattr(own.pairs, key) == getattr(whole.pairs, key)


def test_the_paper_scale_is_the_papers(paper_scale):
    scale = paper_scale
    plan = yaml.safe_load((ROOT / "configs" / "compare-paper.yaml").read_text())
    base = {k: v for k, v in scale.base.items() if k != "captions"}
    assert base == nest_sections({k: v for k, v in plan["base"].items() if k != "data"})
    models = {row: nest_sections(changes) for row, changes in plan["models"].items()}
    plain = {k: v for k, v in scale.models.items() if not scale.reads_captions(k)}
    assert plain == models
    subset = scale.danbooru
    assert (subset.pictures, subset.classes, subset.labels, subset.test) == (25_000, 100, 6.3, 0.25)
    config = scale.create_plan("danbooru", Path("d"), ["gap"], [0], {}).create_config("gap", 0)
    assert (config.model.backbone, config.preprocess.size) == ("resnet101.tv_in1k", 448)
    rates = config.optimizer
    assert (rates.name, rates.lr, rates.lr * rates.backbone_lr_factor) == ("sgd", 0.5, 0.05)


def test_votes_are_all_that_our_variant_has_and_add_gcn_has_not(desk, paper_scale):
    for scale in (desk, paper_scale):
        configs = scale.create_configs(next(iter(scale.corpora)))
        ours, basis = configs["capgcn_votes"], configs["add_gcn"]
        attention = {"attention": "mean"} | ours.model.options
        assert attention == {"attention": "sum"} | basis.model.options
        assert (ours.optimizer, ours.loss) == (basis.optimizer, basis.loss)
        for row in ("photographs-votes", "votes-zero", "votes-shuffled"):
            changes = dict(flatten_sections(scale.rows[row]))
            assert changes.pop("model.name") == "capgcn_votes"
            captions = [changes.pop(key) for key in list(changes) if key.startswith("captions.")]
            assert len(captions) == 1
            assert changes == dict(flatten_sections(scale.models["capgcn_votes"]))


def test_every_model_of_the_paper_and_the_modern_ones_are_rows(desk):
    assert set(paper.TABLE_1) <= set(desk.models)
    assert {"gmp", "query2label", "ml_decoder"} <= set(desk.models)


@pytest.mark.parametrize(("name", "overrides", "message"), [
    ("dekk", [], "no scale is called 'dekk'; did you mean 'desk'? or FILE.yaml"),
    ("none.yaml", [], "none.yaml cannot be read"),
    ("desk", ["sede=[1]"], "sede"),
    ("desk", ["drawn.count=0"], "drawn.count"),
    ("desk", ["overrides=[a]"], "unknown setting 'overrides'"),
    ("desk", ["cartoons.method=oil"], "cartoons.method = 'oil'"),
    ("desk", ["base.train.epoch=1"], "unknown setting 'train.epoch'"),
    ("desk", ["photographs.train.epoch=1"], "unknown setting 'train.epoch'"),
    ("desk", ["captions.corpus=danbooru"], "'danbooru' is none of the corpora"),
    ("desk", ["models={gap: {}}"], "models has no row 'capgcn'"),
    ("desk", ["base.captions.captioner=mine"], "captions.captioner = 'mine'"),
    ("desk", ["subjects=[gap]"], "subjects = ['gap'] must have 'capgcn'"),
    ("desk", ["subjects=[capgcn, wide]"], "no row of models is called like the subject 'wide'"),
    ("desk", ["corpora.drawn.seeds=[]"], "corpora.drawn.seeds = [] must be a list of whole"),
    ("desk", ["corpora.drawn.seeds=3"], "corpora.drawn.seeds = 3 must be a list of whole numbers"),
    ("desk", ["captions.rows.gap={}"], "'gap' is a row of both tables"),
])  # fmt: skip
def test_a_scale_that_cannot_be_run_is_refused_in_one_line(name, overrides, message):
    with pytest.raises(ConfigError, match=re.escape(message)) as caught:
        load_scale(name, overrides)
    assert "\n" not in str(caught.value)


def test_one_option_of_a_row_is_set_beside_those_that_it_has():
    given = load_scale(
        "desk",
        [
            "models.capgcn.model.options.caption_joins=both",
            "captions.rows.truth.model.options.hidden=256",
            "base.train.epochs=2",
        ],
    )
    options = given.create_configs("drawn")["capgcn"].model.options
    assert options == {"attention": "mean", "caption_joins": "both"}
    assert given.captions.rows["truth"]["model"]["options"] == {"attention": "mean", "hidden": 256}
    assert given.create_configs("drawn")["gap"].train.epochs == 2


def test_a_corpus_may_have_seeds_of_its_own_unless_others_are_given(desk, tmp_path):
    assert desk.list_seeds("real-art") == (0, 1, 2, 3, 4)
    assert desk.list_seeds("drawn") == desk.seeds == (0, 1, 2)
    given = load_scale("desk", ["seeds=[7]"])
    assert {given.list_seeds(corpus) for corpus in given.corpora} == {(7,)}
    given = load_scale("desk", ["corpora.real-art.seeds=[4, 5]", "seeds=[7]"])
    assert (given.list_seeds("real-art"), given.list_seeds("drawn")) == ((4, 5), (7,))
    # They are no setting of the trainings, and every run is a training of them.
    plan = desk.create_plan("real-art", Path("art"), ["gap"], [4], {})
    assert plan.create_config("gap", 4).train.seed == 4
    captioners = {name: write_captioner(tmp_path / name) for name in ("photographs", "adapted")}
    for name in ("anime-faces", "real-art"):
        (tmp_path / name).mkdir()
    there = {name: tmp_path / name for name in ("anime-faces", "real-art")}
    jobs = plan_work(desk, "all", Places(tmp_path / "out", there, None, captioners)).jobs
    assert [(job.corpus, len(job.seeds)) for job in jobs] == [
        ("drawn", 3), ("anime-faces", 3), ("real-art", 5), ("drawn", 3), ("drawn", 1)
    ]  # fmt: skip


def test_what_is_missing_is_named_with_how_to_get_it(tmp_path, desk, paper_scale):
    flickr8k = write_captioned(tmp_path / "flickr8k", count=6)
    weights = tmp_path / "weights.tflite"
    weights.touch()
    nowhere = {name: tmp_path / "no" / name for name in ("anime-faces", "real-art", "danbooru")}
    places = Places(tmp_path / "out", {**nowhere, "flickr8k": flickr8k}, weights)
    work = plan_work(desk, "all", places)
    # The drawn corpus is drawn, and the rest goes on with it.
    assert [(job.name, job.corpus) for job in work.jobs] == [
        ("table1", "drawn"),
        ("table2", "drawn"),
        ("table2", "drawn"),  # those of its rows that have one seed
    ]
    assert len(work.missing) == 2
    assert f"anime-faces is not at {nowhere['anime-faces']}: give --anime-faces" in work.missing[0]
    names = [stage.name.split(",")[0].split(" (")[0] for stage in work.stages]
    assert names == ["6000 drawn pictures", "1500 drawn pictures of unseen styles", "captioner",
                     "cartoons of the photographs", "captioner"]  # fmt: skip
    with pytest.raises(DataError, match=r"danbooru is not at .*: give --danbooru FOLDER, a copy"):
        plan_work(paper_scale, "all", places)
    without = Places(tmp_path / "out", {**nowhere, "flickr8k": tmp_path / "no"}, weights)
    with pytest.raises(DataError, match=r"flickr8k is not at .*or give captioners"):
        plan_work(desk, "table1", without)
    with pytest.raises(ConfigError, match=r"weights are not at .*cartoons.method=plain"):
        plan_work(desk, "table1", Places(tmp_path, places.given, tmp_path / "no.tflite"))
    given = {"adapted": tmp_path / "no", "photographs": tmp_path / "no"}
    with pytest.raises(DataError, match=r"--photographs .*does not exist"):
        plan_work(desk, "figure2", Places(tmp_path, places.given, weights, given))


def test_a_row_of_table_2_may_have_fewer_seeds(tmp_path, desk):
    given = {name: write_captioner(tmp_path / name) for name in ("photographs", "adapted")}
    places = Places(tmp_path / "out", {}, None, given)

    def count(scale, what="table2"):
        runs = [
            (row, seed)
            for job in plan_work(scale, what, places).jobs
            for row in job.rows
            for seed in job.seeds
        ]
        assert len(set(runs)) == len(runs)
        return Counter(row for row, _ in runs)

    found = count(desk)
    once = {name for name, changes in desk.captions.rows.items() if "seeds" in changes}
    assert {name for name, trainings in found.items() if trainings == 1} == once
    assert {found[name] for name in desk.caption_rows if name not in once} == {3}
    assert set(found) == set(desk.caption_rows)
    # In parts, a row has those of its seeds that are asked for.
    others = load_scale("desk", ["seeds=[0,2]"])
    assert set(count(others)) == set(desk.caption_rows) - once
    work = plan_work(others, "table2", places)
    (said,) = work.notes
    assert not work.missing  # it was not asked for
    assert all(name in said for name in once)
    assert said.endswith("whose own seeds in the scale are none of 0, 2; choose one of those")
    assert not plan_work(desk, "table2", places).notes
    with pytest.raises(ConfigError, match=r"captions\.rows\.zero\.seeds = \[\] must be a list"):
        load_scale("desk", ["captions.rows.zero.seeds=[]"])


def test_captioners_that_are_given_are_not_made(tmp_path, desk):
    given = {name: write_captioner(tmp_path / name) for name in ("photographs", "adapted")}
    places = Places(tmp_path / "out", {"flickr8k": tmp_path / "no"}, None, given)
    work = plan_work(desk, "table2", places)
    assert [stage.makes for stage in work.stages[2:]] == list(given.values())
    # Table 1 reads the adapted one alone.
    places = Places(tmp_path, places.given, None, {"adapted": given["adapted"]})
    assert len(plan_work(desk, "table1", places).stages) == 3


def test_a_captioner_that_was_trained_elsewhere_or_with_more_workers_is_the_same(tmp_path):
    folder = write_captioner(tmp_path / "out" / "captioners" / "photographs")
    digest = digest_weights(load_caption_checkpoint(folder).model)
    row = {"model": "captioner-photographs", "config": f"a weights={digest}"}
    append_result(tmp_path / "out" / "captioners.csv", row)

    def configure(*overrides):
        scale = load_scale("desk", overrides)
        return scale, scale.create_captioner_config("photographs", {"data.path": "elsewhere"})

    save_config(configure()[1], folder / "config.yaml")

    def is_done(scale):
        places = Places(tmp_path / "out", {"flickr8k": tmp_path})
        return create_captioner_stage(scale, places, "photographs").is_done()

    assert is_done(configure()[0])
    assert is_done(configure("photographs.train.workers=7")[0])
    with pytest.raises(ConfigError, match=r"train\.epochs = 10, not 11"):
        is_done(configure("photographs.train.epochs=11")[0])


def test_cartoons_that_are_drawn_need_no_weights(tmp_path, desk):
    photographs, cartoons = tmp_path / "flickr" / "images", tmp_path / "out" / "cartoons"
    for folder in (photographs, cartoons):
        folder.mkdir(parents=True)
        Image.new("RGB", (8, 8)).save(folder / "a.png")
    (photographs / "notes.txt").write_text("no picture")
    nowhere = tmp_path / "weights"
    places = Places(tmp_path / "out", {"flickr8k": photographs.parent}, nowhere)
    work = plan_work(desk, "table2", places)
    (stage,) = [one for one in work.stages if one.makes == cartoons]
    assert stage.is_done()
    (cartoons / "a.png").unlink()
    with pytest.raises(ConfigError, match="the White-box weights are not at"):
        plan_work(desk, "table2", places)


def test_a_captioner_is_known_by_its_weights_wherever_it_lies(tmp_path, desk):
    folder, other = (write_captioner(tmp_path / name, seed) for seed, name in enumerate("ab"))
    moved = shutil.copytree(folder, tmp_path / "moved")
    digest = digest_weights(load_caption_checkpoint(folder).model)
    row = {"model": "captioner-adapted", "config": f"a weights={digest}"}
    append_result(tmp_path / "out" / "captioners.csv", row)

    def is_done(place):
        places = Places(tmp_path / "out", {}, None, {"adapted": place})
        return create_captioner_stage(desk, places, "adapted").is_done()

    assert is_done(folder)
    assert is_done(moved)
    with pytest.raises(ConfigError, match=r"has the row of another captioner \(a weights="):
        is_done(other)


def test_a_dry_run_lists_every_run_once_and_makes_nothing(zokusei, tmp_path):
    write_faces(tmp_path / "faces")
    flickr8k = write_captioned(tmp_path / "flickr8k", count=6)
    scale, out = write_scale(tmp_path / "scale.yaml"), tmp_path / "out"
    (out / "drawn").mkdir(parents=True)
    rows = [{"model": "gap", "seed": 0, "preset": "", "seconds": 600},
            {"model": "add_gcn", "seed": 0, "preset": "", "seconds": 1200}]  # fmt: skip
    rates = dict.fromkeys("map op or of1 cp cr cf1 macro_f1".split(), 50)
    with (out / "drawn" / "results.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0], *rates])
        writer.writeheader()
        writer.writerows({**row, **rates} for row in rows)
    before = sorted(out.rglob("*"))
    code, printed, err = zokusei(
        "reproduce", "all", "--scale", scale, "--out", out, "--dry-run", "--flickr8k", flickr8k,
        "--anime-faces", tmp_path / "faces", "--real-art", tmp_path / "none",
    )  # fmt: skip
    assert code == 0, err
    assert sorted(out.rglob("*")) == before
    lines = printed.splitlines()
    runs = [line for line in lines if ", seed " in line]
    assert len(runs) == 2 * 3 + 2 * 5  # two corpora, two seeds; rows of both tables count once
    assert max(Counter(line.split(": ")[0] for line in runs).values()) == 1
    assert "table1, drawn, gap, seed 0: there, but for its run: intervals are without it" in lines
    assert "table1, drawn, gap, seed 1: to do, 10.0 min as a whole" in lines
    assert "table2, drawn, zero, seed 1: to do, 15.0 min as a whole" in lines
    # gap and add_gcn once more, six runs of models without any yet, six on faces.
    assert lines[-1].startswith("trainings that are left: about 2.0 h; 6 runs more")
    assert lines[0].startswith("left out: table1: real-art is not at")


def test_the_printed_f1_columns_are_not_those_of_the_printed_columns():
    with_rounding = {
        (name, kind)
        for name, row in paper.TABLE_1.items()
        for kind in "oc"
        if any(
            abs(row[f"{kind}f1"] - 2 * p * r / (p + r)) <= 0.05
            for p in np.linspace(row[f"{kind}p"] - 0.05, row[f"{kind}p"] + 0.05, 21)
            for r in np.linspace(row[f"{kind}r"] - 0.05, row[f"{kind}r"] + 0.05, 21)
        )
    }
    assert with_rounding == {("dan", "o")}
    marked = [cell for row in paper.tabulate_f1()[1:] for cell in row if cell.endswith("!")]
    assert len(marked) == 13
    assert sum(cell.startswith("+") for cell in marked) == 8


def test_the_example_of_figure_2_is_that_of_the_rule():
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        shape = (9, 6)
        ours, theirs = (torch.rand(shape, generator=generator) for _ in range(2))
        targets, known = (torch.rand(shape, generator=generator) < p for p in (0.4, 0.8))
        best, kept, better, worse = (0, 0.0), None, 0, 0
        for i in range(9):
            gained, lost, moved = [], [], 0.0
            for c in range(6):
                if not known[i, c]:
                    continue
                is_true = bool(targets[i, c])
                ours_right = (float(ours[i, c]) >= 0.5) == is_true
                theirs_right = (float(theirs[i, c]) >= 0.5) == is_true
                if ours_right and not theirs_right:
                    gained.append(c)
                    step = float(ours[i, c]) - float(theirs[i, c])
                    moved += step if is_true else -step
                if theirs_right and not ours_right:
                    lost.append(c)
            better += len(gained) > len(lost)
            worse += len(gained) < len(lost)
            if (len(gained), moved) > best:
                best, kept = (len(gained), moved), (i, tuple(gained), tuple(lost))
        found = choose_example(ours, theirs, targets, known)
        assert (found.row, found.gained, found.lost) == kept
        assert (found.better, found.worse, found.total) == (better, worse, 9)
    assert choose_example(theirs, theirs, targets, known) is None


def test_the_figure_shows_given_and_true_tags_in_order(tmp_path):
    scores = {f"tag{i}": i / 40 for i in range(40)}
    panel = Decisions("one", "a caption that is " + "so " * 30 + "long", scores)
    shown = panel.list_shown(["tag3"])
    assert [name for name, _ in shown] == [f"tag{i}" for i in range(39, 19, -1)] + ["tag3"]
    Image.new("RGB", (20, 30), "red").save(tmp_path / "a.png")
    draw_decisions(tmp_path / "figure.png", tmp_path / "a.png", [panel, panel], ["tag3"])
    with Image.open(tmp_path / "figure.png") as figure:
        assert figure.format == "PNG"
        assert figure.width > 1000


def test_bleu_intervals_begin_with_bleu_itself():
    entries = [
        {"caption": f"a {colour} dog runs", "references": [f"a {colour} cat runs", "one dog"]}
        for colour in ("red", "blue", "green")
    ]
    values = resample_captions(entries, resamples=50)
    whole = compute_caption_metrics(
        [entry["caption"] for entry in entries], [entry["references"] for entry in entries]
    )
    assert values.shape == (51, 5)
    assert values[0].tolist() == pytest.approx([*whole.bleu, whole.cider])
    # All alike: whatever is drawn, it is the same BLEU.
    assert values[1:, 0].std() == pytest.approx(0, abs=1e-9)


def test_a_hundred_pictures_are_the_same_hundred_each_time():
    names = [f"{i}.png" for i in range(300)]
    chosen = choose_pictures(names, 100)
    assert chosen == choose_pictures(names, 100)
    assert len(set(chosen)) == 100
    assert chosen == sorted(chosen, key=names.index)
    assert choose_pictures(names[:5], 100) == names[:5]


@pytest.fixture
def figures():
    """Rows and intervals as their files have them."""
    maps = {"gap": (60, 62), "add_gcn": (66, 65), "capgcn": (67, 64.5)}
    rates = "op or of1 cp cr cf1 macro_f1".split()
    rows = [
        {"corpus": "drawn", "split": "test", "model": name, "seed": str(seed), "map": str(value),
         "preset": f"p{seed}" if name == "gap" else "p",
         **{rate: str(value - 10 - i) for i, rate in enumerate(rates)}}
        for name, values in maps.items() for seed, value in enumerate(values)
    ]  # fmt: skip
    about = {"table": "table1", "corpus": "drawn", "figure": "map", "model": "capgcn",
             "pictures": "900", "groups": "800", "trainings": "2"}  # fmt: skip
    intervals = [
        {**about, "model": "gap", "against": "", "value": "61", "low": "59", "high": "63"},
        {**about, "against": "gap", "value": "4.75", "low": "3.0", "high": "6.0"},
        {**about, "against": "add_gcn", "value": "0.25", "low": "-0.5", "high": "0.9"},
        {**about, "model": "add_gcn", "against": "gap", "value": "4.5", "low": "3", "high": "6"},
    ]
    return rows, intervals


def test_the_table_has_the_figures_of_the_rows(figures):
    rows, intervals = figures
    table = write_up.tabulate_table1(rows, intervals, "drawn", ["gap", "add_gcn", "capgcn"])
    assert [line[0] for line in table[1:]] == ["`capgcn`", "`add_gcn`", "`gap`"]
    for line in table[1:]:
        own = [row for row in rows if f"`{row['model']}`" == line[0]]
        for cell, rate in zip(line[3:11], "op or of1 cp cr cf1 map macro_f1".split(), strict=True):
            mean = statistics.fmean(float(row[rate]) for row in own)
            assert cell.startswith(f"{mean:.1f} ±")
    less = ["mAP less that of `gap`", "mAP of `capgcn` less its", "paper's mAP"]
    assert table[0][-3:] == less
    assert table[2][-3:] == ["+4.5 (+3.0 to +6.0)", "+0.2 (-0.5 to +0.9)", "70.1"]
    assert table[1][-3:] == ["+4.8 (+3.0 to +6.0)", "", "71.2"]
    assert [line[1] for line in table] == ["preset", "p", "p", "p0, p1"]


def test_the_sentence_says_what_the_interval_says(figures):
    rows, intervals = figures
    models = ["gap", "add_gcn", "capgcn"]

    def conclude():
        return write_up.conclude_table1(rows, intervals, "drawn", models)

    mark = " The mark, 0.8 points above the best of the paper's rivals as in the paper, is "
    assert conclude() == [
        "On drawn, `capgcn` is 0.2 points of mAP above `add_gcn`, the best of the paper's rivals "
        "and the best of all others, but 900 test pictures do not tell them apart (-0.5 to +0.9), "
        f"higher with 1 of 2 seeds.{mark}not reached."
    ]
    intervals[2]["trainings"] = "1"
    said = "higher with 1 of 2 seeds, whose mean is +0.2: the scores of 1 are kept."
    assert said in conclude()[0]
    intervals[2]["trainings"] = "2"
    for row in rows:
        if row["model"] == "gap":
            row["map"] = "70"
    intervals[1] |= {"value": "-4.2", "low": "-5.0", "high": "-3.1"}
    (said,) = conclude()
    assert "4.2 points of mAP below `gap`, the best of the paper's rivals and the best of" in said
    assert f"(-5.0 to -3.1), higher with 0 of 2 seeds.{mark}" in said
    level = {**intervals[1], "value": "-0.02", "low": "-3.0", "high": "3.1"}
    said = write_up.judge(level, "a", "b")
    assert said == "a and b are level in mAP, but 900 test pictures do not tell them apart " \
        "(-3.0 to +3.1)"  # fmt: skip
    for value, low, words in (("0.81", "0.1", "reached, with the interval above zero."),
                              ("2.0", "-0.1", "reached, but the interval is not above zero."),
                              ("0.79", "0.1", "not reached.")):  # fmt: skip
        intervals[1] |= {"value": value, "low": low, "high": "3.1"}
        assert conclude()[0].endswith(mark + words)
    intervals[0]["groups"] = "3"
    assert conclude()[1].startswith(
        "Its 900 test pictures are of 3 sources: the intervals say what"
    )
    intervals[0]["groups"] = "800"
    said = write_up.conclude_table1(rows, intervals[:1], "drawn", models)
    assert said == ["On drawn no seed of `capgcn` has scores of a rival beside its own yet."]
    rows = [row for row in rows if row["model"] != "capgcn"]
    assert conclude() == ["On drawn there is nothing to compare `capgcn` with yet."]


def test_a_rival_that_is_not_the_papers_is_no_mark(figures):
    rows, intervals = figures
    rows += [{**row, "model": "query2label", "map": "80"} for row in rows if row["model"] == "gap"]
    rows += [{**row, "model": "wide", "map": "90"} for row in rows if row["model"] == "capgcn"]
    pair = {**intervals[1], "low": "-20.0", "high": "-10.0"}
    intervals += [{**pair, "against": "query2label", "value": "-14.25"}]
    intervals += [{**pair, "model": "wide", "against": rival, "value": "2", "low": "1", "high": "3"}
                  for rival in ("capgcn", "add_gcn", "query2label")]  # fmt: skip
    models = ["gap", "add_gcn", "query2label", "capgcn", "wide"]
    given = (rows, intervals, "drawn", models, ["capgcn", "wide"])
    faithful, variant = write_up.conclude_table1(*given)
    # A variant is no rival; the best of all others and the best of the paper's are two.
    assert "above `add_gcn`, the best of the paper's rivals, but" in faithful
    assert "below `query2label`, the best of all others, beyond" in faithful
    assert "wide" not in faithful
    assert faithful.endswith("as in the paper, is not reached.")
    assert variant.startswith("On drawn, `wide` is 2.0 points of mAP above `capgcn`, beyond")
    assert variant.endswith("as in the paper, is reached, with the interval above zero.")
    head, *table = write_up.tabulate_table1(*given)
    column = head.index("mAP of `wide` less its")
    cells = {line[0]: line[column] for line in table}
    assert cells["`capgcn`"] == "+2.0 (+1.0 to +3.0)"
    assert cells["`wide`"] == ""


def test_the_features_of_both_captioners_are_judged(figures):
    _, intervals = figures
    pair = {**intervals[1], "table": "table2", "against": "photographs"}
    both = [pair, {**pair, "model": "photographs", "against": "photographs-shuffled"}]
    for lows, words in ((("0.1", "0.2"), "both hold"), (("0.1", "-1"), "the first alone holds"),
                        (("-1", "1"), "the second alone"), (("-1", "-1"), "neither")):  # fmt: skip
        found = [{**one, "low": low} for one, low in zip(both, lows, strict=True)]
        said = write_up_table2.conclude_table2([], found, "drawn")
        assert "better for `capgcn` than those of photographs alone" in said[2]
        assert f"shuffled ones: {words}" in said[2]
        theirs = [
            {**one, "low": low, "model": model, "against": against}
            for one, low, model, against in zip(
                both, lows, ("capgcn_votes", "photographs-votes"),
                ("photographs-votes", "votes-shuffled"), strict=True,
            )
        ]  # fmt: skip
        *_, last = write_up_table2.conclude_table2([], theirs, "drawn", ["capgcn_votes"])
        assert "better for `capgcn_votes` than those of" in last
        assert f"shuffled ones: {words}" in last
        assert said[1].startswith(
            "`photographs` is 4.8 points of mAP above itself with what a capt"
        )
    assert len(write_up_table2.conclude_table2([], both[:1], "drawn")) == 1


def test_equal_rows_stay_in_their_order(figures):
    rows, intervals = figures
    names = [f"model{i}" for i in range(9)]  # no set of so many is in order by luck
    level = [{**rows[0], "model": name} for name in names]
    table = write_up.tabulate_table1(level, intervals, "drawn", names)
    assert [line[0] for line in table[1:]] == [f"`{name}`" for name in names]
    unseen = [{**row, "split": "unseen"} for row in level]
    table = write_up.tabulate_unseen([*level, *unseen], "drawn", names)
    assert [line[0] for line in table[1:]] == [f"`{name}`" for name in names]


def test_table_2_says_of_how_many_trainings_a_figure_is(figures):
    rows, intervals = figures
    about = {**intervals[1], "tags": "100"}
    level = {**about, "model": "capgcn", "against": "", "trainings": "3"}
    found = [
        {**one, "table": table, "pictures": pictures, "tags": tags}
        for one in (level, {**level, "model": "zero", "trainings": "1"},
                    {**about, "against": "zero", "trainings": "1"},
                    {**level, "model": "add_gcn"}, {**about, "against": "add_gcn"})
        for table, pictures, tags in (("table2", "900", "100"), ("table2-hundred", "100", "91"))
    ]  # fmt: skip
    head, *table = write_up_table2.tabulate_table2(found, "drawn", ["capgcn", "zero", "add_gcn"])
    assert head[2:6] == [
        "mAP, 100 pictures (91 tags)", "`capgcn` less it", "paper's mAP, 100 pictures",
        "mAP, all 900 pictures (100 tags)",
    ]  # fmt: skip
    cells = {line[0]: line for line in table}
    assert cells["`capgcn`"][4] == "67.4"
    # One of one, where the row has one; two of three.
    assert cells["`zero`"][3] == "+4.8 (+3.0 to +6.0)"
    assert cells["`add_gcn`"][3] == "+4.8 (+3.0 to +6.0), 2 of them"
    captioner = {**rows[0], "model": "captioner-adapted", "seed": "", "map": ""}
    said = write_up_table2.conclude_table2([*rows, captioner], found, "drawn")
    assert any(line.startswith("`capgcn` is 4.8 points of mAP above `add_gcn`, beyond")
               and line.endswith("higher with 1 of 2 seeds.") for line in said)  # fmt: skip
    assert said[-1] == write_up_table2.ONE_TRAINING


def test_captioners_are_compared_by_one_word_and_by_four():
    about = {"table": "captions", "model": "adapted", "against": "photographs", "pictures": "100"}
    low = {**about, "figure": "bleu1", "value": "-1", "low": "-2", "high": "0.5"}
    high = {**about, "figure": "bleu4", "value": "1", "low": "0.5", "high": "2"}
    first, second, third = write_up_table2.conclude_captioners([low, high])
    assert first == (
        "The adapted captioner is 1.0 points of BLEU-1 below that of photographs alone, but 100 "
        "test pictures do not tell them apart (-2.0 to +0.5)."
    )
    assert "1.0 points of BLEU-4 above that of photographs alone, beyond" in second
    assert third.startswith("Each is one training.")
    assert write_up_table2.conclude_captioners([]) == []


def test_a_variant_is_compared_with_controls_of_its_own(figures):
    _, intervals = figures
    names = ("zero", "votes-zero", "votes-shuffled", "photographs-votes", "capgcn")
    pairs = [
        {**intervals[1], "table": "table2", "model": subject, "against": name}
        for subject in ("capgcn_votes", "wide") for name in names
    ]  # fmt: skip
    said = "\n".join(write_up_table2.conclude_table2([], pairs, "drawn", ["capgcn_votes"]))
    assert "`capgcn_votes` is 4.8 points of mAP above itself without captions" in said
    assert "above itself with the captions of other pictures" in said
    assert "above the same model with the captioner of photographs" in said
    assert "above `capgcn`" in said
    assert len(said.splitlines()) == 4  # what the paper's model is without captions is not among
    # One that has none is compared with the paper's model's, by their names.
    (said,) = write_up_table2.conclude_table2([], pairs, "drawn", ["wide"])
    assert said.startswith("`wide` is 4.8 points of mAP above `zero`")


def test_a_page_of_sections_escapes_what_it_shows(tmp_path):
    svg = tmp_path / "a.svg"
    svg.write_text("<svg></svg>")
    section = Section("One", ["`a` < b"], [[["x"], ["<i>"]]], [(svg, "a plot")], ["end"])
    write_html(tmp_path / "page.html", "Title", [section])
    write_markdown(tmp_path / "page.md", "Title", [section])
    page = (tmp_path / "page.html").read_text()
    assert "<p><code>a</code> &lt; b</p>" in page
    assert "<td>&lt;i&gt;</td>" in page
    assert "<svg></svg>" in page
    assert "http" not in page
    assert (tmp_path / "page.md").read_text() == (
        "# Title\n\n## One\n\n`a` < b\n\n| x |\n|---|\n| <i> |\n\n![a plot](a.svg)\n\nend\n"
    )


def test_miniatures_are_read_as_what_they_are(tmp_path):
    from zokusei.corpora import open_corpus

    forms = {option: open_corpus(path).format for option, path in write_all(tmp_path).items()}
    assert forms["--flickr8k"] == "flickr8k"
    assert forms["--danbooru"] == "danbooru"
