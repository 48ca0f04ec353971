"""How long `zokusei --help` takes to answer, as a new process each time.

python benchmarks/startup.py
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path

from zokusei.results import append_result

RESULTS = Path(__file__).parent / "results" / "startup.csv"
COLUMNS = "experiment seconds slowest runs commit hardware versions command".split()
RUNS = 15


def main() -> None:
    """Measure and add a row."""
    command = [str(Path(sys.executable).with_name("zokusei")), "--help"]
    seconds = []
    for _ in range(RUNS + 1):
        began = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - began)
    seconds = seconds[1:]  # the first one reads the files from disk
    median, slowest = statistics.median(seconds), max(seconds)
    row = {
        "experiment": "startup", "seconds": median, "slowest": slowest, "runs": RUNS,
        "command": "python benchmarks/startup.py",
    }  # fmt: skip
    append_result(RESULTS, row, COLUMNS)
    print(f"zokusei --help: {median:.3f} s (slowest of {RUNS}: {slowest:.3f} s)")


if __name__ == "__main__":
    main()
