"""Models: images in, logits out, all built by `create_model`."""

from zokusei.models import (  # their decorators make them known
    add_gcn,
    dan,
    gap,
    gmp,
    ml_decoder,
    ml_gcn,
    p_gcn,
    query2label,
    ssgrl,
)
from zokusei.models.backbone import (
    PACKAGED,
    Backbone,
    backbone_statistics,
    freeze_batch_norm,
    freeze_stages,
    load_packaged_weights,
)
from zokusei.models.registry import (
    Classifier,
    Head,
    create_model,
    list_models,
    needs_embeddings,
    register_model,
)

__all__ = [
    "PACKAGED",
    "Backbone",
    "Classifier",
    "Head",
    "add_gcn",
    "backbone_statistics",
    "create_model",
    "dan",
    "freeze_batch_norm",
    "freeze_stages",
    "gap",
    "gmp",
    "list_models",
    "load_packaged_weights",
    "ml_decoder",
    "ml_gcn",
    "needs_embeddings",
    "p_gcn",
    "query2label",
    "register_model",
    "ssgrl",
]
