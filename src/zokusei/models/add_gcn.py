"""ADD-GCN: attention-driven dynamic graph convolution.

Ye, He, Peng, Wu, Qiao: Attention-Driven Dynamic Graph Convolutional Network for Multi-label Image
Recognition, ECCV 2020. Shapes in comments: B pictures, C classes, D hidden, P positions.
"""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from zokusei.errors import ConfigError, suggest
from zokusei.labels import LabelSpace
from zokusei.models.dynamic_graph import (
    SLOPE,
    DynamicAdjacency,
    DynamicGraphHead,
    NodeUpdate,
    normalize_batch,
)
from zokusei.models.layers import ClassWiseLinear
from zokusei.models.registry import register_model

_FUSIONS = ("mean", "graph", "activation")


@register_model("add_gcn")
class ADDGCN(DynamicGraphHead):
    r"""Class representations by attention, mixed by a static and then by a dynamic graph.

    With features F' = conv(F) and class activation maps M = fc(F):

    .. math::
        v_c &= \sum_p \sigma(M_{c,p}) F'_p \\
        x &= v + \mathrm{LReLU}(\mathrm{LReLU}(A_s v)\, W_s) \\
        A_d[k, n] &= \sigma(w_k \cdot [g; x_n] + b_k), \quad
            g = \mathrm{LReLU}(\mathrm{BN}(W_g \bar{x})) \\
        z &= v + \mathrm{LReLU}(\mathrm{LReLU}(A_d^\top x)\, W_d) \\
        s &= (s_m + s_r) / 2, \quad s_m = \max_p M_{c,p}, \quad s_r = w_c \cdot z_c + b_c

    Where paper, released code and this differ:

    - The paper writes each graph convolution with one activation, the code applies it before and
      after the weight: `double_activation`.
    - The code adds both residuals, the paper's equations show none: `residual`. The second one adds
      v, the attended features, and not the output of the static graph.
    - Loss and figures use only the mean of both scores: `fusion`. `graph` is s_r alone and
      `activation` s_m alone, which has no graph at all and no weights for one.
    - The attended sum is not normalised: over 14 x 14 positions it is some 98 times the mean
      feature at the start, over 4 x 4 eight times. `attention` = `mean` divides by the number of
      positions, so that sizes compare.
    - The code takes the diagonal of a C x C product for s_r; this computes the diagonal alone.
    - The batch norm of the global vector sees B values a channel and fails on a single one. With
      one picture in training it uses its running statistics here.
    - Labels marked as difficult are positives in the code's loss; unknown ones are in none here.
    - The code's rate drops an epoch later than its settings say; here it drops when they say.

    Formulas are those of the code, and have no numbers of the paper's equations.

    Args:
        num_features: channels of the feature map.
        labels: the classes.
        hidden: D.
        double_activation: as in the code (True) or the paper (False).
        residual: as in the code (True) or the paper (False).
        fusion: `mean`, `graph` or `activation`.
        attention: `sum` as published, or `mean`.
    """

    def __init__(
        self,
        num_features: int,
        labels: LabelSpace,
        *,
        hidden: int = 1024,
        double_activation: bool = True,
        residual: bool = True,
        fusion: str = "mean",
        attention: str = "sum",
    ) -> None:
        super().__init__()
        if fusion not in _FUSIONS:
            raise ConfigError(f"unknown fusion {fusion!r}{suggest(fusion, _FUSIONS)}")
        if attention not in ("sum", "mean"):
            raise ConfigError(f"unknown attention {attention!r}; known: mean, sum")
        num_classes = labels.num_classes
        self.residual = residual
        self.fusion, self.attention = fusion, attention
        self.activation_map = nn.Conv2d(num_features, num_classes, 1, bias=False)
        if fusion == "activation":
            return
        self.transform = nn.Conv2d(num_features, hidden, 1)
        # Convolutions of size 1 over the class axis in the code: plain linear layers.
        self.static_adjacency = nn.Linear(num_classes, num_classes, bias=False)
        self.static_weight = NodeUpdate(hidden, hidden, double_activation=double_activation)
        self.global_weight = nn.Linear(hidden, hidden)
        self.global_norm = nn.BatchNorm1d(hidden)
        self.dynamic_adjacency = DynamicAdjacency(hidden, hidden, num_classes)
        self.dynamic_weight = NodeUpdate(hidden, hidden, double_activation=double_activation)
        self.classifier = ClassWiseLinear(hidden, num_classes)

    def explain(self, features: Float[Tensor, "batch channels rows columns"]) -> dict[str, Tensor]:
        """Give the fused score with its parts.

        Returns:
            `logits`, `activation_logits` (s_m), `activation_maps` (B, C, rows, columns) and, unless
            the fusion is `activation`, `graph_logits` (s_r), `adjacency` (B, C, C), where entry
            [k, n] is what class n receives from class k, `attended` (v) and `nodes` (x).
        """
        maps = self.activation_map(features)
        if self.fusion == "activation":
            logits = maps.flatten(2).amax(2)
            return {"logits": logits, "activation_logits": logits, "activation_maps": maps}
        attended = self._attend(features, maps)
        mixed = self.static_weight(self.static_adjacency(attended.mT).mT)
        if self.residual:
            mixed = attended + mixed
        context = normalize_batch(self.global_norm, self.global_weight(mixed.mean(1)))
        adjacency = self.dynamic_adjacency(mixed, F.leaky_relu(context, SLOPE))
        return self.conclude(attended, mixed, adjacency, maps)

    def _attend(self, features: Tensor, maps: Tensor) -> Float[Tensor, "batch classes hidden"]:
        """Semantic attention: sum of the features where a class is active."""
        mask = maps.flatten(2).sigmoid()  # (B, C, P)
        attended: Tensor = mask @ self.transform(features).flatten(2).mT  # (B, C, D)
        if self.attention == "mean":
            attended = attended / mask.shape[2]
        return attended
