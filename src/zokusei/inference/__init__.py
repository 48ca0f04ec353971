"""From a checkpoint to tags and captions."""

from zokusei.images import Picture
from zokusei.inference.captioner import Caption, Captioner
from zokusei.inference.tagger import Tagger, Tags, choose_device

__all__ = ["Caption", "Captioner", "Picture", "Tagger", "Tags", "choose_device"]
