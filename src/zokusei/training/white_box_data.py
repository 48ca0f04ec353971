"""Photographs and drawings, side by side in batches, though no pair belongs together."""

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt8
from torch import Tensor

from zokusei.corpora.lines import is_text
from zokusei.data.augment import create_augment
from zokusei.data.loader import Batch, Loader, PictureStore
from zokusei.data.manifest import Manifest, Record
from zokusei.errors import ConfigError, DataError
from zokusei.images import find_images
from zokusei.images.preprocess import Preprocess
from zokusei.tags import TagSet
from zokusei.white_box_config import WhiteBoxConfig

# Pictures are decoded a little larger than they are cropped.
_MARGIN = 8 / 7
_HALVES = (0.5, 0.5, 0.5)


class PairBatch(NamedTuple):
    """Photographs with as many drawings, none in a pre-training; bytes, red first."""

    photographs: UInt8[Tensor, "batch 3 size size"]
    drawings: UInt8[Tensor, "batch 3 size size"] | None
    rows: list[int]


@dataclass(frozen=True)
class PairLoader:
    """Batches of two loaders, each of which begins anew when it is through.

    What a step sees depends on its number alone, so that a resumed run sees what an
    uninterrupted one sees.

    Attributes:
        photographs: gives what is drawn.
        drawings: gives what it is to look like; None in a pre-training.
        steps: batches of an epoch.
    """

    photographs: Loader
    drawings: Loader | None
    steps: int

    def __len__(self) -> int:
        """Batches of an epoch."""
        return self.steps

    def batches(self, epoch: int, start: int = 0) -> Iterator[PairBatch]:
        """Give the batches of an epoch from step `start` on."""
        first = epoch * self.steps + start
        loaders = [self.photographs] if self.drawings is None else [self.photographs, self.drawings]
        streams = [closing(_forever(loader, first)) for loader in loaders]
        with streams[0] as photographs, streams[-1] as drawings:
            for _ in range(start, self.steps):
                batch = next(photographs)
                images = _readable(batch, self.photographs)
                other = None
                if self.drawings is not None:
                    other = _readable(next(drawings), self.drawings)
                yield PairBatch(images, other, batch.rows)


@dataclass(frozen=True)
class PairLoaders:
    """Batches to train on, and one fixed batch to judge on."""

    train: PairLoader
    val: PairLoader

    @property
    def unreadable(self) -> list[str]:
        """Pictures that could not be read, with the reason."""
        return sorted({reason for s in self._stores() for reason in s.unreadable.values()})

    def close(self) -> None:
        """End the decoding threads."""
        for store in self._stores():
            store.close()

    def _stores(self) -> list[PictureStore]:
        loaders = [
            part for pair in (self.train, self.val) for part in (pair.photographs, pair.drawings)
        ]
        return [loader.store for loader in loaders if loader is not None]


def list_pictures(config: WhiteBoxConfig, tell: Callable[[str], None]) -> dict[str, Manifest]:
    """Find photographs, a few of them held out, and drawings where the stage needs them.

    Args:
        config: names the folders.
        tell: is told what in them is left out.

    Raises:
        ConfigError: a folder is not given.
        DataError: a folder cannot be read or holds too few pictures.
    """
    names = ["photographs"] if config.stage == "pretrain" else ["photographs", "drawings"]
    found = {}
    for name in names:
        folder = getattr(config.pictures, name)
        if not folder:
            raise ConfigError(f"pictures.{name} is empty; give a folder of pictures")
        root = Path(folder).resolve()
        paths = _list_names(root, tell)
        # By lot, since folders are often sorted by what they show; the same lot on every machine
        # and for every seed, so that trainings are judged on the same pictures.
        np.random.default_rng(0).shuffle(paths)
        val = config.pictures.val
        limit = config.pictures.limit
        paths = paths if limit is None else paths[: limit + val]
        if len(paths) < val + 1:
            raise DataError(
                f"{root} holds {len(paths)} pictures, of which pictures.val = {val} are held out; "
                "give more pictures or hold out fewer"
            )
        records = [
            Record(path, [], split="val" if index < val else "train", source=name)
            for index, path in enumerate(paths)
        ]
        found[name] = Manifest.from_records(records, TagSet(()), root)
    return found


def _list_names(root: Path, tell: Callable[[str], None]) -> list[str]:
    """Give the pictures below a folder, relative to it, and tell what is left out."""
    names = []
    for path in find_images(root, lambda at, what: tell(f"left out: {at}: {what}"), go_on=True):
        name = str(path.relative_to(root))
        if is_text(name):
            names.append(name)
        else:  # no table holds it
            tell(f"left out: {name!r} is not UTF-8; rename it")
    return names


def create_loaders(
    config: WhiteBoxConfig, pictures: dict[str, Manifest], *, rank: int, world: int
) -> PairLoaders:
    """Build loaders of training and held-out pictures.

    Raises:
        ConfigError: the batch cannot be shared by the processes.
    """
    train, size = config.train, config.pictures.size
    if train.batch_size % world:
        raise ConfigError(
            f"train.batch_size = {train.batch_size} cannot be shared by {world} processes; make "
            "it a multiple"
        )
    augment = create_augment(
        "random_resized_crop", size, scale=(0.6, 1.0), ratio=(1.0, 1.0), flip=0.5
    )

    def create_store(manifest: Manifest, side: int) -> PictureStore:
        return PictureStore(
            manifest.paths,
            Preprocess(side, "crop", mean=_HALVES, std=_HALVES),
            cache_bytes=train.cache_gib * 2**30,
            workers=train.workers,
        )

    def create_loader(name: str, split: str) -> Loader | None:
        if name not in pictures:
            return None
        manifest = pictures[name].select(split)
        if split == "val":
            return Loader(manifest, create_store(manifest, size), batch_size=len(manifest))
        return Loader(
            manifest,
            create_store(manifest, round(size * _MARGIN)),
            batch_size=train.batch_size,
            augment=augment,
            shuffle=True,
            seed=train.seed,
            rank=rank,
            world=world,
        )

    pairs = []
    for split, steps in (("train", train.epoch_steps), ("val", 1)):
        photographs = create_loader("photographs", split)
        assert photographs is not None, "every stage has photographs"
        pairs.append(PairLoader(photographs, create_loader("drawings", split), steps))
    return PairLoaders(*pairs)


def to_network(
    images: UInt8[Tensor, "batch 3 height width"],
) -> Float[Tensor, "batch 3 height width"]:
    """Turn bytes, red first, into what the networks take: blue first, from -1 to 1."""
    return images.flip(1).float() / 127.5 - 1


def _forever(loader: Loader, step: int) -> Generator[Batch, None, None]:
    """Give batches from a step on, epoch after epoch."""
    epoch, start = divmod(step, len(loader))
    while True:
        yield from loader.batches(epoch, start)
        epoch, start = epoch + 1, 0


def _readable(batch: Batch, loader: Loader) -> Tensor:
    """Leave out pictures that could not be read; they are named at the end."""
    kept = [i for i, row in enumerate(batch.rows) if row not in loader.store.unreadable]
    if not kept:
        reasons = "; ".join(loader.store.unreadable[row] for row in batch.rows[:2])
        raise DataError(f"none of the {len(batch.rows)} pictures of a batch can be read: {reasons}")
    return batch.images if len(kept) == len(batch.rows) else batch.images[kept]
