"""The plain baseline: global average pooling and one linear layer."""

from jaxtyping import Float
from torch import Tensor, nn

from zokusei.labels import LabelSpace
from zokusei.models.registry import Head, register_model


@register_model("gap")
class GlobalAveragePooling(Head):
    """Score of a class: a linear function of the mean feature over all positions.

    The linear layer and the mean commute, so that the map of each class's score over the picture
    (class activation mapping: Zhou et al. 2016, eq. 2) is at hand and its mean is the logit.

    Dropout is EfficientNet's own, and part of what makes a plain head a rival: of the published
    graph heads none has any.

    Args:
        num_features: channels of the feature map.
        labels: the classes.
        dropout: share of the pooled features dropped in training; 0 for the plain head of the
            papers that compare with it.
    """

    def __init__(self, num_features: int, labels: LabelSpace, *, dropout: float = 0.2) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(num_features, labels.num_classes)

    def forward(
        self, features: Float[Tensor, "batch channels rows columns"]
    ) -> Float[Tensor, "batch classes"]:
        """Pool, then score."""
        logits: Tensor = self.classifier(self.dropout(self.pool(features)))
        return logits

    def pool(
        self, features: Float[Tensor, "batch channels rows columns"]
    ) -> Float[Tensor, "batch channels"]:
        """Mean over the positions."""
        return features.mean((2, 3))

    def explain(self, features: Float[Tensor, "batch channels rows columns"]) -> dict[str, Tensor]:
        """Give `logits` and `activation_maps` (batch, classes, rows, columns).

        The map scores every position by itself.
        """
        scores: Tensor = self.classifier(features.movedim(1, -1))
        return {"logits": self(features), "activation_maps": scores.movedim(-1, 1)}
