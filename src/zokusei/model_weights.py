"""The weights of a model folder: written, and put into a model that has just these."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save
from torch import nn

from zokusei.errors import CheckpointError
from zokusei.files import write_whole


def halve(model: nn.Module) -> dict[str, torch.Tensor]:
    """Give a model's state with its weights in half precision where that can hold them.

    Buffers stay as they are: statistics of batch norms have a wide range, and are few.
    """
    parameters = dict(model.named_parameters())
    state = {}
    for name, tensor in model.state_dict().items():
        half = tensor.half() if name in parameters else tensor
        state[name] = half if bool(half.isfinite().all()) else tensor
    return state


def write_weights(folder: Path, weights: Mapping[str, torch.Tensor]) -> None:
    """Write `model.safetensors`."""
    contiguous = {name: tensor.contiguous() for name, tensor in weights.items()}
    with write_whole(folder / "model.safetensors") as temporary:
        temporary.write_bytes(save(contiguous))  # our own write: a full disk is an OSError then


def load_exactly(model: nn.Module, weights: dict[str, torch.Tensor], folder: Path) -> None:
    """Put weights into a model that has just these, of just these shapes.

    Raises:
        CheckpointError: one is missing, too many, or of another shape.
    """
    expected = model.state_dict()
    for name, tensor in expected.items():
        if name not in weights:
            raise CheckpointError(f"{folder}: the weights lack {name!r}; of another model?")
        if weights[name].shape != tensor.shape:
            given, needed = tuple(weights[name].shape), tuple(tensor.shape)
            raise CheckpointError(f"{folder}: {name!r} has shape {given}, the model needs {needed}")
    extra = sorted(set(weights) - set(expected))
    if extra:
        raise CheckpointError(
            f"{folder}: the model has no place for {extra[0]!r}; of another model?"
        )
    model.load_state_dict(weights)
