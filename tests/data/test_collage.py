"""Pictures shown together: what is seen on a page is what its labels say."""

import numpy as np
import pytest
import torch
from PIL import Image

from zokusei.data.augment import create_augment
from zokusei.data.collage import Collage, merge_labels, put_together
from zokusei.data.loader import Loader, PictureStore
from zokusei.data.manifest import Manifest, Record
from zokusei.errors import ConfigError
from zokusei.images.preprocess import Preprocess

PREPROCESS = Preprocess(size=16, fit="squash", mean=(0.5,) * 3, std=(0.5,) * 3)
NAMES = ["one", "two", "three"]


@pytest.fixture
def manifest(tmp_path):
    """Pictures of one red each, which says which they are; of faces only some tags are known."""
    records = []
    for row in range(24):
        Image.new("RGB", (16, 16), (row * 10, 0, 0)).save(tmp_path / f"{row}.png")
        records.append(Record(f"{row}.png", [NAMES[row % 3]], known=NAMES[: 2 + row % 2]))
    records = [
        Record(r.path, [tag for tag in r.tags if tag in r.known], known=r.known) for r in records
    ]
    sources = ["faces"] * 14 + ["drawn"] * 10
    return Manifest.from_records(records, None, tmp_path).with_column("source", sources)


def create_loader(manifest, store=None, size=12, **options):
    store = store or PictureStore(manifest.paths, PREPROCESS, cache_bytes=1e9, workers=0)
    given = {"batch_size": 6, "augment": create_augment("none", size), "shuffle": True}
    return Loader(manifest, store, **{**given, "collage": {"faces": 3}, **options})


def read_page(image):
    """Give the rows of the pictures on a page of 12 pixels, by their red."""
    for side in (1, 2, 3):
        height = 12 // side
        tiles = image[0].view(side, height, side, height).permute(0, 2, 1, 3).flatten(0, 1)
        reds = [tile.unique().tolist() for tile in tiles]
        if all(len(red) == 1 for red in reds):
            return [red[0] // 10 for red in reds]
    raise AssertionError("no whole pictures")


def test_labels_are_those_of_what_is_seen(manifest):
    loader = create_loader(manifest)
    targets, known = manifest.compute_targets(), manifest.compute_known()
    counts = {1: 0, 4: 0, 9: 0}
    for epoch in range(20):
        for batch in loader.batches(epoch):
            for place, first in enumerate(batch.rows):
                page = read_page(batch.images[place])
                assert page[0] == first
                if first >= 14:
                    assert page == [first]
                    assert torch.equal(batch.known[place], torch.from_numpy(known[first]))
                    continue
                counts[len(page)] += 1
                assert all(row < 14 for row in page)
                for column in range(3):
                    there = any(targets[row, column] and known[row, column] for row in page)
                    all_known = all(known[row, column] for row in page)
                    assert batch.targets[place, column] == there
                    assert batch.known[place, column] == (there or all_known)
    assert min(counts.values()) > 0.25 * sum(counts.values())  # each side as probable


@pytest.mark.parametrize("world", [2, 3, 6])
def test_processes_share_what_is_shown(manifest, world):
    augment = create_augment(
        "random_resized_crop", 13, flip=0.5, trivial=True, erase=0.5, shrink=0.5, jitter=0.3
    )
    store = PictureStore(manifest.paths, PREPROCESS, cache_bytes=1e9, workers=0)
    whole = list(create_loader(manifest, store, augment=augment).batches(0))
    parts = [
        list(create_loader(manifest, store, augment=augment, rank=rank, world=world).batches(0))
        for rank in range(world)
    ]
    for batch, *shares in zip(whole, *parts, strict=True):
        for rank, part in enumerate(shares):
            assert part.rows == batch.rows[rank::world]
            for name in ("images", "targets", "known"):
                assert torch.equal(getattr(part, name), getattr(batch, name)[rank::world])


def test_a_process_without_a_picture_of_a_last_batch_has_an_empty_one(manifest):
    options = {"batch_size": 23, "shuffle": False, "world": 23}
    for rank in (0, 22):
        *_, last = create_loader(manifest, rank=rank, **options).batches(0)
        assert len(last.images) == len(last.targets) == len(last.known) == (rank == 0)


def test_a_later_start_gives_what_would_have_come(manifest):
    loader = create_loader(manifest, augment=create_augment("random_resized_crop", 12, flip=0.5))
    for one, two in zip(list(loader.batches(3))[2:], loader.batches(3, start=2), strict=True):
        assert torch.equal(one.images, two.images)
        assert torch.equal(one.targets, two.targets)


def test_an_unreadable_picture_makes_nothing_known(manifest):
    for path in manifest.paths[:14]:
        path.write_bytes(b"no picture")
    for batch in create_loader(manifest).batches(0):
        faces = torch.tensor([row < 14 for row in batch.rows])
        assert not batch.known[faces].any()


def test_an_unreadable_picture_of_a_page_leaves_what_others_have(manifest):
    manifest.paths[0].write_bytes(b"no picture")
    loader, pages = create_loader(manifest, size=12), 0
    targets, known = manifest.compute_targets(), manifest.compute_known()
    for epoch in range(20):
        for batch in loader.batches(epoch):
            for place, first in enumerate(batch.rows):
                if first != 0 or len(batch.images[place].unique()) < 3:
                    continue
                page = read_page(batch.images[place].clamp(max=240))
                others = [row for row in page if row != 24]  # white
                present = [any(targets[r, c] and known[r, c] for r in others) for c in range(3)]
                assert batch.known[place].tolist() == present
                assert batch.targets[place].tolist() == present
                pages += 1
    assert pages > 3


@pytest.mark.parametrize("size", [7, 12, 16])
@pytest.mark.parametrize("side", [1, 2, 3])
def test_tiles_lie_in_reading_order(size, side):
    height = -(-size // side)
    tiles = torch.arange(2 * side * side, dtype=torch.uint8).view(-1, 1, 1, 1)
    pages = put_together(tiles.expand(-1, 3, height, height), side, size)
    assert pages.shape == (2, 3, size, size)
    for page, row, column in np.ndindex(2, size, size):
        expected = page * side * side + row // height * side + column // height
        assert pages[page, :, row, column].tolist() == [expected] * 3


def test_a_tag_that_one_has_is_there_and_one_that_none_can_have_is_absent():
    yes, no, unknown = (True, True), (False, True), (False, False)
    cases = {(yes, no): yes, (yes, unknown): yes, (no, no): no, (no, unknown): unknown,
             (unknown, unknown): unknown}  # fmt: skip
    for pair, expected in cases.items():
        for one, two in (pair, pair[::-1]):
            targets, known = (torch.tensor([[a], [b]]) for a, b in zip(one, two, strict=True))
            merged = merge_labels(targets, known, [2])
            assert tuple(part.item() for part in merged) == expected


def test_what_cannot_be_shown_together_is_refused(manifest):
    with pytest.raises(ConfigError, match=r"augment\.collage names 'fcaes'.*did you mean 'faces'"):
        Collage(manifest, {"fcaes": 2})
    with pytest.raises(ConfigError, match="faces = 9; give 1 to 8"):
        Collage(manifest, {"faces": 9})
    for options in ({"caption_features": torch.zeros(24, 2)}, {"augment": None}):
        with pytest.raises(ConfigError, match="with captions, or not varied"):
            create_loader(manifest, **options)
