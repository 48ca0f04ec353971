"""The training loop, whole: every step, every evaluation and every write is in this file.

accelerate does what differs between machines (devices, precision, several processes); what
happens in a step is here. The loop knows nothing of attributes: it is given a loss, batches and
a way to evaluate, so that the captioner trains in it as well.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from accelerate import Accelerator
from timm.utils import ModelEmaV3
from torch import Tensor, nn
from torch.optim import Optimizer

from zokusei.data.manifest import Manifest
from zokusei.errors import ZokuseiError
from zokusei.files import lock_folder
from zokusei.training.log import RunLog
from zokusei.training.state import Position, load_state, save_state, seed_step

TAKEN = "is being trained by another process; wait for it"
"""What is said of the folder of a training that goes on elsewhere."""

_LOG_EVERY = 10
_NAMED = 5  # pictures of a batch that are named when its loss breaks down


class Batch(Protocol):
    """What the loop needs of a batch; the rest is between the loader and the loss."""

    @property
    def rows(self) -> list[int]:
        """Which pictures it holds, to name them when the loss breaks down."""


class Batches(Protocol):
    """What the loop needs of a loader."""

    def __len__(self) -> int:
        """Batches of an epoch."""

    def batches(self, epoch: int, start: int = 0) -> Iterator[Any]:
        """Give the batches of an epoch from a step on."""


class Reporter(Protocol):
    """Who is told how the training goes; the command line draws a progress bar."""

    def begin(self, total_steps: int, done_steps: int) -> None:
        """Training starts, or goes on."""

    def step(self, loss: float, images_per_second: float) -> None:
        """One more step is done."""

    def epoch(self, epoch: int, record: dict[str, float]) -> None:
        """An epoch is done and evaluated."""


@dataclass
class Task:
    """What is trained, and how it is judged.

    Attributes:
        model: maps a batch to what the loss needs.
        compute_loss: scalar loss of the (possibly wrapped) model on a batch.
        evaluate: figures of a model on validation data; `score` is the one that decides.
        keep: write this model, with these figures, as the run's result.
        memory: what the loss keeps from step to step; a killed training goes on with it.
    """

    model: nn.Module
    compute_loss: Callable[[nn.Module, Any], Tensor]
    evaluate: Callable[[nn.Module], dict[str, float]]
    keep: Callable[[nn.Module, dict[str, float]], None]
    memory: nn.Module | None = None


@dataclass(frozen=True)
class LoopSettings:
    """How the loop runs; each field is explained in `zokusei.config.TrainConfig`."""

    epochs: int
    seed: int = 0
    ema: float = 0.0
    clip: float | None = None
    early_stop: int = 0
    keep_best: bool = True
    save_minutes: float = 5.0
    tensorboard: bool = False


class Loop:
    """A training from its first step, or from where it was killed, to its end.

    Args:
        task: model, loss and evaluation.
        loader: batches of the training split.
        optimizer: its groups' rates are what the schedule multiplies.
        schedule: factor on the learning rate at each step.
        accelerator: devices, precision and processes.
        settings: epochs, seed and so on.
        folder: gets `state.safetensors` and `metrics.jsonl`.
        reporter: is told of every step and epoch.
    """

    def __init__(
        self,
        task: Task,
        loader: Batches,
        optimizer: Optimizer,
        schedule: Callable[[int], float],
        *,
        accelerator: Accelerator,
        settings: LoopSettings,
        folder: Path,
        reporter: Reporter,
    ) -> None:
        self.task, self.loader, self.schedule = task, loader, schedule
        self.accelerator, self.settings, self.reporter = accelerator, settings, reporter
        self.folder, self.state_path = folder, folder / "state.safetensors"
        self.position = Position()
        self.base_rates = [group["lr"] for group in optimizer.param_groups]
        self.ema: ModelEmaV3 | None = None
        if settings.ema:
            # Its decay rises with the step, so that a short training is not held at its start.
            self.ema = ModelEmaV3(task.model, decay=settings.ema, use_warmup=True)
        if self.state_path.exists():
            self.position = load_state(
                self.state_path, task.model, self._averaged, optimizer, task.memory
            )
        self.plain_optimizer = optimizer
        self.model, self.optimizer = accelerator.prepare(task.model, optimizer)
        if accelerator.scaler is not None and self.position.scaler:
            accelerator.scaler.load_state_dict(self.position.scaler)
        if self.ema is not None:
            self.ema.to(accelerator.device)
        self.log: RunLog | None = None
        self._counted_until = time.monotonic()

    def run(self) -> Position:
        """Train to the end and say where it was.

        Raises:
            ZokuseiError: another process trains in this folder, or the loss is not finite: the last
                written state stays, and so does the model that was kept.
        """
        if not self.accelerator.is_main_process:
            return self._run()
        with lock_folder(self.folder, taken=TAKEN):
            return self._run()

    def _run(self) -> Position:
        position, num_steps = self.position, len(self.loader)
        epochs = self.settings.epochs
        self.log = self._open_log(self.folder)
        self.reporter.begin(epochs * num_steps, position.epoch * num_steps + position.step)
        try:
            while not position.finished:
                loss = self._train_epoch()
                self._judge(loss)
                position.epoch, position.step, position.loss_sum = position.epoch + 1, 0, 0.0
                patience = self.settings.early_stop
                late = patience > 0 and position.epoch - position.best_epoch > patience
                position.finished = position.epoch >= epochs or late
                self._save()
        finally:
            if self.log is not None:
                self.log.close()
        self.accelerator.wait_for_everyone()
        return position

    def _train_epoch(self) -> float:
        """Train from the current step to the end of the epoch; give the mean loss of all of it."""
        position = self.position
        last_save = time.monotonic()
        self.model.train()
        for batch in self.loader.batches(position.epoch, position.step):
            position.loss_sum += self._train_step(batch)
            minutes = (time.monotonic() - last_save) / 60
            if minutes > self.settings.save_minutes and position.step < len(self.loader):
                self._save()
                last_save = time.monotonic()
        return position.loss_sum / max(position.step, 1)

    def _train_step(self, batch: Batch) -> float:
        """Move the weights once; give the loss, averaged over the processes."""
        position, accelerator, settings = self.position, self.accelerator, self.settings
        began = time.monotonic()
        step = position.epoch * len(self.loader) + position.step
        rates = [rate * self.schedule(step) for rate in self.base_rates]
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate
        seed_step(settings.seed, position.epoch, position.step, accelerator.process_index)
        loss = self.task.compute_loss(self.model, batch)
        accelerator.backward(loss)
        # An infinite limit only measures the norm.
        limit = math.inf if settings.clip is None else settings.clip
        norm = float(accelerator.clip_grad_norm_(self.model.parameters(), limit))
        value = float(accelerator.reduce(loss.detach(), "mean"))
        if not math.isfinite(value) or (not math.isfinite(norm) and accelerator.scaler is None):
            raise ZokuseiError(
                f"loss {value} with gradient norm {norm} at step {step}: training stops; the batch "
                f"was {name_pictures(self.folder, batch.rows)}. Try a smaller optimizer.lr or "
                "optimizer.clip"
            )
        self.optimizer.step()
        self.optimizer.zero_grad()
        if self.ema is not None:
            self.ema.update(accelerator.unwrap_model(self.model), step=step)
        seconds = time.monotonic() - began
        position.step += 1
        speed = len(batch.rows) * accelerator.num_processes / seconds
        self.reporter.step(value, speed)
        if self.log is not None and step % _LOG_EVERY == 0:
            figures = {"loss": value, "lr": rates[0], "grad_norm": norm}
            self.log.write("step", step, **figures, images_per_second=speed)
        return value

    def _judge(self, loss: float) -> None:
        """Evaluate after an epoch, and keep the model where it is to be kept."""
        position, settings = self.position, self.settings
        judged = self._averaged or self.accelerator.unwrap_model(self.model)
        figures = self.task.evaluate(judged)
        best = position.best_score
        # A score that is none, of validation pictures without any label, is worse than all others.
        better = best is None or math.isnan(best) or figures["score"] > best
        if better:
            position.best_score, position.best_epoch = figures["score"], position.epoch
        if self.accelerator.is_main_process and (better or not settings.keep_best):
            self.task.keep(judged, figures)
        self._count_time()
        record = {"epoch": position.epoch, "seconds": position.seconds, "loss": loss, **figures}
        if self.log is not None:
            self.log.write("epoch", (position.epoch + 1) * len(self.loader), **record)
        self.reporter.epoch(position.epoch, record)

    def _save(self) -> None:
        """Write the state, in the one process that writes."""
        self._count_time()
        if self.log is None:
            return
        self.position.log_bytes = self.log.num_bytes
        if self.accelerator.scaler is not None:
            self.position.scaler = self.accelerator.scaler.state_dict()
        task, optimizer = self.task, self.plain_optimizer
        save_state(
            self.state_path, self.position, task.model, self._averaged, optimizer, task.memory
        )

    def _count_time(self) -> None:
        """Add what passed on the clock since the last count, whatever it was spent on."""
        now = time.monotonic()
        self.position.seconds += now - self._counted_until
        self._counted_until = now

    @property
    def _averaged(self) -> nn.Module | None:
        """The averaged model, where one is kept."""
        return None if self.ema is None else self.ema.module

    def _open_log(self, folder: Path) -> RunLog | None:
        """Open the log in the one process that writes."""
        if not self.accelerator.is_main_process:
            return None
        tensorboard = folder / "tensorboard" if self.settings.tensorboard else None
        return RunLog(
            folder / "metrics.jsonl",
            keep_bytes=self.position.log_bytes,
            tensorboard=tensorboard,
            step=self.position.epoch * len(self.loader) + self.position.step,
        )


def name_pictures(folder: Path, rows: Sequence[int]) -> str:
    """Name the first pictures of a batch.

    Args:
        folder: of the run, whose manifest has its pictures; a White-box training has that of the
            photographs.
        rows: of the training split.
    """
    paths: Sequence[object] = [f"row {row} of the training split" for row in rows[:_NAMED]]
    for name in ("manifest", "photographs"):
        manifest = folder / f"{name}.parquet"
        if manifest.exists():
            known = Manifest.load(manifest).select("train").paths
            paths = [known[row] for row in rows[:_NAMED]]
            break
    rest = f" and {len(rows) - _NAMED} more" if len(rows) > _NAMED else ""
    return ", ".join(map(str, paths)) + rest
