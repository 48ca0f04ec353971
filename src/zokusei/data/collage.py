"""Pictures of one source side by side on one: close-ups, as small as faces are in illustrations."""

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Bool, UInt8
from numpy.typing import NDArray
from torch import Tensor

from zokusei.data.manifest import Manifest
from zokusei.errors import ConfigError, suggest

MOST = 8
"""Pictures a side at most: of more, at common sizes, nothing is left to see."""


class Collage:
    """Decides which pictures are shown together.

    A picture of a source that is named is shown with others of that source, drawn with replacement,
    in a square of 1, 2, ... pictures a side, each as probable.

    Args:
        manifest: the pictures, with their sources.
        most: pictures a side at most, by source.

    Raises:
        ConfigError: no picture has such a source, or a number is not from 1 to `MOST`.
    """

    def __init__(self, manifest: Manifest, most: Mapping[str, int]) -> None:
        sources = np.array(manifest.column("source"), dtype=object)
        check_sources("augment.collage", most, sources)
        self._most = np.ones(len(manifest), np.int64)
        self._others: dict[int, NDArray[np.int64]] = {}
        self._source = np.full(len(manifest), -1)
        for number, (name, side) in enumerate(most.items()):
            if not 1 <= side <= MOST:
                raise ConfigError(f"augment.collage: {name} = {side}; give 1 to {MOST}")
            rows = np.flatnonzero(sources == name)
            self._most[rows], self._source[rows] = side, number
            self._others[number] = rows

    def lay_out(self, rows: list[int], chance: np.random.Generator) -> list[list[int]]:
        """Give, for each picture of a batch, all that are shown with it, itself first.

        Args:
            rows: of the batch.
            chance: the only source of it.
        """
        sides = chance.integers(1, self._most[rows], endpoint=True)
        pages = []
        for row, side in zip(rows, sides.tolist(), strict=True):
            more = side * side - 1
            others = chance.choice(self._others[self._source[row]], more) if more else []
            pages.append([row, *(int(other) for other in others)])
        return pages


def put_together(
    tiles: UInt8[Tensor, "tiles 3 height height"], side: int, size: int
) -> UInt8[Tensor, "pages 3 size size"]:
    """Put squares together, `side` by `side` on a page, left to right and from the top.

    Args:
        tiles: those of the first page, those of the second, and so on.
        side: tiles a side.
        size: of a page in pixels; what is more than that at the right and bottom is cut off.

    >>> tiles = torch.arange(4, dtype=torch.uint8).view(4, 1, 1, 1).expand(4, 3, 2, 2)
    >>> put_together(tiles, 2, 3)[0, 0].tolist()
    [[0, 0, 1], [0, 0, 1], [2, 2, 3]]
    """
    height = tiles.shape[-1]
    pages = tiles.view(-1, side, side, 3, height, height).permute(0, 3, 1, 4, 2, 5)
    return pages.reshape(-1, 3, side * height, side * height)[..., :size, :size]


def merge_labels(
    targets: Bool[Tensor, "tiles classes"], known: Bool[Tensor, "tiles classes"], pages: list[int]
) -> tuple[Bool[Tensor, "pages classes"], Bool[Tensor, "pages classes"]]:
    """Give what is true of pages: a tag is there if any tile has it, and absent if none can have.

    Args:
        targets: multi-hot tags of each tile.
        known: entries of them that mean something.
        pages: number of tiles of each page; a page's tiles follow one another.

    >>> targets, known = torch.tensor([[True, False], [False, False]]), torch.ones(2, 2).bool()
    >>> known[1, 1] = False
    >>> merge_labels(targets, known, [2])
    (tensor([[ True, False]]), tensor([[ True, False]]))
    """
    if not pages:
        return targets, known  # of a last small batch, one of several processes may have none
    present = torch.stack([page.any(0) for page in torch.split(targets & known, pages)])
    settled = torch.stack([page.all(0) for page in torch.split(known, pages)])
    return present, settled | present


def check_sources(setting: str, named: Mapping[str, object], sources: NDArray[np.object_]) -> None:
    """See that there are pictures of each source that a setting names.

    Args:
        setting: its name, for the error.
        named: values by source.
        sources: of the pictures.

    Raises:
        ConfigError: there is none.
    """
    for name in named:
        if name not in sources:
            known = sorted(set(sources.tolist()) - {""})
            raise ConfigError(
                f"{setting} names {name!r}, of which there is no picture"
                + (suggest(name, known) if known else "; `zokusei data merge` names sources")
            )
