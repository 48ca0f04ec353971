"""ML-GCN: classifiers grown from label embeddings on a graph of co-occurrence.

Chen, Wei, Wang, Guo: Multi-Label Image Recognition with Graph Convolutional Networks, CVPR 2019.
Shapes in comments: B pictures, C classes, D features, E width of the embeddings.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from zokusei.errors import ConfigError
from zokusei.label_graph import compute_adjacency
from zokusei.labels import LabelSpace
from zokusei.models.layers import GraphConvolution
from zokusei.models.registry import Head, register_model

_SLOPE = 0.2


@register_model("ml_gcn")
class MLGCN(Head):
    r"""Scores of the pooled features by classifiers that two graph convolutions make.

    With the label embeddings Z and the adjacency of `compute_adjacency`:

    .. math::
        W = \hat{A}\,\mathrm{LReLU}(\hat{A} Z W_1)\, W_2 \in \mathbb{R}^{C \times D}, \quad
        s = W \max_p F_p

    Read from the released code. Where paper, code and this differ:

    - The code pools windows of 14 x 14, which is the whole map at 448 pixels and an error where
      the map is smaller, as at 224; this pools the whole map, whatever its size.
    - Equation (8) of the paper is printed with a slip that the code's readme corrects; threshold,
      re-weighting, normalisation and transposition are as in the code (`compute_adjacency`).
    - The code keeps the adjacency as a parameter that it detaches and never gives the optimiser:
      a fixed buffer here.
    - The code's data set gives the embeddings anew with every picture; here the head has them.
    - The paper's embeddings are GloVe with 300 numbers, as published and not normalised. Any width
      will do.
    - The code's rate never drops by default, and its crops are cut from the picture as it is;
      here schedule and crops are set as for any model.
    - The classifiers do not depend on the picture: the graph costs the same for one picture as for
      many.

    Much of what is reported for this model comes from max pooling: compare with `gmp`, not with
    `gap`.

    Args:
        num_features: channels of the feature map, D.
        labels: the classes, with embeddings.
        hidden: width between the convolutions.
        threshold: tau, the smallest conditional probability that makes an edge.
        reweight: p, the weight of a class's neighbours against itself.
        pooling: `max` as published, or `mean`.
    """

    needs_embeddings = True
    label_embeddings: Tensor
    adjacency: Tensor

    def __init__(
        self,
        num_features: int,
        labels: LabelSpace,
        *,
        hidden: int = 1024,
        threshold: float = 0.4,
        reweight: float = 0.2,
        pooling: str = "max",
    ) -> None:
        super().__init__()
        if pooling not in ("max", "mean"):
            raise ConfigError(f"unknown pooling {pooling!r}; known: max, mean")
        self.pooling = pooling
        assert labels.embeddings is not None, "create_model sees to it"
        self.register_buffer("label_embeddings", labels.embeddings)
        adjacency = compute_adjacency(labels.cooccurrence, threshold, reweight, labels.judged)
        # The label statistics of a checkpoint give it again.
        self.register_buffer("adjacency", adjacency, persistent=False)
        self.first = GraphConvolution(labels.embeddings.shape[1], hidden)
        self.second = GraphConvolution(hidden, num_features)

    def compute_classifiers(self) -> Float[Tensor, "classes channels"]:
        """Give the classifier of every class."""
        nodes = F.leaky_relu(self.first(self.adjacency, self.label_embeddings), _SLOPE)
        classifiers: Tensor = self.second(self.adjacency, nodes)
        return classifiers

    def forward(
        self, features: Float[Tensor, "batch channels rows columns"]
    ) -> Float[Tensor, "batch classes"]:
        """Pool, then score."""
        return self.pool(features) @ self.compute_classifiers().T

    def pool(
        self, features: Float[Tensor, "batch channels rows columns"]
    ) -> Float[Tensor, "batch channels"]:
        """Largest value, or the mean, over the positions."""
        return features.amax((2, 3)) if self.pooling == "max" else features.mean((2, 3))

    def explain(self, features: Float[Tensor, "batch channels rows columns"]) -> dict[str, Tensor]:
        """Give `logits`, `activation_maps` (B, C, rows, columns) and `adjacency` (C, C).

        The map scores every position by itself; row j of the adjacency is what class j receives.
        """
        maps = torch.einsum("cd,bdij->bcij", self.compute_classifiers(), features)
        return {
            "logits": self(features), "activation_maps": maps, "adjacency": self.adjacency,
        }  # fmt: skip
