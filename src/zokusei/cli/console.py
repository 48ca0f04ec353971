"""How commands talk: data on stdout, everything else on stderr."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

# Names of files are printed as they are: neither numbers in colours nor `:star:` as a picture.
out = Console(highlight=False, emoji=False, soft_wrap=True)
messages = Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)


def tell(message: str) -> None:
    """Print a message for people, beside the data; names that are no UTF-8 are escaped."""
    messages.print(message.encode("utf-8", "backslashreplace").decode(), markup=False)


def create_progress() -> Progress:
    """Build a bar with count, time spent and time left; nothing is drawn into a file."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=messages,
        transient=True,
        disable=not messages.is_terminal,
    )


@contextmanager
def counting(description: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show a bar while the block runs; give the function that moves it."""
    with create_progress() as progress:
        task = progress.add_task(description, total=total, note="")
        yield lambda count: progress.update(task, advance=count)


class CollectionProgress:
    """Shows a stream of pictures: a bar with images/s and time left; the total may come later."""

    def __init__(self, description: str) -> None:
        self._progress = create_progress()
        self._task = self._progress.add_task(description, total=None, note="")
        self._began = time.monotonic()
        self.done = 0

    def __enter__(self) -> "CollectionProgress":
        self._progress.start()
        return self

    def __exit__(self, *reason: object) -> None:
        self._progress.stop()

    @property
    def images_per_second(self) -> float:
        """Pictures done since the start, a second."""
        return self.done / max(time.monotonic() - self._began, 1e-6)

    def set_total(self, total: int) -> None:
        """Say how many there are, from any thread."""
        self._progress.update(self._task, total=total)

    def skip(self) -> None:
        """Move the bar by one picture that needed no work."""
        self._progress.update(self._task, advance=1)

    def advance(self) -> None:
        """Move the bar by one picture."""
        self.done += 1
        note = f"{self.images_per_second:.1f} images/s"
        self._progress.update(self._task, advance=1, note=note)


class TrainingProgress:
    """Shows a training: a bar with loss, images/s and time left, and a line per epoch."""

    def __init__(self) -> None:
        self._progress = create_progress()
        self._task: TaskID | None = None
        self._loss = self._speed = math.nan

    def begin(self, total_steps: int, done_steps: int) -> None:
        """Draw the bar, filled as far as an earlier sitting came."""
        if done_steps:
            tell(f"going on from step {done_steps} of {total_steps}")
        self._progress.start()
        self._task = self._progress.add_task(
            "training", total=total_steps, completed=done_steps, note=""
        )

    def step(self, loss: float, images_per_second: float) -> None:
        """Move the bar; figures are smoothed, since single steps jump."""
        if math.isnan(self._loss):
            self._loss, self._speed = loss, images_per_second
        self._loss += 0.05 * (loss - self._loss)
        self._speed += 0.05 * (images_per_second - self._speed)
        note = f"loss {self._loss:.4f}  {self._speed:.0f} images/s"
        assert self._task is not None, "begin comes before step"
        self._progress.update(self._task, advance=1, note=note)

    def epoch(self, epoch: int, record: dict[str, float]) -> None:
        """Print one line that stays."""
        tell(
            f"epoch {epoch + 1}: loss {record['loss']:.4f}, validation mAP {record['map']:.2f}, "
            f"OF1 {record['of1']:.2f}, CF1 {record['cf1']:.2f}, {record['seconds'] / 60:.1f} min"
        )

    def close(self) -> None:
        """Remove the bar."""
        self._progress.stop()


class WhiteBoxProgress(TrainingProgress):
    """Shows the training of a cartoonizer: the same bar, and its losses per epoch."""

    def epoch(self, epoch: int, record: dict[str, float]) -> None:
        """Print one line that stays: each loss on the held-out photographs, before its weight."""
        other = {"epoch", "seconds", "loss", "score"}
        parts = ", ".join(
            f"{name} {value:.4g}" for name, value in record.items() if name not in other
        )
        minutes = record["seconds"] / 60
        tell(f"epoch {epoch + 1}: loss {record['loss']:.4f}, {parts}, {minutes:.1f} min")


class CaptionerProgress(TrainingProgress):
    """Shows the training of a captioner: the same bar, and its captions' figures per epoch."""

    def epoch(self, epoch: int, record: dict[str, float]) -> None:
        """Print one line that stays: figures of captions that were written freely."""
        bleu = " ".join(f"{record[f'bleu{order}']:.1f}" for order in range(1, 5))
        tell(
            f"epoch {epoch + 1}: loss {record['loss']:.4f}, validation BLEU-1 to 4 {bleu}, "
            f"CIDEr {record['cider']:.1f}, {record['seconds'] / 60:.1f} min"
        )
