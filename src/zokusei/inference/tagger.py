"""Tagger: a checkpoint that tags pictures."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from zokusei.checkpoint import Checkpoint, load_checkpoint
from zokusei.errors import ConfigError, ImageError
from zokusei.images import Picture, open_image
from zokusei.inference.engine import Scored, score_each

Job = TypeVar("Job")


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
        scored = self.score(
            pictures, lambda picture: [self.open(picture)], batch_size=batch_size, workers=workers
        )
        for picture, found in scored:
            if isinstance(found, Scored):
                yield self.decide(str(picture) if isinstance(picture, str | Path) else "", found)
            elif on_error is None:
                raise found
            else:
                on_error(picture, found)

    def open(self, picture: Picture) -> Image.Image:
        """Open a picture, no larger than the model needs it.

        Raises:
            ImageError: it cannot be read.
        """
        return open_image(picture, at_least=self.checkpoint.preprocess.min_side)

    def score(
        self,
        jobs: Iterable[Job],
        open_frames: Callable[[Job], Sequence[Image.Image]],
        *,
        batch_size: int = 16,
        workers: int = 2,
    ) -> Iterator[tuple[Job, Scored | ImageError]]:
        """Give what the model says of each job's picture, in order; see `engine.score_each`.

        Args:
            jobs: whatever `open_frames` understands.
            open_frames: gives a job's picture, or the frames of an animation; called in threads.
            batch_size: pictures a pass through the network.
            workers: decoding threads.
        """

        def decode(job: Job) -> Tensor:
            preprocess = self.checkpoint.preprocess
            fitted = [np.array(preprocess.fit_image(frame)) for frame in open_frames(job)]
            return torch.from_numpy(np.stack(fitted)).permute(0, 3, 1, 2)

        return score_each(
            jobs, decode, self._predict, batch_size=batch_size, workers=max(workers, 1)
        )

    def _predict(self, pictures: Sequence[Tensor]) -> NDArray[np.float32]:
        images = torch.stack(list(pictures)).to(self.device)
        with torch.inference_mode():
            logits = self.model(self.checkpoint.preprocess.normalize(images))
        probabilities: NDArray[np.float32] = logits.float().sigmoid().cpu().numpy()
        return probabilities

    def decide(self, name: str, scored: Scored) -> Tags:
        """Give the tags whose probability reaches their threshold, and all scores.

        Args:
            name: the picture's path, or nothing.
            scored: what the model says of it.
        """
        scores, tags = scored.scores.tolist(), self.checkpoint.tags
        given = [
            (score, tag.name)
            for tag, score in zip(tags, scores, strict=True)
            if score >= tag.threshold
        ]
        names = tuple(name for _, name in sorted(given, key=lambda pair: -pair[0]))
        return Tags(name, names, dict(zip(tags.names, scores, strict=True)))


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
