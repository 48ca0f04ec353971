"""`zokusei compare`: rows, table, plot; what is done is not done again."""

import json
import math
import re
import shutil
import statistics
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
import yaml

from captioned import write_captioner
from label_spaces import create_label_space
from zokusei.config import CaptionsConfig
from zokusei.config_file import flatten, load_config
from zokusei.errors import ConfigError
from zokusei.losses import create_loss
from zokusei.models import create_model, list_models, needs_captions
from zokusei.reproduce.plan import load_plan
from zokusei.reproduce.scale import load_scale
from zokusei.results import read_results
from zokusei.training.optimizers import create_optimizer

ROOT = Path(__file__).parents[2]
PAPER = ROOT / "configs" / "compare-paper.yaml"


@pytest.fixture
def write_plan(corpus, tmp_path):
    def write(**changes):
        plan = {
            "name": "tiny",
            "seeds": [0, 1],
            "base": {
                "data": {"path": str(corpus)},
                "model": {"backbone": "test_efficientnet", "weights": "none"},
                "preprocess": {"size": 32},
                "train": {"epochs": 1, "workers": 0, "batch_size": 45},
            },
            "models": {
                "gap": {},
                "gmp": {},
                "words": {"model.name": "ml_gcn", "model.embeddings": "one_hot"},
            },
        }
        path = tmp_path / "plan.yaml"
        path.write_text(yaml.safe_dump(plan | changes))
        return path

    return write


def test_a_comparison_from_plan_to_table(zokusei, write_plan, tmp_path, monkeypatch):
    plan, out = write_plan(), tmp_path / "out"
    code, printed, err = zokusei("compare", plan, "--out", out)
    assert code == 0, err
    rows = read_results(out / "results.csv")
    assert [(row["model"], row["seed"]) for row in rows] == [
        (name, seed) for seed in "01" for name in ("gap", "gmp", "words")
    ]
    assert 'model.name="ml_gcn"' in rows[2]["config"]

    table = (out / "table.md").read_text()
    assert table.strip() in printed
    head = "| model | preset | seeds | OP | OR | OF1 | CP | CR | CF1 | mAP | macro-F1 | mAP less"
    assert head in table
    for name in ("gap", "gmp", "words"):
        cells = re.search(rf"\| `{name}` \|.*", table)[0].split(" | ")
        mean = statistics.fmean(float(row["map"]) for row in rows if row["model"] == name)
        assert cells[9].startswith(f"{mean:.1f} ±")
    means = {
        name: statistics.fmean(float(row["map"]) for row in rows if row["model"] == name)
        for name in ("gap", "gmp", "words")
    }
    baseline = max(("gap", "gmp"), key=means.get)
    assert f"mAP less that of {baseline}" in table
    last = re.search(r"\| `words` \|.*\| ([+-][\d.]+) \(", table)[1]
    assert float(last) == pytest.approx(means["words"] - means[baseline], abs=0.06)
    assert (out / "tags.svg").read_text().startswith("<svg")

    # Given again it trains nothing, and makes the same table.
    monkeypatch.setattr("zokusei.reproduce.compare.train_classifier", None)
    assert zokusei("compare", plan, "--out", out)[0] == 0
    assert (out / "table.md").read_text() == table
    assert read_results(out / "results.csv") == rows
    # Other settings would not compare with what is there.
    code, _, err = zokusei("compare", plan, "train.epochs=2", "--out", out)
    assert code == 2
    assert "train.epochs = 1, not 2" in err
    shutil.rmtree(out / "runs" / "gap-0")
    code, _, err = zokusei("compare", plan, "--out", out)
    assert code == 2
    assert "gap-0, which lacks config.yaml" in err


def test_captions_vote_beside_a_network_that_is_there(zokusei, write_plan, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    votes = {"model.name": "capgcn_votes", "model.options": {"hidden": 8},
             "captions.captioner": str(write_captioner(tmp_path / "captioner"))}  # fmt: skip
    alone = {"model.options": {"hidden": 8, "attention": "mean"}}
    plan = write_plan(
        models={"gap": {}, "votes": votes, "add_gcn": alone,
                "votes-zero": {**votes, "captions.control": "zero"},
                "wider": {**votes, "model.options": {"hidden": 9}}},
        baselines=["gap"],
    )  # fmt: skip
    out = tmp_path / "out"
    code, _, err = zokusei("compare", plan, "--out", out)
    assert code == 0, err
    told = re.findall(r"its network is that of (\S+),", err.replace("\n", " "))
    # Of the same seed, and where the settings are the same.
    assert [Path(run).name for run in told] == ["add_gcn-0"] * 2 + ["add_gcn-1"] * 2
    rows = {(row["model"], row["seed"]): row for row in read_results(out / "results.csv")}
    for seed in "01":
        # Votes that say nothing leave the figures of the network, and what it took to train.
        for rate in ("map", "of1", "cf1"):
            assert rows["votes-zero", seed][rate] == rows["add_gcn", seed][rate]
        for name in ("votes", "votes-zero"):
            assert rows[name, seed]["seconds"] == rows["add_gcn", seed]["seconds"]
        assert rows["wider", seed]["seconds"] != rows["add_gcn", seed]["seconds"]


def test_a_training_that_breaks_off_does_not_end_the_others(zokusei, write_plan, tmp_path):
    plan = write_plan(
        seeds=[0], models={"wild": {"model.name": "gap", "optimizer.name": "sgd",
                                    "optimizer.lr": 1e30, "optimizer.clip": None}, "gap": {}},
        baselines=["gap"],
    )  # fmt: skip
    code, _, err = zokusei("compare", plan, "train.epochs=3", "--out", tmp_path / "out")
    assert code == 2
    assert "1 trainings broke off" in err
    assert [row["model"] for row in read_results(tmp_path / "out" / "results.csv")] == ["gap"]
    assert re.search(r"Broken off: wild, seed 0: loss .* gradient norm",
                     (tmp_path / "out" / "table.md").read_text())  # fmt: skip


def test_sections_of_a_row_may_be_nested(write_plan):
    flat = {"model.name": "ml_gcn", "model.embeddings": "one_hot", "model.options": {"hidden": 8},
            "optimizer.lr": 0.5}  # fmt: skip
    nested = {"model": {"name": "ml_gcn", "embeddings": "one_hot", "options": {"hidden": 8}},
              "optimizer": {"lr": 0.5}}  # fmt: skip
    models = {"gap": {}, "flat": flat, "nested": nested}
    plan = load_plan(write_plan(models=models, baselines=["gap"]))
    config = plan.create_config("nested", 3)
    assert config == plan.create_config("flat", 3)
    assert (config.model.name, config.model.options) == ("ml_gcn", {"hidden": 8})
    assert config.model.backbone == "test_efficientnet"
    # A section without a name does not take the row's away.
    models = {"gap": {}, "ml_gcn": {"model": {"embeddings": "one_hot"}}}
    plan = load_plan(write_plan(models=models, baselines=["gap"]))
    assert plan.create_config("ml_gcn", 0).model.name == "ml_gcn"


def test_an_option_of_one_row_is_not_that_of_the_next(write_plan):
    base = {"model": {"backbone": "test_efficientnet", "options": {"dropout": 0.1}}}
    models = {"one": {"model.name": "gap", "model.options.dropout": 0.5}, "gap": {}}
    plan = load_plan(write_plan(base=base, models=models, baselines=["gap"]))
    assert plan.create_config("one", 0).model.options == {"dropout": 0.5}
    assert plan.create_config("gap", 0).model.options == {"dropout": 0.1}


def test_rows_that_the_plan_does_not_have_are_left_alone(zokusei, write_plan, tmp_path):
    out = tmp_path / "out"
    models = {"gap": {}, "gmp": {}}
    code, _, err = zokusei("compare", write_plan(models=models), "--out", out)
    assert code == 0, err
    rows = (out / "results.csv").read_text()
    fewer = write_plan(models={"gap": {}}, seeds=[1], baselines=["gap"])
    code, _, err = zokusei("compare", fewer, "--out", out)
    assert code == 0, err
    assert (out / "results.csv").read_text() == rows
    table = (out / "table.md").read_text()
    assert "`gmp`" not in table
    assert re.search(r"\| `gap` \| [^|]* \| 1 \|", table)


def test_pictures_that_cannot_be_read_are_not_judged(zokusei, write_plan, corpus, tmp_path):
    pictures, out = tmp_path / "pictures", tmp_path / "out"
    shutil.copytree(corpus, pictures)
    for path in sorted(pictures.glob("*.png"))[::4]:
        path.write_bytes(b"no picture")
    plan = write_plan(seeds=[0], models={"gap": {}, "gmp": {}})
    code, _, err = zokusei("compare", plan, f"data.path={pictures}", "--out", out)
    assert code == 0, err
    evaluation = json.loads((out / "runs" / "gap-0" / "evaluation-test.json").read_text())
    assert 0 < evaluation["unreadable"] < evaluation["pictures"]
    table = (out / "table.md").read_text()
    assert f"{evaluation['pictures'] - evaluation['unreadable']} test pictures" in table
    means = {row["model"]: float(row["map"]) for row in read_results(out / "results.csv")}
    difference = re.search(r"\| ([+-][\d.]+) \(", table)[1]
    assert abs(float(difference)) == pytest.approx(abs(means["gap"] - means["gmp"]), abs=0.06)


def test_a_corpus_that_is_not_there_is_told_once(zokusei, write_plan, tmp_path):
    code, _, err = zokusei("compare", write_plan(), "data.path=nowhere", "--out", tmp_path / "out")
    assert code == 2
    assert err.count("nowhere") == 1
    assert err.count("\n") == 1


def test_without_a_baseline_the_first_reason_is_told(zokusei, write_plan, tmp_path):
    wild = {"optimizer.name": "sgd", "optimizer.lr": 1e30, "optimizer.clip": None}
    plan = write_plan(models={"gap": wild, "gmp": wild}, seeds=[0])
    code, _, err = zokusei("compare", plan, "train.epochs=3", "--out", tmp_path / "out")
    assert code == 2
    last = err.splitlines()[-1]
    assert "2 trainings broke off, with all of the baselines: gap, seed 0" in last
    assert "gmp" not in last


def test_another_table_in_the_folder_is_refused(zokusei, write_plan, tmp_path):
    (tmp_path / "results.csv").write_text("name,map\na,1\n")
    code, _, err = zokusei("compare", write_plan(), "--out", tmp_path)
    assert code == 2
    assert "no table of a comparison: it has no column 'model'" in err
    assert err.count("\n") == 1
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(("text", "overrides", "message"), [
    ("base:\nmodels: {gap: {}}", ["train.epochs=1"], "base must hold settings"),
    ("base: [1]\nmodels: {gap: {}}", ["train.epochs=1"], "base must hold settings"),
    ("base: {model: {1: 2}}\nmodels: {gap: {}, gmp: {}}", [], "unknown setting 'model.1'"),
    ("base: {1: 2}\nmodels: {gap: {}, gmp: {}}", [], "gap cannot be trained: unknown setting '1'"),
    ("base: {}\nmodels: {gap: {model: {1: 2}}, gmp: {}}", [], "unknown setting 'model.1'"),
    ("base: {}\nmodels: {gap: {1: 2}, gmp: {}}", [], "gap may not have its own 1"),
    ("base: {}\nmodels: {gap: {model: gmp}, gmp: {}}", [], "model = 'gmp'"),
])  # fmt: skip
def test_a_malformed_plan_is_one_clear_line(tmp_path, text, overrides, message):
    path = tmp_path / "plan.yaml"
    path.write_text(f"name: x\n{text}\n")
    with pytest.raises(ConfigError, match=re.escape(message)) as caught:
        load_plan(path, overrides)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("changes", "message"), [
    ({"models": {"gap": {"train.epochs": 3}}}, "gap may not have its own train.epochs"),
    ({"models": {"gop": {}}, "baselines": ["gop"]}, "unknown model 'gop'; did you mean 'gmp'"),
    ({"models": {"gap": {"optimizer.rl": 1}}}, "unknown setting 'optimizer.rl'"),
    ({"models": {"gap": {}, "ssgrl": {}}, "baselines": ["gap"]}, "ssgrl needs model.embeddings"),
    ({"models": {"gap": {"model": {"backbone": "vgg16"}}}}, "may not have its own model.backbone"),
    ({"models": {"gap": {"model.weights": "none"}}}, "gap may not have its own model.weights"),
    ({"models": {"gap": {"model.freeze": 1}}}, "gap may not have its own model.freeze"),
    ({"models": {"gap": {"train": {"epochs": 3}}}}, "gap may not have its own train.epochs"),
    ({"models": {"gap": {"model.options": {"hiden": 1}}}}, "model 'gap' has no option 'hiden'"),
    ({"models": {"gap": {"loss.name": "bec"}}}, "unknown loss 'bec'; did you mean 'bce'"),
    ({"models": {"gap": {"loss": {"options": {"gama": 1}}}}}, "loss 'bce' has no option 'gama'"),
    ({"models": {"gap": {"model.embeddings": "one_hot"}}}, "gap has model.embeddings = 'one_hot'"),
    ({"base": {"model": {"backbone": "resnet1"}}}, "timm has no backbone 'resnet1'"),
    ({"base": {"model": {"backbone": "resnet18", "freeze": 99}}}, "model.freeze = 99"),
    ({"baselines": ["gab"]}, "baseline 'gab'; did you mean 'gap'"),
    ({"models": {}}, "models"),
    ({"sedes": [1]}, "sedes"),
])  # fmt: skip
def test_a_plan_that_cannot_be_run_is_refused_before_anything_is(write_plan, changes, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        load_plan(write_plan(**changes))


def test_what_was_published_with_rates_of_its_own_has_them():
    optimizer = load_plan(PAPER).create_config("dan", 0).optimizer
    published = load_config(ROOT / "configs" / "dan-vgg16.yaml").optimizer
    for name in ("name", "lr", "backbone_lr_factor", "weight_decay", "clip"):
        assert getattr(optimizer, name) == getattr(published, name)


@pytest.mark.parametrize("name", ["drawn", "paper"])
def test_every_plan_of_the_project_compares_every_model_alike(name):
    path = ROOT / "configs" / f"compare-{name}.yaml"
    plan = load_plan(path)
    configs = [plan.create_config(name, 7) for name in plan.models]
    # A model that reads captions needs a captioner first.
    wanted = {name for name in list_models() if not needs_captions(name)}
    assert {config.model.name for config in configs} == wanted
    own = ("model.", "loss.", "optimizer.")
    shared = [{k: str(v) for k, v in flatten(config).items() if not k.startswith(own)}
              for config in configs]  # fmt: skip
    assert all(settings == shared[0] for settings in shared)
    assert path.read_text().startswith("# zokusei ")
    assert len({(config.model.backbone, config.model.weights) for config in configs}) == 1
    assert shared[0]["train.seed"] == "7"


def test_captions_are_compared_in_every_reading_and_with_every_control(tmp_path):
    captioner = write_captioner(tmp_path / "captioner")
    path = ROOT / "configs" / "compare-captions.yaml"
    with pytest.raises(ConfigError, match="encoder cannot be trained: runs/captioner-photos"):
        load_plan(path)
    plan = load_plan(path, [f"captions.captioner={captioner}"])
    configs = {row: plan.create_config(row, 0) for row in plan.models}
    asked = {(config.captions.reading, config.captions.control) for config in configs.values()}
    readings = CaptionsConfig.__annotations__["reading"].__args__
    controls = CaptionsConfig.__annotations__["control"].__args__
    assert {reading for reading, control in asked if control == "none"} == set(readings)
    assert {control for _, control in asked} == set(controls)
    # Who reads no captions is not told of any.
    assert configs["add_gcn"].captions == CaptionsConfig()
    assert {c.captions.captioner for c in configs.values()} == {None, str(captioner)}


@pytest.mark.slow
@pytest.mark.parametrize("name", [*yaml.safe_load(PAPER.read_text())["models"], "capgcn"])
def test_every_model_takes_a_step_at_the_papers_scale(name):
    """ResNet-101 at 448 pixels, with the options, loss and optimiser of the plan."""
    plan, width = load_plan(PAPER), 2048
    if name not in plan.models:
        plan = load_scale("paper").create_plan("danbooru", Path("danbooru"), [name], [0], {})
    config = plan.create_config(name, 0)
    options = {"caption_width": width} if needs_captions(name) else {}
    labels = create_label_space(100, width=50)
    labels = labels.with_embeddings(labels.embeddings.float())
    model = create_model(
        config.model.name, labels, backbone=config.model.backbone, **config.model.options, **options
    ).train()
    rates = {k: v for k, v in asdict(config.optimizer).items() if k != "clip"}
    optimizer = create_optimizer(model, **rates)
    loss = create_loss(config.loss.name, **config.loss.options)
    before = {key: weight.detach().clone() for key, weight in model.head.named_parameters()}
    size = config.preprocess.size
    targets = (torch.rand(2, 100) < 0.1).float()
    captions = [torch.randn(2, width)] if options else []
    loss(model(torch.randn(2, 3, size, size), *captions), targets, None).backward()
    limit = math.inf if config.optimizer.clip is None else config.optimizer.clip
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), limit)
    assert norm.isfinite()
    optimizer.step()
    assert all(not torch.equal(w, before[k]) for k, w in model.head.named_parameters())
