"""From a manifest to batches: pictures decoded once, batches made ahead of the training step."""

import math
import queue
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from numpy.typing import NDArray
from torch import Tensor

from zokusei.data.augment import Augment, Share
from zokusei.data.collage import Collage, check_sources, merge_labels, put_together
from zokusei.data.manifest import Manifest
from zokusei.errors import ConfigError, ImageError
from zokusei.images.preprocess import Preprocess

_BATCHES_AHEAD = 3


@dataclass(frozen=True)
class Batch:
    """Pictures with their labels.

    Attributes:
        images: decoded pictures of one size, not yet normalised.
        targets: multi-hot tags.
        known: entries of the targets that mean something; none of a picture that could not be
            read, so that it contributes nothing.
        rows: position of each picture in the manifest; of a page, that of its first picture.
        caption_features: vectors of their captions, for a model that reads them.
        is_page: which of them are several pictures on one; None without a collage.
    """

    images: UInt8[Tensor, "batch 3 height width"]
    targets: Bool[Tensor, "batch classes"]
    known: Bool[Tensor, "batch classes"]
    rows: list[int]
    caption_features: Float[Tensor, "batch numbers"] | None = None
    is_page: Bool[Tensor, " batch"] | None = None


class PictureStore:
    """Pictures of a manifest, decoded to one size, kept in memory while there is room.

    Decoding runs in threads: Pillow lets go of the interpreter lock while it decodes and
    resizes, so that nothing has to be copied between processes.

    Args:
        paths: one picture each.
        preprocess: gives size and fit.
        cache_bytes: decoded pictures are kept when all of them fit.
        workers: decoding threads; 0 decodes in the calling thread.
    """

    def __init__(
        self, paths: list[Path], preprocess: Preprocess, *, cache_bytes: float, workers: int
    ) -> None:
        self.paths = paths
        self.preprocess = preprocess
        self.unreadable: dict[int, str] = {}
        size = preprocess.size
        self._pool = ThreadPoolExecutor(workers) if workers else None
        self._cache: Tensor | None = None
        if len(paths) * 3 * size * size <= cache_bytes:
            # The system hands out the memory page by page, as pictures come in.
            self._cache = torch.empty((len(paths), 3, size, size), dtype=torch.uint8)
        self._cached = np.zeros(len(paths), dtype=bool)

    def read(self, rows: list[int]) -> UInt8[Tensor, "batch 3 size size"]:
        """Give the decoded pictures of some rows; an unreadable one is white and named."""
        if not rows:
            # Of a last small batch, one of several processes may have none.
            size = self.preprocess.size
            return torch.empty((0, 3, size, size), dtype=torch.uint8)
        missing = [row for row in dict.fromkeys(rows) if not self._cached[row]]
        decoded = dict(zip(missing, self._decode_all(missing), strict=True))
        if self._cache is None:
            return torch.stack([decoded[row] for row in rows])
        for row, picture in decoded.items():
            self._cache[row] = picture
        self._cached[missing] = True
        return self._cache[rows]

    def close(self) -> None:
        """End the decoding threads."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _decode_all(self, rows: list[int]) -> Iterator[Tensor]:
        return self._pool.map(self._decode, rows) if self._pool else map(self._decode, rows)

    def _decode(self, row: int) -> Tensor:
        try:
            return self.preprocess.to_pixels(self.paths[row])
        except ImageError as error:
            self.unreadable[row] = str(error)
            size = self.preprocess.size
            return torch.full((3, size, size), 255, dtype=torch.uint8)


class Loader:
    """Batches of a manifest in an order that only the seed and the epoch decide.

    A resumed run therefore sees what an uninterrupted one sees, from any step on, without
    replaying anything. With several processes each takes its share of every global batch.

    Args:
        manifest: the pictures of one split.
        store: their decoded pictures.
        batch_size: pictures a step, over all processes.
        augment: varies the pictures; None for validation and tests.
        shuffle: another order each epoch, and a last incomplete batch left out.
        seed: of order and augmentation.
        rank: which process this is.
        world: how many there are; `batch_size` is a multiple of it.
        caption_features: a vector of each picture of the manifest, for a model that reads captions.
        repeat: how often an epoch shows the pictures of a source; once by default. Of 1.5 times,
            each picture is shown once, and half of them, drawn anew each epoch, twice.
        collage: how many pictures a side of a source are shown on one at most; see `Collage`.

    Raises:
        ConfigError: no picture has such a source, nothing is left of an epoch, or pictures are to
            be shown together that are not varied, or that have captions.
    """

    def __init__(
        self,
        manifest: Manifest,
        store: PictureStore,
        *,
        batch_size: int,
        augment: Augment | None = None,
        shuffle: bool = False,
        seed: int = 0,
        rank: int = 0,
        world: int = 1,
        caption_features: Float[Tensor, "pictures numbers"] | None = None,
        repeat: Mapping[str, float] | None = None,
        collage: Mapping[str, int] | None = None,
    ) -> None:
        if collage and (augment is None or caption_features is not None):
            raise ConfigError("pictures with captions, or not varied, are not shown several on one")
        self._collage = Collage(manifest, collage) if collage else None
        self.caption_features = caption_features
        self._shares = _share_out(manifest, repeat or {})
        self.targets = torch.from_numpy(manifest.compute_targets())
        self.known = torch.from_numpy(manifest.compute_known())
        self.store = store
        self.batch_size = batch_size
        self.augment = augment
        self.shuffle = shuffle
        self.seed = seed
        self.rank, self.world = rank, world

    def __len__(self) -> int:
        """Batches of an epoch."""
        full, rest = divmod(sum(count for _, count in self._shares), self.batch_size)
        # A small last batch would weigh as much as a full one; it is dropped unless it is all.
        return full if self.shuffle and full else full + bool(rest)

    def batches(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """Give the batches of an epoch from step `start` on, made ahead in a thread."""
        ready: queue.Queue[Batch | BaseException | None] = queue.Queue(_BATCHES_AHEAD)
        stop = threading.Event()

        def put(item: Batch | BaseException | None) -> None:
            while not stop.is_set():
                with suppress(queue.Full):
                    ready.put(item, timeout=0.1)
                    return

        def work() -> None:
            # One thread for augmentation leaves the cores to the training step; the setting
            # is this thread's own.
            torch.set_num_threads(1)
            try:
                order = self._order(epoch)
                for step in range(start, len(self)):
                    if stop.is_set():
                        return
                    put(self._batch(order, epoch, step))
                put(None)
            except BaseException as error:  # handed to the thread that waits for the batch
                put(error)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        try:
            while (item := ready.get()) is not None:
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            stop.set()
            thread.join()

    def _order(self, epoch: int) -> list[int]:
        chance = np.random.default_rng([self.seed, epoch])
        drawn = [np.empty(0, np.int64)]
        for rows, count in self._shares:
            whole, part = divmod(count, len(rows))
            drawn += [rows] * whole
            if part:
                drawn.append(chance.permutation(rows)[:part])
        order = np.concatenate(drawn)
        if self.shuffle:
            chance.shuffle(order)
        return [int(row) for row in order]

    def _batch(self, order: list[int], epoch: int, step: int) -> Batch:
        everyone = order[step * self.batch_size : (step + 1) * self.batch_size]
        own = slice(self.rank, None, self.world)
        rows = everyone[own]
        if self._collage is not None:
            pages = self._collage.lay_out(
                everyone, np.random.default_rng([self.seed, epoch, step, 1])
            )
            images = self._show(pages, self._generator(epoch, step))
            tiles = [tile for page in pages[own] for tile in page]
            counts = [len(page) for page in pages[own]]
            targets, known = merge_labels(self.targets[tiles], self._judge(tiles), counts)
            return Batch(images, targets, known, rows, is_page=torch.tensor(counts) > 1)
        images = self.store.read(rows)
        if self.augment is not None:
            images = self.augment(images, self._generator(epoch, step), Share(len(everyone), own))
        captions = None if self.caption_features is None else self.caption_features[rows]
        return Batch(images, self.targets[rows], self._judge(rows), rows, captions)

    def _show(self, pages: list[list[int]], generator: torch.Generator) -> Tensor:
        """Give this process's pictures of a batch, each put together of those on its page."""
        assert self.augment is not None, "refused in the beginning"
        size = self.augment.size
        images = torch.empty((len(range(self.rank, len(pages), self.world)), 3, size, size),
                             dtype=torch.uint8)  # fmt: skip
        for count in sorted({len(page) for page in pages}):
            places = [place for place, page in enumerate(pages) if len(page) == count]
            mine = [at for at, place in enumerate(places) if place % self.world == self.rank]
            tiles = [tile for at in mine for tile in pages[places[at]]]
            own = [at * count + number for at in mine for number in range(count)]
            side = math.isqrt(count)
            vary = replace(self.augment, size=math.ceil(size / side))
            varied = vary(self.store.read(tiles), generator, Share(len(places) * count, own))
            images[[places[at] // self.world for at in mine]] = put_together(varied, side, size)
        return images

    def _judge(self, rows: list[int]) -> Tensor:
        """Give which entries of the targets mean something, now that pictures have been read."""
        known = self.known[rows]
        for position, row in enumerate(rows):
            if row in self.store.unreadable:
                known[position] = False
        return known

    def _generator(self, epoch: int, step: int) -> torch.Generator:
        words = np.random.SeedSequence([self.seed, epoch, step]).generate_state(2)
        return torch.Generator().manual_seed(int(words[0]) << 32 | int(words[1]))


def _share_out(
    manifest: Manifest, repeat: Mapping[str, float]
) -> list[tuple[NDArray[np.int64], int]]:
    """Give the rows of each source that is repeated, and of all others, with their views."""
    if not repeat:
        return [(np.arange(len(manifest)), len(manifest))] if len(manifest) else []
    sources = np.array(manifest.column("source"), dtype=object)
    check_sources("data.repeat", repeat, sources)
    times = {"": 1.0, **repeat}
    chosen = np.array([name if name in repeat else "" for name in sources], dtype=object)
    groups = [(np.flatnonzero(chosen == name), times[name]) for name in times]
    shares = [(rows, round(len(rows) * wanted)) for rows, wanted in groups]
    shares = [(rows, count) for rows, count in shares if count]
    if not shares:
        raise ConfigError(f"data.repeat = {dict(repeat)} leaves no picture of an epoch")
    return shares
