"""Tagger: a checkpoint that tags pictures."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from zokusei.checkpoint import Checkpoint, load_checkpoint
from zokusei.errors import ConfigError, ImageError
from zokusei.images import Picture
from zokusei.inference.reading import read_batches
from zokusei.inference.thresholds import create_selection


@dataclass(frozen=True)
class Tags:
    """What a tagger says of one picture.

    Attributes:
        path: the picture's path; empty where it was given as bytes or pixels.
        names: tags whose probability reaches their threshold, the most probable first.
        scores: probability of every tag the model knows.
    """

    path: str
    names: tuple[str, ...]
    scores: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        """Give the form that `zokusei tag --json` prints."""
        return {"path": self.path, "tags": list(self.names), "scores": self.scores}


class Tagger:
    """Tags pictures with a trained model; what it says of one never depends on the others.

    Args:
        checkpoint: model, tags, thresholds and preprocessing.
        device: where to compute; `auto` takes a GPU where there is one.

    Attributes:
        selection: says which scores become tags; each tag's own threshold by default.

    Raises:
        ConfigError: the device is not there.

    Example::

        tagger = Tagger.load("runs/faces")
        for tags in tagger.tag(["a.png", "b.jpg"]):
            print(tags.path, tags.names)
    """

    def __init__(self, checkpoint: Checkpoint, *, device: str = "auto") -> None:
        self.checkpoint = checkpoint
        self.device = choose_device(device)
        self.selection = create_selection(checkpoint.tags)
        self.model = checkpoint.model.eval().to(self.device).to(memory_format=torch.channels_last)

    @classmethod
    def load(cls, folder: Path | str, *, device: str = "auto") -> "Tagger":
        """Load a run folder or a checkpoint folder.

        Raises:
            CheckpointError: the folder is missing, damaged or of another version.
            ConfigError: the device is not there.
        """
        return cls(load_checkpoint(folder), device=device)

    def describe(self) -> str:
        """Say in one line what tags here, and on which device.

        The device is the one that is used, not the one that was asked for.
        """
        checkpoint = self.checkpoint
        return (
            f"model {checkpoint.model.name}, {checkpoint.preprocess.size} px, "
            f"{len(checkpoint.tags)} tags, on {self.device}"
        )

    def tag(
        self,
        pictures: Iterable[Picture],
        *,
        batch_size: int = 16,
        on_error: Callable[[Picture, ImageError], None] | None = None,
        workers: int = 2,
    ) -> Iterator[Tags]:
        """Tag pictures one after the other, in order, in memory that does not grow.

        Args:
            pictures: paths, encoded bytes or Pillow pictures; read as they are needed.
            batch_size: pictures a pass through the network.
            on_error: told of each picture that cannot be read, which is then left out;
                without it the first one ends the work.
            workers: decoding threads.

        Raises:
            ImageError: a picture cannot be read and nobody is to be told.
        """
        batches = read_batches(
            pictures,
            self.checkpoint.preprocess,
            batch_size=batch_size,
            on_error=on_error,
            workers=workers,
        )
        for read, images in batches:
            with torch.inference_mode():
                logits = self.model(self.checkpoint.preprocess.normalize(images.to(self.device)))
            probabilities = logits.float().sigmoid().cpu().tolist()
            for picture, scores in zip(read, probabilities, strict=True):
                yield self._decide(picture, scores)

    def _decide(self, picture: Picture, scores: list[float]) -> Tags:
        """Give the tags that are selected, and all scores."""
        tags = self.checkpoint.tags
        names = tuple(tags.names[position] for position in self.selection.choose(scores))
        path = str(picture) if isinstance(picture, str | Path) else ""
        return Tags(path, names, dict(zip(tags.names, scores, strict=True)))


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
