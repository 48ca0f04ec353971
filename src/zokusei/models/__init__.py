"""Models: images in, logits out, all built by `create_model`."""

from importlib import import_module
from pkgutil import iter_modules

from zokusei.models.backbone import (
    PACKAGED,
    Backbone,
    backbone_statistics,
    freeze_batch_norm,
    freeze_stages,
    load_packaged_weights,
)
from zokusei.models.one_of import OneOf, find_groups, find_tags
from zokusei.models.registry import (
    Classifier,
    Head,
    VotingHead,
    create_model,
    find_head,
    list_models,
    list_options,
    needs_captions,
    needs_embeddings,
    register_model,
)

# Every file of this folder is imported, so that its decorator makes the model known: a new model is
# one file and no edit anywhere else.
for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

__all__ = [
    "PACKAGED",
    "Backbone",
    "Classifier",
    "Head",
    "OneOf",
    "VotingHead",
    "backbone_statistics",
    "create_model",
    "find_groups",
    "find_head",
    "find_tags",
    "freeze_batch_norm",
    "freeze_stages",
    "list_models",
    "list_options",
    "load_packaged_weights",
    "needs_captions",
    "needs_embeddings",
    "register_model",
]
