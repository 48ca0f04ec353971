"""Parts of transformers, with the norm after the residual as DETR and both decoders have it."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from zokusei.errors import ConfigError


class ResidualAttention(nn.Module):
    r"""Multi-head attention: :math:`\mathrm{LN}(x + \mathrm{Attention}(q, k, v))`.

    As `torch.nn.MultiheadAttention`, less the bias of the keys: it adds the same to all scores of
    a query, and the softmax takes that out again. Any size of batch can be exported.

    Args:
        width: of queries, keys and values.
        heads: that share the width.
        dropout: on attention weights and on what is added.

    Raises:
        ConfigError: the heads cannot share the width evenly.
    """

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        if heads < 1 or width % heads:
            raise ConfigError(f"a width of {width} cannot be shared by {heads} attention heads")
        self.heads = heads
        # Of queries, keys and values, in one matrix: what the usual start of its numbers is for.
        self.weight = nn.Parameter(nn.init.xavier_uniform_(torch.empty(3 * width, width)))
        self.query_bias = nn.Parameter(torch.zeros(width))
        self.value_bias = nn.Parameter(torch.zeros(width))
        self.output = nn.Linear(width, width)
        nn.init.zeros_(self.output.bias)
        self.dropout = nn.Dropout(dropout)
        self.norm = nn.LayerNorm(width)

    def forward(
        self,
        nodes: Float[Tensor, "batch nodes width"],
        query: Float[Tensor, "batch nodes width"],
        key: Float[Tensor, "batch positions width"],
        value: Float[Tensor, "batch positions width"],
    ) -> Float[Tensor, "batch nodes width"]:
        """Add to each node what it attends to."""
        queries, keys = self._project(query, key)
        values = self._split(F.linear(value, self.weight.chunk(3)[2], self.value_bias))
        dropout = self.dropout.p if self.training else 0.0
        attended = F.scaled_dot_product_attention(queries, keys, values, dropout_p=dropout)
        attended = self.output(attended.transpose(1, 2).flatten(2))
        normed: Tensor = self.norm(nodes + self.dropout(attended))
        return normed

    def weigh(
        self,
        query: Float[Tensor, "batch nodes width"],
        key: Float[Tensor, "batch positions width"],
    ) -> Float[Tensor, "batch nodes positions"]:
        """Give the attention weights, the mean over the heads; each node's add up to 1."""
        queries, keys = self._project(query, key)
        scores = queries @ keys.mT / math.sqrt(queries.shape[-1])
        return scores.softmax(-1).mean(1)

    def _project(self, query: Tensor, key: Tensor) -> tuple[Tensor, Tensor]:
        """Give queries and keys of every head."""
        for_queries, for_keys, _ = self.weight.chunk(3)
        queries = F.linear(query, for_queries, self.query_bias)
        return self._split(queries), self._split(F.linear(key, for_keys))

    def _split(self, vectors: Tensor) -> Float[Tensor, "batch heads nodes share"]:
        """Share the width out over the heads."""
        return vectors.reshape(*vectors.shape[:2], self.heads, -1).transpose(1, 2)


class FeedForward(nn.Module):
    r"""Two linear layers: :math:`\mathrm{LN}(x + W_2\,\mathrm{ReLU}(W_1 x))`.

    Args:
        width: of the nodes.
        hidden: between the layers.
        dropout: after each of them.
    """

    def __init__(self, width: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(width, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, width),
            nn.Dropout(dropout),
        )  # fmt: skip
        self.norm = nn.LayerNorm(width)

    def forward(
        self, nodes: Float[Tensor, "batch nodes width"]
    ) -> Float[Tensor, "batch nodes width"]:
        """Transform each node by itself."""
        normed: Tensor = self.norm(nodes + self.layers(nodes))
        return normed
