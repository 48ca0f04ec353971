"""The label graph of a manifest: which tags imply which in its training split."""

from typing import Any

import torch

from zokusei.data.manifest import Manifest
from zokusei.errors import DataError
from zokusei.label_graph import compute_adjacency, compute_conditional, describe_graph
from zokusei.labels import LabelSpace


def compute_label_graph(
    manifest: Manifest, *, threshold: float = 0.4, reweight: float = 0.2
) -> dict[str, Any]:
    """Build the graph that ML-GCN's kind of model would get from this manifest.

    Only pictures of the training split are counted.

    Args:
        manifest: with its splits assigned.
        threshold: tau, the smallest conditional probability that makes an edge.
        reweight: p, the weight of a class's neighbours against itself.

    Returns:
        What `describe_graph` says, with `pictures`, `names`, `counts` (of every tag), `conditional`
        and `adjacency` (rows of numbers), and in every edge its `weight` in the adjacency.

    Raises:
        DataError: no picture is in the training split.
        ConfigError: the threshold or the re-weighting is out of range.
    """
    train = manifest.select("train")
    if not len(train):
        raise DataError(
            "no picture is in the training split, which alone may be counted; assign splits with "
            "`zokusei data import SOURCE OUT.parquet`"
        )
    targets = torch.from_numpy(train.compute_targets())
    labels = LabelSpace.from_targets(
        train.tags, targets, torch.from_numpy(train.compute_known())
    )  # fmt: skip
    names, counts, judged = list(train.tags.names), labels.cooccurrence, labels.judged
    adjacency = compute_adjacency(counts, threshold, reweight, judged)
    graph = describe_graph(names, counts, threshold, judged)
    for edge in graph["strongest"]:
        receiver, sender = train.tags.index(edge["to"]), train.tags.index(edge["from"])
        edge["weight"] = float(adjacency[receiver, sender])
    return {
        "pictures": len(train),
        "reweight": reweight,
        **graph,
        "names": names,
        "counts": counts.diagonal().tolist(),
        "conditional": compute_conditional(counts, judged).tolist(),
        "adjacency": adjacency.tolist(),
    }
