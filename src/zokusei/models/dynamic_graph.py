"""What ADD-GCN and the models built upon it share: a graph of its own for every picture.

Shapes in comments: B pictures, C classes, D width of a node.
"""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from zokusei.models.layers import ClassWiseLinear
from zokusei.models.registry import Head

SLOPE = 0.2
"""Of the leaky activations in ADD-GCN's code."""


class NodeUpdate(nn.Linear):
    r"""Weight what the nodes have gathered: :math:`\mathrm{LReLU}(\mathrm{LReLU}(X)\, W + b)`.

    The second half of a graph convolution of ADD-GCN.

    Args:
        in_features: width of the nodes.
        out_features: width of what comes out.
        double_activation: before and after the weight, as in the code; False: after it alone, as in
            the paper.

    >>> import torch
    >>> NodeUpdate(3, 4, double_activation=True)(torch.ones(2, 5, 3)).shape
    torch.Size([2, 5, 4])
    """

    def __init__(self, in_features: int, out_features: int, *, double_activation: bool) -> None:
        super().__init__(in_features, out_features)
        self.double_activation = double_activation

    def forward(self, nodes: Float[Tensor, "*batch classes in"]) -> Tensor:
        """Give the nodes in their new width."""
        gathered = F.leaky_relu(nodes, SLOPE) if self.double_activation else nodes
        return F.leaky_relu(super().forward(gathered), SLOPE)


class DynamicAdjacency(nn.Linear):
    r"""A graph for each picture: :math:`A[k, n] = \sigma(w_k \cdot [g; x_n] + b_k)`.

    A convolution of size 1 over [context; node] in ADD-GCN's code. Entry [k, n] is what class n
    receives from class k: w_k belongs to the sender.

    Args:
        width: of a node x_n.
        context: width of g, a vector a picture; 0 for none.
        num_classes: C.

    >>> import torch
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


class DynamicGraphHead(Head):
    """A head whose last step is a graph of its own for every picture.

    Attributes:
        residual: whether the attended features are added to what the graph gives.
        fusion: `mean` of activation score and graph score, or `graph` alone.
        dynamic_weight: of the graph convolution.
        classifier: a class's score from its node.
    """

    residual: bool
    fusion: str
    dynamic_weight: NodeUpdate
    classifier: ClassWiseLinear

    def conclude(
        self, attended: Tensor, nodes: Tensor, adjacency: Tensor, maps: Tensor
    ) -> dict[str, Tensor]:
        """Send the nodes through the graph and score the classes.

        Args:
            attended: features of each class, (B, C, D).
            nodes: what the classes send, (B, C, width).
            adjacency: what class n receives from class k at [k, n], (B, C, C).
            maps: class activation maps, (B, C, rows, columns).

        Returns:
            `logits` and all that they come from, by name.
        """
        activation_logits = maps.flatten(2).amax(2)
        received = self.dynamic_weight(adjacency.mT @ nodes)  # (B, C, D)
        graph_logits = self.classifier(attended + received if self.residual else received)
        logits = graph_logits
        if self.fusion == "mean":
            logits = (activation_logits + graph_logits) / 2
        return {
            "logits": logits,
            "activation_logits": activation_logits,
            "activation_maps": maps,
            "graph_logits": graph_logits,
            "adjacency": adjacency,
            "attended": attended,
            "nodes": nodes,
        }

    def compute_influence(
        self, parts: dict[str, Tensor], picture: int, receiver: int
    ) -> Float[Tensor, " classes"]:
        """Say by how much each class raises the logit of one class through the dynamic graph.

        Exactly: the logit less the one without the edge from that class, everything else as it is.
        The influences of several classes do not add up, since an activation follows.

        Args:
            parts: what `explain` gave.
            picture: which of the batch.
            receiver: the class whose logit it is.
        """
        nodes, attended = parts["nodes"][picture], parts["attended"][picture, receiver]
        sent = parts["adjacency"][picture, :, receiver, None] * nodes  # (C, width)
        received = self.dynamic_weight(sent.sum(0) - sent)  # a row for each class left out
        if self.residual:
            received = attended + received
        without = received @ self.classifier.weight[receiver] + self.classifier.bias[receiver]
        influence: Tensor = parts["graph_logits"][picture, receiver] - without
        return influence / 2 if self.fusion == "mean" else influence
