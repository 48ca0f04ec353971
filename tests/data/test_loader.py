import time

import numpy as np
import pytest
import torch
from PIL import Image

from zokusei.data.augment import create_augment
from zokusei.data.loader import Loader, PictureStore
from zokusei.data.manifest import Manifest, Record
from zokusei.errors import ConfigError
from zokusei.images.preprocess import Preprocess

PREPROCESS = Preprocess(size=16, fit="squash", mean=(0.5,) * 3, std=(0.5,) * 3)


@pytest.fixture
def manifest(tmp_path):
    records = []
    for index in range(23):
        Image.new("RGB", (16, 16), (index * 10, 0, 0)).save(tmp_path / f"{index}.png")
        records.append(Record(f"{index}.png", ["odd"] if index % 2 else ["even"]))
    return Manifest.from_records(records, None, tmp_path)


def create_store(manifest, **options):
    return PictureStore(manifest.paths, PREPROCESS, **{"cache_bytes": 1e9, "workers": 2} | options)


def create_loader(manifest, store=None, **options):
    return Loader(manifest, store or create_store(manifest), **{"batch_size": 5} | options)


@pytest.mark.parametrize("options", [{}, {"cache_bytes": 0}, {"workers": 0}])
def test_every_picture_comes_once_with_its_own_labels(manifest, options):
    loader = create_loader(manifest, create_store(manifest, **options))
    for epoch in range(2):  # the second time from memory
        seen = []
        for batch in loader.batches(epoch):
            for position, row in enumerate(batch.rows):
                assert batch.images[position, 0].unique().item() == row * 10
                name = manifest.tags.names[int(batch.targets[position].int().argmax())]
                assert name == ("odd" if row % 2 else "even")
                seen.append(row)
        assert seen == list(range(23))


def test_shuffled_epochs_differ_and_drop_the_small_last_batch(manifest):
    loader = create_loader(manifest, shuffle=True)
    epochs = [[row for b in loader.batches(e) for row in b.rows] for e in (0, 1, 0)]
    assert len(loader) == 4
    assert len(set(epochs[0])) == 20
    assert epochs[0] == epochs[2] != epochs[1]


@pytest.mark.parametrize("shuffle", [True, False])
def test_captions_stay_with_their_pictures(manifest, shuffle):
    numbers = torch.arange(23.0)[:, None].expand(-1, 2).contiguous()
    seen = []
    for rank in range(2):
        loader = create_loader(
            manifest, shuffle=shuffle, rank=rank, world=2, batch_size=6, caption_features=numbers
        )
        for epoch in range(2):
            batches = list(loader.batches(epoch))
            assert len(batches) > 2
            for batch in batches:
                assert batch.caption_features.tolist() == [[row, row] for row in batch.rows]
                assert batch.images[:, 0, 0, 0].tolist() == [row * 10 for row in batch.rows]
                seen += batch.rows
    # Every picture of a global batch is that of one process, once.
    assert len(seen) == 2 * (18 if shuffle else 23)
    assert max(map(seen.count, seen)) == 2


def test_fewer_pictures_than_a_batch_are_one_batch(manifest):
    loader = create_loader(manifest, shuffle=True, batch_size=64)
    assert [len(batch.rows) for batch in loader.batches(0)] == [23]


@pytest.mark.parametrize("crop", ["random_resized_crop", "none"])
def test_a_later_start_gives_what_would_have_come(manifest, crop):
    augment = create_augment(crop, 12, flip=0.5, trivial=True)
    loader = create_loader(manifest, shuffle=True, augment=augment, seed=3)
    whole, rest = list(loader.batches(1)), list(loader.batches(1, start=2))
    for one, two in zip(whole[2:], rest, strict=True):
        assert one.rows == two.rows
        assert torch.equal(one.images, two.images)


@pytest.mark.parametrize("shuffle", [True, False])
def test_processes_share_each_global_batch(manifest, shuffle):
    store = create_store(manifest)
    options = {
        "batch_size": 6, "shuffle": shuffle,
        "augment": create_augment(
            "random_resized_crop", 12, flip=0.5, trivial=True, erase=0.5, shrink=0.5, jitter=0.3
        ),
    }  # fmt: skip
    whole = list(create_loader(manifest, store, **options).batches(0))
    parts = [
        list(create_loader(manifest, store, rank=r, world=2, **options).batches(0))
        for r in range(2)
    ]
    for batch, one, two in zip(whole, *parts, strict=True):
        assert (one.rows, two.rows) == (batch.rows[::2], batch.rows[1::2])
        # However many processes there are, a picture is varied in the same way.
        assert torch.equal(batch.images[::2], one.images)
        assert torch.equal(batch.images[1::2], two.images)


def test_a_process_without_a_picture_of_a_last_batch_has_an_empty_one(manifest):
    store = create_store(manifest, cache_bytes=0)
    assert len(manifest) % 22 == 1
    *_, last = create_loader(manifest, store, batch_size=22, rank=1, world=2).batches(0)
    assert last.rows == []
    assert last.images.shape == (0, 3, 16, 16)


@pytest.mark.parametrize("options", [{}, {"cache_bytes": 0}])
def test_an_unreadable_picture_is_named_and_contributes_nothing(manifest, options):
    manifest.paths[4].write_bytes(b"not a picture")
    store = create_store(manifest, **options)
    loader = create_loader(manifest, store)
    for epoch in range(2):
        known = torch.cat([batch.known for batch in loader.batches(epoch)])
        assert (~known).any(1).nonzero().flatten().tolist() == [4]
        assert not known[4].any()
    assert list(store.unreadable) == [4]
    assert "4.png" in store.unreadable[4]


def test_an_error_while_loading_reaches_the_caller(manifest):
    def broken(images, generator, share):
        raise RuntimeError("broken")

    loader = create_loader(manifest)
    loader.augment = broken
    with pytest.raises(RuntimeError, match="broken"):
        next(iter(loader.batches(0)))


def test_leaving_early_ends_the_thread(manifest):
    import threading

    loader = create_loader(manifest, batch_size=1)
    before = threading.active_count()
    for _ in loader.batches(0):
        break
    deadline = time.monotonic() + 5
    while threading.active_count() > before + 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() <= before + 2  # the two decoding threads stay


def test_the_training_thread_keeps_its_cores(manifest):
    before = torch.get_num_threads()
    list(create_loader(manifest).batches(0))
    assert torch.get_num_threads() == before


def test_white_stands_in_for_what_cannot_be_read(manifest):
    manifest.paths[0].unlink()
    images = create_store(manifest).read([0])
    assert np.array_equal(images.numpy(), np.full((1, 3, 16, 16), 255))


@pytest.mark.parametrize(
    ("repeat", "least", "most"),
    [
        ({"art": 4}, (4, 1, 1), (4, 1, 1)),
        ({"drawn": 0.5}, (1, 0, 1), (1, 1, 1)),
        ({"art": 1.5, "drawn": 2.25}, (1, 2, 1), (2, 3, 1)),
    ],
)
def test_an_epoch_shows_the_pictures_of_a_source_as_often_as_asked(manifest, repeat, least, most):
    sources = ["art"] * 7 + ["drawn"] * 8 + [""] * 8
    manifest = manifest.with_column("source", sources)
    loader = create_loader(manifest, repeat=repeat, shuffle=True, batch_size=1)
    epochs = [[row for b in loader.batches(epoch) for row in b.rows] for epoch in range(2)]
    for rows in epochs:
        assert len(rows) == len(loader)
        counts = [rows.count(row) for row in range(23)]
        for part, low, high in zip(
            (counts[:7], counts[7:15], counts[15:]), least, most, strict=True
        ):
            assert (min(part), max(part)) == (low, high)
    if least != most:  # which ones are seen more often is drawn anew
        assert sorted(epochs[0]) != sorted(epochs[1])


def test_nothing_repeated_is_the_order_of_before(manifest):
    def order(loader):
        return [row for batch in loader.batches(1) for row in batch.rows]

    plain = np.arange(23)
    np.random.default_rng([0, 1]).shuffle(plain)
    assert order(create_loader(manifest, shuffle=True, batch_size=1)) == plain.tolist()


def test_no_picture_is_no_batch(manifest):
    loader = create_loader(manifest.select("test"), shuffle=True)
    assert len(loader) == 0
    assert list(loader.batches(0)) == []


def test_repeating_what_is_not_there_is_refused(manifest):
    named = manifest.with_column("source", ["drawn"] * 23)
    with pytest.raises(ConfigError, match="did you mean 'drawn'"):
        create_loader(named, repeat={"drwan": 2})
    with pytest.raises(ConfigError, match="zokusei data merge"):
        create_loader(manifest, repeat={"art": 2})
    with pytest.raises(ConfigError, match="leaves no picture"):
        create_loader(named, repeat={"drawn": 0.001})
