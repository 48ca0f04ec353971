"""Where a tagger's caption vectors come from: a captioner, how it is read, and what replaces it.

A trained tagger that reads captions carries its captioner inside its folder, so that it can never
meet the vectors of another.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy.typing import NDArray
from torch import Tensor

from zokusei.caption_checkpoint import (
    CaptionCheckpoint,
    load_caption_checkpoint,
    save_caption_checkpoint,
)
from zokusei.captioning.beam import MAX_LENGTH, Generated, generate
from zokusei.captioning.features import (
    caption_width,
    compute_caption_features,
    compute_encoder_features,
    compute_text_features,
)
from zokusei.captioning.groups import GroupWriter, Map
from zokusei.data.loader import PictureStore
from zokusei.data.manifest import Manifest
from zokusei.data.row_file import Counting, cache_folder, digest_weights, name_rows, open_rows
from zokusei.errors import CheckpointError, ConfigError, DataError
from zokusei.images.preprocess import Preprocess
from zokusei.model_folder import reading as reading_folder
from zokusei.models import Backbone

_ANEW = "zokusei train CONFIG.yaml captions.captioner=RUN"
_VERSION = 1


@dataclass(frozen=True)
class CaptionSource:
    """A captioner with a way to read it.

    Attributes:
        checkpoint: the captioner.
        reading: see `compute_caption_features`.
        beam: of the search that writes the captions.
        control: what replaces the vectors, to see whether captions matter: `none`; `zero`;
            `shuffled`, those of another picture of the same split; `random`, a fixed one a picture;
            `truth`, the `text` reading of the captions that came with the picture, the most that
            any captioner with these words could say.

    Raises:
        ConfigError: the control is combined with a reading that it does not have.
    """

    checkpoint: CaptionCheckpoint
    reading: str = "attended"
    beam: int = 1
    control: Literal["none", "zero", "shuffled", "random", "truth"] = "none"

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        if self.control == "truth" and self.reading != "text":
            raise ConfigError(
                f"captions.control=truth encodes words, so captions.reading is text, not "
                f"{self.reading}"
            )

    @property
    def width(self) -> int:
        """Numbers a vector."""
        return caption_width(self.checkpoint.model, self.reading)

    @cached_property
    def digest(self) -> str:
        """Tell this source from every other, whatever folder it lies in."""
        checkpoint = self.checkpoint
        about = [
            _VERSION, digest_weights(checkpoint.model), checkpoint.vocabulary.digest,
            checkpoint.preprocess.to_dict(), self.reading, self.beam, self.control,
        ]  # fmt: skip
        if checkpoint.max_words != MAX_LENGTH:  # which is not named, as it was not once
            about.append(checkpoint.max_words)
        return name_rows(about, [])

    def shares_encoder(self, backbone: Backbone, preprocess: Preprocess) -> bool:
        """Say whether a tagger's backbone gives the very annotations that the captioner reads.

        Args:
            backbone: of the tagger.
            preprocess: how it sees pictures.
        """
        own, other = self.checkpoint.model.backbone.state_dict(), backbone.state_dict()
        return (
            preprocess == self.checkpoint.preprocess
            and own.keys() == other.keys()
            and all(torch.equal(own[name].cpu(), other[name].cpu()) for name in own)
        )

    def encode(
        self, images: UInt8[Tensor, "pictures 3 size size"]
    ) -> Float[Tensor, "pictures positions features"]:
        """Encode pictures that the captioner's preprocessing has fitted."""
        model = self.checkpoint.model
        device = next(model.parameters()).device
        with torch.inference_mode():
            return model.encode(self.checkpoint.preprocess.normalize(images.to(device)))

    def caption(self, annotations: Float[Tensor, "pictures positions features"]) -> Generated:
        """Write a caption for encoded pictures."""
        with torch.inference_mode():
            return generate(
                self.checkpoint.model,
                annotations,
                beam=self.beam,
                max_length=self.checkpoint.max_words,
            )

    def create_writer(self, each: Map) -> GroupWriter:
        """Give what writes captions for `compute`, each as if its picture were alone."""
        model, words = self.checkpoint.model, self.checkpoint.max_words
        return GroupWriter(model, each, beam=self.beam, max_length=words)

    def compute(
        self,
        annotations: Float[Tensor, "pictures positions features"],
        writer: GroupWriter | None = None,
    ) -> Float[Tensor, "pictures width"]:
        """Give the vectors of encoded pictures; a caption is written only where it is read.

        Args:
            annotations: of `encode`.
            writer: of `create_writer`, where the last digits of a vector may not depend on the
                other pictures; without it all are written of in one batch.

        Raises:
            ConfigError: the source is a control that says nothing of a single picture.
        """
        if self.control == "zero":
            return annotations.new_zeros(len(annotations), self.width)
        if self.control != "none":
            raise ConfigError(
                f"this model was trained with captions.control={self.control}, to be compared with "
                "others; `zokusei evaluate` judges it, but it has no vector for a single picture"
            )
        if self.reading == "encoder":
            return compute_encoder_features(annotations)

        def read(found: Generated) -> Tensor:
            return compute_caption_features(self.checkpoint.model, found, self.reading)

        if writer is not None:
            return torch.stack(writer.write(annotations, lambda found: read(found).unbind()))
        with torch.inference_mode():
            return read(self.caption(annotations))

    def open_table(
        self,
        manifest: Manifest,
        *,
        counting: Counting,
        folder: Path | None = None,
        workers: int = 2,
        device: torch.device | str = "cpu",
    ) -> Float[Tensor, "pictures width"]:
        """Give the vector of every picture of one split, computed once and kept on the disk.

        They are those of the whole pictures: what augmentation cuts out or mirrors is described by
        the caption of the picture that it came from. A picture that cannot be read has zeros.

        Args:
            manifest: pictures of one split.
            counting: shows how far it is.
            folder: where the file is kept; the user's cache by default.
            workers: decoding threads.
            device: where to compute.

        Raises:
            DataError: `truth` and a picture without captions.
            ZokuseiError: the folder cannot be written to, or the disk is full.
        """
        if self.control == "zero":
            return torch.zeros(len(manifest), self.width)
        if self.control == "random":
            return torch.stack([self._draw(path) for path in manifest.column("path")])
        if self.control == "truth":
            return self._encode_truth(manifest)
        rows = self._open_rows(manifest.paths, counting, folder, workers, device)
        table = torch.from_numpy(np.array(rows)).nan_to_num(0.0)
        return _give_to_others(table) if self.control == "shuffled" else table

    def save(self, folder: Path) -> dict[str, Any]:
        """Write the captioner to `folder/captioner`; give what config.json is to say of it."""
        save_caption_checkpoint(folder / "captioner", self.checkpoint)
        return {
            "reading": self.reading,
            "beam": self.beam,
            "control": self.control,
            "digest": self.digest,
        }

    @classmethod
    def load(cls, folder: Path, about: dict[str, Any]) -> "CaptionSource":
        """Read what `save` wrote.

        Raises:
            CheckpointError: the captioner is missing, damaged or another than the model's.
        """
        own = folder / "captioner"
        if not own.is_dir():
            raise CheckpointError(
                f"{own} is missing: it is the captioner that this model learnt with and reads "
                f"captions of; put it back, or train the model anew: {_ANEW}"
            )
        checkpoint = load_caption_checkpoint(own)
        with reading_folder(folder):
            source = cls(checkpoint, about["reading"], about["beam"], about["control"])
            digest = about["digest"]
        if source.digest != digest:
            raise CheckpointError(
                f"{own} is another captioner than the one this model learnt with; put its own "
                f"back, or train the model anew: {_ANEW}"
            )
        return source

    def _draw(self, path: str) -> Float[Tensor, " width"]:
        """Give the random vector that belongs to a picture's name."""
        generator = torch.Generator().manual_seed(
            zlib.crc32(path.encode("utf-8", "surrogateescape"))
        )
        return torch.randn(self.width, generator=generator)

    def _encode_truth(self, manifest: Manifest) -> Tensor:
        captions = manifest.column("captions")
        missing = [i for i, texts in enumerate(captions) if not texts]
        if missing:
            raise DataError(
                f"captions.control=truth needs captions, and {len(missing)} of {len(captions)} "
                f"pictures have none, first {manifest.paths[missing[0]]}"
            )
        with torch.inference_mode():
            return compute_text_features(
                self.checkpoint.model, self.checkpoint.vocabulary, captions
            ).clone()

    def _open_rows(
        self,
        paths: Sequence[Path],
        counting: Counting,
        folder: Path | None,
        workers: int,
        device: torch.device | str,
    ) -> NDArray[np.float32]:
        plain = CaptionSource(self.checkpoint, self.reading, self.beam)
        self.checkpoint.model.to(device).to(memory_format=torch.channels_last)
        store = PictureStore(
            list(paths), self.checkpoint.preprocess, cache_bytes=0, workers=workers
        )

        def compute(rows: list[int]) -> NDArray[np.float32]:
            found: NDArray[np.float32] = (
                plain.compute(plain.encode(store.read(rows))).float().cpu().numpy()
            )
            found[[row in store.unreadable for row in rows]] = np.nan
            return found

        folder = folder or cache_folder("captions")
        try:
            return open_rows(
                folder / f"{name_rows([plain.digest], paths)}.f32",
                compute,
                shape=(len(paths), self.width),
                dtype=np.float32,
                description="captioning pictures",
                counting=counting,
            )
        finally:
            store.close()


def _give_to_others(table: Tensor) -> Tensor:
    """Give each picture the vector of another one, the same at every run."""
    order = torch.randperm(len(table), generator=torch.Generator().manual_seed(0))
    shuffled = torch.empty_like(table)
    shuffled[order] = table[order.roll(1)]
    return shuffled
