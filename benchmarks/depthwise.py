"""How much sooner a step is done with wide kernels in strips (`zokusei.models.depthwise`).

    python benchmarks/depthwise.py

A step of training EfficientNet-Lite0 with random weights, its first stages frozen as everywhere
here, on one core: both ways take turns, and the ratio is the median over the rounds. A row of
results/depthwise.csv for each size of pictures.
"""

import statistics
import time
from pathlib import Path

import torch
from torch import nn

from zokusei.memory import keep_freed_memory
from zokusei.models.backbone import Backbone, freeze_stages
from zokusei.models.depthwise import quicken_depthwise
from zokusei.results import append_result

RESULTS = Path(__file__).parent / "results" / "depthwise.csv"
COLUMNS = (
    "experiment backbone size batch plain_ms strips_ms ratio rounds commit hardware versions "
    "command"
)
BACKBONE, FROZEN, BATCH, ROUNDS = "tf_efficientnet_lite0", 3, 32, 15


def main() -> None:
    """Measure and add a row for each size."""
    keep_freed_memory()
    torch.set_num_threads(1)
    ways = [create(in_strips=in_strips) for in_strips in (False, True)]
    for size in (112, 224):
        pictures = torch.randn(BATCH, 3, size, size).to(memory_format=torch.channels_last)
        rounds = [[time_step(*way, pictures) for way in ways] for _ in range(ROUNDS + 1)][1:]
        plain, strips = (min(times) * 1e3 for times in zip(*rounds, strict=True))
        row = {
            "experiment": "depthwise", "backbone": BACKBONE, "size": size, "batch": BATCH,
            "plain_ms": plain, "strips_ms": strips, "rounds": ROUNDS,
            "ratio": statistics.median(one / other for one, other in rounds),
            "command": "python benchmarks/depthwise.py",
        }  # fmt: skip
        append_result(RESULTS, row, COLUMNS.split())
        print(f"{size} px: {plain:.0f} ms, in strips {strips:.0f} ms, {row['ratio']:.2f} times")


def create(*, in_strips: bool) -> tuple[Backbone, torch.optim.Optimizer]:
    """Give a network to train, and its optimiser."""
    network = Backbone(BACKBONE).to(memory_format=torch.channels_last).train()
    freeze_stages(network, FROZEN)
    if in_strips:
        quicken_depthwise(network)
    learning = [parameter for parameter in network.parameters() if parameter.requires_grad]
    return network, torch.optim.AdamW(learning)


def time_step(
    network: nn.Module, optimizer: torch.optim.Optimizer, pictures: torch.Tensor
) -> float:
    """Give the seconds of one step."""
    began = time.perf_counter()
    network(pictures).mean().backward()
    optimizer.step()
    optimizer.zero_grad()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
