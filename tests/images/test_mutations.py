"""Damaged pictures, thousands of them: no crash, no hang, bounded memory, one line each."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("mutations.py")


def read_damaged(count, seed):
    done = subprocess.run(
        [sys.executable, SCRIPT, str(count), str(seed)], capture_output=True, text=True
    )
    assert done.returncode == 0, f"ended by {done.returncode}\n{done.stderr}"
    found = json.loads(done.stdout)
    print(found)
    assert found["tries"] == count
    assert found["wrong"] == []
    assert count * 0.2 < found["refused"] < count
    assert found["slowest"] < 5  # seconds
    # The largest picture that is allowed has half a gigabyte, and white below it as much again.
    assert found["grown_mb"] < 2048


def test_a_hundred_damaged_pictures():
    read_damaged(108, seed=1)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_five_thousand_damaged_pictures():
    read_damaged(5000, seed=2)
