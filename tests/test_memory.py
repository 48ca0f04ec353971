"""Freed memory that is kept needs no new pages; garbage is not looked for at the start."""

import gc
import os
import subprocess
import sys

import pytest

from zokusei.memory import setting_up

# A network whose activations are blocks of 64 MB: above all thresholds of glibc. The first passes
# may still find no room that fits.
PROGRAM = """
import resource, sys
import torch
from torch import nn
from zokusei.memory import keep_freed_memory
kept = sys.argv[1] == "keep" and keep_freed_memory()
layers = [nn.Conv2d(3, 16, 1), nn.ReLU(), nn.Conv2d(16, 16, 1), nn.ReLU(), nn.Conv2d(16, 16, 1)]
network, images = nn.Sequential(*layers), torch.zeros(4, 3, 512, 512)
with torch.inference_mode():
    for index in range(9):
        if index == 5:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        network(images)
print(kept, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def run(way: str, environment: dict[str, str]) -> tuple[bool, int]:
    command = [sys.executable, "-c", PROGRAM, way]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    kept, faults = done.stdout.split()
    return kept == "True", int(faults)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's malloc")
def test_memory_is_asked_of_the_system_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if "malloc" in name.lower() or "GLIBC" in name]:
        monkeypatch.delenv(name)
    kept, faults = run("keep", dict(os.environ))
    if not kept:
        pytest.skip("another C library")
    _, usual = run("leave", dict(os.environ))
    assert faults < usual / 10


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's malloc")
def test_what_the_environment_says_of_malloc_stays() -> None:
    kept, _ = run("keep", {**os.environ, "MALLOC_TRIM_THRESHOLD_": "131072"})
    assert not kept


def test_nothing_is_looked_through_while_a_command_sets_up() -> None:
    before = gc.get_freeze_count()
    kept: list[list[object]] = []
    with setting_up():
        assert not gc.isenabled()
        kept.extend([[]] for _ in range(1000))
    assert gc.isenabled()
    assert gc.get_freeze_count() >= before + 1000
    gc.unfreeze()


def test_garbage_is_looked_for_again_after_an_error() -> None:
    before = gc.get_freeze_count()
    with pytest.raises(ValueError, match="no such model"), setting_up():
        raise ValueError("no such model")
    assert gc.isenabled()
    assert gc.get_freeze_count() == before
