"""Pictures decoded ahead: their order, their errors, and how many of them are held."""

import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from zokusei.errors import ImageError
from zokusei.images.preprocess import Preprocess
from zokusei.inference.reading import decode_ahead, read_batches, read_pictures


def decode(job):
    if job % 7 == 3:
        raise ImageError(f"{job} is broken")
    time.sleep(0.001 * (job % 3))  # so that threads end in another order than they began
    return -job


@pytest.mark.parametrize("batch_size", [1, 2, 5, 64])
@pytest.mark.parametrize("count", [0, 1, 30])
def test_order_errors_and_sizes(batch_size, count):
    batches = list(decode_ahead(range(count), decode, batch_size=batch_size, workers=3))
    got = [pair for batch in batches for pair in batch]
    assert [job for job, _ in got] == list(range(count))
    for job, found in got:
        assert str(found) == f"{job} is broken" if job % 7 == 3 else found == -job
    wanted = [min(2**step, batch_size) for step in range(len(batches))]
    assert [len(batch) for batch in batches[:-1]] == wanted[:-1]  # 1, 2, 4, ... up to a whole one


def test_decoding_goes_on_while_a_batch_is_used():
    names = []

    def note(job):
        names.append(threading.current_thread().name)

    stream = decode_ahead(range(9), note, batch_size=1, workers=2)
    next(stream)
    time.sleep(0.05)
    assert len(names) > 1
    stream.close()
    assert all(name.startswith("decode") for name in names)


def test_no_more_than_three_batches_are_held():
    read = []

    def jobs():
        for job in range(10_000):
            read.append(job)
            yield job

    done = 0
    stream = decode_ahead(jobs(), lambda job: job, batch_size=4, workers=2)
    for batch in stream:
        assert len(read) - done <= 3 * 4
        done += len(batch)
        if done > 500:
            break
    stream.close()


def test_an_error_of_ours_is_not_taken_for_a_broken_picture():
    def wrong(job):
        raise KeyError(job)

    with pytest.raises(KeyError):
        list(decode_ahead([1], wrong, batch_size=2, workers=1))


def test_batches_hold_what_can_be_read_as_the_network_takes_it():
    preprocess = Preprocess(8, "squash", (0.5,) * 3, (0.5,) * 3)
    smaller = replace(preprocess, size=4)
    colours = [(10 * index, 100, 200) for index in range(6)]
    pictures = [Image.new("RGB", (20, 30), colour) for colour in colours]
    pictures[2] = b"no picture"
    told = []
    batches = list(
        read_batches(
            pictures, [preprocess, smaller], batch_size=3,
            on_error=lambda *pair: told.append(pair), workers=2,
        )
    )  # fmt: skip
    read = [picture for batch, _ in batches for picture in batch]
    assert read == [*pictures[:2], *pictures[3:]]
    assert [small.shape[2] for _, (_, small) in batches] == [4] * len(batches)
    images = np.concatenate([images for _, (images, _) in batches])
    assert (images.dtype, images.shape) == (np.uint8, (5, 8, 8, 3))
    kept = np.array(colours)[[0, 1, 3, 4, 5]]
    assert np.array_equal(images[:, 4, 4], kept)
    ((picture, error),) = told
    assert picture == b"no picture"
    assert isinstance(error, ImageError)
    with pytest.raises(ImageError):
        list(read_batches(pictures, [preprocess], batch_size=3, on_error=None, workers=1))


@pytest.mark.parametrize(("frames", "largest"), [(None, 8), (1, 8), (128, 4), (1000, 1)])
def test_many_frames_make_smaller_batches(tmp_path, frames, largest):
    paths = [tmp_path / f"{index}.png" for index in range(20)]
    for path in paths:
        Image.new("RGB", (8, 8)).save(path)
    preprocess = Preprocess(8, "squash", (0.5,) * 3, (0.5,) * 3)
    batches = read_pictures(
        paths, [preprocess], batch_size=8, on_error=None, workers=1, frames=frames
    )
    sizes = [len(batch.pictures) for batch in batches]
    assert (sum(sizes), max(sizes)) == (20, largest)
