"""From a checkpoint to tags."""

from zokusei.images import Picture
from zokusei.inference.tagger import Tagger, Tags, choose_device

__all__ = ["Picture", "Tagger", "Tags", "choose_device"]
