"""Speeds are pictures over seconds, and every picture is tagged."""

import time

import numpy as np
import pytest
from PIL import Image

from zokusei.images.preprocess import Preprocess
from zokusei.inference.benchmark import measure, write_pictures


class Slow:
    """Takes a known time for each picture."""

    preprocesses = (Preprocess(8, "squash", (0.5,) * 3, (0.5,) * 3),)

    def __init__(self, seconds):
        self.seconds, self.backend, self.tagged, self.predicted = seconds, self, 0, 0

    def predict(self, fitted):
        (pixels,) = fitted
        self.predicted += len(pixels)
        time.sleep(self.seconds * len(pixels))

    def tag(self, paths, batch_size, workers):
        for path in paths:
            self.tagged += 1
            time.sleep(2 * self.seconds)
            yield path


def test_rates_are_those_of_the_clock(tmp_path):
    paths = write_pictures(tmp_path, 4)
    taggers = [Slow(0.01), Slow(0.03)]
    fast, slow = measure(taggers, paths, rounds=2, batch_size=2)
    for speed, seconds in ((fast, 0.01), (slow, 0.03)):
        # A sleep is never shorter than asked for; a busy machine makes it longer.
        assert 0.2 / seconds < speed.alone <= 1 / seconds
        assert speed.whole <= 0.5 / seconds
    assert [tagger.tagged for tagger in taggers] == [12, 12]
    assert [tagger.predicted for tagger in taggers] == [12, 12]
    measure(taggers, paths, rounds=1, batch_size=2, most=[2, 1])
    assert [tagger.tagged for tagger in taggers] == [12 + 4, 12 + 2]
    assert [tagger.predicted for tagger in taggers] == [12 + 4, 12 + 2]
    with pytest.raises(ValueError, match="shorter"):
        measure(taggers, paths, most=[1])


def test_its_pictures_are_jpeg_of_512_pixels_and_differ(tmp_path):
    one, two = write_pictures(tmp_path, 2)
    with Image.open(one) as a, Image.open(two) as b:
        assert (a.format, a.size) == ("JPEG", (512, 512))
        assert not np.array_equal(np.asarray(a), np.asarray(b))


@pytest.mark.parametrize("own", [True, False])
def test_the_command_names_the_machine(zokusei, untrained, corpus, own):
    given = ["--pictures", corpus] if own else []
    code, out, err = zokusei("benchmark", untrained, *given, "--count", 3, "--rounds", 1)
    assert code == 0, err
    assert "cores; " in err
    assert "3 pictures" in out
    assert "whole / alone" in out


def test_pictures_that_cannot_be_read_are_named_and_left_out(zokusei, untrained, tmp_path):
    write_pictures(tmp_path, 2)
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    given = ["benchmark", untrained, "--pictures", tmp_path, "--rounds", 1]
    code, out, err = zokusei(*given)
    assert code == 0, err
    assert "left out" in err
    assert "broken.jpg" in err
    assert "2 pictures" in out
    for path in tmp_path.glob("0*.jpg"):
        path.unlink()
    code, _, err = zokusei(*given)
    assert code == 2
    assert "no picture that can be read" in err
