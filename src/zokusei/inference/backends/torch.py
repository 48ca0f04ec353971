"""A checkpoint's model through torch."""

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from zokusei.captioning.groups import GroupWriter
from zokusei.captioning.model import to_annotations
from zokusei.checkpoint import Checkpoint
from zokusei.errors import ConfigError
from zokusei.inference.backends.alone import Pool, compute_alone, split_pictures
from zokusei.models import Classifier
from zokusei.models.folding import fold_batch_norms

Network = TypeVar("Network", bound=nn.Module)


class _Seen(NamedTuple):
    """Pictures that the networks have looked at.

    Attributes:
        given: as the classifier wants them, pictures x 3 x size x size.
        features: its map of them.
        annotations: the captioner's, pictures x positions x features; None without one.
    """

    given: Tensor
    features: Tensor
    annotations: Tensor | None


class TorchBackend:
    """Computes a classifier where it is best computed, and the captions that it reads.

    Where tagger and captioner stand on one encoder, it sees each picture once. The classifier is
    computed without batch norms (`fold_batch_norms`), which takes less time.

    Args:
        checkpoint: its networks are moved to the device; what is computed is a copy.
        device: see `choose_device`.

    Raises:
        ConfigError: the device is not there.
    """

    def __init__(self, checkpoint: Checkpoint, device: str = "auto") -> None:
        self.device = choose_device(device)
        self.place = str(self.device)
        self._pool = create_pool(self.device)
        self.preprocesses = [checkpoint.preprocess]
        self.captions = checkpoint.captions
        self._place(checkpoint.model)  # explanations look into it
        self.model = self._place(self._fold(checkpoint))
        self._shares_encoder = False
        self._writer: GroupWriter | None = None
        if self.captions is not None:
            writer = self.captions.checkpoint
            self._place(writer.model)
            if writer.preprocess != checkpoint.preprocess:
                self.preprocesses.append(writer.preprocess)
            self._shares_encoder = self.captions.shares_encoder(
                checkpoint.model.backbone, checkpoint.preprocess
            )
            if self._pool is not None:
                self._writer = self.captions.create_writer(self._pool.map)

    def predict(self, fitted: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Give each picture's probability of each tag; see `Backend`."""
        return self.predict_embedded(fitted)[0]

    def predict_embedded(
        self, fitted: Sequence[NDArray[np.uint8]]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Give probabilities and embeddings; see `EmbeddingBackend`.

        An embedding is the mean over all places of the backbone's last feature map, before the head
        reads it.
        """
        if self._pool is None:
            return self._compute(fitted)
        if self._writer is None:
            probabilities, pooled = compute_alone(self._compute, fitted, self._pool.map)
            return probabilities, pooled
        # Captions are written of several pictures at once, all else is computed alone.
        seen = list(self._pool.map(self._look, split_pictures(fitted)))
        vectors = self._read_captions(seen)
        found = self._pool.map(lambda look: self._conclude(*look), zip(seen, vectors, strict=True))
        probabilities, pooled = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return probabilities, pooled

    def _compute(
        self, fitted: Sequence[NDArray[np.uint8]]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Compute one pass."""
        seen = self._look(fitted)
        return self._conclude(seen, *self._read_captions([seen]))

    def _read_captions(self, seen: "Sequence[_Seen]") -> "Sequence[Tensor | None]":
        """Give the vectors of what was looked at, a tensor for each."""
        if self.captions is None:
            return [None] * len(seen)
        annotations = [look.annotations for look in seen if look.annotations is not None]
        vectors = self.captions.compute(torch.cat(annotations), self._writer)
        return torch.split(vectors, [len(look) for look in annotations])

    def _look(self, fitted: Sequence[NDArray[np.uint8]]) -> "_Seen":
        """Compute what is known of pictures before anything is said of them."""
        images = [torch.from_numpy(pixels).permute(0, 3, 1, 2) for pixels in fitted]
        with torch.inference_mode():
            given = self.preprocesses[0].normalize(images[0].to(self.device))
            features = self.model.look(given)
            annotations = None
            if self.captions is not None:
                shared = self._shares_encoder
                annotations = (
                    to_annotations(features) if shared else self.captions.encode(images[-1])
                )
            return _Seen(given, features, annotations)

    def _conclude(
        self, seen: "_Seen", vectors: Tensor | None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Say what follows for each tag."""
        with torch.inference_mode():
            logits = self.model.classify(seen.features, vectors)
            logits = self.model.conclude(seen.given, logits, vectors)
            pooled = seen.features.float().mean(dim=(2, 3))
        return logits.float().sigmoid().cpu().numpy(), pooled.cpu().numpy()

    def _fold(self, checkpoint: Checkpoint) -> Classifier:
        """Give a copy of the classifier as it is computed fastest."""
        size, captions = checkpoint.preprocess.size, checkpoint.captions
        inputs = [torch.zeros(1, 3, size, size, device=self.device)]
        if captions is not None:
            inputs.append(torch.zeros(1, captions.width, device=self.device))
        return fold_batch_norms(checkpoint.model, *inputs)

    def _place(self, model: Network) -> Network:
        return model.eval().to(self.device).to(memory_format=torch.channels_last)


def _use_one_core() -> None:
    torch.set_num_threads(1)


def create_pool(device: torch.device) -> Pool | None:
    """Give what computes pictures on a device one by one; None: several in one pass.

    Args:
        device: where the network is.
    """
    return Pool(_use_one_core) if device.type == "cpu" else None


def choose_device(name: str) -> torch.device:
    """Give the device of that name; `auto` is the first of CUDA, MPS and the processor.

    Raises:
        ConfigError: this machine or this torch has no such device.

    >>> choose_device("cpu")
    device(type='cpu')
    """
    if name == "auto":
        # What torch lists may still be too old for it, or taken by somebody else.
        works = (kind for kind in ("cuda", "mps") if _explain_unusable(torch.device(kind)) is None)
        return torch.device(next(works, "cpu"))
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(f"unknown device {name!r}; give auto, cpu, cuda or mps") from error
    reason = _explain_unusable(device)
    if reason is not None:
        raise ConfigError(
            f"device {name!r} is not available here ({reason:.100}); `zokusei doctor` lists what "
            "is, and auto takes the best of it"
        )
    return device


def _explain_unusable(device: torch.device) -> str | None:
    """Say why nothing can be computed there; None where it can."""
    try:
        # Torch knows devices by name that it cannot use, and some of them let nothing out again.
        torch.zeros(1, device=device).cpu()
    except Exception as error:  # each kind of device has its own classes
        return " ".join(str(error).split())
    return None
