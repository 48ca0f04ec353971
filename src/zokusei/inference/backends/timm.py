"""Weights in timm's form through torch."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import timm
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

from zokusei.errors import CheckpointError
from zokusei.inference.backends.alone import compute_alone
from zokusei.inference.backends.torch import choose_device, create_pool
from zokusei.inference.exported import ExportedModel
from zokusei.model_folder import reading
from zokusei.model_weights import load_exactly


class TimmBackend:
    """Computes a timm model whose classes are the tags.

    Args:
        model: where the weights lie, and what builds the network.
        device: see `choose_device`.

    Raises:
        CheckpointError: timm cannot build the network, or the weights do not fit it.
        ConfigError: the device is not there.
    """

    def __init__(self, model: ExportedModel, device: str = "auto") -> None:
        self.device = choose_device(device)
        self.place = str(self.device)
        self._pool = create_pool(self.device)
        self.form, self.preprocesses = model.form, [model.preprocess]
        try:
            network = timm.create_model(num_classes=len(model.tags), **(model.arguments or {}))
        except (RuntimeError, TypeError, ValueError) as error:
            message = " ".join(str(error).split())
            raise CheckpointError(f"{model.file.parent}: timm says: {message:.200}") from error
        with reading(model.file.parent):
            weights = load_file(model.file)
        load_exactly(network, weights, model.file.parent)
        # Any: timm's networks have methods that a module in general has not.
        self.network: Any = network.eval().to(self.device)

    def predict(self, fitted: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Give each picture's probability of each tag; see `Backend`."""
        return self.predict_embedded(fitted)[0]

    def predict_embedded(
        self, fitted: Sequence[NDArray[np.uint8]]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Give probabilities and embeddings; see `EmbeddingBackend`.

        An embedding is what timm's network pools and hands to its last layer.
        """
        if self._pool is not None:
            probabilities, pooled = compute_alone(self._compute, fitted, self._pool.map)
            return probabilities, pooled
        return self._compute(fitted)

    def _compute(
        self, fitted: Sequence[NDArray[np.uint8]]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Compute one pass."""
        (pixels,) = fitted
        images = torch.from_numpy(self.form.arrange(pixels, self.preprocesses[0])).to(self.device)
        with torch.inference_mode():
            features = self.network.forward_features(images)
            logits = self.network.forward_head(features)
            pooled = self.network.forward_head(features, pre_logits=True)
        return self.form.read_result(logits.float().cpu().numpy()), pooled.float().cpu().numpy()
