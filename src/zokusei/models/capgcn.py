"""CapGCN: a caption-conditioned dynamic graph, the model of the paper this project implements.

*GCN-based multi-modal multi-label attribute classification in anime illustration using
domain-specific semantic features*, 2023; its equations by number. Shapes in comments: B pictures,
C classes, D hidden, P positions.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from zokusei.errors import ConfigError
from zokusei.labels import LabelSpace
from zokusei.models.dynamic_graph import (
    SLOPE,
    DynamicAdjacency,
    DynamicGraphHead,
    NodeUpdate,
    normalize_batch,
)
from zokusei.models.layers import ClassWiseLinear
from zokusei.models.registry import register_model, require_captions

_READINGS = {
    "mask": ("sigmoid", "softmax", "raw"),
    "attention": ("sum", "mean"),
    "caption_joins": ("adjacency", "nodes", "both"),
    "orientation": ("code", "paper"),
    "fusion": ("mean", "graph"),
}


@register_model("capgcn")
class CapGCN(DynamicGraphHead):
    r"""ADD-GCN whose dynamic graph is told what the picture is about, by the vector of a caption.

    With features F' = conv(F), class activation maps M = fc(F) and the caption's vector v_cap, the
    result of (2):

    .. math::
        h_c &= \sum_p \sigma(M_{c,p}) F'_p & (1) \\
        V &= H + \mathrm{LReLU}(\mathrm{LReLU}(A_s H)\, W_s) \\
        V' &= [V, V_{cap}], \quad V_{cap} = \mathrm{BN}(W_{cap} v_{cap}) \text{ for every class} \\
        A_d[k, n] &= \sigma(w_k \cdot v'_n + b_k) & (3) \\
        Z &= H + \mathrm{LReLU}(\mathrm{LReLU}(A_d^\top V)\, W_d) & (3) \\
        s &= (s_m + s_r) / 2, \quad s_m = \max_p M_{c,p}, \quad s_r = w_c \cdot z_c + b_c

    Equation (4) is the loss, a binary cross entropy whose minus sign the paper lacks: `losses`.
    How v_cap comes from a captioner, (2), is no part of this file: see `captioning.features`.

    What the paper leaves open, the default first:

    - `mask`: the maps weigh positions by their `sigmoid` as in ADD-GCN, from which the rest is
      taken; by a `softmax` over positions; or `raw`, since no normaliser is given.
    - `transform`: F goes through a 1 x 1 convolution to D as in ADD-GCN, or D is the width of F.
    - `attention`: the `sum` of (1) as written, over 14 x 14 positions some 98 times as large as a
      mean feature and as v_cap; or a `mean`.
    - `double_activation`, `residual`: as in ADD-GCN's code; the equations have one activation and
      no residual.
    - `caption_projection`: v_cap goes through a linear layer and a batch norm, or joins as it is,
      for which it must be D wide.
    - `caption_joins`: (3) multiplies A_d with V, so that the caption shapes the `adjacency` alone;
      the text speaks of importing it into the graph: into the `nodes` (V' in the place of V), or
      `both`.
    - `global_vector`: V' has no global vector as ADD-GCN has; True adds it.
    - `orientation`: A_d = sigma(W_A V') does not fit as written, C x C times C x 2D. ADD-GCN's code
      has features as D x C, and node n sums A[k, n] over k (`code`); `paper` takes A as is, node k
      sums A[k, n] over n.
    - `fusion`: the `mean` with s_m, without which nothing teaches the maps; or the `graph` alone.

    Args:
        num_features: channels of the feature map.
        labels: the classes.
        caption_width: length of v_cap.
        hidden: D.
        mask, transform, attention, double_activation, residual: see above.
        caption_projection, caption_joins, global_vector, orientation, fusion: see above.

    Raises:
        ConfigError: a reading is unknown, or the caption's vector cannot join the nodes as it is.
    """

    needs_captions = True

    def __init__(
        self,
        num_features: int,
        labels: LabelSpace,
        *,
        caption_width: int,
        hidden: int = 1024,
        mask: str = "sigmoid",
        transform: bool = True,
        attention: str = "sum",
        double_activation: bool = True,
        residual: bool = True,
        caption_projection: bool = True,
        caption_joins: str = "adjacency",
        global_vector: bool = False,
        orientation: str = "code",
        fusion: str = "mean",
    ) -> None:
        super().__init__()
        _check(
            mask=mask,
            attention=attention,
            caption_joins=caption_joins,
            orientation=orientation,
            fusion=fusion,
        )
        hidden = hidden if transform else num_features
        if not caption_projection and caption_width != hidden:
            raise ConfigError(
                f"a caption vector of {caption_width} numbers cannot join nodes of {hidden} as it "
                "is; set caption_projection, or hidden to the same width"
            )
        num_classes = labels.num_classes
        self.mask, self.attention, self.residual = mask, attention, residual
        self.orientation, self.fusion = orientation, fusion
        self.caption_width = caption_width
        self.in_adjacency = caption_joins in ("adjacency", "both")
        self.in_nodes = caption_joins in ("nodes", "both")

        self.activation_map = nn.Conv2d(num_features, num_classes, 1, bias=False)
        self.transform = nn.Conv2d(num_features, hidden, 1) if transform else nn.Identity()
        self.static_adjacency = nn.Linear(num_classes, num_classes, bias=False)
        self.static_weight = NodeUpdate(hidden, hidden, double_activation=double_activation)
        self.caption_weight: nn.Linear | None = None
        if caption_projection:
            self.caption_weight = nn.Linear(caption_width, hidden)
            self.caption_norm = nn.BatchNorm1d(hidden)
        self.global_weight: nn.Linear | None = None
        if global_vector:
            self.global_weight = nn.Linear(hidden, hidden)
            self.global_norm = nn.BatchNorm1d(hidden)
        context = hidden * (self.in_adjacency + global_vector)
        self.dynamic_adjacency = DynamicAdjacency(hidden, context, num_classes)
        width = hidden * (1 + self.in_nodes)
        self.dynamic_weight = NodeUpdate(width, hidden, double_activation=double_activation)
        self.classifier = ClassWiseLinear(hidden, num_classes)

    def forward(
        self,
        features: Float[Tensor, "batch channels rows columns"],
        caption_features: Float[Tensor, "batch caption_width"] | None = None,
    ) -> Float[Tensor, "batch classes"]:
        """Give the logits.

        Raises:
            ModelError: the caption vectors are missing or of another width.
        """
        return self.explain(features, caption_features)["logits"]

    def explain(
        self,
        features: Float[Tensor, "batch channels rows columns"],
        caption_features: Float[Tensor, "batch caption_width"] | None = None,
    ) -> dict[str, Tensor]:
        """Give the fused score with its parts.

        Returns:
            `logits`, `activation_logits` (s_m), `activation_maps` (B, C, rows, columns),
            `graph_logits` (s_r), `adjacency` (B, C, C), where entry [k, n] is what class n receives
            from class k, whatever the orientation, `attended` (H), `nodes` (V or V') and `caption`
            (v_cap as it joins).

        Raises:
            ModelError: the caption vectors are missing or of another width.
        """
        caption = self._project(caption_features)  # (B, D)
        maps = self.activation_map(features)
        attended = self._attend(features, maps)  # H, (1)
        mixed = self.static_weight(self.static_adjacency(attended.mT).mT)
        if self.residual:
            mixed = attended + mixed  # V
        adjacency = self._compute_adjacency(mixed, caption)  # A_d, (3)
        nodes = mixed
        if self.in_nodes:
            everywhere = caption[:, None].expand(-1, mixed.shape[1], -1)
            nodes = torch.cat([mixed, everywhere], dim=2)  # V'
        return self.conclude(attended, nodes, adjacency, maps) | {"caption": caption}  # Z, (3)

    def _project(self, caption_features: Tensor | None) -> Float[Tensor, "batch hidden"]:
        """Bring the caption's vector to the width and the scale of the nodes."""
        captions = require_captions(caption_features, self.caption_width)
        if self.caption_weight is None:
            return captions
        return normalize_batch(self.caption_norm, self.caption_weight(captions))

    def _attend(self, features: Tensor, maps: Tensor) -> Float[Tensor, "batch classes hidden"]:
        """Semantic attention: the features where a class is active, (1)."""
        mask = maps.flatten(2)  # (B, C, P)
        if self.mask != "raw":
            mask = mask.sigmoid() if self.mask == "sigmoid" else mask.softmax(2)
        attended: Tensor = mask @ self.transform(features).flatten(2).mT  # (B, C, D)
        return attended / mask.shape[2] if self.attention == "mean" else attended

    def _compute_adjacency(
        self, nodes: Tensor, caption: Tensor
    ) -> Float[Tensor, "batch classes classes"]:
        """Give A_d of (3) for each picture, what class n receives from class k at [k, n]."""
        context = [caption] if self.in_adjacency else []
        if self.global_weight is not None:
            of_all = normalize_batch(self.global_norm, self.global_weight(nodes.mean(1)))
            context.append(F.leaky_relu(of_all, SLOPE))
        adjacency: Tensor = self.dynamic_adjacency(
            nodes, torch.cat(context, dim=1) if context else None
        )
        return adjacency if self.orientation == "code" else adjacency.mT


def _check(**readings: str) -> None:
    for option, value in readings.items():
        known = _READINGS[option]
        if value not in known:
            raise ConfigError(f"unknown {option} {value!r}; known: {', '.join(known)}")
