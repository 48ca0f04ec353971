"""From a checkpoint to tags and captions.

What is asked for is imported then: a model that was exported is used without torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from zokusei.images import Picture

if TYPE_CHECKING:
    from zokusei.inference.backends.torch import choose_device
    from zokusei.inference.captioner import Caption, Captioner
    from zokusei.inference.tagger import Tagger, Tags

__all__ = ["Caption", "Captioner", "Picture", "Tagger", "Tags", "choose_device"]

_HOMES = {
    "Caption": "captioner",
    "Captioner": "captioner",
    "Tagger": "tagger",
    "Tags": "tagger",
    "choose_device": "backends.torch",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
