"""Layers that several heads share; one number or vector a class."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn


class GraphConvolution(nn.Module):
    r"""Gather along the edges of a fixed graph and weight: :math:`\hat{A} X W`.

    Kipf and Welling 2017 as ML-GCN's code has it: no bias, and a start from
    U(-1/sqrt(out), 1/sqrt(out)), of the width that comes out and not, as usual, the one that goes
    in.

    Args:
        in_features: width of the nodes.
        out_features: width of what comes out.

    >>> layer = GraphConvolution(2, 3)
    >>> layer(torch.eye(4), torch.ones(4, 2)).shape
    torch.Size([4, 3])
    """

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        bound = 1 / math.sqrt(out_features)
        self.weight = nn.Parameter(torch.empty(in_features, out_features).uniform_(-bound, bound))

    def forward(
        self, adjacency: Float[Tensor, "classes classes"], nodes: Float[Tensor, "*batch classes in"]
    ) -> Float[Tensor, "*batch classes out"]:
        """Give what every node receives; row j of the adjacency holds what class j takes in."""
        narrows = self.weight.shape[0] > self.weight.shape[1]
        # The same product either way; gathering costs classes**2 times the width it is done in.
        if narrows:
            return adjacency @ (nodes @ self.weight)
        return (adjacency @ nodes) @ self.weight


class ClassWiseLinear(nn.Module):
    r"""A linear function of its own for every class: :math:`s_c = w_c \cdot x_c + b_c`.

    Published codes take the diagonal of a C x C product, or repeat and sum; this is the diagonal
    alone.

    Args:
        width: of the vectors.
        num_classes: C.

    >>> ClassWiseLinear(3, 5)(torch.ones(2, 5, 3)).shape
    torch.Size([2, 5])
    """

    def __init__(self, width: int, num_classes: int) -> None:
        super().__init__()
        bound = 1 / math.sqrt(width)
        self.weight = nn.Parameter(torch.empty(num_classes, width).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(num_classes).uniform_(-bound, bound))

    def forward(
        self, nodes: Float[Tensor, "batch classes width"]
    ) -> Float[Tensor, "batch classes"]:
        """Give a number a class."""
        return torch.einsum("bcd,cd->bc", nodes, self.weight) + self.bias
