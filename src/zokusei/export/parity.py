"""Whether an exported model says what the trained one says, on pictures."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from zokusei.data.manifest import Manifest
from zokusei.errors import DataError
from zokusei.images import Picture
from zokusei.images.preprocess import Preprocess
from zokusei.inference.backends import Backend
from zokusei.inference.reading import read_batches
from zokusei.metrics import compute_metrics
from zokusei.tags import TagSet


@dataclass(frozen=True)
class Parity:
    """How far an exported model is from the trained one.

    Attributes:
        pictures: compared.
        largest: difference of a probability.
        mean: difference of a probability.
        share: that difference as a share of the trained model's mean probability, which is small
            where there are many tags.
        changed: share of the decisions (a tag given or not) that differ, in per cent.
        map_before: mAP of the trained model on these pictures, in per cent; None where no label
            says what is on them.
        map_after: of the exported one.
        unreadable: pictures that could not be compared.
    """

    pictures: int
    largest: float
    mean: float
    share: float
    changed: float
    map_before: float | None
    map_after: float | None
    unreadable: int

    @property
    def map_change(self) -> float | None:
        """By how much mAP rose, in points of per cent."""
        if self.map_before is None or self.map_after is None:
            return None
        return self.map_after - self.map_before

    def to_dict(self) -> dict[str, float | None]:
        """Give it for JSON."""
        return {**asdict(self), "map_change": self.map_change}


def measure_parity(
    trained: Backend,
    exported: Backend,
    pictures: Manifest,
    tags: TagSet,
    preprocess: Preprocess,
    *,
    batch_size: int = 16,
    progress: Callable[[int], None] | None = None,
) -> Parity:
    """Let both judge the same pixels.

    Args:
        trained: the model as it was trained.
        exported: what was made of it.
        pictures: the validation split, or others; mAP is of what is known of them.
        tags: of the models, with thresholds.
        preprocess: of the models.
        batch_size: pictures a pass.
        progress: told the number of pictures done, batch by batch.

    Raises:
        DataError: no picture can be read, or none has a tag in common with the model.
    """
    if not any(name in pictures.tags for name in tags.names):
        raise DataError("the manifest and the model have no tag in common")
    judged = pictures.with_tags(tags)
    before, after, rows = [], [], []
    unreadable: list[Picture] = []
    row_of = {str(path): row for row, path in enumerate(judged.paths)}

    for read, fitted in read_batches(
        judged.paths,
        [preprocess],
        batch_size=batch_size,
        on_error=lambda picture, _: unreadable.append(picture),
        workers=2,
    ):
        rows += [row_of[str(picture)] for picture in read]
        before.append(trained.predict(fitted))
        after.append(exported.predict(fitted))
        if progress is not None:
            progress(len(read))
    if not rows:
        raise DataError(f"none of the {len(judged)} pictures to compare on can be read")
    known = judged.compute_known()[rows]
    known &= np.array([name in pictures.tags for name in tags.names])
    targets = judged.compute_targets()[rows]
    return _compare(
        np.concatenate(before), np.concatenate(after), targets, known, tags, len(unreadable)
    )


def _compare(
    before: NDArray[np.float32],
    after: NDArray[np.float32],
    targets: NDArray[np.bool_],
    known: NDArray[np.bool_],
    tags: TagSet,
    unreadable: int,
) -> Parity:
    difference = np.abs(before - after)
    thresholds = np.array(tags.thresholds)
    truth = torch.from_numpy(targets), torch.from_numpy(known)
    maps: list[float | None] = [None, None]
    if (targets & known).any():
        maps = [
            compute_metrics(torch.from_numpy(scores), *truth).map * 100
            for scores in (before, after)
        ]
    return Parity(
        pictures=len(before),
        largest=float(difference.max()),
        mean=float(difference.mean()),
        share=float(difference.mean() / before.mean()),
        changed=float(((before >= thresholds) != (after >= thresholds)).mean() * 100),
        map_before=maps[0],
        map_after=maps[1],
        unreadable=unreadable,
    )
