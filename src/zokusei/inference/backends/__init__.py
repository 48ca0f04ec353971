"""What computes a model: one short file per library, none imported before it is needed."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from zokusei.images.preprocess import Preprocess
from zokusei.inference.exported import ExportedModel

if TYPE_CHECKING:
    from zokusei.checkpoint import Checkpoint


class Backend(Protocol):
    """A model that is ready to compute.

    Attributes:
        place: device and library, for people.
        preprocesses: each way in which it wants every picture fitted.
    """

    place: str
    preprocesses: list[Preprocess]

    def predict(self, fitted: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Give each picture's probability of each tag.

        On a processor it is the same to the last bit whatever pictures are given with it
        (`compute_alone`). On a graphics card, where passes of several are much faster, the last
        digits depend on how many there are.

        Args:
            fitted: the pictures as each preprocessing fits them, batch x size x size x 3, red
                first; a batch of any size.

        Returns:
            batch x tags.
        """
        ...


@runtime_checkable
class EmbeddingBackend(Backend, Protocol):
    """A backend that also gives what the model knows of a picture as one vector."""

    def predict_embedded(
        self, fitted: Sequence[NDArray[np.uint8]]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Give what `predict` gives, and the pooled features of the backbone, batch x features."""
        ...


def create_backend(model: "Checkpoint | ExportedModel", device: str = "auto") -> Backend:
    """Get a model ready.

    Raises:
        CheckpointError: its file cannot be loaded.
        ConfigError: the device is not there.
        MissingExtraError: the library it was exported for is not installed.
    """
    if not isinstance(model, ExportedModel):
        from zokusei.inference.backends.torch import TorchBackend

        return TorchBackend(model, device)
    if model.runtime == "openvino":
        from zokusei.inference.backends.openvino import OpenVinoBackend

        return OpenVinoBackend(model, device)
    if model.runtime == "timm":
        from zokusei.inference.backends.timm import TimmBackend

        return TimmBackend(model, device)
    from zokusei.inference.backends.onnx import OnnxBackend

    return OnnxBackend(model, device)
