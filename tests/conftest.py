"""Shapes written in annotations are checked while the tests run."""

from jaxtyping import install_import_hook

install_import_hook(
    ["zokusei.models", "zokusei.losses", "zokusei.metrics", "zokusei.data", "zokusei.labels"],
    "shapes.check",
)
