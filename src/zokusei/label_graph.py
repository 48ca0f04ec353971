"""Graphs over labels from how often they meet: conditional probabilities, edges, adjacency.

Chen, Wei, Wang, Guo: Multi-Label Image Recognition with Graph Convolutional Networks, CVPR 2019
(ML-GCN). Everything starts from counts of the training split alone.
"""

from collections.abc import Sequence
from typing import Any

from jaxtyping import Bool, Float, Int
from torch import Tensor

from zokusei.errors import ConfigError, DataError

# A class that this share of all classes sends to decides most of the graph's outcome.
_DOMINANT = 0.25
_FEWEST = 4


def compute_conditional(
    cooccurrence: Int[Tensor, "classes columns"],
    judged: Int[Tensor, "classes columns"] | None = None,
) -> Float[Tensor, "classes columns"]:
    r"""Probability of the tag of the column in a picture that has the tag of the row.

    .. math:: P_{ij} = P(j \mid i) = M_{ij} / N_{ij}, \quad P_{ii} = 0

    Args:
        cooccurrence: pictures with both tags (M), on the diagonal those with one.
        judged: pictures with the tag of the row in which that of the column is known (N). None: all
            with the tag of the row, as published.

    Returns:
        P in double precision. A tag that never occurs implies nothing: its row is 0.

    Raises:
        DataError: the counts are not square, or `judged` are those of other classes.

    >>> import torch
    >>> counts = torch.tensor([[4, 1], [1, 2]])
    >>> compute_conditional(counts).tolist()
    [[0.0, 0.25], [0.5, 0.0]]
    >>> compute_conditional(counts, torch.tensor([[4, 2], [1, 2]])).tolist()
    [[0.0, 0.5], [1.0, 0.0]]
    """
    if cooccurrence.shape[0] != cooccurrence.shape[1]:
        raise DataError(f"co-occurrence must be square, not {tuple(cooccurrence.shape)}")
    if judged is None:
        judged = cooccurrence.diagonal()[:, None]
    elif judged.shape != cooccurrence.shape:
        shapes = f"{tuple(judged.shape)}, not {tuple(cooccurrence.shape)}"
        raise DataError(f"how often classes are judged has shape {shapes}")
    conditional = cooccurrence.double() / judged.clamp(min=1).double()
    return conditional.fill_diagonal_(0)


def find_edges(
    cooccurrence: Int[Tensor, "classes classes"],
    threshold: float = 0.4,
    judged: Int[Tensor, "classes classes"] | None = None,
) -> Bool[Tensor, "classes classes"]:
    r"""Keep what is likely: edge i -> j where :math:`P(j \mid i) \ge \tau`, as in ML-GCN.

    Args:
        cooccurrence: as in `compute_conditional`.
        threshold: tau.
        judged: as in `compute_conditional`.

    Raises:
        ConfigError: the threshold is out of range.

    >>> import torch
    >>> find_edges(torch.tensor([[4, 1], [1, 2]])).tolist()
    [[False, False], [True, False]]
    """
    if not 0 < threshold <= 1:
        raise ConfigError(f"the threshold of a label graph lies in (0, 1], not {threshold}")
    return compute_conditional(cooccurrence, judged) >= threshold


def compute_adjacency(
    cooccurrence: Int[Tensor, "classes classes"],
    threshold: float = 0.4,
    reweight: float = 0.2,
    judged: Int[Tensor, "classes classes"] | None = None,
) -> Float[Tensor, "classes classes"]:
    r"""Adjacency that ML-GCN multiplies with: thresholded, re-weighted, normalised.

    With the edges B:

    .. math::
        A'_{ij} = \frac{p}{1 - p} \frac{B_{ij}}{\sum_i B_{ij} + 10^{-6}} + \delta_{ij}, \quad
        D = \operatorname{diag}\Big(\sum_j A'_{ij}\Big), \quad
        \hat{A} = D^{-1/2} A'^\top D^{-1/2}

    The neighbours weigh p and the class itself 1 - p; the released code, and this, divide both by
    1 - p (0.25 and 1 for p = 0.2), share 0.25 out over the *column* of B, and
    transpose: row j of the result holds what class j receives, from the classes that imply it.

    Args:
        cooccurrence: as in `compute_conditional`.
        threshold: tau.
        reweight: p, the weight of the neighbours against the class itself.
        judged: as in `compute_conditional`.

    Raises:
        ConfigError: the threshold or the re-weighting is out of range.

    >>> import torch
    >>> compute_adjacency(torch.tensor([[4, 1], [1, 2]])).tolist()
    [[1.0, 0.22...], [0.0, 0.8...]]
    """
    if not 0 <= reweight < 1:
        raise ConfigError(f"the re-weighting of a label graph lies in [0, 1), not {reweight}")
    edges = find_edges(cooccurrence, threshold, judged).double()
    weights = reweight / (1 - reweight) * edges / (edges.sum(0, keepdim=True) + 1e-6)
    weights.diagonal().add_(1)
    scale = weights.sum(1).rsqrt()
    return (scale[:, None] * weights.T * scale).float()


def describe_graph(
    names: Sequence[str],
    cooccurrence: Int[Tensor, "classes classes"],
    threshold: float = 0.4,
    judged: Int[Tensor, "classes classes"] | None = None,
) -> dict[str, Any]:
    """Say how a label graph looks and what is wrong with it.

    Args:
        names: of the classes.
        cooccurrence: as in `compute_conditional`.
        threshold: tau.
        judged: as in `compute_conditional`.

    Returns:
        `threshold`, `classes`, `edges` (their number), `strongest` (edges with their probability,
        the most certain first), `isolated` (no edge in or out), `unseen` (never in training),
        `largest_in_degree` with `receiver`, and `warnings`, a sentence each.

    Raises:
        ConfigError: the threshold is out of range.

    >>> import torch
    >>> counts = torch.tensor([[4, 1], [1, 2]])
    >>> description = describe_graph(["hat", "hat_bow"], counts)
    >>> description["edges"], description["strongest"]
    (1, [{'from': 'hat_bow', 'to': 'hat', 'probability': 0.5}])
    """
    conditional = compute_conditional(cooccurrence, judged)
    edges = find_edges(cooccurrence, threshold, judged)
    received, sent = edges.sum(0), edges.sum(1)
    order = (conditional * edges).flatten().argsort(descending=True, stable=True)
    pairs = [divmod(int(index), len(names)) for index in order[: int(edges.sum())]]
    strongest = [
        {"from": names[i], "to": names[j], "probability": float(conditional[i, j])}
        for i, j in pairs
    ]
    isolated = [name for name, n in zip(names, (received + sent).tolist(), strict=True) if not n]
    counts = cooccurrence.diagonal().tolist()
    unseen = [name for name, count in zip(names, counts, strict=True) if not count]
    top = int(received.argmax()) if len(names) else 0
    largest = int(received[top]) if len(names) else 0
    warnings = []
    if largest >= max(_FEWEST, _DOMINANT * len(names)):
        warnings.append(
            f"{names[top]!r} is implied by {largest} of {len(names)} classes and dominates the "
            "graph; leave the tag out, or raise the threshold"
        )
    if unseen:
        warnings.append(f"never seen in training, so without edges: {', '.join(unseen)}")
    return {
        "threshold": threshold,
        "classes": len(names),
        "edges": int(edges.sum()),
        "isolated": isolated,
        "unseen": unseen,
        "largest_in_degree": largest,
        "receiver": names[top] if largest else None,
        "strongest": strongest,
        "warnings": warnings,
    }
