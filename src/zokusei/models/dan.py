"""DAN: a deep attribute network, a plain network with a loss of its own.

Banik, Lauri, Frintrop: Multi-label Object Attribute Classification using a Convolutional Neural
Network, arXiv 1811.04309, 2018.
"""

from jaxtyping import Float
from torch import Tensor, nn

from zokusei.labels import LabelSpace
from zokusei.models.registry import Head, register_model


@register_model("dan")
class DAN(Head):
    r"""One hidden layer on the pooled features, one trunk for all attributes.

    .. math:: s = W_8\, \mathrm{drop}(\mathrm{ReLU}(W_7\, \mathrm{drop}(\bar{F}) + b_7)) + b_8

    As published it stands on VGG-16: `backbone=vgg16` ends after fc6 and its ReLU, one position at
    224 pixels, `input_dropout=0.5` is fc6's own, and fc7 is new with 1024 units. On any other
    backbone F is averaged over the positions, and the features are used as they come.

    What makes it DAN is the loss that weighs a tag by its rarity in the batch: `loss.name=dan`.
    Where the published code and this differ:

    - Its first four stages are frozen: `model.freeze=10`, the ten convolutions conv1_1 to conv4_3.
    - Its biases learn at twice the rate; here all weights of the head learn at one.
    - Its pictures are BGR, less (104, 117, 123), divided by 256: what its weights were trained
      with. Here mean and deviation are those of the weights that are loaded.
    - Its script copies the ImageNet weights only where it has just downloaded them.
    - It learns by Adam with a rate of 1e-3, batches of 32 and no decay: `configs/dan-vgg16.yaml`.
    - It knows uncertain labels as 0.5; here they are unknown and contribute nothing.

    Args:
        num_features: channels of the feature map.
        labels: the classes.
        hidden: units of fc7.
        dropout: before the last layer.
        input_dropout: on the pooled features.
    """

    def __init__(
        self,
        num_features: int,
        labels: LabelSpace,
        *,
        hidden: int = 1024,
        dropout: float = 0.5,
        input_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Dropout(input_dropout),
            nn.Linear(num_features, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, labels.num_classes),
        )

    def forward(
        self, features: Float[Tensor, "batch channels rows columns"]
    ) -> Float[Tensor, "batch classes"]:
        """Pool, then score."""
        logits: Tensor = self.layers(features.mean((2, 3)))
        return logits

    def explain(self, features: Float[Tensor, "batch channels rows columns"]) -> dict[str, Tensor]:
        """Give `logits` and `activation_maps` (batch, classes, rows, columns).

        The map is what every position would score if the whole picture were like it.
        """
        scores: Tensor = self.layers(features.movedim(1, -1))
        return {"logits": self(features), "activation_maps": scores.movedim(-1, 1)}
