"""What a killed training needs to go on: one file, written whole, without a pickle."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.optim import Optimizer

from zokusei.errors import CheckpointError
from zokusei.files import write_whole


@dataclass
class Position:
    """How far a training has come.

    Attributes:
        epoch: the one under way, from 0.
        step: the next step of that epoch.
        loss_sum: of the steps of that epoch so far.
        best_score: of the epochs so far; None before the first evaluation.
        best_epoch: where that was.
        seconds: on the clock, over all sittings, evaluation included.
        log_bytes: length of the log up to here; what stands after it is of a lost sitting.
        finished: nothing is left to do.
        scaler: of half precision, how losses are scaled; empty without.
    """

    epoch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    best_score: float | None = None
    best_epoch: int = 0
    seconds: float = 0.0
    log_bytes: int = 0
    finished: bool = False
    scaler: dict[str, float] = field(default_factory=dict)


def save_state(
    path: Path,
    position: Position,
    model: nn.Module,
    ema: nn.Module | None,
    optimizer: Optimizer,
    memory: nn.Module | None = None,
) -> None:
    """Write weights, averaged weights, optimiser, position and what the loss remembers.

    Random numbers need no place in it: every step seeds its own from the run's seed, the epoch
    and the step. Neither does the learning rate, a function of the step.
    """
    tensors = {
        f"{part}.{name}": tensor
        for part, module in (("model", model), ("ema", ema), ("memory", memory))
        if module is not None
        for name, tensor in module.state_dict().items()
    }
    for index, entries in optimizer.state_dict()["state"].items():
        tensors |= {
            f"optimizer.{index}.{name}": value
            for name, value in entries.items()
            if isinstance(value, Tensor)
        }
    # Clones: safetensors refuses tensors that share memory.
    tensors = {name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()}
    with write_whole(path) as temporary:
        temporary.write_bytes(save(tensors, metadata={"position": json.dumps(asdict(position))}))


def load_position(path: Path) -> Position:
    """Read only how far the training had come.

    Raises:
        CheckpointError: the file is damaged.
    """
    try:
        with safe_open(path, framework="pt") as file:
            return Position(**json.loads((file.metadata() or {})["position"]))
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path} cannot be read: {error}; remove it to begin again"
        ) from error


def load_state(
    path: Path,
    model: nn.Module,
    ema: nn.Module | None,
    optimizer: Optimizer,
    memory: nn.Module | None = None,
) -> Position:
    """Put everything back and say how far the training had come.

    Raises:
        CheckpointError: the file is damaged or of another model.
    """
    position = load_position(path)
    names = "model", "ema", "memory", "optimizer"
    parts: dict[str, dict[str, Tensor]] = {name: {} for name in names}
    with safe_open(path, framework="pt") as file:
        for key in file.keys():  # noqa: SIM118 (this object is no mapping)
            part, _, name = key.partition(".")
            parts[part][name] = file.get_tensor(key)
    try:
        for name, module in zip(names, (model, ema, memory), strict=False):
            if module is not None:
                module.load_state_dict(parts[name])
    except RuntimeError as error:
        message = " ".join(str(error).split())
        raise CheckpointError(f"{path} is of another model: {message:.300}") from error
    state: dict[int, dict[str, Any]] = {}
    for key, tensor in parts["optimizer"].items():
        index, _, name = key.partition(".")
        state.setdefault(int(index), {})[name] = tensor
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
    return position


def seed_step(seed: int, epoch: int, step: int, rank: int) -> None:
    """Seed dropout and whatever else draws random numbers inside this step."""
    words = np.random.SeedSequence([seed, epoch, step, rank]).generate_state(1, np.uint64)
    torch.manual_seed(int(words[0]) >> 1)
