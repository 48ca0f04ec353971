"""Models: images in, logits out, all built by `create_model`."""

from zokusei.models import add_gcn, gap, gmp  # their decorators make them known
from zokusei.models.backbone import (
    PACKAGED,
    Backbone,
    backbone_statistics,
    freeze_batch_norm,
    freeze_stages,
    load_packaged_weights,
)
from zokusei.models.registry import Classifier, Head, create_model, list_models, register_model

__all__ = [
    "PACKAGED",
    "Backbone",
    "Classifier",
    "Head",
    "add_gcn",
    "backbone_statistics",
    "create_model",
    "freeze_batch_norm",
    "freeze_stages",
    "gap",
    "gmp",
    "list_models",
    "load_packaged_weights",
    "register_model",
]
