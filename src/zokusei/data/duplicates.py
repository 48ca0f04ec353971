"""Near copies of pictures, by a perceptual hash."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
from jaxtyping import Int64, UInt64
from numpy.typing import NDArray
from PIL import Image

from zokusei.errors import ImageError
from zokusei.images import open_image

DISTANCE = 4
"""Bits that the hashes of near copies differ in at most."""

_SIDE, _KEPT = 32, 8
_BANDS = 8  # of eight bits: hashes that differ in seven or fewer agree in one of them
_FILES_AT_ONCE = 1024
_PAIRS_AT_ONCE = 1 << 22


def hash_picture(picture: Image.Image) -> int:
    """Give 64 bits that rescaling, recompression and small retouches change little.

    The picture becomes 32 x 32 grey values, of whose discrete cosine transform the 8 x 8 lowest
    frequencies are compared with their median (the pHash of Zauner 2010, without its constant
    term, which says only how bright the picture is).

    >>> grey = Image.linear_gradient("L")
    >>> hash_picture(grey.convert("RGB")) == hash_picture(grey.resize((64, 64)).convert("RGB"))
    True
    """
    small = picture.convert("L").resize((_SIDE, _SIDE), Image.Resampling.BOX)
    basis = _cosines()
    low = basis @ np.asarray(small, dtype=np.float64) @ basis.T
    flat = low.ravel()[1:]
    # A flat picture has only rounding errors there, which must not become a hash.
    flat = np.where(np.abs(flat) < 1e-6, 0, flat)
    bits = np.append(flat > np.median(flat), False)
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def hash_pictures(
    paths: Sequence[Path],
    *,
    workers: int = 1,
    complain: Callable[[Path, str], None] | None = None,
    progress: Callable[[int], None] | None = None,
) -> list[int | None]:
    """Hash files in threads; None for those that cannot be read.

    Args:
        paths: of the pictures.
        workers: how many threads.
        complain: told which cannot be read, and why.
        progress: told after each picture.
    """

    def hash_one(path: Path) -> int | str:
        try:
            return hash_picture(open_image(path, at_least=_SIDE))
        except ImageError as error:
            return str(error)

    hashes: list[int | None] = []
    with ThreadPoolExecutor(workers) as pool:
        # The pool is given a part at once, so that it does not hold a task for each of millions.
        parts = (paths[start : start + _FILES_AT_ONCE] for start in
                 range(0, len(paths), _FILES_AT_ONCE))  # fmt: skip
        found_of_all = (found for part in parts for found in pool.map(hash_one, part))
        for path, found in zip(paths, found_of_all, strict=True):
            if isinstance(found, str) and complain is not None:
                complain(path, found)
            hashes.append(None if isinstance(found, str) else found)
            if progress is not None:
                progress(1)
    return hashes


def find_pairs(
    hashes: UInt64[np.ndarray, " pictures"], distance: int = DISTANCE
) -> Int64[np.ndarray, "pairs 2"]:
    """Give all pairs of hashes that differ in at most `distance` bits, the smaller index first.

    No pair is missed: seven different bits leave one of eight bytes the same, and only hashes
    with a byte in common are compared.

    Args:
        hashes: one a picture.
        distance: 0 to 7 bits.

    Raises:
        ValueError: the distance is larger than the bytes can promise.

    >>> find_pairs(np.array([0, 0b111, 1 << 63, 0xFFFFFFFF], dtype=np.uint64), 3).tolist()
    [[0, 1], [0, 2]]
    """
    if not 0 <= distance < _BANDS:
        raise ValueError(f"distance is 0 to {_BANDS - 1} bits, not {distance}")
    found: set[tuple[int, int]] = set()
    for band in range(_BANDS):
        keys = (hashes >> np.uint64(8 * band)) & np.uint64(0xFF)
        order = np.argsort(keys, kind="stable")
        for rows in np.split(order, np.flatnonzero(np.diff(keys[order])) + 1):
            step = max(1, _PAIRS_AT_ONCE // max(len(rows), 1))
            for start in range(0, len(rows), step):
                some = hashes[rows[start : start + step], None] ^ hashes[None, rows]
                left, right = np.nonzero(np.bitwise_count(some) <= distance)
                pairs = np.stack([rows[start + left], rows[right]], axis=1)
                found.update(map(tuple, pairs[pairs[:, 0] < pairs[:, 1]].tolist()))
    return np.array(sorted(found), dtype=np.int64).reshape(-1, 2)


def join_groups(groups: Sequence[str], pairs: Int64[np.ndarray, "pairs 2"]) -> list[str]:
    """Put the groups of each pair together, under the name that comes first.

    >>> join_groups(["a", "b", "c", "b"], np.array([[0, 3]]))
    ['a', 'a', 'c', 'a']
    """
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while (above := parent.get(name, name)) != name:
            parent[name] = name = parent.get(above, above)
        return name

    for left, right in pairs.tolist():
        first, second = sorted((root(groups[left]), root(groups[right])))
        if first != second:
            parent[second] = first
    return [root(name) for name in groups]


def regroup_near_copies(
    root: Path,
    paths: Sequence[str],
    groups: Sequence[str],
    *,
    distance: int = DISTANCE,
    workers: int = 1,
    complain: Callable[[Path, str], None] | None = None,
    progress: Callable[[int], None] | None = None,
) -> list[str]:
    """Give groups in which near copies are together; those that cannot be read stay as they are."""
    hashes = hash_pictures(
        [root / path for path in paths], workers=workers, complain=complain, progress=progress
    )
    return join_groups(groups, find_copies(hashes, distance))


def find_copies(hashes: Sequence[int | None], distance: int = DISTANCE) -> NDArray[np.int64]:
    """Give pairs of near copies among pictures of which some could not be read.

    Pictures of the same hash are each paired with the first of them alone, so that a thousand
    blank ones are a thousand pairs; `join_groups` makes of them what all pairs would give.
    """
    rows = np.array([row for row, value in enumerate(hashes) if value is not None], dtype=np.int64)
    values = np.array([value for value in hashes if value is not None], dtype=np.uint64)
    different, first, of = np.unique(values, return_index=True, return_inverse=True)
    later = np.flatnonzero(first[of] != np.arange(len(values)))
    equal = np.stack([first[of[later]], later], axis=1)
    near = np.sort(first[find_pairs(different, distance)].reshape(-1, 2), axis=1)
    return np.asarray(rows[np.concatenate([equal, near])].reshape(-1, 2))


@cache
def _cosines() -> NDArray[np.float64]:
    """Give the lowest frequencies of the discrete cosine transform of 32 values: (8, 32)."""
    frequency, place = np.arange(_KEPT)[:, None], np.arange(_SIDE)[None, :]
    return np.asarray(np.cos(np.pi * frequency * (2 * place + 1) / (2 * _SIDE)))
