"""How much votes of captions should count beside the network, found on validation pictures.

    python benchmarks/vote_weight.py RUN ...

Each RUN is a finished training of that model, whose logits are s_c + w votes_c with w = 1: two
witnesses that know nothing of each other. Where they saw the same, that counts it twice. For each
RUN the w of `WEIGHTS` is taken with which the cross-entropy on the validation split is lowest, and
the one with which mAP is highest there; a row has both, and the mAP on the test split with either,
with 1, and with 0, the network alone.
"""

from pathlib import Path

import typer
from torch import Tensor
from torch.nn import functional as F

from zokusei.checkpoint import Checkpoint, load_checkpoint
from zokusei.cli.console import counting
from zokusei.data.loader import Loader, PictureStore
from zokusei.data.manifest import Manifest
from zokusei.evaluation import compute_scores
from zokusei.metrics import compute_metrics
from zokusei.models.capgcn_votes import CapGCNVotes
from zokusei.results import append_result

RESULTS = Path(__file__).parent / "results" / "vote-weight.csv"
COLUMNS = (
    "experiment corpus run validation_pictures test_pictures map_network map_as_trained "
    "weight_by_loss map_by_loss weight_by_map map_by_map commit hardware versions command"
).split()
WEIGHTS = tuple(step / 10 for step in range(16))


def main(runs: list[Path]) -> None:
    """Judge each run, and add a row."""
    for run in runs:
        checkpoint = load_checkpoint(run)
        if not isinstance(checkpoint.model.head, CapGCNVotes):
            raise SystemExit(f"{run} holds {checkpoint.model.name!r}, whose captions do not vote")
        val, test = (part_with(checkpoint, run, split) for split in ("val", "test"))
        by_loss = min(WEIGHTS, key=lambda weight: compute_loss(val, weight))
        by_map = max(WEIGHTS, key=lambda weight: judge(val, weight))
        row = {
            "experiment": "vote weight", "corpus": run.parents[1].name, "run": run.name,
            "validation_pictures": len(val.network), "test_pictures": len(test.network),
            "map_network": judge(test, 0.0), "map_as_trained": judge(test, 1.0),
            "weight_by_loss": by_loss, "map_by_loss": judge(test, by_loss),
            "weight_by_map": by_map, "map_by_map": judge(test, by_map),
            "command": f"python benchmarks/vote_weight.py {run}",
        }  # fmt: skip
        append_result(RESULTS, row, COLUMNS)
        print(
            f"{row['corpus']}, {run.name}: mAP {row['map_network']:.2f} without votes, "
            f"{row['map_as_trained']:.2f} with, {row['map_by_loss']:.2f} with {by_loss} of them "
            f"(by loss), {row['map_by_map']:.2f} with {by_map} (by mAP)",
            flush=True,
        )


class Part:
    """One split: logits of network and votes, and what is true and known."""

    def __init__(self, network: Tensor, votes: Tensor, targets: Tensor, known: Tensor) -> None:
        self.network, self.votes, self.targets, self.known = network, votes, targets, known

    def join(self, weight: float) -> Tensor:
        """Give the logits with so much of the votes."""
        return self.network + weight * self.votes


def part_with(checkpoint: Checkpoint, run: Path, split: str) -> Part:
    """Judge the pictures of a split by both witnesses."""
    assert checkpoint.captions is not None, "its head needs them"
    pictures = Manifest.load(run / "manifest.parquet").select(split)
    vectors = checkpoint.captions.open_table(pictures, counting=counting).float()
    head = checkpoint.model.head
    votes = (vectors @ head.vote_weight.T + head.vote_bias).double()
    kept = head.vote_weight.clone(), head.vote_bias.clone()
    head.vote_weight.zero_()
    head.vote_bias.zero_()
    store = PictureStore(pictures.paths, checkpoint.preprocess, cache_bytes=0, workers=1)
    loader = Loader(pictures, store, batch_size=64, caption_features=vectors)
    scores, known = compute_scores(checkpoint.model, loader, checkpoint.preprocess)
    store.close()
    head.vote_weight.copy_(kept[0])
    head.vote_bias.copy_(kept[1])
    return Part(scores.double().logit(eps=1e-7), votes, loader.targets, known)


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
