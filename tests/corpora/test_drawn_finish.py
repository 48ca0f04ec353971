"""The surface of the drawn pictures: the sums of its style, and nothing for a style without."""

import dataclasses

import numpy as np
import pytest

from zokusei.corpora.drawn.finish import finish
from zokusei.corpora.drawn.scene import Scene, sample_scene
from zokusei.corpora.drawn.styles import STYLES, Style

PLAIN = next(style for style in STYLES if style.name == "flat")


def scene_of(style: Style) -> Scene:
    """A scene whose finish is neither darkened downwards nor compressed."""
    for index in range(200):
        scene = dataclasses.replace(sample_scene(index), style=style)
        rng = scene.rng("finish")
        numbers = [rng.random() for _ in range(6)]  # three gains, the fall, whether, compression
        if numbers[4] >= 0.5 and numbers[5] >= 0.35:
            return scene
    raise AssertionError(style)


def gains(scene: Scene) -> list[float]:
    rng = scene.rng("finish")
    return [0.97 + 0.06 * rng.random() for _ in range(3)]


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 250, (9, 9, 3), dtype=np.uint8)


def close(found: np.ndarray, expected: np.ndarray) -> bool:
    """Whether whole numbers are those of a sum in float64, but for what lies between two."""
    rounded = np.floor(np.clip(expected + 0.5, 0, 255))
    off = np.abs(found - rounded)
    return bool((off <= 1).all() and (off > 0).mean() < 0.01)


def test_a_plain_style_is_only_tinted(pixels):
    scene = scene_of(PLAIN)
    found = finish(pixels, scene)
    assert found.dtype == np.uint8
    assert found.shape == pixels.shape
    assert close(found, pixels * np.array(gains(scene)))


@pytest.mark.parametrize("weight", [0.06, 0.2])
def test_softening_blends_down_and_across_and_repeats_the_edge(pixels, weight):
    scene = scene_of(dataclasses.replace(PLAIN, blur=weight))
    size = len(pixels)
    expected = pixels.astype(float)
    for axis in (0, 1):
        before = expected.copy()
        for place in range(size):
            above, here, below = (
                before.take(min(max(place + step, 0), size - 1), axis) for step in (-1, 0, 1)
            )
            blended = here * (1 - 2 * weight) + (above + below) * weight
            expected[(slice(None),) * axis + (place,)] = blended
    assert close(finish(pixels, scene), expected * gains(scene))


def test_wet_paint_dries_darker_at_edges():
    paper = np.full((32, 32, 3), 120, dtype=np.uint8)
    paper[:, 16:] = 180
    wash = finish(paper, scene_of(dataclasses.replace(PLAIN, wash=0.35))).astype(int)
    plain = finish(paper, scene_of(PLAIN)).astype(int)
    lighter = (wash - plain).mean(axis=(0, 2))
    assert lighter[15] < -5  # beside the edge: 0.35 of a difference of 60 darker
    assert lighter[16] < -5
    assert lighter[[2, 8, 24, 30]].min() > 0  # a wash that has run thin


@pytest.mark.parametrize("pattern", ["screentone", "hatching"])
def test_patterns_shade_what_is_of_middle_lightness(pattern):
    scene = scene_of(dataclasses.replace(PLAIN, **{pattern: 20.0}))
    spread = []
    for grey in (0, 128, 255):
        paper = np.full((64, 64, 3), grey, dtype=np.uint8)
        plain = finish(paper, scene_of(PLAIN)).astype(int)
        spread.append(np.abs(finish(paper, scene).astype(int) - plain).max())
    assert spread[1] > 15
    assert spread[0] <= 1
    assert spread[2] <= 1


def test_grain_is_the_same_in_all_colours_and_of_its_amplitude():
    paper = np.full((64, 64, 3), 128, dtype=np.uint8)
    scene = scene_of(dataclasses.replace(PLAIN, grain=9.0))
    noise = finish(paper, scene).astype(int) - finish(paper, scene_of(PLAIN)).astype(int)
    assert 8 <= np.abs(noise).max() <= 10
    assert abs(noise.mean()) < 0.5
    assert np.abs(noise - noise[:, :, :1]).max() <= 1


def test_compression_keeps_the_picture_and_costs_a_little_of_it(pixels):
    paper = np.kron(pixels, np.ones((8, 8, 1), dtype=np.uint8))
    tried = (dataclasses.replace(sample_scene(index), style=PLAIN) for index in range(200))

    def compressed(scene: Scene) -> bool:
        rng = scene.rng("finish")
        numbers = [rng.random() for _ in range(6)]
        return numbers[4] >= 0.5 and numbers[5] < 0.35

    scene = next(scene for scene in tried if compressed(scene))
    off = np.abs(finish(paper, scene) - np.clip(paper * np.array(gains(scene)), 0, 255))
    assert 1 < off.mean() < 30
