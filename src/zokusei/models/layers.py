"""Layers that several heads share; one number or vector a class."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

_SLOPE = 0.2  # of the leaky activations in ADD-GCN's code


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


class NodeUpdate(nn.Linear):
    r"""Weight what the nodes have gathered: :math:`\mathrm{LReLU}(\mathrm{LReLU}(X)\, W + b)`.

    The second half of a graph convolution of ADD-GCN.

    Args:
        in_features: width of the nodes.
        out_features: width of what comes out.
        double_activation: before and after the weight, as in the code; False: after it alone, as in
            the paper.

    >>> NodeUpdate(3, 4, double_activation=True)(torch.ones(2, 5, 3)).shape
    torch.Size([2, 5, 4])
    """

    def __init__(self, in_features: int, out_features: int, *, double_activation: bool) -> None:
        super().__init__(in_features, out_features)
        self.double_activation = double_activation

    def forward(self, nodes: Float[Tensor, "batch classes in"]) -> Tensor:
        """Give the nodes in their new width."""
        gathered = F.leaky_relu(nodes, _SLOPE) if self.double_activation else nodes
        return F.leaky_relu(super().forward(gathered), _SLOPE)


class DynamicAdjacency(nn.Linear):
    r"""A graph for each picture: :math:`A[k, n] = \sigma(w_k \cdot [g; x_n] + b_k)`.

    A convolution of size 1 over [context; node] in ADD-GCN's code. Entry [k, n] is what class n
    receives from class k: w_k belongs to the sender.

    Args:
        width: of a node x_n.
        context: width of g, a vector a picture; 0 for none.
        num_classes: C.

    >>> adjacency = DynamicAdjacency(3, 2, num_classes=5)
    >>> adjacency(torch.ones(4, 5, 3), torch.ones(4, 2)).shape
    torch.Size([4, 5, 5])
    """

    def __init__(self, width: int, context: int, num_classes: int) -> None:
        super().__init__(context + width, num_classes)
        self.context = context

    def forward(
        self,
        nodes: Float[Tensor, "batch classes width"],
        context: Float[Tensor, "batch context"] | None = None,
    ) -> Float[Tensor, "batch classes classes"]:
        """Give the graphs from nodes and context."""
        if context is None:
            return super().forward(nodes).mT.sigmoid()
        # w_k . [g; x_n] = (part of w_k for g) . g + (part for x) . x_n: the context is the same for
        # every receiver, so that it is multiplied once and not C times.
        for_context, for_nodes = self.weight.tensor_split([self.context], dim=1)
        senders = F.linear(context, for_context, self.bias)  # (B, C)
        return (F.linear(nodes, for_nodes) + senders[:, None]).mT.sigmoid()


def normalize_batch(
    norm: nn.BatchNorm1d, values: Float[Tensor, "batch width"]
) -> Float[Tensor, "batch width"]:
    """Apply a batch norm to one vector a picture.

    Over a batch of one picture there is nothing to normalise by, and torch fails in training; its
    running statistics are used then.
    """
    if norm.training and len(values) == 1:
        return F.batch_norm(values, norm.running_mean, norm.running_var, norm.weight, norm.bias)
    normalized: Tensor = norm(values)
    return normalized
