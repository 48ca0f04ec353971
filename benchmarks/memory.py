"""Images a second of one network when freed memory is kept, and when glibc gives it back.

    python benchmarks/memory.py

Passes of EfficientNet-Lite0 over pictures of 224 px, each round in a process of its own, the two
ways in turn; the row holds medians, and the processor seconds that the system took per second.
"""

import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

RESULTS = Path(__file__).parent / "results" / "memory.csv"
COLUMNS = (
    "experiment model size batch_size threads kept_images_per_second given_back_images_per_second "
    "ratio ratio_low ratio_high kept_system given_back_system rounds commit hardware versions "
    "command"
).split()
MODEL, SIZE, BATCH_SIZE, SECONDS, ROUNDS = "tf_efficientnet_lite0", 224, 64, 8.0, 5


def main() -> None:
    """Measure both ways and add a row."""
    import torch

    from zokusei.results import append_result

    found: dict[str, list[dict[str, float]]] = {"kept": [], "given back": []}
    for _ in range(ROUNDS):
        for way, rounds in found.items():
            done = subprocess.run(
                [sys.executable, __file__, way], check=True, capture_output=True, text=True
            )
            rounds.append(json.loads(done.stdout))
    kept, given_back = ([r["images_per_second"] for r in rounds] for rounds in found.values())
    ratios = [a / b for a, b in zip(kept, given_back, strict=True)]
    systems = [statistics.median(r["system"] for r in rounds) for rounds in found.values()]
    row = {
        "experiment": "memory", "model": MODEL, "size": SIZE, "batch_size": BATCH_SIZE,
        "threads": torch.get_num_threads(), "kept_images_per_second": statistics.median(kept),
        "given_back_images_per_second": statistics.median(given_back),
        "ratio": statistics.median(ratios), "ratio_low": min(ratios), "ratio_high": max(ratios),
        "kept_system": systems[0], "given_back_system": systems[1], "rounds": ROUNDS,
        "command": "python benchmarks/memory.py",
    }  # fmt: skip
    append_result(RESULTS, row, COLUMNS)
    print(f"kept: {row['kept_images_per_second']:.1f} images/s, {row['ratio']:.2f} times the other")


def measure(way: str) -> None:
    """Print the figures of one process."""
    if way == "kept":
        from zokusei.memory import keep_freed_memory

        if not keep_freed_memory():
            sys.exit("this machine has no glibc, or the environment sets its malloc")
    import timm
    import torch

    network = timm.create_model(MODEL).eval().to(memory_format=torch.channels_last)
    images = torch.zeros(BATCH_SIZE, 3, SIZE, SIZE).to(memory_format=torch.channels_last)
    with torch.inference_mode():
        network(images)
        before, began = resource.getrusage(resource.RUSAGE_SELF).ru_stime, time.perf_counter()
        count = 0
        while time.perf_counter() - began < SECONDS:
            network(images)
            count += BATCH_SIZE
        seconds = time.perf_counter() - began
    system = (resource.getrusage(resource.RUSAGE_SELF).ru_stime - before) / seconds
    print(json.dumps({"images_per_second": count / seconds, "system": system}))


if __name__ == "__main__":
    measure(sys.argv[1]) if len(sys.argv) > 1 else main()
