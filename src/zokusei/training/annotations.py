"""What a frozen encoder says of pictures, computed once and kept on the disk.

Rows of float16, positions x features, in a file of `zokusei.data.row_file`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from zokusei.captioning.model import CaptionModel
from zokusei.data.loader import PictureStore
from zokusei.data.row_file import Counting, digest_weights, name_rows, open_rows
from zokusei.errors import ImageError, ModelError
from zokusei.images.preprocess import Preprocess

_VERSION = 1


@dataclass(frozen=True)
class Annotations:
    """Rows of one set of pictures.

    Attributes:
        rows: pictures x positions x features, read from the disk as they are used.
        unreadable: pictures without one, with the reason.
    """

    rows: NDArray[np.float16]
    unreadable: dict[int, str]

    def read(self, rows: Sequence[int]) -> Float[Tensor, "pictures positions features"]:
        """Give the annotations of some pictures; of an unreadable one zeros."""
        found = torch.from_numpy(self.rows[list(rows)]).float()
        return found.nan_to_num(0.0)


def open_annotations(
    model: CaptionModel,
    paths: Sequence[Path],
    preprocess: Preprocess,
    folder: Path,
    *,
    counting: Counting,
    mirrored: bool = False,
    workers: int = 2,
    device: torch.device | str = "cpu",
) -> Annotations:
    """Read the annotations of pictures; encode those that are not there yet.

    Args:
        model: its encoder, in evaluation mode.
        paths: the pictures.
        preprocess: fits and normalises them.
        folder: where the file is kept.
        counting: shows how far it is.
        mirrored: of the mirrored pictures.
        workers: decoding threads.
        device: where the model is.

    Raises:
        ModelError: the encoder gives numbers that float16 cannot hold.
        ZokuseiError: the folder cannot be written to, or the disk is full.
    """
    backbone = [model.arguments["backbone"], digest_weights(model.backbone)]
    name = name_rows([_VERSION, backbone, preprocess.to_dict(), mirrored], paths)
    with torch.inference_mode():
        blank = torch.zeros(1, 3, preprocess.size, preprocess.size, device=device)
        shape = (len(paths), *model.encode(blank).shape[1:])
    store = PictureStore(list(paths), preprocess, cache_bytes=0, workers=workers)
    try:
        rows = open_rows(
            folder / f"{name}.f16",
            _Encoder(model, preprocess, store, mirrored=mirrored, device=device),
            shape=shape,
            dtype=np.float16,
            description="encoding pictures",
            counting=counting,
        )
    finally:
        store.close()
    missing = np.flatnonzero(np.isnan(rows[:, 0, 0])).tolist()
    unreadable = {row: _explain(paths[row], preprocess) for row in missing}
    return Annotations(rows, unreadable)


@dataclass(frozen=True)
class _Encoder:
    """Pictures to rows of the file; an unreadable picture is a row that is no number."""

    model: CaptionModel
    preprocess: Preprocess
    store: PictureStore
    mirrored: bool
    device: torch.device | str

    def __call__(self, rows: list[int]) -> NDArray[np.float16]:
        images = self.preprocess.normalize(self.store.read(rows).to(self.device))
        with torch.inference_mode():
            found = self.model.encode(images.flip(3) if self.mirrored else images)
        half = found.cpu().to(torch.float16)
        if not bool(torch.isfinite(half).all()):
            raise ModelError(
                f"the encoder gives values up to {float(found.abs().max()):.3g}, more than half "
                "precision holds; take another backbone, or fine-tune it with model.freeze=0"
            )
        half[[row in self.store.unreadable for row in rows]] = torch.nan
        return half.numpy()


def _explain(path: Path, preprocess: Preprocess) -> str:
    """Say why a picture cannot be read."""
    try:
        preprocess(path)
    except ImageError as error:
        return str(error)
    return f"{path} could not be read when it was encoded"
