"""How much a caption has to say in a trained `capgcn`, beside the picture.

    python benchmarks/caption_weight.py RUN ... [--split test]

Each RUN is a finished training of the paper's model whose caption joins the adjacency. On one split
of its own pictures:

- the root mean square of the nodes' numbers, and of the caption's vector as it joins them;
- of what decides the dynamic graph, w_k . [v_cap; v_n], how much of the variance over pictures and
  classes is the caption's part, in per cent: 0 where a caption changes nothing, 100 where it alone
  decides;
- the share of edges that are so open or shut (above 0.99 or below 0.01) that hardly anything moves
  them;
- mAP with each picture's own caption, and with that of another picture of the split. Where the
  two are equal the trained model does not listen.
"""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from torch import Tensor

from zokusei.checkpoint import Checkpoint, load_checkpoint
from zokusei.cli.console import counting
from zokusei.data.loader import Loader, PictureStore
from zokusei.data.manifest import Manifest
from zokusei.evaluation import compute_scores
from zokusei.metrics import compute_metrics
from zokusei.models.capgcn import CapGCN
from zokusei.results import append_result

RESULTS = Path(__file__).parent / "results" / "caption-weight.csv"
COLUMNS = (
    "experiment run reading attention split pictures node_rms caption_rms caption_share decided "
    "map map_of_others commit hardware versions command"
).split()
SURE = 0.01  # an edge this near to 0 or 1 hardly moves


def main(runs: list[Path], split: Annotated[str, typer.Option()] = "test") -> None:
    """Look into each run and add a row for it."""
    for run in runs:
        checkpoint = load_checkpoint(run)
        manifest = Manifest.load(run / "manifest.parquet").select(split)
        row = measure(checkpoint, manifest)
        about = {
            "experiment": "caption weight", "run": run.name, "split": split,
            "command": f"python benchmarks/caption_weight.py {run} --split {split}",
        }  # fmt: skip
        append_result(RESULTS, about | row, COLUMNS)
        print(
            f"{run.name}: {row['caption_share']:.1f} % of what decides the graph is the caption's, "
            f"{row['decided']:.1f} % of the edges are decided; mAP {row['map']:.2f}, with others' "
            f"captions {row['map_of_others']:.2f}"
        )


def measure(checkpoint: Checkpoint, manifest: Manifest) -> dict[str, Any]:
    """Give the figures of a model on pictures.

    Args:
        checkpoint: a `capgcn` that has its captioner with it.
        manifest: labelled pictures.
    """
    head, source = checkpoint.model.head, checkpoint.captions
    if not isinstance(head, CapGCN) or not head.in_adjacency or source is None:
        raise SystemExit(f"{checkpoint.model.name}: no caption joins the graph of this model")
    if source.control != "none":
        raise SystemExit(f"captions.control={source.control} gives no picture its own caption")
    manifest = manifest.with_tags(checkpoint.tags)
    vectors = source.open_table(manifest, counting=counting)
    store = PictureStore(manifest.paths, checkpoint.preprocess, cache_bytes=2**31, workers=2)
    loader = Loader(manifest, store, batch_size=64, caption_features=vectors)
    figures = weigh(checkpoint, head, loader)
    of_others = replace(source, control="shuffled").open_table(manifest, counting=counting)
    for name, own in (("map", vectors), ("map_of_others", of_others)):
        given = Loader(manifest, store, batch_size=64, caption_features=own)
        scores, known = compute_scores(checkpoint.model, given, checkpoint.preprocess)
        figures[name] = compute_metrics(scores, given.targets, known).as_row()["map"]
    store.close()
    return {
        "reading": source.reading, "attention": head.attention, "pictures": len(manifest),
        **figures,
    }  # fmt: skip


def weigh(checkpoint: Checkpoint, head: CapGCN, loader: Loader) -> dict[str, float]:
    """Compare what caption and nodes bring to the dynamic graph."""
    decide = head.dynamic_adjacency
    for_context, for_nodes = decide.weight.tensor_split([decide.context], dim=1)
    for_caption = for_context[:, : for_nodes.shape[1]]  # ADD-GCN's global vector comes behind it
    of_caption: list[Tensor] = []
    of_nodes: list[Tensor] = []
    sums = {"nodes": 0.0, "caption": 0.0, "decided": 0.0}
    sizes = dict.fromkeys(sums, 0)
    checkpoint.model.eval()
    with torch.inference_mode():
        for batch in loader.batches(epoch=0):
            images = checkpoint.preprocess.normalize(batch.images)
            parts = checkpoint.model.explain(images, batch.caption_features)
            nodes = parts["nodes"][..., : for_nodes.shape[1]]
            sure = (parts["adjacency"] - 0.5).abs() > 0.5 - SURE
            for name, values in (
                ("nodes", nodes.square()),
                ("caption", parts["caption"].square()),
                ("decided", sure.float()),
            ):
                sums[name] += float(values.sum())
                sizes[name] += values.numel()
            of_caption.append(parts["caption"] @ for_caption.T)  # (B, senders)
            of_nodes.append(nodes @ for_nodes.T)  # (B, receivers, senders)
    caption, nodes = torch.cat(of_caption).var(0), torch.cat(of_nodes).flatten(0, 1).var(0)
    return {
        "node_rms": (sums["nodes"] / sizes["nodes"]) ** 0.5,
        "caption_rms": (sums["caption"] / sizes["caption"]) ** 0.5,
        "caption_share": 100 * float((caption / (caption + nodes)).mean()),
        "decided": 100 * sums["decided"] / sizes["decided"],
    }


if __name__ == "__main__":
    typer.run(main)
