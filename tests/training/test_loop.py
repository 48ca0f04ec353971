"""The loop: when it stops, what it keeps, what it writes down."""

import json
import math

import pytest
import torch
from safetensors import safe_open

from zokusei.checkpoint import load_checkpoint
from zokusei.config_file import load_config
from zokusei.data.manifest import Manifest
from zokusei.errors import CheckpointError, ConfigError, DataError, MissingExtraError, ZokuseiError
from zokusei.files import lock_folder
from zokusei.run_folder import read_log
from zokusei.training.classifier import train_classifier
from zokusei.training.log import RunLog
from zokusei.training.loop import name_pictures
from zokusei.training.state import Position, load_position, load_state, save_state

TINY = [
    "model.backbone=test_efficientnet", "model.weights=none", "preprocess.size=32",
    "train.epochs=3", "train.batch_size=30", "train.workers=0",
]  # fmt: skip


class Recorder:
    """Keeps what it is told."""

    def __init__(self):
        self.begun, self.steps, self.epochs = None, [], []

    def begin(self, total_steps, done_steps):
        self.begun = (total_steps, done_steps)

    def step(self, loss, images_per_second):
        self.steps.append(loss)

    def epoch(self, epoch, record):
        self.epochs.append(record)


@pytest.fixture
def train(corpus, tmp_path):
    def run(*settings, name="run"):
        reporter, told = Recorder(), []
        config = load_config(None, [f"data.path={corpus}", *TINY, *settings])
        checkpoint = train_classifier(config, tmp_path / name, reporter, told.append)
        return checkpoint, reporter, told

    return run


def test_what_is_reported_is_what_is_logged(train, tmp_path):
    _, reporter, told = train()
    assert reporter.begun == (9, 0)
    assert len(reporter.steps) == 9
    records = read_log(tmp_path / "run" / "metrics.jsonl")
    epochs = [record for record in records if record["kind"] == "epoch"]
    assert [record["epoch"] for record in epochs] == [0, 1, 2]
    assert [record["map"] for record in epochs] == [record["map"] for record in reporter.epochs]
    means = [sum(reporter.steps[3 * e : 3 * e + 3]) / 3 for e in range(3)]
    assert [record["loss"] for record in epochs] == pytest.approx(means)
    first = next(record for record in records if record["kind"] == "step")
    assert {"loss", "lr", "grad_norm", "images_per_second"} <= set(first)
    seconds = [record["seconds"] for record in epochs]
    assert 0 < seconds[0] < seconds[1] < seconds[2]
    assert any("120 pictures" in line for line in told)


def test_the_best_epoch_is_kept_or_the_last(train, tmp_path):
    for keep in ("best", "last"):
        checkpoint, reporter, told = train(f"train.keep={keep}", name=keep)
        scores = [record["map"] for record in reporter.epochs]
        wanted = max(scores) if keep == "best" else scores[-1]
        assert checkpoint.metrics["map"] == pytest.approx(wanted)
        kept = scores.index(wanted) + 1 if keep == "best" else len(scores)
        assert told[-1].startswith(f"kept epoch {kept} in ")


def test_a_score_that_is_none_is_worse_than_any(train, tmp_path, monkeypatch):
    import zokusei.training.classifier as module

    real, scores = module.ClassifierTraining.evaluate, iter([math.nan, 40.0, 30.0])

    def evaluate(self, model):
        return real(self, model) | {"score": next(scores)}

    monkeypatch.setattr(module.ClassifierTraining, "evaluate", evaluate)
    _, _, told = train()
    assert told[-1].startswith("kept epoch 2 in ")


def test_frozen_statistics_are_those_of_the_backbone_alone(train, tmp_path):
    settings = ["model.name=add_gcn", "model.options={hidden: 8}", "train.epochs=1"]
    checkpoint, *_ = train("train.freeze_batch_norm=true", *settings)
    moved = {
        name.split(".")[0]
        for name, buffer in checkpoint.model.named_buffers()
        if name.endswith("running_mean") and bool(buffer.any())
    }
    assert moved == {"head"}


def test_training_ends_early_when_nothing_gets_better(train, tmp_path):
    # A rate of nothing, and no averaging: no epoch can be better than the first.
    _, reporter, _ = train(
        "train.early_stop=2", "train.epochs=20", "optimizer.lr=1e-12", "train.ema=0",
        "train.freeze_batch_norm=true",
    )  # fmt: skip
    assert len(reporter.epochs) == 3
    assert load_position(tmp_path / "run" / "state.safetensors").finished


def test_a_loss_that_is_not_finite_ends_it_with_a_way_out(train, tmp_path, monkeypatch):
    import zokusei.training.classifier as module

    create = module.create_loss
    monkeypatch.setattr(
        module, "create_loss", lambda *a, **k: lambda *args: create(*a, **k)(*args) * math.nan
    )
    with pytest.raises(ZokuseiError, match=r"loss nan.*smaller optimizer\.lr"):
        train()
    assert not (tmp_path / "run" / "state.safetensors").exists()


def test_a_loss_that_breaks_down_later_names_pictures_and_leaves_the_good_model(
    train, tmp_path, monkeypatch
):
    import zokusei.training.classifier as module

    create, calls, shown = module.create_loss, [], []

    def create_breaking(*given, **options):
        compute = create(*given, **options)

        def break_down(logits, targets, known):
            calls.append(1)
            loss = compute(logits, targets, known)
            return loss * math.nan if len(calls) == 5 else loss  # three steps an epoch

        return break_down

    monkeypatch.setattr(module, "create_loss", create_breaking)
    compute_loss = module.ClassifierTraining.compute_loss

    def remember(self, model, batch):
        shown.append(batch.rows)
        return compute_loss(self, model, batch)

    monkeypatch.setattr(module.ClassifierTraining, "compute_loss", remember)
    with pytest.raises(ZokuseiError, match=r"loss nan with gradient norm nan at step 4:") as caught:
        train()
    train_split = Manifest.load(tmp_path / "run" / "manifest.parquet").select("train")
    first = ", ".join(str(train_split.paths[row]) for row in shown[4][:5])
    assert f"the batch was {first} and 25 more. Try a smaller" in str(caught.value)
    # What the first epoch left is whole, and finite, and a training goes on from it.
    position = load_position(tmp_path / "run" / "state.safetensors")
    assert (position.epoch, position.step, position.finished) == (1, 0, False)
    kept = load_checkpoint(tmp_path / "run")
    assert all(bool(weight.isfinite().all()) for weight in kept.model.parameters())
    epochs = [r for r in read_log(tmp_path / "run" / "metrics.jsonl") if r["kind"] == "epoch"]
    assert kept.metrics["map"] == epochs[0]["map"]
    _, reporter, _ = train()
    assert reporter.begun == (9, 3)


def test_pictures_without_a_manifest_are_named_by_their_rows(tmp_path):
    assert name_pictures(tmp_path, [4, 2]) == (
        "row 4 of the training split, row 2 of the training split"
    )


@pytest.mark.parametrize("settings", [
    ["train.mixed_precision=bf16"],
    ["optimizer.name=sgd", "optimizer.lr=0.05", "schedule.name=step"],
    ["optimizer.clip=null", "schedule.name=cosine"],
    ["loss.name=asl", "augment.crop=multi_scale_crop", "augment.trivial=true"],
    ["loss.name=dan", "augment.erase=0.5", "schedule.name=constant"],
    ["model.name=add_gcn", "model.options={hidden: 16}", "model.freeze=2"],
    ["train.cache_gib=0", "train.workers=2"],
])  # fmt: skip
def test_every_way_of_training_runs_and_moves_the_loss_down(train, settings):
    _, reporter, _ = train("train.epochs=4", *settings)
    assert reporter.epochs[-1]["loss"] < reporter.epochs[0]["loss"]


def test_tensorboard_gets_the_same_figures(train, tmp_path):
    train("train.tensorboard=true", "train.epochs=1")
    assert list((tmp_path / "run" / "tensorboard").glob("events.*"))


def test_a_missing_tensorboard_is_named(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(MissingExtraError, match=r"zokusei\[tensorboard\]"):
        RunLog(tmp_path / "log.jsonl", tensorboard=tmp_path / "tb")


def test_the_log_of_a_lost_sitting_is_cut_off(tmp_path):
    path = tmp_path / "log.jsonl"
    log = RunLog(path)
    log.write("step", 0, loss=1.0)
    kept = log.num_bytes
    log.write("step", 1, loss=2.0)
    log.close()
    log = RunLog(path, keep_bytes=kept)
    log.write("step", 1, loss=3.0)
    log.close()
    assert [record["loss"] for record in read_log(path)] == [1.0, 3.0]
    with path.open("a") as file:
        file.write('{"kind": "step", "lo')
    assert len(read_log(path)) == 2


def test_tensorboard_shows_each_step_of_a_resumed_run_once_and_every_epoch(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder = tmp_path / "tb"
    for first, resumed in ((0, 0), (4, 4)):
        log = RunLog(tmp_path / "log.jsonl", tensorboard=folder, step=resumed)
        for step in range(first, 8):
            log.write("step", step, loss=float(10 * resumed + step))
            if step == 3:
                log.write("epoch", 4, map=50.0)
        log.close()
    events = EventAccumulator(str(folder)).Reload()
    assert [event.value for event in events.Scalars("epoch/map")] == [50.0]
    steps = {event.step: event.value for event in events.Scalars("step/loss")}
    assert steps == {**{step: float(step) for step in range(4)},
                     **{step: 40.0 + step for step in range(4, 8)}}  # fmt: skip


def test_the_state_keeps_how_losses_of_half_precision_are_scaled(tmp_path):
    model = torch.nn.Linear(2, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0, growth_interval=1)
    optimizer.zero_grad()
    scaler.scale(model(torch.ones(1, 2)).sum()).backward()
    scaler.step(optimizer)
    scaler.update()
    save_state(tmp_path / "state", Position(scaler=scaler.state_dict()), model, None, optimizer)
    fresh = torch.amp.GradScaler("cpu", init_scale=8.0, growth_interval=1)
    fresh.load_state_dict(load_state(tmp_path / "state", model, None, optimizer).scaler)
    assert fresh.get_scale() == scaler.get_scale() == 16.0


def test_two_do_not_train_in_one_folder(train, tmp_path):
    train("train.epochs=1")
    state = (tmp_path / "run" / "state.safetensors").read_bytes()
    with (
        lock_folder(tmp_path / "run"),
        pytest.raises(ZokuseiError, match="is being trained by another process"),
    ):
        train("train.epochs=1")
    assert (tmp_path / "run" / "state.safetensors").read_bytes() == state
    train("train.epochs=1")  # who is done lets go


def test_a_missing_log_is_named(tmp_path):
    with pytest.raises(DataError, match=r"gone\.jsonl cannot be read"):
        read_log(tmp_path / "gone.jsonl")


def test_a_mirrored_tag_set_is_not_mirrored(corpus, tmp_path):
    import shutil

    folder = shutil.copytree(corpus, tmp_path / "sided")
    for path in folder.glob("*.txt"):
        path.write_text(path.read_text().replace("square", "left_square"))
    told = []
    config = load_config(None, [f"data.path={folder}", *TINY, "train.epochs=1"])
    train_classifier(config, tmp_path / "run", Recorder(), told.append)
    assert "no mirroring: left_square name a side" in told
    seeing_both = load_config(None, [f"data.path={folder}", *TINY, "model.mirror=true"])
    with pytest.raises(ConfigError, match="'left_square' names a side"):
        train_classifier(seeing_both, tmp_path / "mirror", Recorder(), told.append)
    assert not (tmp_path / "mirror").exists()


def test_a_damaged_state_is_refused_and_says_what_to_do(train, tmp_path):
    train("train.epochs=1")
    state = tmp_path / "run" / "state.safetensors"
    state.write_bytes(state.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match="remove it to begin again"):
        train("train.epochs=1")


def test_the_state_holds_no_pickle(train, tmp_path):
    train("train.epochs=1")
    with safe_open(tmp_path / "run" / "state.safetensors", framework="pt") as file:
        position = json.loads(file.metadata()["position"])
    assert position["finished"]
    assert position["epoch"] == 1


def test_a_batch_that_processes_cannot_share_is_refused(corpus, tmp_path):
    from accelerate import Accelerator

    from zokusei.training.classifier import ClassifierTraining
    from zokusei.training.prepare import prepare_run

    class Three:
        num_processes, process_index = 3, 0
        device = Accelerator(cpu=True).device

    config = load_config(None, [f"data.path={corpus}", *TINY, "train.batch_size=32"])
    run = prepare_run(config, tmp_path / "run", lambda message: None)
    with pytest.raises(ConfigError, match="cannot be shared by 3 processes"):
        ClassifierTraining(run.config, run.manifest, tmp_path / "run", Three())
