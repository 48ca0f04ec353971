"""Pictures that are drawn while a model trains on them: a corpus without end or folder."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from zokusei.corpora.drawn.attributes import DRAWN_TAGS
from zokusei.corpora.drawn.picture import draw_from
from zokusei.corpora.drawn.scene import sample_scene
from zokusei.corpora.drawn.styles import TRAINED, Style


class DrawnStream(IterableDataset[tuple[Tensor, Tensor]]):
    """Draw pictures and their targets, one index after the other.

    Each of a loader's workers draws every n-th picture, so that together they draw each once.

    Args:
        size: width and height in pixels.
        seed: which row of pictures.
        start: index of the first.
        styles: the hands that draw.
        share: this process's number and how many there are.

    >>> images, targets = next(iter(DrawnStream(size=32)))
    >>> images.shape, images.dtype, targets.shape, targets.dtype
    (torch.Size([3, 32, 32]), torch.uint8, torch.Size([100]), torch.bool)
    """

    def __init__(
        self,
        *,
        size: int = 256,
        seed: int = 0,
        start: int = 0,
        styles: Sequence[Style] = TRAINED,
        share: tuple[int, int] = (0, 1),
    ) -> None:
        self.size, self.seed, self.start = size, seed, start
        self.styles, self.share = tuple(styles), share

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Draw on and on."""
        worker = get_worker_info()
        number, workers = (worker.id, worker.num_workers) if worker is not None else (0, 1)
        rank, processes = self.share
        index = self.start + rank * workers + number
        while True:
            drawing = draw_from(sample_scene(index, self.seed, self.styles), self.size)
            image = torch.from_numpy(drawing.image.copy()).permute(2, 0, 1)
            seen = set(drawing.tags)
            yield image, torch.tensor([name in seen for name in DRAWN_TAGS.names])
            index += processes * workers
