"""Query2Label: a transformer in which every label asks the picture for itself.

Liu, Zhang, Yang, Su, Zhu: Query2Label: A Simple Transformer Way to Multi-Label Classification,
arXiv 2107.10834, 2021. Shapes in comments: B pictures, C classes, D hidden, P positions.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from zokusei.errors import ConfigError
from zokusei.labels import LabelSpace
from zokusei.models.attention import FeedForward, ResidualAttention
from zokusei.models.layers import ClassWiseLinear
from zokusei.models.registry import Head, register_model


@register_model("query2label")
class Query2Label(Head):
    r"""Learnt label queries that attend to the encoded positions, layer by layer.

    With positions F (their encoding is added to queries and keys, never to values):

    .. math::
        Q_i^{(1)} &= \mathrm{LN}(Q_{i-1} + \mathrm{Attention}(Q_{i-1}, Q_{i-1}, Q_{i-1})) \\
        Q_i^{(2)} &= \mathrm{LN}(Q_i^{(1)} + \mathrm{Attention}(Q_i^{(1)}, F, F)), \quad
        Q_i = \mathrm{FFN}(Q_i^{(2)}) \\
        s_c &= w_c \cdot Q_{L,c} + b_c

    Written from the released head and what is known of its transformer, which is DETR's. Where
    paper, code and this differ, as far as we know them:

    - The paper's decoder begins with attention among the labels. The code leaves it out unless
      told, in the first layer always, where all queries still start from nothing:
      `self_attention` gives it to the second layer and those after it. Without it time and memory
      grow in proportion to the number of classes.
    - The queries of the code are added to a start of zeros wherever a query is made, as position
      encodings are; the paper speaks of them as the start itself. This follows the code.
    - The paper projects the features; the code does so only where told. Here they are projected
      where `hidden` is another width.
    - The published network on ResNet-101 is 2048 wide with 8192 between: three layers that weigh
      more than the backbone does. `hidden` and `feedforward` make it smaller.

    Args:
        num_features: channels of the feature map.
        labels: the classes.
        hidden: D; that of the features when not given, as published. A multiple of 4.
        heads: of every attention.
        feedforward: width between the layers of FFN; 4 D when not given, as published.
        encoder_layers: over the positions.
        decoder_layers: over the labels.
        dropout: everywhere.
        self_attention: among the labels, as in the paper.
    """

    def __init__(
        self,
        num_features: int,
        labels: LabelSpace,
        *,
        hidden: int | None = None,
        heads: int = 4,
        feedforward: int | None = None,
        encoder_layers: int = 1,
        decoder_layers: int = 2,
        dropout: float = 0.1,
        self_attention: bool = False,
    ) -> None:
        super().__init__()
        width = hidden or num_features
        inner = feedforward or 4 * width
        if width % 4:
            raise ConfigError(f"query2label needs a width that is a multiple of 4, not {width}")
        if decoder_layers < 1:
            raise ConfigError(f"query2label needs a decoder layer at least, not {decoder_layers}")
        projected = nn.Identity() if width == num_features else nn.Conv2d(num_features, width, 1)
        self.projection = projected
        self.encoder = nn.ModuleList(
            _EncoderLayer(width, heads, inner, dropout) for _ in range(encoder_layers)
        )
        self.decoder = nn.ModuleList(
            _DecoderLayer(width, heads, inner, dropout, own=self_attention and index > 0)
            for index in range(decoder_layers)
        )
        for weight in [*self.encoder.parameters(), *self.decoder.parameters()]:
            if weight.ndim > 1:
                nn.init.xavier_uniform_(weight)
        self.norm = nn.LayerNorm(width)
        self.queries = nn.Parameter(torch.randn(labels.num_classes, width))
        self.classifier = ClassWiseLinear(width, labels.num_classes)

    def forward(
        self, features: Float[Tensor, "batch channels rows columns"]
    ) -> Float[Tensor, "batch classes"]:
        """Ask for every label."""
        nodes, _, _ = self._decode(features)
        logits: Tensor = self.classifier(self.norm(nodes))
        return logits

    def explain(self, features: Float[Tensor, "batch channels rows columns"]) -> dict[str, Tensor]:
        """Give `logits` and the last layer's attention as `activation_maps`.

        The maps (B, C, rows, columns) are means over the heads and add up to 1.
        """
        nodes, asking, keys = self._decode(features)
        last = self.decoder[-1]
        assert isinstance(last, _DecoderLayer)
        weights = last.cross.weigh(asking, keys)
        return {
            "logits": self.classifier(self.norm(nodes)),
            "activation_maps": weights.view(*weights.shape[:2], *features.shape[2:]),
        }

    def _decode(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Give the labels' last state with what they asked, and of which keys, to get there."""
        memory = self.projection(features).flatten(2).mT  # (B, P, D)
        rows, columns = features.shape[2:]
        places = encode_positions(rows, columns, memory.shape[2]).to(memory)
        for layer in self.encoder:
            memory = layer(memory, places)
        keys = memory + places
        queries = self.queries.expand(features.shape[0], -1, -1)
        nodes = torch.zeros_like(queries)
        for layer in self.decoder:
            nodes, asking = layer(nodes, queries, keys, memory)
        return nodes, asking, keys


class _EncoderLayer(nn.Module):
    """Positions attend to each other."""

    def __init__(self, width: int, heads: int, inner: int, dropout: float) -> None:
        super().__init__()
        self.attention = ResidualAttention(width, heads, dropout)
        self.feed_forward = FeedForward(width, inner, dropout)

    def forward(self, memory: Tensor, places: Tensor) -> Tensor:
        """Mix the positions (B, P, D)."""
        asking = memory + places
        mixed: Tensor = self.feed_forward(self.attention(memory, asking, asking, memory))
        return mixed


class _DecoderLayer(nn.Module):
    """Labels attend to each other where asked, then to the positions."""

    def __init__(self, width: int, heads: int, inner: int, dropout: float, *, own: bool) -> None:
        super().__init__()
        self.own = ResidualAttention(width, heads, dropout) if own else None
        self.cross = ResidualAttention(width, heads, dropout)
        self.feed_forward = FeedForward(width, inner, dropout)

    def forward(
        self, nodes: Tensor, queries: Tensor, keys: Tensor, memory: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Give the labels' new state (B, C, D), and what they asked the positions."""
        if self.own is not None:
            asking = nodes + queries
            nodes = self.own(nodes, asking, asking, nodes)
        asking = nodes + queries
        return self.feed_forward(self.cross(nodes, asking, keys, memory)), asking


def encode_positions(rows: int, columns: int, width: int) -> Float[Tensor, "positions width"]:
    r"""Encode where a position is, by waves down the map and then along it.

    Carion et al., End-to-End Object Detection with Transformers (DETR), 2020: of the coordinate
    u = 2 pi (index + 1) / size the sines and cosines of :math:`u / 10000^{4k / D}`.

    Args:
        rows: of the map.
        columns: of the map.
        width: D, a multiple of 4: a quarter for each of sine and cosine, down and along.

    >>> encode_positions(2, 3, 8).shape
    torch.Size([6, 8])
    """
    # In double precision; whoever adds it casts it to what the network computes in.
    steps = torch.arange(max(rows, columns, width // 4) + 1, dtype=torch.float64)
    waves = 10_000.0 ** (-steps[: width // 4] * 4 / width)
    down = 2 * math.pi * steps[1 : rows + 1, None] / rows * waves  # (rows, D / 4)
    along = 2 * math.pi * steps[1 : columns + 1, None] / columns * waves
    down = torch.cat([down.sin(), down.cos()], 1)[:, None].expand(-1, columns, -1)
    along = torch.cat([along.sin(), along.cos()], 1)[None].expand(rows, -1, -1)
    return torch.cat([down, along], 2).flatten(0, 1)
