"""What is printed, and what is not."""

import subprocess
import sys

SCRIPT = """
from zokusei.cli.printing import stop_printing

print("seen", flush=True)
stop_printing()
print("not seen" * 100_000, flush=True)
"""


def test_nothing_is_printed_any_more_and_nothing_fails():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "seen\n", "")
