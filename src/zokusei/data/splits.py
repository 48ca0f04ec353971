"""Which pictures are trained on, chosen with, and tested with; a group is never divided."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence

from zokusei.data.manifest import SPLITS, Manifest
from zokusei.errors import DataError


def assign_splits(
    groups: Sequence[str],
    given: Sequence[str],
    *,
    val: float,
    test: float,
    seed: int = 0,
) -> list[str]:
    """Give each picture a split, all pictures of a group the same one.

    Groups are ordered by a hash of their name and the seed, so that the answer depends neither
    on the order of the rows nor on the platform; the first share becomes the test split, the
    next the validation split. Pictures whose source names a split keep it, and so does the rest
    of their group; but where nothing is named for validation, that share of the training groups
    is, since there is no training without.

    Args:
        groups: name of each picture's group.
        given: split that the source names, or an empty string.
        val: share of the free groups for validation, or else of those for training, 0 to 1.
        test: share for testing.
        seed: another seed gives another split.

    Raises:
        DataError: the source divides a group between splits, names an unknown split, or too
            few groups are left for one of them.

    >>> assign_splits(["a", "a", "b", "c"], [""] * 4, val=0.34, test=0.34)
    ['val', 'val', 'train', 'test']
    >>> assign_splits(["a", "b", "c"], ["train", "train", "test"], val=0.5, test=0.1)
    ['val', 'train', 'test']
    """
    settled: dict[str, str] = {}
    for group, split in zip(groups, given, strict=True):
        if split and split not in SPLITS:
            raise DataError(f"unknown split {split!r}; known: {', '.join(SPLITS)}")
        if split and settled.setdefault(group, split) != split:
            raise DataError(
                f"group {group!r} lies in the splits {settled[group]!r} and {split!r}; near "
                "copies must share one"
            )
    free = sorted(set(groups) - set(settled), key=lambda name: _rank(name, seed))
    num_test, num_val = round(len(free) * test), round(len(free) * val)
    if free and not settled:
        # Even a handful of pictures gets something to choose and to test with.
        num_test, num_val = max(num_test, int(test > 0)), max(num_val, int(val > 0))
        if len(free) <= num_test + num_val:
            raise DataError(
                f"{len(free)} groups of pictures are too few to train, validate and test with"
            )
    for position, group in enumerate(free):
        in_test, in_val = position < num_test, position < num_test + num_val
        settled[group] = "test" if in_test else "val" if in_val else "train"
    training = [group for group, split in settled.items() if split == "train"]
    if val and "val" not in settled.values() and len(training) > 1:
        training.sort(key=lambda name: _rank(name, seed))
        share = min(max(1, round(len(training) * val)), len(training) - 1)
        settled |= dict.fromkeys(training[:share], "val")
    return [settled[group] for group in groups]


def split_manifest(manifest: Manifest, *, val: float, test: float, seed: int = 0) -> Manifest:
    """Give the manifest with every row's split filled in."""
    splits = assign_splits(
        manifest.column("group"), manifest.column("split"), val=val, test=test, seed=seed
    )
    return manifest.with_column("split", splits)


def find_crossing_groups(manifest: Manifest) -> list[str]:
    """Name the groups with pictures in more than one split."""
    splits = defaultdict(set)
    for group, split in zip(manifest.column("group"), manifest.column("split"), strict=True):
        splits[group].add(split)
    return sorted(group for group, found in splits.items() if len(found) > 1)


def select_split(manifest: Manifest, split: str) -> Manifest:
    """Give the pictures of a split; all of a manifest that was never divided.

    Raises:
        DataError: there is no such split.
    """
    chosen = manifest.select(split)
    return chosen if any(manifest.column("split")) else manifest


def count_splits(manifest: Manifest) -> dict[str, int]:
    """Count the pictures of each split, in the order train, val, test."""
    counts = Counter(manifest.column("split"))
    return {split: counts[split] for split in SPLITS}


def _rank(group: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}\0{group}".encode()).digest()
