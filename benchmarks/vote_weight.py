"""How much votes of captions should count beside the network, found on validation pictures.

    python benchmarks/vote_weight.py RUN ...

Each RUN is a finished training of that model, whose logits are s_c + w votes_c. w = 1 is for
witnesses that know nothing of each other; where they saw the same, that counts it twice. Training
takes the w of `SHARES` with which mAP on the validation split is highest. A row has that, the one
with which the cross-entropy is lowest there, and the mAP on the test split with either, with 1, and
with 0, the network alone.
"""

from pathlib import Path
from typing import NamedTuple

import typer
from caption_votes import judge_pictures  # it lies beside this
from torch import Tensor
from torch.nn import functional as F

from zokusei.checkpoint import Checkpoint, load_checkpoint
from zokusei.cli.console import counting
from zokusei.data.manifest import Manifest
from zokusei.metrics import compute_metrics
from zokusei.models.capgcn_votes import CapGCNVotes
from zokusei.results import append_result
from zokusei.training.votes import SHARES

RESULTS = Path(__file__).parent / "results" / "vote-weight.csv"
COLUMNS = (
    "experiment corpus run validation_pictures test_pictures map_network map_all_votes "
    "weight_by_loss map_by_loss weight_by_map map_by_map commit hardware versions command"
).split()


def main(runs: list[Path]) -> None:
    """Judge each run, and add a row."""
    for run in runs:
        val, test = judge_apart(load_checkpoint(run), run)
        by_loss = min(SHARES, key=lambda weight: compute_loss(val, weight))
        by_map = max(SHARES, key=lambda weight: judge(val, weight))
        row = {
            "experiment": "vote weight", "corpus": run.parents[1].name, "run": run.name,
            "validation_pictures": len(val.network), "test_pictures": len(test.network),
            "map_network": judge(test, 0.0), "map_all_votes": judge(test, 1.0),
            "weight_by_loss": by_loss, "map_by_loss": judge(test, by_loss),
            "weight_by_map": by_map, "map_by_map": judge(test, by_map),
            "command": f"python benchmarks/vote_weight.py {run}",
        }  # fmt: skip
        append_result(RESULTS, row, COLUMNS)
        print(
            f"{row['corpus']}, {run.name}: mAP {row['map_network']:.2f} without votes, "
            f"{row['map_all_votes']:.2f} with all of them, {row['map_by_loss']:.2f} with {by_loss} "
            f"(by loss), {row['map_by_map']:.2f} with {by_map} (by mAP)",
            flush=True,
        )


class Part(NamedTuple):
    """One split: logits of network and votes, what is true and what is known; pictures x tags."""

    network: Tensor
    votes: Tensor
    targets: Tensor
    known: Tensor

    def join(self, weight: float) -> Tensor:
        """Give the logits with so much of the votes."""
        return self.network + weight * self.votes


def judge_apart(checkpoint: Checkpoint, run: Path) -> tuple[Part, Part]:
    """Let both witnesses judge the validation and the test pictures, each by itself."""
    head, source = checkpoint.model.head, checkpoint.captions
    if not isinstance(head, CapGCNVotes) or source is None:
        raise SystemExit(f"{run} holds {checkpoint.model.name!r}, whose captions do not vote")
    head.vote_share.zero_()
    parts = []
    for split in ("val", "test"):
        pictures = Manifest.load(run / "manifest.parquet").select(split)
        vectors = source.open_table(pictures, counting=counting).float()
        network, targets, known = judge_pictures(checkpoint, pictures, vectors)
        parts.append(Part(network, head.vote(vectors).double(), targets, known))
    val, test = parts
    return val, test


def compute_loss(part: Part, weight: float) -> float:
    """Give the mean cross-entropy over what is known."""
    losses = F.binary_cross_entropy_with_logits(
        part.join(weight), part.targets.double(), reduction="none"
    )
    return float(losses[part.known].mean())


def judge(part: Part, weight: float) -> float:
    """Give the mAP in per cent."""
    scores = part.join(weight).sigmoid()
    return float(compute_metrics(scores, part.targets, part.known).as_row()["map"])


if __name__ == "__main__":
    typer.run(main)
