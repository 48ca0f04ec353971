"""A killed training, resumed, ends as one left alone; two processes end as one."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest
import torch
from safetensors.torch import load_file

from pictures import write_corpus
from zokusei.run_folder import read_log

TINY = [
    "model.backbone=test_efficientnet", "model.weights=none", "preprocess.size=32",
    "train.epochs=4", "train.batch_size=8", "train.workers=1",
]  # fmt: skip
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def command(corpus, out, *settings):
    return [
        sys.executable, "-m", "zokusei", "train", "--images", str(corpus), "--out", str(out),
        *TINY, *settings,
    ]  # fmt: skip


def run(*args):
    return subprocess.run(args, check=True, env=ENVIRONMENT, capture_output=True, text=True)


def assert_same_files(one, two):
    for name in ("model/model.safetensors", "state.safetensors"):
        first, second = load_file(one / name), load_file(two / name)
        assert first.keys() == second.keys()
        for key in first:
            assert torch.equal(first[key], second[key]), f"{name}: {key}"
    assert (one / "model/tags.csv").read_bytes() == (two / "model/tags.csv").read_bytes()
    losses = [
        [
            record["loss"]
            for record in read_log(folder / "metrics.jsonl")
            if record["kind"] == "epoch"
        ]
        for folder in (one, two)
    ]
    assert losses[0] == losses[1]


def kill_after_states(process, run_folder, moments):
    """Kill a training some steps after it began to save, or at once while it starts.

    The moment is counted in states written, not in seconds: how long a start takes differs
    several times over between two runs on one machine.
    """

    def written():
        try:
            return (run_folder / "state.safetensors").stat().st_mtime_ns
        except FileNotFoundError:
            return None

    states, last = moments.randint(0, 3), written()
    while states and process.poll() is None:
        if (now := written()) != last:
            states, last = states - 1, now
        time.sleep(0.001)
    # A step takes some tens of milliseconds, of which the writing is a large part.
    time.sleep(moments.uniform(0, 0.05))
    if process.poll() is not None:
        return False
    process.send_signal(signal.SIGKILL)
    process.wait()
    return True


@pytest.mark.slow
@pytest.mark.parametrize("model", ["gap", "add_gcn"])
def test_a_training_killed_at_random_moments_ends_with_the_same_weights(tmp_path, model):
    corpus = write_corpus(tmp_path / "corpus")
    # Dropout, augmentation and averaging all have to be put back; the state is written at
    # almost every step, so that a kill hits the writing itself as well.
    settings = [
        f"model.name={model}", "train.save_minutes=0.0001", "augment.trivial=true",
        "train.ema=0.9", "train.self_distillation=0.6",
        "model.options={dropout: 0.3}" if model == "gap" else "model.options={hidden: 32}",
    ]  # fmt: skip
    run(*command(corpus, tmp_path / "whole", *settings))
    moments = random.Random(0)
    kills = 0
    for _ in range(8):
        process = subprocess.Popen(
            command(corpus, tmp_path / "killed", *settings),
            env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        kills += kill_after_states(process, tmp_path / "killed", moments)
    assert kills >= 3
    run(*command(corpus, tmp_path / "killed", *settings))
    assert_same_files(tmp_path / "whole", tmp_path / "killed")
    assert not [p for p in (tmp_path / "killed").iterdir() if p.name.startswith(".model.")]


@pytest.mark.slow
def test_two_processes_give_what_one_gives(tmp_path):
    corpus = write_corpus(tmp_path / "corpus")
    settings = [
        "train.freeze_batch_norm=true", "augment.trivial=true", "augment.erase=0.3",
        "optimizer.name=sgd", "optimizer.lr=0.05", "train.keep=last", "model.options={dropout: 0}",
        "train.self_distillation=0.6",
    ]  # fmt: skip
    run(*command(corpus, tmp_path / "one", *settings))
    launch = [
        sys.executable, "-m", "accelerate.commands.launch", "--num_processes", "2", "--cpu",
        "--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no",
        "--num_cpu_threads_per_process", "1", "--main_process_port", "0",
    ]  # fmt: skip
    run(*launch, *command(corpus, tmp_path / "two", *settings)[1:])
    one, two = (load_file(tmp_path / n / "model/model.safetensors") for n in ("one", "two"))
    for key in one:
        torch.testing.assert_close(one[key], two[key], rtol=1e-3, atol=1e-5)
    # The comparison means nothing if training moved nothing.
    start = tmp_path / "start"
    run(*command(corpus, start, *settings, "optimizer.lr=1e-9"))
    moved = load_file(start / "model/model.safetensors")
    assert max(float((one[k] - moved[k]).abs().max()) for k in one) > 0.01
