"""A checkpoint's model through torch."""

import numpy as np
import torch
from numpy.typing import NDArray

from zokusei.errors import ConfigError
from zokusei.images.preprocess import Preprocess
from zokusei.models import Classifier


class TorchBackend:
    """Computes a classifier where it is best computed.

    Args:
        model: images to logits; is moved to the device.
        preprocess: normalises the pictures.
        device: see `choose_device`.

    Raises:
        ConfigError: the device is not there.
    """

    def __init__(self, model: Classifier, preprocess: Preprocess, device: str = "auto") -> None:
        self.device = choose_device(device)
        self.place = str(self.device)
        self.preprocess = preprocess
        self.model = model.eval().to(self.device).to(memory_format=torch.channels_last)

    def predict(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Give each picture's probability of each tag; see `Backend`."""
        images = torch.from_numpy(pixels).permute(0, 3, 1, 2).to(self.device)
        with torch.inference_mode():
            logits = self.model(self.preprocess.normalize(images))
        probabilities: NDArray[np.float32] = logits.float().sigmoid().cpu().numpy()
        return probabilities


def choose_device(name: str) -> torch.device:
    """Give the device of that name; `auto` is the first of CUDA, MPS and the processor.

    Raises:
        ConfigError: this machine or this torch has no such device.

    >>> choose_device("cpu")
    device(type='cpu')
    """
    has_mps = torch.backends.mps.is_available()
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if has_mps else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(f"unknown device {name!r}; give auto, cpu, cuda or mps") from error
    missing = (device.type == "cuda" and not torch.cuda.is_available()) or (
        device.type == "mps" and not has_mps
    )
    if missing:
        raise ConfigError(f"device {name!r} is not available here; `zokusei doctor` says why")
    return device
