"""Captioner: a checkpoint that says what pictures show."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from zokusei.caption_checkpoint import CaptionCheckpoint, load_caption_checkpoint
from zokusei.captioning.beam import Generated, generate
from zokusei.captioning.groups import GroupWriter
from zokusei.captioning.vocabulary import Vocabulary
from zokusei.errors import ImageError
from zokusei.images import Picture, name_picture
from zokusei.inference.backends.torch import choose_device, create_pool
from zokusei.inference.reading import read_batches
from zokusei.model_folder import BASE

BEAM = 3
"""Beginnings that the search keeps where captions are written for people."""


@dataclass(frozen=True)
class Caption:
    """What a captioner says of one picture.

    Attributes:
        path: the picture's path; empty where it was given as bytes or pixels.
        words: the sentence.
        score: its log-probability.
        attention: where the model looked for each word: words x rows x columns of the feature map,
            with a sum of 1 a word.
    """

    path: str
    words: tuple[str, ...]
    score: float
    attention: Float[Tensor, "words rows columns"]

    @property
    def text(self) -> str:
        """The sentence as one string."""
        return " ".join(self.words)

    def to_dict(self) -> dict[str, Any]:
        """Give the form that `zokusei caption --json` prints."""
        return {"path": self.path, "caption": self.text, "score": self.score}


class Captioner:
    """Captions pictures; what it says of one does not depend on the others.

    In `write`, which goes with tags, that holds to the last bit on a processor; in `caption`, which
    is faster, but for the last digits of a score.

    Args:
        checkpoint: model, vocabulary and preprocessing.
        device: where to compute; `auto` takes a GPU where there is one.

    Raises:
        ConfigError: the device is not there.

    Example::

        captioner = Captioner.load()  # or of a run: Captioner.load("runs/captioner-photos")
        for caption in captioner.caption(["a.png", "b.jpg"], beam=3):
            print(caption.path, caption.text)
    """

    def __init__(self, checkpoint: CaptionCheckpoint, *, device: str = "auto") -> None:
        self.checkpoint = checkpoint
        self.device = choose_device(device)
        self._pool = create_pool(self.device)
        self._writers: dict[int, GroupWriter] = {}
        self.model = checkpoint.model.eval().to(self.device).to(memory_format=torch.channels_last)

    @classmethod
    def load(cls, folder: Path | str = BASE, *, device: str = "auto") -> "Captioner":
        """Load a run folder, a checkpoint folder, or `base`, the captioner of the package.

        Raises:
            CheckpointError: the folder is missing, damaged, of another version or no captioner.
            ConfigError: the device is not there.
        """
        return cls(load_caption_checkpoint(folder), device=device)

    def caption(
        self,
        pictures: Iterable[Picture],
        *,
        beam: int = 1,
        max_length: int | None = None,
        length_penalty: float = 0.0,
        batch_size: int = 32,
        on_error: Callable[[Picture, ImageError], None] | None = None,
        workers: int = 2,
    ) -> Iterator[Caption]:
        """Caption pictures one after the other, in order, in memory that does not grow.

        Args:
            pictures: paths, encoded bytes or Pillow pictures; read as they are needed.
            beam: beginnings that the search keeps; 1 is greedy.
            max_length: words at most, the end being one; as many as it learnt from by default.
            length_penalty: see `zokusei.captioning.generate`.
            batch_size: pictures a pass through the network.
            on_error: told of each picture that cannot be read, which is then left out;
                without it the first one ends the work.
            workers: decoding threads.

        Raises:
            ImageError: a picture cannot be read and nobody is to be told.
            ConfigError: the search is impossible.
        """
        preprocess = self.checkpoint.preprocess
        batches = read_batches(
            pictures, [preprocess], batch_size=batch_size, on_error=on_error, workers=workers
        )
        for read, (pixels,) in batches:
            images = torch.from_numpy(pixels).permute(0, 3, 1, 2)
            found = self.generate(
                images, beam=beam, max_length=max_length, length_penalty=length_penalty
            )
            for index, picture in enumerate(read):
                yield describe_caption(found, index, self.checkpoint.vocabulary, picture)

    def write(self, pixels: NDArray[np.uint8], *, beam: int = BEAM) -> list[str]:
        """Caption fitted pictures (bytes, pictures x size x size x 3); give the sentences."""
        if not len(pixels):
            return []
        images = torch.from_numpy(pixels).permute(0, 3, 1, 2)
        if self._pool is None:
            return self._say(self.generate(images, beam=beam))
        writer = self._writers.get(beam)
        if writer is None:
            words = self.checkpoint.max_words
            writer = GroupWriter(self.model, self._pool.map, beam=beam, max_length=words)
            self._writers[beam] = writer
        annotations = torch.cat(
            list(self._pool.map(self._encode, (image[None] for image in images.unbind())))
        )
        return writer.write(annotations, self._say)

    def _say(self, found: Generated) -> list[str]:
        vocabulary = self.checkpoint.vocabulary
        return [
            describe_caption(found, index, vocabulary, b"").text
            for index in range(len(found.tokens))
        ]

    def _encode(self, images: Tensor) -> Tensor:
        with torch.inference_mode():
            return self.model.encode(self.checkpoint.preprocess.normalize(images.to(self.device)))

    def generate(
        self, images: Tensor, *, max_length: int | None = None, **search: Any
    ) -> Generated:
        """Caption decoded pictures of the right size (bytes, pictures x 3 x size x size).

        Args:
            images: what `Preprocess.fit_image` gives.
            max_length: see `caption`.
            search: see `zokusei.captioning.generate`.
        """
        if max_length is None:
            max_length = self.checkpoint.max_words
        annotations = self._encode(images)
        with torch.inference_mode():
            return generate(self.model, annotations, max_length=max_length, **search)


def describe_caption(
    found: Generated, index: int, vocabulary: Vocabulary, picture: Picture
) -> Caption:
    """Give one of the captions that were written, in words.

    Args:
        found: of `generate`.
        index: which of its pictures.
        vocabulary: of the captioner.
        picture: what was given.
    """
    length = int(found.lengths[index])
    # Pictures are squares, and so are the maps of them.
    side = math.isqrt(found.alphas.shape[-1])
    return Caption(
        name_picture(picture),
        tuple(vocabulary.name_words(found.tokens[index, :length].tolist())),
        float(found.scores[index]),
        found.alphas[index, :length].view(length, side, side).cpu(),
    )
