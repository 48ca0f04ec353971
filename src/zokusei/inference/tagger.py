"""Tagger: a checkpoint that tags pictures."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from zokusei.errors import ConfigError, ImageError
from zokusei.images import Picture, Size, name_picture
from zokusei.inference.backends import EmbeddingBackend, create_backend
from zokusei.inference.exported import ExportedModel, find_runtime, load_exported
from zokusei.inference.reading import Batch, read_pictures
from zokusei.inference.taggers import load_foreign
from zokusei.inference.thresholds import create_selection
from zokusei.model_folder import BASE, TAGGER, find_model_folder
from zokusei.tags import RATING, find_rating

if TYPE_CHECKING:
    from zokusei.checkpoint import Checkpoint
    from zokusei.inference.captioner import Captioner
    from zokusei.models import Classifier

_CLEAR = 0.05
"""Share of a picture that is transparent from which its background is; smooth edges have less."""

# What shows through is no white paper, though a network is given one.
_BEHIND_CLEAR = {"white_background": 0.0, "transparent_background": 1.0}

Predict: TypeAlias = Callable[
    [Sequence[NDArray[np.uint8]]], tuple[NDArray[np.float32], NDArray[np.float32]]
]
"""From fitted pictures to probabilities and embeddings."""


@dataclass(frozen=True)
class Tags:
    """What a tagger says of one picture.

    Attributes:
        path: the picture's path; empty where it was given as bytes or pixels.
        names: tags whose probability reaches their threshold, the most probable first.
        scores: probability of every tag the model knows.
        rating: the one of `names` that is a rating; None of a model without ratings.
        size: the picture's width and height in pixels, upright.
        caption: what a captioner says of it, where one was asked.
        embedding: pooled features of the backbone, where they were asked for.
    """

    path: str
    names: tuple[str, ...]
    scores: dict[str, float]
    rating: str | None = None
    size: Size | None = None
    caption: str | None = None
    embedding: tuple[float, ...] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Give the form that `zokusei tag --json` prints."""
        return describe(self.path, self.names, self.scores, self.rating, self.caption)


def describe(
    path: str,
    names: Sequence[str],
    scores: dict[str, float],
    rating: str | None,
    caption: str | None,
) -> dict[str, Any]:
    """Give what was found in one picture as a JSON object; what there is none of is left out.

    >>> describe("a.png", ["smile"], {"smile": 0.75}, None, None)
    {'path': 'a.png', 'tags': ['smile'], 'scores': {'smile': 0.75}}
    """
    record = {"path": path, "tags": list(names), "scores": scores}
    more = {"rating": rating, "caption": caption}
    return record | {name: value for name, value in more.items() if value is not None}


class Tagger:
    """Tags pictures with a trained model; what it says of one does not depend on the others.

    Networks are given what is transparent on white. Where a twentieth of a picture is, it certainly
    has a `transparent_background` and no `white_background`, and the scores of these say so.

    On a processor that holds to the last bit, and so for every decision and every byte that is
    written. On a graphics card, which computes several at once, the last digits of a score depend
    on how many those are, unless `batch_size` is 1.

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
        self._ratings = frozenset(tag.name for tag in checkpoint.tags if tag.category == RATING)

    @classmethod
    def load(cls, folder: Path | str = BASE, *, device: str = "auto") -> "Tagger":
        """Load a run, a checkpoint, an exported model, or another tagger's folder (`load_foreign`).

        Args:
            folder: of either; `base` is the tagger of the package.
            device: where to compute.

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
        pictures: Picture | Iterable[Picture],
        *,
        batch_size: int = 16,
        on_error: Callable[[Picture, ImageError], None] | None = None,
        workers: int = 2,
        frames: int | None = None,
        captioner: "Captioner | None" = None,
        embedding: bool = False,
    ) -> Iterator[Tags]:
        """Tag pictures one after the other, in order, in memory that does not grow.

        What moves has the tags of several frames: of each tag the highest probability in any.

        Args:
            pictures: paths, encoded bytes or Pillow pictures; read as they are needed. One alone
                may be given as it is.
            batch_size: pictures that are read at a time, and on a graphics card computed at once.
            on_error: told of each picture that cannot be read, which is then left out;
                without it the first one ends the work.
            workers: decoding threads.
            frames: of animations and videos, evenly spread; by default the first of an animation
                and eight of a video.
            captioner: writes a caption of each picture, and of the first frame of what moves.
            embedding: give pooled features, too: the mean over places of the backbone's last
                feature map; of what moves the mean over its frames.

        Raises:
            ConfigError: this model gives no embeddings.
            ImageError: a picture cannot be read and nobody is to be told.
        """
        # Text and bytes are iterable, but their letters are no pictures.
        if isinstance(pictures, str | bytes) or not isinstance(pictures, Iterable):
            pictures = [pictures]
        predict = self._find_predictor(embedding=embedding)
        preprocesses = list(self.backend.preprocesses)
        if captioner is not None:
            preprocesses.append(captioner.checkpoint.preprocess)
        batches = read_pictures(
            pictures,
            preprocesses,
            batch_size=batch_size,
            on_error=on_error,
            workers=workers,
            frames=frames,
        )
        for batch in batches:
            highest, means = self._summarize(batch, predict, batch_size)
            captions: list[str | None] = [None] * len(batch.pictures)
            if captioner is not None:
                captions[:] = captioner.write(batch.fitted[-1][batch.firsts])
            for index, picture in enumerate(batch.pictures):
                original = batch.originals[index]
                yield replace(
                    self._decide(picture, highest[index].tolist(), original.clear),
                    size=original.size,
                    caption=captions[index],
                    embedding=tuple(means[index].tolist()) if embedding else None,
                )

    def _summarize(
        self, batch: Batch, predict: Predict, batch_size: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Give each picture's highest probabilities and mean embedding over its frames."""
        fitted = batch.fitted[: len(self.backend.preprocesses)]
        parts = [
            predict([pixels[start : start + batch_size] for pixels in fitted])
            for start in range(0, sum(batch.counts), batch_size)
        ]
        probabilities, features = (np.concatenate(part) for part in zip(*parts, strict=True))
        highest = np.maximum.reduceat(probabilities, batch.firsts, axis=0)
        counts = np.array(batch.counts, np.float32)[:, None]
        sums = np.add.reduceat(features, batch.firsts, axis=0)
        return highest, (sums / counts).astype(np.float32)

    def _find_predictor(self, *, embedding: bool) -> Predict:
        """Give what computes probabilities and embeddings; without them these are empty.

        Raises:
            ConfigError: this model gives no embeddings.
        """
        if not embedding:
            return self._predict_plain
        if not isinstance(self.backend, EmbeddingBackend):
            raise ConfigError(
                f"a model on {self.backend.place} gives tags and no embeddings; give the run that "
                "it was exported from"
            )
        return self.backend.predict_embedded

    def _predict_plain(
        self, fitted: Sequence[NDArray[np.uint8]]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        found = self.backend.predict(fitted)
        return found, np.empty((len(found), 0), np.float32)

    def _decide(self, picture: Picture, scores: list[float], clear: float) -> Tags:
        """Give the tags that are selected, and all scores."""
        tags = self.checkpoint.tags
        if clear >= _CLEAR:
            for name, certain in _BEHIND_CLEAR.items():
                if name in tags:
                    scores[tags.index(name)] = certain
        names = tuple(tags.names[position] for position in self.selection.choose(scores))
        found = dict(zip(tags.names, scores, strict=True))
        return Tags(name_picture(picture), names, found, find_rating(names, self._ratings))


def load_model(folder: Path | str) -> "Checkpoint | ExportedModel":
    """Read a run, a checkpoint, an exported model or another tagger; torch only where it is needed.

    Raises:
        CheckpointError: the folder is missing, damaged or of another version.
    """
    if folder != BASE and (foreign := load_foreign(Path(folder))) is not None:
        return foreign
    folder = find_model_folder(folder, TAGGER)
    if find_runtime(folder) is not None:
        return load_exported(folder)
    from zokusei.checkpoint import load_checkpoint

    return load_checkpoint(folder)
