"""The run's log: one JSON object a line, and TensorBoard where asked."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from zokusei.errors import MissingExtraError, ZokuseiError
from zokusei.files import to_json


class RunLog:
    """Append-only log of a run.

    Args:
        path: the `.jsonl` file.
        keep_bytes: what is kept of a log that is already there; the rest was written after the
            state that a resumed run starts from, and is written again.
        tensorboard: folder for TensorBoard's files, or None.
        step: where the run goes on; TensorBoard shows nothing of a lost sitting behind it.

    Raises:
        MissingExtraError: TensorBoard is asked for and not installed.
    """

    def __init__(
        self, path: Path, *, keep_bytes: int = 0, tensorboard: Path | None = None, step: int = 0
    ) -> None:
        self._writer: Any = None
        if tensorboard is not None:
            try:
                from torch.utils.tensorboard import SummaryWriter
            except ImportError as error:
                raise MissingExtraError("tensorboard", "tensorboard", "this log") from error
            # The figures of the epoch that ended here bear this very step, and stay.
            self._writer = SummaryWriter(str(tensorboard), purge_step=step + 1 if step else None)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab")
        self._file.truncate(keep_bytes)
        self._file.seek(0, os.SEEK_END)

    def write(self, kind: str, step: int, **values: float | int) -> None:
        """Append one record and hand it to the system, so that a killed run loses none."""
        record = {"kind": kind, "step": step, **values}
        try:
            self._file.write(to_json(record).encode() + b"\n")
            self._file.flush()
        except OSError as error:
            raise ZokuseiError(f"{self._file.name} was not written: {error.strerror}") from error
        if self._writer is not None:
            for name, value in values.items():
                self._writer.add_scalar(f"{kind}/{name}", value, step)

    @property
    def num_bytes(self) -> int:
        """Length of the file."""
        return self._file.tell()

    def close(self) -> None:
        """Close the files."""
        with suppress(OSError):  # what a full disk has refused is refused again
            self._file.close()
        if self._writer is not None:
            self._writer.close()
