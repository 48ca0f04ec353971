"""Networks whose features say how alike two pictures are."""

from pathlib import Path

import torch
import torchvision
from jaxtyping import Float
from torch import Tensor, nn

from zokusei.errors import ModelError
from zokusei.images.preprocess import IMAGENET_MEAN, IMAGENET_STD
from zokusei.models.backbone import Backbone, load_backbone_weights, read_weights

PACKAGED = "tf_efficientnet_lite0"

# conv4_4 before its ReLU, the layer of the released code, is the 26th of torchvision's.
_VGG_LAYERS = 26
# The third feature map, like conv4_4 one value for 8 x 8 pixels.
_PACKAGED_MAP = 2


class FeatureNetwork(nn.Module):
    """A frozen network up to a feature map of an eighth of the picture's side.

    The White-box paper compares features of VGG19 (conv4_4). Where nobody has its weights,
    EfficientNet-Lite0, whose ImageNet weights come as a package, stands in for it: another network
    with other features, so that published loss weights do not carry over exactly.

    Args:
        weights: `packaged`, or a file with torchvision's VGG19 weights.

    Raises:
        ModelError: the file cannot be read or is of another network.
        MissingExtraError: the packaged weights are not installed.
    """

    def __init__(self, weights: str = "packaged") -> None:
        super().__init__()
        self.is_packaged = weights == "packaged"
        if self.is_packaged:
            backbone = Backbone(PACKAGED)
            load_backbone_weights(backbone, PACKAGED, weights)
            self.body = backbone.body
            mean = std = (0.5, 0.5, 0.5)
        else:
            self.body = _create_vgg19(Path(weights))
            mean, std = IMAGENET_MEAN, IMAGENET_STD
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(3, 1, 1))
        self.scale = 1.0
        self.eval().requires_grad_(requires_grad=False)

    def forward(
        self, images: Float[Tensor, "batch 3 height width"]
    ) -> Float[Tensor, "batch channels rows columns"]:
        """Give the features of pictures: blue, green, red, from -1 to 1."""
        x = ((images.flip(1) + 1) / 2 - self.mean) / self.std
        if self.is_packaged:
            found = self.body.forward_intermediates(
                x, indices=[_PACKAGED_MAP], intermediates_only=True, stop_early=True
            )
            features: Tensor = found[0]
        else:
            features = self.body(x)
        return features * self.scale

    def fit_scale(self, images: Float[Tensor, "batch 3 height width"], target: float) -> None:
        """Scale features so that their mean absolute value on these pictures is `target`."""
        self.scale = 1.0
        with torch.no_grad():
            self.scale = target / max(float(self(images).abs().mean()), 1e-12)


def _create_vgg19(path: Path) -> nn.Sequential:
    layers: nn.Sequential = torchvision.models.vgg19(weights=None).features[:_VGG_LAYERS]
    given = read_weights(path)
    for name, expected in layers.state_dict().items():
        tensor = given.get(f"features.{name}")
        if tensor is None:
            raise ModelError(
                f"{path} lacks 'features.{name}': it does not hold torchvision's VGG19 weights"
            )
        if tensor.shape != expected.shape:
            raise ModelError(
                f"{path} does not fit: 'features.{name}' has shape {tuple(tensor.shape)}, VGG19 "
                f"needs {tuple(expected.shape)}"
            )
    layers.load_state_dict({name: given[f"features.{name}"] for name in layers.state_dict()})
    # In place, its ReLUs would change features that the backward pass needs.
    for layer in layers:
        if isinstance(layer, nn.ReLU):
            layer.inplace = False
    return layers
