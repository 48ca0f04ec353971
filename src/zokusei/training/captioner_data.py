"""Pictures with some of their captions, in batches that only seed, epoch and step decide."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from zokusei.captioning.vocabulary import PAD, Vocabulary, split_words
from zokusei.data.augment import Augment, Share
from zokusei.data.loader import PictureStore
from zokusei.errors import DataError
from zokusei.images.preprocess import Preprocess
from zokusei.training.annotations import Annotations

_SIDES = re.compile(r"\b(left|right)\b", re.IGNORECASE)


class CaptionBatch(NamedTuple):
    """Pictures with captions.

    Attributes:
        pictures: annotations, or normalised images where the encoder learns too.
        photographs: annotations of the photographs they were drawn from, where there are pairs.
        tokens: numbers of the words from start to end, filled up.
        lengths: words to be said, the end included; 0 where there is no caption.
        rows: position of each picture in its split.
    """

    pictures: Float[Tensor, "pictures *rest"]
    photographs: Float[Tensor, "pictures positions features"] | None
    tokens: Int[Tensor, "pictures k numbers"]
    lengths: Int[Tensor, "pictures k"]
    rows: list[int]


class Source(Protocol):
    """Where a batch's pictures come from."""

    @property
    def unreadable(self) -> dict[int, str]:
        """Pictures that cannot be read, as far as is known, with the reason."""

    def read(
        self, rows: list[int], mirror: NDArray[np.bool_], generator: torch.Generator | None
    ) -> Tensor:
        """Give what the model takes; without a generator nothing is varied by lot."""


@dataclass(frozen=True)
class EncodedSource:
    """Annotations from the disk.

    Attributes:
        plain: of the pictures.
        mirrored: of the mirrored pictures, where they are used.
    """

    plain: Annotations
    mirrored: Annotations | None = None

    @property
    def unreadable(self) -> dict[int, str]:
        """Pictures that could not be encoded."""
        return self.plain.unreadable

    def read(
        self, rows: list[int], mirror: NDArray[np.bool_], generator: torch.Generator | None
    ) -> Tensor:
        """Give annotations, of mirrored pictures where `mirror` says so."""
        del generator  # the encoder has seen the pictures already
        found = self.plain.read(rows)
        if self.mirrored is not None and mirror.any():
            positions = np.flatnonzero(mirror)
            found[positions] = self.mirrored.read([rows[i] for i in positions])
        return found


@dataclass(frozen=True)
class ImageSource:
    """Decoded pictures, for an encoder that learns.

    Attributes:
        store: decodes them.
        preprocess: normalises them.
        augment: crops them by lot.
    """

    store: PictureStore
    preprocess: Preprocess
    augment: Augment | None = None

    @property
    def unreadable(self) -> dict[int, str]:
        """Pictures that could not be decoded so far."""
        return self.store.unreadable

    def read(
        self, rows: list[int], mirror: NDArray[np.bool_], generator: torch.Generator | None
    ) -> Tensor:
        """Give normalised images."""
        images = self.store.read(rows)
        if self.augment is not None and generator is not None:
            images = self.augment(images, generator, Share(len(rows)))
        turned = torch.from_numpy(mirror)[:, None, None, None]
        return self.preprocess.normalize(torch.where(turned, images.flip(3), images))


class CaptionLoader:
    """Batches of a split with captions chosen by lot, for each epoch anew.

    Args:
        captions: of each picture, as numbers.
        source: the pictures.
        photographs: of the pictures they were drawn from.
        mirrorable: pictures that may be mirrored.
        batch_size: pictures a step, over all processes.
        per_picture: captions of each that are learnt in a step.
        flip: probability of mirroring.
        seed: of all that is by lot.
        rank: which process this is.
        world: how many there are.
    """

    def __init__(
        self,
        captions: list[list[list[int]]],
        source: Source,
        *,
        mirrorable: NDArray[np.bool_],
        photographs: EncodedSource | None = None,
        batch_size: int,
        per_picture: int,
        flip: float = 0.0,
        seed: int = 0,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        self.captions, self.source, self.photographs = captions, source, photographs
        self.mirrorable, self.flip, self.seed = mirrorable, flip, seed
        self.batch_size, self.per_picture = batch_size, per_picture
        self.rank, self.world = rank, world

    def __len__(self) -> int:
        """Batches of an epoch; a last incomplete one is left out unless it is all."""
        return max(1, len(self.captions) // self.batch_size)

    def batches(self, epoch: int, start: int = 0) -> Iterator[CaptionBatch]:
        """Give the batches of an epoch from step `start` on."""
        order = np.random.default_rng([self.seed, epoch]).permutation(len(self.captions))
        for step in range(start, len(self)):
            everyone = order[step * self.batch_size : (step + 1) * self.batch_size]
            rows = [int(row) for row in everyone[self.rank :: self.world]]
            yield self._batch(rows, np.random.default_rng([self.seed, epoch, step, self.rank]))

    def _batch(self, rows: list[int], chance: np.random.Generator) -> CaptionBatch:
        mirror = (chance.random(len(rows)) < self.flip) & self.mirrorable[rows]
        generator = torch.Generator().manual_seed(int(chance.integers(2**62)))
        chosen = []
        for row in rows:
            own = self.captions[row]
            picks = chance.permutation(len(own))[: self.per_picture]
            chosen.append([own[pick] for pick in picks])
        pictures = self.source.read(rows, mirror, generator)
        photographs, unreadable = None, dict(self.source.unreadable)
        if self.photographs is not None:
            photographs = self.photographs.read(rows, mirror, generator)
            unreadable |= self.photographs.unreadable
        kept = [[] if row in unreadable else own for row, own in zip(rows, chosen, strict=True)]
        if not any(kept):
            reasons = "; ".join(unreadable[row] for row in rows[:2])
            raise DataError(f"none of the {len(rows)} pictures of a batch can be read: {reasons}")
        return CaptionBatch(pictures, photographs, *_stack(kept, self.per_picture), rows)


def encode_captions(
    captions: Sequence[Sequence[str]], vocabulary: Vocabulary, max_words: int
) -> list[list[list[int]]]:
    """Give the captions of each picture as numbers, those without a word or too long left out."""
    return [
        [vocabulary.encode(text) for text in texts if 1 <= len(split_words(text)) <= max_words]
        for texts in captions
    ]


def find_mirrorable(captions: Sequence[Sequence[str]]) -> NDArray[np.bool_]:
    """Say which pictures have no caption that tells left from right."""
    return np.array([not any(map(_SIDES.search, texts)) for texts in captions])


def _stack(captions: list[list[list[int]]], per_picture: int) -> tuple[Tensor, Tensor]:
    """Give tokens and lengths, filled up to the longest."""
    width = max(len(caption) for own in captions for caption in own)
    k = min(per_picture, max(map(len, captions)))
    tokens = torch.full((len(captions), k, width), PAD)
    lengths = torch.zeros(len(captions), k, dtype=torch.long)
    for picture, own in enumerate(captions):
        for index, caption in enumerate(own):
            tokens[picture, index, : len(caption)] = torch.tensor(caption)
            lengths[picture, index] = len(caption) - 1
    return tokens, lengths
