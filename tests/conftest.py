"""Shapes written in annotations are checked while the tests run."""

from hypothesis import settings
from jaxtyping import install_import_hook

# A busy machine makes no property false.
settings.register_profile("zokusei", deadline=None, max_examples=50)
settings.load_profile("zokusei")

install_import_hook(
    ["zokusei.models", "zokusei.losses", "zokusei.metrics", "zokusei.data", "zokusei.labels"],
    "shapes.check",
)
