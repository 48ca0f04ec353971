"""How much sooner a network is done without its batch norms (`zokusei.models.folding`).

    python benchmarks/folding.py

EfficientNet-Lite0 with random weights on one picture of 320 px and on one core, as `zokusei tag`
computes it: both networks take turns, and each has its fastest pass. A row of results/folding.csv.
"""

import time
from pathlib import Path

import torch
from torch import Tensor

from zokusei.labels import LabelSpace
from zokusei.memory import keep_freed_memory
from zokusei.models import Classifier, create_model
from zokusei.models.folding import fold_batch_norms
from zokusei.results import append_result
from zokusei.tags import TagSet

RESULTS = Path(__file__).parent / "results" / "folding.csv"
COLUMNS = (
    "experiment backbone size plain_ms folded_ms ratio rounds commit hardware versions command"
)
BACKBONE, SIZE, ROUNDS = "tf_efficientnet_lite0", 320, 40


def main() -> None:
    """Measure and add a row."""
    keep_freed_memory()
    torch.set_num_threads(1)
    labels = LabelSpace.from_targets(TagSet.from_names(["a", "b"]), torch.ones(2, 2).bool())
    plain = create_model("gap", labels, backbone=BACKBONE, weights="none").eval()
    plain = plain.to(memory_format=torch.channels_last)
    picture = torch.randn(1, 3, SIZE, SIZE).to(memory_format=torch.channels_last)
    folded = fold_batch_norms(plain, picture)
    fastest = [min(times) for times in zip(*(time_both(plain, folded, picture)
                                             for _ in range(ROUNDS)), strict=True)]  # fmt: skip
    row = {
        "experiment": "folding", "backbone": BACKBONE, "size": SIZE, "plain_ms": fastest[0] * 1e3,
        "folded_ms": fastest[1] * 1e3, "ratio": fastest[0] / fastest[1], "rounds": ROUNDS,
        "command": "python benchmarks/folding.py",
    }  # fmt: skip
    append_result(RESULTS, row, COLUMNS.split())
    print(f"{row['plain_ms']:.1f} ms, without batch norms {row['folded_ms']:.1f} ms")


def time_both(plain: Classifier, folded: Classifier, picture: Tensor) -> tuple[float, float]:
    """Give the seconds of a pass of each."""
    seconds = []
    for network in (plain, folded):
        began = time.perf_counter()
        with torch.inference_mode():
            network(picture)
        seconds.append(time.perf_counter() - began)
    return seconds[0], seconds[1]


if __name__ == "__main__":
    main()
