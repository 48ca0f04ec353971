"""Geometry, normalisation and the file of Preprocess."""

import io
import json

import numpy as np
import pytest
import torch
from picture_files import RNG, encode
from PIL import Image, ImageDraw
from torchvision.transforms.v2 import functional

from zokusei.errors import ConfigError
from zokusei.images.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocess

VALUES = {
    "size": 16,
    "fit": "pad",
    "mean": list(IMAGENET_MEAN),
    "std": list(IMAGENET_STD),
    "interpolation": "bicubic",
}


def create(size: int = 16, fit="squash", **more) -> Preprocess:
    return Preprocess(size, fit, IMAGENET_MEAN, IMAGENET_STD, **more)


def marked(width: int, height: int, x: int, y: int, side: int) -> Image.Image:
    image = Image.new("RGB", (width, height), "black")
    image.paste("red", (x, y, x + side, y + side))
    return image


def centre_of_red(image: Image.Image) -> tuple[float, float]:
    rgb = np.asarray(image).astype(float)
    weight = rgb[..., 0] - rgb[..., 1]
    y, x = np.mgrid[: weight.shape[0], : weight.shape[1]] + 0.5
    return (x * weight).sum() / weight.sum(), (y * weight).sum() / weight.sum()


@pytest.mark.parametrize(
    ("fit", "wanted"),
    [
        # A mark around (30, 50) of a picture of 80 x 160, in a square of 40.
        ("squash", (30 * 40 / 80, 50 * 40 / 160)),
        ("pad", (10 + 30 * 40 / 160, 50 * 40 / 160)),
        ("crop", (30 * 40 / 80, (50 - 40) * 40 / 80)),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_a_mark_ends_where_it_should(fit, wanted, turned):
    image = marked(80, 160, 26, 46, 8)
    if turned:
        image, wanted = image.transpose(Image.Transpose.TRANSPOSE), wanted[::-1]
    fitted = create(40, fit).fit_image(image)
    assert (fitted.size, fitted.mode) == ((40, 40), "RGB")
    assert centre_of_red(fitted) == pytest.approx(wanted, abs=0.15)


@pytest.mark.parametrize("size", [(30, 10), (10, 30), (7, 7), (1000, 1), (1, 1000), (31, 20)])
def test_padding_is_white_and_centred(size):
    square = np.asarray(create(30, "pad").fit_image(Image.new("RGB", size, "black")))
    inner = [max(1, round(side * 30 / max(size))) for side in size]
    left, top = ((30 - side) // 2 for side in inner)
    wanted = np.full((30, 30, 3), 255)
    wanted[top : top + inner[1], left : left + inner[0]] = 0
    np.testing.assert_array_equal(square, wanted)


@pytest.mark.parametrize("fit", ["squash", "pad", "crop"])
def test_a_picture_of_the_right_size_is_not_resampled(fit):
    pixels = RNG.integers(0, 256, (16, 16, 3), dtype=np.uint8)
    np.testing.assert_array_equal(
        np.asarray(create(16, fit).fit_image(Image.fromarray(pixels))), pixels
    )


@pytest.mark.parametrize("fit", ["squash", "pad", "crop"])
def test_modes_are_converted_before_they_are_resized(fit):
    clear = Image.new("RGBA", (20, 20), (0, 0, 0, 0))
    assert np.asarray(create(8, fit).fit_image(clear)).min() == 255


def test_metadata_is_minded_before_the_picture_is_resized():
    exif = Image.Exif()
    exif[0x0112] = 3
    pixels = RNG.integers(0, 256, (16, 16, 3), dtype=np.uint8)
    with Image.open(io.BytesIO(encode(Image.fromarray(pixels), "PNG", exif=exif))) as image:
        fitted = create(16).fit_image(image)
    np.testing.assert_array_equal(np.asarray(fitted), pixels[::-1, ::-1])


def test_interpolation_is_what_pillow_calls_so():
    image = Image.fromarray(RNG.integers(0, 256, (40, 40, 3), dtype=np.uint8))
    for name in ("bilinear", "bicubic", "lanczos"):
        wanted = image.resize((16, 16), getattr(Image.Resampling, name.upper()))
        got = create(interpolation=name).fit_image(image)
        np.testing.assert_array_equal(np.asarray(got), np.asarray(wanted))


def test_normalize_is_that_of_torchvision():
    images = torch.from_numpy(RNG.integers(0, 256, (3, 3, 5, 7), dtype=np.uint8))
    wanted = functional.normalize(images / 255, list(IMAGENET_MEAN), list(IMAGENET_STD))
    got = create().normalize(images)
    torch.testing.assert_close(got, wanted, rtol=0, atol=1e-6)
    assert got.dtype == torch.float32
    assert got.is_contiguous()


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_a_picture_does_not_depend_on_its_batch(layout):
    images = torch.from_numpy(RNG.integers(0, 256, (9, 3, 17, 17), dtype=np.uint8))
    together = create().normalize(images.contiguous(memory_format=layout))
    for index in range(9):
        assert torch.equal(create().normalize(images[index : index + 1])[0], together[index])


def test_one_path_for_files_and_batches(tmp_path):
    image = Image.fromarray(RNG.integers(0, 256, (60, 90, 3), dtype=np.uint8))
    image.save(tmp_path / "a.png")
    preprocess = create(16, "pad")
    stacked = torch.from_numpy(np.stack([np.asarray(preprocess.fit_image(image))] * 4))
    wanted = preprocess.normalize(stacked.permute(0, 3, 1, 2))[2]
    for picture in (image, tmp_path / "a.png", str(tmp_path / "a.png"), encode(image, "PNG")):
        assert torch.equal(preprocess(picture), wanted)


def test_normalize_refuses_floats():
    with pytest.raises(TypeError, match="uint8"):
        create().normalize(torch.zeros(1, 3, 4, 4))


@pytest.mark.parametrize("fit", ["squash", "pad", "crop"])
def test_scaled_decoding_is_not_seen_in_the_result(fit):
    chance = np.random.default_rng(0)
    shapes = Image.new("RGB", (1500, 2100), "white")
    pen = ImageDraw.Draw(shapes)
    for x, y, side in chance.integers((0, 0, 5), (1500, 2100, 200), (400, 3)).tolist():
        colour = tuple(chance.integers(0, 256, 3).tolist())
        pen.ellipse((x, y, x + side, y + side), fill=colour, outline="black", width=3)
    data = encode(shapes, "JPEG", quality=95)
    # An eighth of the JPEG would still be larger than this, and yet too coarse.
    preprocess = create(112, fit)
    whole = np.asarray(preprocess.fit_image(shapes)).astype(float)
    scaled = preprocess(data) * torch.tensor(IMAGENET_STD).view(3, 1, 1)
    scaled = (scaled + torch.tensor(IMAGENET_MEAN).view(3, 1, 1)).permute(1, 2, 0).numpy() * 255
    assert np.sqrt(((scaled - whole) ** 2).mean()) < 3


def test_saved_and_loaded_is_equal(tmp_path):
    preprocess = Preprocess(448, "crop", (0.1, 0.2, 0.3), (1, 2, 3), "lanczos")
    preprocess.save(tmp_path / "preprocess.json")
    assert Preprocess.load(tmp_path / "preprocess.json") == preprocess
    assert Preprocess.from_dict(preprocess.to_dict()) == preprocess
    assert json.loads((tmp_path / "preprocess.json").read_text()) == preprocess.to_dict()
    assert hash(Preprocess.from_dict(VALUES)) == hash(Preprocess.from_dict(VALUES))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("size", value) for value in (0, -1, 1.5, "16", True, None, [16, 16], 10**9)),
        *(("fit", value) for value in ("stretch", None, 1)),
        *(("interpolation", value) for value in ("nearest", 3)),
        *(("mean", value) for value in (0.5, [0.5], ["a", 0, 0], [True, 0, 0], "abc", None)),
        *(("mean", [value, 0, 0]) for value in (float("nan"), float("inf"))),
        *(("std", value) for value in ([0, 1, 1], [1, -1, 1], {})),
    ],
)
def test_impossible_values_are_named(key, value):
    with pytest.raises(ConfigError, match=f"preprocessing: {key} = .*; give"):
        Preprocess.from_dict(VALUES | {key: value})


def test_wrong_keys_are_named(tmp_path):
    with pytest.raises(ConfigError, match="unknown preprocessing key 'szie'; did you mean 'size'"):
        Preprocess.from_dict({**VALUES, "szie": 1})
    with pytest.raises(ConfigError, match="lacks mean, std"):
        Preprocess.from_dict({k: v for k, v in VALUES.items() if k not in ("mean", "std")})
    path = tmp_path / "preprocess.json"
    for text in ("", "[1]", "nonsense", json.dumps(VALUES | {"fit": "x"}), "\udcff"):
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        with pytest.raises(ConfigError, match=f"{path} is no preprocessing"):
            Preprocess.load(path)
    with pytest.raises(ConfigError, match="No such file"):
        Preprocess.load(tmp_path / "missing.json")
