"""How strongly the votes of `capgcn_votes` should be held down, on validation pictures.

    python benchmarks/caption_votes.py RUN [--penalties 0.003,0.01,0.02,0.03,0.1]

RUN is a finished training of that model. For each penalty the votes are found anew on its training
pictures; a row has the mAP on the validation split of the votes alone, of the network alone, and of
both joined. The test split is never looked at.
"""

from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import Tensor

from zokusei.checkpoint import Checkpoint, load_checkpoint
from zokusei.cli.console import counting
from zokusei.data.loader import Loader, PictureStore
from zokusei.data.manifest import Manifest
from zokusei.evaluation import compute_scores
from zokusei.metrics import compute_metrics
from zokusei.models.capgcn_votes import CapGCNVotes
from zokusei.results import append_result

RESULTS = Path(__file__).parent / "results" / "caption-votes.csv"
COLUMNS = (
    "experiment run reading penalty pictures map_votes map_network map_joined commit hardware "
    "versions command"
).split()


def main(run: Path, penalties: Annotated[str, typer.Option()] = "0.003,0.01,0.02,0.03,0.1") -> None:
    """Try penalties on one run, and add a row for each."""
    checkpoint = load_checkpoint(run)
    head, source = checkpoint.model.head, checkpoint.captions
    if not isinstance(head, CapGCNVotes) or source is None:
        raise SystemExit(f"{run} holds {checkpoint.model.name!r}, whose captions do not vote")
    train, val = (
        Manifest.load(run / "manifest.parquet").select(split) for split in ("train", "val")
    )
    vectors, judged = (source.open_table(part, counting=counting).float() for part in (train, val))
    targets, known = (
        torch.from_numpy(values) for values in (train.compute_targets(), train.compute_known())
    )
    head.vote_share.zero_()
    network, true, looked = judge_pictures(checkpoint, val, judged)

    def judge(logits: Tensor) -> float:
        return compute_metrics(logits.sigmoid(), true, looked).as_row()["map"]

    seen = vectors.any(1)  # others could not be read
    for penalty in map(float, penalties.split(",")):
        head.vote_penalty = penalty
        head.learn_captions(vectors[seen], targets[seen], known[seen])
        votes = head.vote(judged).double()
        row = {
            "experiment": "caption votes", "run": run.name, "reading": source.reading,
            "penalty": penalty, "pictures": len(val), "map_votes": judge(votes),
            "map_network": judge(network), "map_joined": judge(network + votes),
            "command": f"python benchmarks/caption_votes.py {run}",
        }  # fmt: skip
        append_result(RESULTS, row, COLUMNS)
        print(f"penalty {penalty:g}: votes {row['map_votes']:.2f}, network "
              f"{row['map_network']:.2f}, joined {row['map_joined']:.2f} mAP")  # fmt: skip


def judge_pictures(
    checkpoint: Checkpoint, pictures: Manifest, vectors: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Give the logits of pictures (pictures x tags, double), what is true, and what is known."""
    store = PictureStore(pictures.paths, checkpoint.preprocess, cache_bytes=0, workers=2)
    loader = Loader(pictures, store, batch_size=64, caption_features=vectors)
    scores, known = compute_scores(checkpoint.model, loader, checkpoint.preprocess)
    store.close()
    # In single precision some probabilities are 0 or 1, which would outvote everything.
    return scores.double().logit(eps=1e-7), loader.targets, known


if __name__ == "__main__":
    typer.run(main)
