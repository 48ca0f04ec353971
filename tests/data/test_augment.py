"""Crops, flips, TrivialAugment and erasing: geometry, chance and what they cost."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import TrivialAugmentWide, functional

from zokusei.data.augment import (
    _OPERATIONS,
    apply_operation,
    apply_trivial,
    create_augment,
    erase_boxes,
    jitter_colours,
    shrink_pictures,
)
from zokusei.data.crops import MultiScaleCrop, RandomResizedCrop, WholePicture, resample
from zokusei.errors import ConfigError

ALL = {"flip": 0.5, "trivial": True, "erase": 0.5, "shrink": 0.5, "jitter": 0.3}
CROPS = ["none", "random_resized_crop", "multi_scale_crop"]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def noise(count: int = 4, height: int = 32, width: int = 32) -> torch.Tensor:
    shape = (count, 3, height, width)
    return torch.randint(256, shape, generator=seeded(1), dtype=torch.uint8)


def smooth(count: int, height: int, width: int) -> torch.Tensor:
    coarse = noise(count, 6, 7)
    return functional.resize(coarse, [height, width], InterpolationMode.BICUBIC)


def far(a: torch.Tensor, b: torch.Tensor) -> int:
    return int((a.int() - b.int()).abs().max())


def resize_by_hand(crop: np.ndarray, size: int) -> np.ndarray:
    """Bilinear, widened where it shrinks: one triangle of weights for each row and column."""

    def weights(length: int) -> np.ndarray:
        scale = length / size
        support = max(scale, 1.0)
        centres = (np.arange(size) + 0.5) * scale
        away = np.abs(np.arange(length) + 0.5 - centres[:, None]) / support
        triangle = np.clip(1 - away, 0, None)
        return triangle / triangle.sum(1, keepdims=True)

    height, width = crop.shape[1:]
    return weights(height) @ crop.astype(float) @ weights(width).T


@pytest.mark.parametrize("name", CROPS)
@pytest.mark.parametrize("shape", [(16, 16), (20, 16), (40, 64), (9, 8)])
def test_shape_and_kind(name, shape):
    images = noise(5, *shape)
    before = images.clone()
    out = create_augment(name, 16, **ALL)(images, seeded())
    assert (out.shape, out.dtype) == ((5, 3, 16, 16), torch.uint8)
    assert torch.equal(images, before)


@pytest.mark.parametrize("name", CROPS)
def test_the_generator_decides_and_nothing_else(name):
    augment = create_augment(name, 16, **ALL)
    first = augment(noise(8), seeded(3))
    torch.manual_seed(99)
    state = torch.get_rng_state()
    assert torch.equal(augment(noise(8), seeded(3)), first)
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(augment(noise(8), seeded(4)), first)


@pytest.mark.parametrize("name", CROPS[1:])
def test_pictures_of_a_batch_differ(name):
    same = smooth(1, 64, 64).expand(12, 3, 64, 64)
    out = create_augment(name, 32)(same, seeded())
    assert len({bytes(picture.numpy().tobytes()) for picture in out}) >= 10


@pytest.mark.parametrize("size", [112, 128, 160])
def test_resample_is_a_bilinear_resize_of_the_box(size):
    images = smooth(3, 128, 140)
    boxes = torch.tensor([[0, 0, 140, 128], [5, 9, 100, 90], [40, 0, 100, 128]])
    out = resample(images, boxes, size)
    for picture, crop, box in zip(out, images, boxes.tolist(), strict=True):
        left, top, width, height = box
        wanted = functional.resized_crop(
            crop, top, left, height, width, [size, size], antialias=True
        )
        assert far(picture, wanted) <= 1
        by_hand = resize_by_hand(crop[:, top : top + height, left : left + width].numpy(), size)
        assert np.abs(picture.numpy() - by_hand).max() <= 1.5


def test_full_scale_is_a_plain_resize():
    images = smooth(4, 40, 40)
    whole = {"scale": (1.0, 1.0), "ratio": (1.0, 1.0)}
    out = create_augment("random_resized_crop", 32, **whole)(images, seeded())
    assert torch.equal(out, create_augment("none", 32)(images, seeded()))
    assert torch.equal(out, functional.resize(images, [32, 32]))
    assert torch.equal(create_augment("none", 40)(images, seeded()), images)


# Flip


def test_flip_never_always_and_in_between():
    images = noise(400, 4, 4)
    assert torch.equal(create_augment("none", 4, flip=0.0)(images, seeded()), images)
    assert torch.equal(create_augment("none", 4, flip=1.0)(images, seeded()), images.flip(-1))
    out = create_augment("none", 4, flip=0.25)(images, seeded())
    flipped = (out == images.flip(-1)).all(-1).all(-1).all(-1)
    assert 60 < int(flipped.sum()) < 140
    assert torch.equal(out[~flipped], images[~flipped])


# Boxes


@settings(max_examples=80, deadline=None)
@given(
    st.integers(1, 90),
    st.integers(1, 90),
    st.tuples(st.floats(0.01, 1), st.floats(0.01, 1)).map(sorted).map(tuple),
    st.tuples(st.floats(0.2, 5), st.floats(0.2, 5)).map(sorted).map(tuple),
    st.integers(0, 2**40),
)
def test_boxes_lie_inside_the_picture(height, width, scale, ratio, seed):
    for crop in (RandomResizedCrop(scale, ratio), MultiScaleCrop(24), WholePicture()):
        left, top, w, h = crop.sample(16, height, width, seeded(seed)).T
        assert (left >= 0).all()
        assert (top >= 0).all()
        assert (w >= 1).all()
        assert (h >= 1).all()
        assert (left + w <= width).all()
        assert (top + h <= height).all()


def test_random_resized_crop_fills_its_ranges():
    crop = RandomResizedCrop(scale=(0.3, 0.6), ratio=(0.5, 2.0))
    left, top, w, h = (column.double() for column in crop.sample(4000, 1000, 1000, seeded()).T)
    area = w * h / 1e6
    shape = (w / h).log2()
    assert 0.298 < area.min() < 0.305
    assert 0.58 < area.max() < 0.602
    assert shape.min() == pytest.approx(-1, abs=0.02)
    assert shape.max() == pytest.approx(1, abs=0.02)
    assert shape.mean() == pytest.approx(0, abs=0.05)
    for place, room in ((left, 1000 - w), (top, 1000 - h)):
        share = (place / room.clamp(min=1))[room > 100]
        assert share.mean() == pytest.approx(0.5, abs=0.03)
        assert share.min() < 0.02
        assert share.max() > 0.98


def test_every_place_is_reached():
    crop = RandomResizedCrop(scale=(0.25, 0.25), ratio=(1.0, 1.0))
    boxes = crop.sample(300, 4, 4, seeded()).tolist()
    assert {(x, y) for x, y, _, _ in boxes} == {(x, y) for x in range(3) for y in range(3)}


def test_a_shape_that_never_fits_falls_back_to_the_centre():
    crop = RandomResizedCrop(scale=(1.0, 1.0), ratio=(2.0, 3.0))
    assert crop.sample(2, 60, 60, seeded()).tolist() == [[0, 15, 60, 30]] * 2
    crop = RandomResizedCrop(scale=(1.0, 1.0), ratio=(0.25, 0.5))
    assert crop.sample(1, 60, 60, seeded()).tolist() == [[15, 0, 30, 60]]


def test_multi_scale_crop_has_19_sizes_and_13_places():
    crop = MultiScaleCrop(448)
    sizes = crop.sizes(512, 600)
    # 512 x (1, .875, .75, .66, .5), cut to whole pixels
    order = [512, 448, 384, 337, 256]
    assert len(set(sizes)) == len(sizes) == 19
    for w in order:
        for h in order:
            near = abs(order.index(w) - order.index(h)) <= 2
            assert ((w, h) in sizes) == near
    offsets = crop.offsets(512, 600, 448, 256)
    assert len(set(offsets)) == len(offsets) == 13
    assert {x for x, _ in offsets} == {0, 86, 172, 258, 344}
    assert {y for _, y in offsets} == {0, 16, 32, 48, 64}
    assert (172, 32) in offsets


def test_multi_scale_crop_snaps_to_the_size_inside_the_picture():
    # 0.875 x 130 = 113, which becomes 112; 110 stays, as 112 would not fit
    assert (112, 112) in MultiScaleCrop(112).sizes(130, 130)
    assert max(MultiScaleCrop(112).sizes(110, 110)) == (110, 110)


def test_multi_scale_crop_draws_all_of_them():
    crop = MultiScaleCrop(448)
    boxes = crop.sample(6000, 512, 512, seeded()).tolist()
    wanted = {
        (x, y, w, h) for w, h in crop.sizes(512, 512) for x, y in crop.offsets(512, 512, h, w)
    }
    assert {tuple(box) for box in boxes} == wanted


# TrivialAugment and erasing


@pytest.mark.parametrize("negative", [False, True])
@pytest.mark.parametrize("bin_", [0, 1, 8, 15, 30])
def test_operations_are_those_of_torchvision(bin_, negative):
    oracle = TrivialAugmentWide(interpolation=InterpolationMode.BILINEAR, fill=255)
    assert list(_OPERATIONS) == list(oracle._AUGMENTATION_SPACE)
    image = smooth(1, 24, 28)[0]
    for name, (strengths, signed) in oracle._AUGMENTATION_SPACE.items():
        strengths = strengths(31, 24, 28)
        # Single precision makes 15.999 of 16, which whole pixels would cut to 15.
        strength = 0.0 if strengths is None else round(float(strengths[bin_]), 4)
        sign = -1 if signed and negative else 1
        wanted = oracle._apply_image_or_video_transform(
            image, name, sign * strength, oracle.interpolation, oracle._fill
        )
        got = apply_operation(image, name, bin_ / 30, negative=negative)
        assert got.dtype == torch.uint8
        assert far(got, wanted) <= 1, name


def test_trivial_augment_changes_each_picture_by_itself():
    same = smooth(1, 24, 24).expand(60, 3, 24, 24)
    out = apply_trivial(same, seeded())
    different = len({picture.numpy().tobytes() for picture in out})
    assert different > 35
    assert different < 60  # some are left alone: identity, strength 0


def test_erasing_blanks_one_box():
    images = torch.zeros((300, 3, 40, 40), dtype=torch.uint8)
    out = erase_boxes(images, 0.5, seeded())
    assert images.max() == 0
    erased = 0
    for picture in out:
        assert torch.equal(picture[0], picture[1])
        rows, columns = picture[0].any(1).nonzero(), picture[0].any(0).nonzero()
        if len(rows):
            erased += 1
            box = picture[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
            assert (box == 118).all()
            assert 0.01 < box[0].numel() / 1600 < 0.36
    assert 110 < erased < 190
    assert erase_boxes(images, 0.0, seeded()).max() == 0
    assert (erase_boxes(images, 1.0, seeded()).amax((1, 2, 3)) == 118).all()


# Settings


@pytest.mark.parametrize(
    ("settings_", "message"),
    [
        ({"name": "random_resized_corp"}, "did you mean 'random_resized_crop'"),
        ({"scale": (0.0, 1.0)}, "crop scale"),
        ({"scale": (0.5, 1.1)}, "crop scale"),
        ({"scale": (0.9, 0.5)}, "crop scale"),
        ({"ratio": (2.0, 1.0)}, "crop ratio"),
        ({"ratio": (0.0, 1.0)}, "crop ratio"),
        ({"flip": 1.5}, "flip = 1.5"),
        ({"erase": -0.1}, "erase = -0.1"),
        ({"shrink": 2.0}, "shrink = 2"),
        ({"jitter": -0.5}, "jitter = -0.5"),
        ({"size": 0}, "size = 0"),
    ],
)
def test_impossible_settings_are_refused(settings_, message):
    arguments = {"name": "random_resized_crop", "size": 8} | settings_
    with pytest.raises(ConfigError, match=message):
        create_augment(arguments.pop("name"), arguments.pop("size"), **arguments)


# Shrinking and colours


def test_a_shrunk_picture_is_whole_and_on_a_plain_ground():
    images = torch.zeros(200, 3, 40, 32, dtype=torch.uint8)
    images[:, :, ::2] = 254  # rows that no ground has
    out = shrink_pictures(images, 0.5, seeded())
    changed = [index for index in range(200) if not torch.equal(out[index], images[index])]
    assert 70 <= len(changed) <= 130
    heights = []
    for index in changed:
        ground = (out[index] == out[index, :, :1, :1]).all(0) | (
            out[index] == out[index, :, -1:, -1:]
        ).all(0)
        rows, columns = (~ground).any(1).nonzero(), (~ground).any(0).nonzero()
        height, width = int(rows.max() - rows.min()) + 1, int(columns.max() - columns.min()) + 1
        heights.append(height)
        assert abs(height / 40 - width / 32) < 0.09
        inside = out[index, :, int(rows.min()) : int(rows.max()) + 1]
        assert 100 < inside[:, :, int(columns.min()) : int(columns.max()) + 1].float().mean() < 154
    assert min(heights) in (19, 20, 21)
    assert max(heights) >= 38


def test_jitter_is_torchvisions_brightness_contrast_and_saturation():
    images = smooth(6, 24, 24)
    out = jitter_colours(images, 0.4, seeded(5))
    factors = 1 + 0.4 * (2 * torch.rand((6, 3, 1, 1, 1), generator=seeded(5)) - 1)
    for picture, before, own in zip(out, images, factors, strict=True):
        brightness, contrast, saturation = own.flatten().tolist()
        wanted = functional.adjust_brightness(before / 255, brightness)
        wanted = functional.adjust_contrast(wanted, contrast)
        wanted = functional.adjust_saturation(wanted, saturation)
        assert (picture - wanted * 255).abs().max() <= 1.0
    assert torch.equal(jitter_colours(images, 0.0, seeded()), images)


def test_jitter_keeps_hues():
    red = torch.tensor([200, 20, 20], dtype=torch.uint8)[None, :, None, None].expand(9, 3, 4, 4)
    out = jitter_colours(red, 0.3, seeded())
    assert (out[:, 1] == out[:, 2]).all()
    assert (out[:, 0] > out[:, 1]).all()
