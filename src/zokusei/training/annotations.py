"""What a frozen encoder says of pictures, computed once and kept on the disk.

One file a set of pictures: rows of float16, positions x features, in the order of the pictures. Its
name is a digest of all that its content depends on, so that no setting ever meets rows that were
made by another. While it grows it ends in `.part`; a killed encoding goes on at its last batch.
"""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import platformdirs
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from zokusei.captioning.model import CaptionModel
from zokusei.data.loader import PictureStore
from zokusei.errors import ImageError, ModelError, ZokuseiError
from zokusei.images.preprocess import Preprocess

Counting = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""Shows a bar with a description and a total; gives the function that moves it."""

_VERSION = 1
_BATCH = 32


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


def default_folder() -> Path:
    """Say where annotations are kept when nobody says otherwise."""
    return Path(platformdirs.user_cache_dir("zokusei")) / "annotations"


def digest_weights(model: torch.nn.Module) -> str:
    """Give a digest of all weights and statistics of a network."""
    digest = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


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
    key = _find_key(model, paths, preprocess, mirrored=mirrored)
    path = folder / f"{key}.f16"
    with torch.inference_mode():
        blank = torch.zeros(1, 3, preprocess.size, preprocess.size, device=device)
        shape = (len(paths), *model.encode(blank).shape[1:])
    if not path.exists():
        store = PictureStore(list(paths), preprocess, cache_bytes=0, workers=workers)
        encode = _Encoder(model, preprocess, store, mirrored=mirrored, device=device)
        try:
            with counting("encoding pictures", len(paths)) as progress:
                _write(path, encode, shape, progress)
        except OSError as error:
            raise ZokuseiError(f"{path} was not written: {error.strerror or error}") from error
        finally:
            store.close()
    rows = np.memmap(path, np.float16, "r", shape=shape)
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


def _write(
    path: Path, encode: _Encoder, shape: tuple[int, ...], progress: Callable[[int], None]
) -> None:
    """Append whole batches to the growing file, and name it once it is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    size = _BATCH * shape[1] * shape[2] * np.dtype(np.float16).itemsize
    with part.open("ab") as file:
        # Only whole batches count: the numbers of a picture can differ in their last digit with
        # those that it is encoded beside, and a resumed file is to be the same.
        done = file.tell() // size
        file.truncate(done * size)
        progress(min(done * _BATCH, shape[0]))
        for start in range(done * _BATCH, shape[0], _BATCH):
            rows = list(range(start, min(start + _BATCH, shape[0])))
            file.write(encode(rows).tobytes())
            progress(len(rows))
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _find_key(
    model: CaptionModel, paths: Sequence[Path], preprocess: Preprocess, *, mirrored: bool
) -> str:
    """Digest all that the rows depend on; a picture's content goes by its size and its date."""
    files = []
    for path in paths:
        try:
            status = path.stat()
            files.append([str(path.absolute()), status.st_size, status.st_mtime_ns])
        except OSError:
            files.append([str(path.absolute()), 0, 0])
    backbone = [model.arguments["backbone"], digest_weights(model.backbone)]
    about = [_VERSION, backbone, preprocess.to_dict(), mirrored, files]
    return hashlib.sha256(json.dumps(about).encode()).hexdigest()[:32]


def _explain(path: Path, preprocess: Preprocess) -> str:
    """Say why a picture cannot be read."""
    try:
        preprocess(path)
    except ImageError as error:
        return str(error)
    return f"{path} could not be read when it was encoded"
