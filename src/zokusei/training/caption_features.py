"""The captioner of a training: found, checked, and its vectors made once for every picture."""

from dataclasses import asdict

from zokusei.caption_checkpoint import load_caption_checkpoint
from zokusei.caption_source import CaptionSource
from zokusei.config import CaptionsConfig, Config
from zokusei.errors import ConfigError
from zokusei.models import Backbone, needs_captions


def load_source(config: Config) -> CaptionSource | None:
    """Load the captioner that a model reads; None where it reads none.

    Raises:
        ConfigError: the model needs a captioner and there is none, or the other way round; or
            pictures are to be shown that have no caption.
        CheckpointError: the folder holds no captioner.
    """
    captions, model = config.captions, config.model
    if not needs_captions(model.name):
        given = [f"captions.{name}" for name, value in asdict(captions).items()
                 if value != getattr(CaptionsConfig(), name)]  # fmt: skip
        if model.weights == "captioner":
            given.append("model.weights=captioner")
        if given:
            raise ConfigError(
                f"{given[0]} is set, but {model.name!r} reads no captions; leave it out"
            )
        return None
    if config.augment.collage:
        raise ConfigError(
            "augment.collage shows several pictures on one, which has no caption of its own; leave "
            f"it out for {model.name!r}"
        )
    if not captions.captioner:
        raise ConfigError(
            f"model {model.name!r} reads the vector of a caption beside each picture; give "
            "captions.captioner=RUN, which `zokusei train configs/captioner-photos.yaml` makes"
        )
    checkpoint = load_caption_checkpoint(captions.captioner)
    source = CaptionSource(checkpoint, captions.reading, captions.beam, captions.control)
    if model.weights == "captioner":
        own = checkpoint.model.arguments["backbone"]
        if own != model.backbone:
            raise ConfigError(
                f"model.weights=captioner: {captions.captioner} stands on {own}, not on "
                f"{model.backbone}; set model.backbone={own}"
            )
    return source


def copy_encoder(source: CaptionSource, backbone: Backbone) -> None:
    """Start a backbone from the captioner's encoder."""
    backbone.load_state_dict(source.checkpoint.model.backbone.state_dict())
