"""The engine against loops written by hand."""

import threading
import time

import numpy as np
import pytest
import torch

from zokusei.errors import ImageError
from zokusei.inference.engine import Scored, score_each


def decode(job):
    if job % 7 == 3:
        raise ImageError(f"{job} is broken")
    frames = 1 + job % 3
    return torch.arange(job, job + frames, dtype=torch.uint8)[:, None, None, None].expand(
        -1, 3, 2, 2
    )


def predict(pictures):
    return np.array([[float(picture.max()), -float(picture.max())] for picture in pictures])


@pytest.mark.parametrize("batch_size", [1, 2, 5, 64])
@pytest.mark.parametrize("count", [0, 1, 30])
def test_order_errors_and_frames(batch_size, count):
    got = list(score_each(range(count), decode, predict, batch_size=batch_size, workers=3))
    assert [job for job, _ in got] == list(range(count))
    for job, outcome in got:
        if job % 7 == 3:
            assert isinstance(outcome, ImageError)
        else:
            # The highest of the frames job, job + 1, ... and of their negatives.
            assert outcome.scores.tolist() == [job + job % 3, -job]


def test_decoding_goes_on_while_the_model_works():
    seen = set()

    def slow(pictures):
        time.sleep(0.05)
        seen.add(len(decoded))
        return np.zeros((len(pictures), 1))

    decoded = []

    def note(job):
        decoded.append(threading.current_thread().name)
        return torch.zeros(1, 3, 2, 2, dtype=torch.uint8)

    list(score_each(range(9), note, slow, batch_size=1, workers=2))
    assert max(seen) > 1
    assert all(name.startswith("decode") for name in decoded)


def test_no_more_than_a_few_batches_are_held():
    read = []

    def jobs():
        for job in range(10_000):
            read.append(job)
            yield job

    stream = score_each(
        jobs(), lambda job: torch.zeros(1, 3, 2, 2), predict, batch_size=4, workers=2
    )
    for done, _ in enumerate(stream, start=1):
        assert len(read) - done <= 3 * 4
        if done == 500:
            break
    stream.close()


def test_an_error_of_ours_is_not_taken_for_a_broken_picture():
    def wrong(job):
        raise KeyError(job)

    with pytest.raises(KeyError):
        list(score_each([1], wrong, predict, batch_size=2, workers=1))
    assert Scored(np.zeros(1)).scores.shape == (1,)
