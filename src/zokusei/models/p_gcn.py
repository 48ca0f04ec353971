"""P-GCN: a graph network on label-aware features, in our own reading.

Chen, Wei, Wang, Guo, Learning Graph Convolutional Networks for Multi-Label Recognition and
Applications, IEEE TPAMI 45(6), 6969-6983, doi 10.1109/TPAMI.2021.3063496. Its text was not at hand,
so that no equation is named. Shapes in comments: B pictures, C classes, D features, P positions.
"""

import math

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from zokusei.errors import ConfigError
from zokusei.label_graph import compute_adjacency
from zokusei.labels import LabelSpace
from zokusei.models.layers import ClassWiseLinear, GraphConvolution
from zokusei.models.registry import Head, register_model

_SLOPE = 0.2


@register_model("p_gcn")
class PGCN(Head):
    r"""Features a class, sent through two graph convolutions that end in its score.

    **This is a reading, not the authors' model.** No code of theirs is public, and the layers are
    known to us only from what the paper's summary says: the picture's representation is decomposed
    into label-aware features, which a graph network encodes into inter-dependent scores. Nothing
    here may be quoted as a figure of P-GCN.

    With class activation maps M = fc(F) and the adjacency of ML-GCN (`compute_adjacency`):

    .. math::
        v_c &= \sum_p a_{c,p} F_p, \quad a_{c,\cdot} = \operatorname{softmax}_p M_{c,p} \\
        s &= \hat{A}\, \mathrm{LReLU}(\hat{A} V W_1)\, W_2 + (w_c \cdot v_c + b_c)_c

    The choices of the reading are options:

    - `attention`: `softmax` over the positions, or `sigmoid`, the un-normalised sum of ADD-GCN.
    - `residual`: the graph's score is added to one that a class has by itself. Without it nothing
      but its place in the graph tells a class from others, since W_2 is shared.
    - `output`: W_2 is one vector for all classes (`shared`), or one for each (`own`).
    - The graph is that of ML-GCN, with its `threshold` and `reweight`.
    - W_1 starts as in ML-GCN. By that rule the numbers of a W_2 with one output would lie within
      1, and every class would begin with about the same score of several units: it starts within
      1 / sqrt(hidden), as linear layers do.

    Args:
        num_features: channels of the feature map, D.
        labels: the classes.
        hidden: width between the convolutions.
        attention: `softmax` or `sigmoid`.
        residual: add the score of a class by itself.
        output: `shared` or `own`.
        threshold: tau, the smallest conditional probability that makes an edge.
        reweight: p, the weight of a class's neighbours against itself.
    """

    adjacency: Tensor

    def __init__(
        self,
        num_features: int,
        labels: LabelSpace,
        *,
        hidden: int = 1024,
        attention: str = "softmax",
        residual: bool = True,
        output: str = "shared",
        threshold: float = 0.4,
        reweight: float = 0.2,
    ) -> None:
        super().__init__()
        if attention not in ("softmax", "sigmoid"):
            raise ConfigError(f"unknown attention {attention!r}; known: sigmoid, softmax")
        if output not in ("shared", "own"):
            raise ConfigError(f"unknown output {output!r}; known: own, shared")
        self.attention = attention
        adjacency = compute_adjacency(labels.cooccurrence, threshold, reweight, labels.judged)
        # The label statistics of a checkpoint give it again.
        self.register_buffer("adjacency", adjacency, persistent=False)
        num_classes = labels.num_classes
        self.activation_map = nn.Conv2d(num_features, num_classes, 1, bias=False)
        self.first = GraphConvolution(num_features, hidden)
        self.second = GraphConvolution(hidden, 1) if output == "shared" else None
        if self.second is not None:
            bound = 1 / math.sqrt(hidden)
            nn.init.uniform_(self.second.weight, -bound, bound)
        self.own = ClassWiseLinear(hidden, num_classes) if output == "own" else None
        self.classifier = ClassWiseLinear(num_features, num_classes) if residual else None

    def explain(self, features: Float[Tensor, "batch channels rows columns"]) -> dict[str, Tensor]:
        """Give the score with its parts.

        Returns:
            `logits`, `graph_logits` (without the residual), `activation_maps` (B, C, rows,
            columns) and `adjacency` (C, C), whose row j is what class j receives.
        """
        maps = self.activation_map(features)
        weights = maps.flatten(2)  # (B, C, P)
        weights = weights.softmax(2) if self.attention == "softmax" else weights.sigmoid()
        attended = weights @ features.flatten(2).mT  # (B, C, D)
        nodes = F.leaky_relu(self.first(self.adjacency, attended), _SLOPE)
        if self.second is not None:
            graph_logits = self.second(self.adjacency, nodes).squeeze(2)
        else:
            assert self.own is not None
            graph_logits = self.own(self.adjacency @ nodes)
        logits = graph_logits
        if self.classifier is not None:
            logits = graph_logits + self.classifier(attended)
        return {
            "logits": logits,
            "graph_logits": graph_logits,
            "activation_maps": maps,
            "adjacency": self.adjacency,
        }
