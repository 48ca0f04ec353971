"""Tagger: a checkpoint that tags pictures."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zokusei.errors import ConfigError, ImageError
from zokusei.images import Picture, Size, name_picture
from zokusei.inference.backends import create_backend
from zokusei.inference.exported import ExportedModel, find_runtime, load_exported
from zokusei.inference.reading import read_pictures
from zokusei.inference.thresholds import create_selection
from zokusei.inference.wd import is_wd_folder, load_wd
from zokusei.model_folder import find_model_folder

if TYPE_CHECKING:
    from zokusei.checkpoint import Checkpoint
    from zokusei.models import Classifier


@dataclass(frozen=True)
class Tags:
    """What a tagger says of one picture.

    Attributes:
        path: the picture's path; empty where it was given as bytes or pixels.
        names: tags whose probability reaches their threshold, the most probable first.
        scores: probability of every tag the model knows.
        size: the picture's width and height in pixels, upright.
    """

    path: str
    names: tuple[str, ...]
    scores: dict[str, float]
    size: Size | None = None

    def to_dict(self) -> dict[str, Any]:
        """Give the form that `zokusei tag --json` prints."""
        return {"path": self.path, "tags": list(self.names), "scores": self.scores}


class Tagger:
    """Tags pictures with a trained model; what it says of one never depends on the others.

    Args:
        checkpoint: model, tags, thresholds and preprocessing; from a training or exported.
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

    def __init__(self, checkpoint: "Checkpoint | ExportedModel", *, device: str = "auto") -> None:
        self.checkpoint = checkpoint
        self.backend = create_backend(checkpoint, device)
        self.selection = create_selection(checkpoint.tags)

    @classmethod
    def load(cls, folder: Path | str, *, device: str = "auto") -> "Tagger":
        """Load a run, a checkpoint, an exported model, or another tagger in WD v3's form.

        Raises:
            CheckpointError: the folder is missing, damaged or of another version.
            ConfigError: the device is not there.
            MissingExtraError: the library that a model was exported for is not installed.
        """
        return cls(load_model(folder), device=device)

    @property
    def trained(self) -> "Checkpoint":
        """What a training left, to look into.

        Raises:
            ConfigError: the model was exported.
        """
        if isinstance(self.checkpoint, ExportedModel):
            raise ConfigError(
                f"{self.checkpoint.file.parent} is an exported model, which gives tags and nothing "
                "else; give the run of a model that was trained here"
            )
        return self.checkpoint

    @property
    def model(self) -> "Classifier":
        """The network in torch.

        Raises:
            ConfigError: the model was exported.
        """
        return self.trained.model

    def describe(self) -> str:
        """Say in one line what tags here, and on which device.

        The device is the one that is used, not the one that was asked for.
        """
        checkpoint = self.checkpoint
        name = checkpoint.name if isinstance(checkpoint, ExportedModel) else checkpoint.model.name
        return (
            f"model {name}, {checkpoint.preprocess.size} px, "
            f"{len(checkpoint.tags)} tags, on {self.backend.place}"
        )

    def tag(
        self,
        pictures: Iterable[Picture],
        *,
        batch_size: int = 16,
        on_error: Callable[[Picture, ImageError], None] | None = None,
        workers: int = 2,
        frames: int | None = None,
    ) -> Iterator[Tags]:
        """Tag pictures one after the other, in order, in memory that does not grow.

        What moves has the tags of several frames: of each tag the highest probability in any.

        Args:
            pictures: paths, encoded bytes or Pillow pictures; read as they are needed.
            batch_size: pictures a pass through the network.
            on_error: told of each picture that cannot be read, which is then left out;
                without it the first one ends the work.
            workers: decoding threads.
            frames: of animations and videos, evenly spread; by default the first of an animation
                and eight of a video.

        Raises:
            ImageError: a picture cannot be read and nobody is to be told.
        """
        batches = read_pictures(
            pictures,
            self.backend.preprocesses,
            batch_size=batch_size,
            on_error=on_error,
            workers=workers,
            frames=frames,
        )
        for batch in batches:
            probabilities = np.concatenate(
                [
                    self.backend.predict(
                        [pixels[start : start + batch_size] for pixels in batch.fitted]
                    )
                    for start in range(0, sum(batch.counts), batch_size)
                ]
            )
            highest = np.maximum.reduceat(probabilities, batch.firsts, axis=0).tolist()
            for read in zip(batch.pictures, highest, batch.sizes, strict=True):
                yield self._decide(*read)

    def _decide(self, picture: Picture, scores: list[float], size: Size) -> Tags:
        """Give the tags that are selected, and all scores."""
        tags = self.checkpoint.tags
        names = tuple(tags.names[position] for position in self.selection.choose(scores))
        return Tags(name_picture(picture), names, dict(zip(tags.names, scores, strict=True)), size)


def load_model(folder: Path | str) -> "Checkpoint | ExportedModel":
    """Read a run, a checkpoint, an exported model or another tagger; torch only where it is needed.

    Raises:
        CheckpointError: the folder is missing, damaged or of another version.
    """
    if is_wd_folder(Path(folder)):
        return load_wd(Path(folder))
    folder = find_model_folder(folder)
    if find_runtime(folder) is not None:
        return load_exported(folder)
    from zokusei.checkpoint import load_checkpoint

    return load_checkpoint(folder)
