"""The other plain baseline: global max pooling and one linear layer."""

from jaxtyping import Float
from torch import Tensor, nn

from zokusei.labels import LabelSpace
from zokusei.models.gap import map_scores
from zokusei.models.registry import Head, register_model


@register_model("gmp")
class GlobalMaxPooling(Head):
    """Score of a class: a linear function of each channel's largest value over all positions.

    ML-GCN pools this way. Its own README puts ResNet-101 on COCO at 77.3 mAP with average and 81.9
    with max pooling, 83.0 with the graph: much of what label graphs are credited with is this.

    Args:
        num_features: channels of the feature map.
        labels: the classes.
        dropout: share of the pooled features dropped in training.
    """

    def __init__(self, num_features: int, labels: LabelSpace, *, dropout: float = 0.2) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(num_features, labels.num_classes)

    def forward(
        self, features: Float[Tensor, "batch channels rows columns"]
    ) -> Float[Tensor, "batch classes"]:
        """Pool, then score."""
        logits: Tensor = self.classifier(self.dropout(features.amax((2, 3))))
        return logits

    def explain(self, features: Float[Tensor, "batch channels rows columns"]) -> dict[str, Tensor]:
        """Give `logits` and `activation_maps`, each position scored by itself.

        Unlike with average pooling the logit is no mean of its map: channels take their largest
        value at different positions.
        """
        return {
            "logits": self(features),
            "activation_maps": map_scores(self.classifier, features),
        }
