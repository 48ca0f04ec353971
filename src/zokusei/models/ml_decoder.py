"""ML-Decoder: a few fixed queries that ask for groups of labels.

Ridnik, Sharir, Ben-Cohen, Ben-Baruch, Noy: ML-Decoder: Scalable and Versatile Classification Head,
arXiv 2111.12933, 2021. Shapes in comments: B pictures, C classes, D hidden, K queries, P positions.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from zokusei.errors import ConfigError
from zokusei.labels import LabelSpace
from zokusei.models.attention import FeedForward, ResidualAttention
from zokusei.models.registry import Head, register_model


@register_model("ml_decoder")
class MLDecoder(Head):
    r"""One layer of attention for at most 100 queries, each of which answers for several classes.

    With fixed random queries G and K = min(`groups`, C) of them, g = ceil(C / K) classes each:

    .. math::
        E &= \mathrm{ReLU}(W_e F), \quad
            H = \mathrm{FFN}(\mathrm{LN}(\tilde G + \mathrm{Attention}(\tilde G, E, E))), \quad
            \tilde G = \mathrm{LN}(G + \mathrm{drop}(G)) \\
        s_{kg+j} &= w_{k,j} \cdot H_k + b_{kg+j}

    Read from the released code. The queries never attend to each other,
    so that time and memory grow with K and hardly with C. Classes that stand side by side share a
    query; with more classes than `groups` their order therefore matters. Where the released code
    and this differ:

    - Its queries are an embedding that is never trained: a buffer here.
    - It loops over the queries for the last layer; one product here.
    - With K not dividing C the last answers of the last queries are cut off, as there.

    Args:
        num_features: channels of the feature map.
        labels: the classes.
        groups: the most queries.
        hidden: D.
        heads: of the attention.
        feedforward: width between the layers of FFN.
        dropout: everywhere.
    """

    queries: Tensor

    def __init__(
        self,
        num_features: int,
        labels: LabelSpace,
        *,
        groups: int = 100,
        hidden: int = 768,
        heads: int = 8,
        feedforward: int = 2048,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        if groups < 1:
            raise ConfigError(f"ml_decoder needs a group at least, not {groups}")
        self.num_classes = labels.num_classes
        count = min(groups, self.num_classes)
        self.embed = nn.Linear(num_features, hidden)
        self.register_buffer("queries", torch.randn(count, hidden))
        self.dropout = nn.Dropout(dropout)
        self.norm = nn.LayerNorm(hidden)
        self.attention = ResidualAttention(hidden, heads, dropout)
        self.feed_forward = FeedForward(hidden, feedforward, dropout)
        size = math.ceil(self.num_classes / count)
        self.weight = nn.Parameter(nn.init.xavier_normal_(torch.empty(count, hidden, size)))
        self.bias = nn.Parameter(torch.zeros(self.num_classes))

    def forward(
        self, features: Float[Tensor, "batch channels rows columns"]
    ) -> Float[Tensor, "batch classes"]:
        """Ask for every group."""
        memory, queries = self._prepare(features)
        nodes = self.feed_forward(self.attention(queries, queries, memory, memory))
        answers = torch.einsum("bkd,kdg->bkg", nodes, self.weight).flatten(1)  # (B, K g)
        return answers[:, : self.num_classes] + self.bias

    def explain(self, features: Float[Tensor, "batch channels rows columns"]) -> dict[str, Tensor]:
        """Give `logits` and `activation_maps` (B, C, rows, columns).

        The map of a class is the attention of its query, the mean over the heads; it adds up to 1,
        and the classes of one query share it.
        """
        memory, queries = self._prepare(features)
        weights = self.attention.weigh(queries, memory)  # (B, K, P)
        weights = weights.repeat_interleave(self.weight.shape[2], 1)[:, : self.num_classes]
        return {
            "logits": self(features),
            "activation_maps": weights.reshape(*weights.shape[:2], *features.shape[2:]),
        }

    def _prepare(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Give the embedded positions (B, P, D) and the queries (B, K, D)."""
        memory = F.relu(self.embed(features.flatten(2).mT))
        queries = self.queries.expand(features.shape[0], -1, -1)
        return memory, self.norm(queries + self.dropout(queries))
