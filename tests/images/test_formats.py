"""Every format and mode against pixels computed here."""

import io
import struct

import numpy as np
import pytest
from picture_files import (
    ALPHA,
    GREY,
    RGB,
    RNG,
    WIDE,
    assert_near,
    encode,
    on_white,
    pixels,
    png,
    three,
)
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from zokusei.errors import ImageError
from zokusei.images import open_image
from zokusei.images.reading import Original, open_with_original

# Lossless files


@pytest.mark.parametrize(
    ("suffix", "options"),
    [
        *(("PNG", {}), ("BMP", {}), ("PPM", {}), ("TIFF", {}), ("WEBP", {"lossless": True})),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("TIFF", {"compression": "tiff_deflate"}),
    ],
)
def test_lossless_formats_give_the_pixels_that_went_in(suffix, options):
    data = encode(Image.fromarray(RGB), suffix, **options)
    np.testing.assert_array_equal(pixels(data), RGB)


@pytest.mark.parametrize("suffix", ["PNG", "TIFF", "BMP", "GIF", "PPM"])
def test_grey(suffix):
    np.testing.assert_array_equal(pixels(encode(Image.fromarray(GREY), suffix)), three(GREY))


@pytest.mark.parametrize("suffix", ["PNG", "TIFF", "BMP", "PPM"])
def test_one_bit(suffix):
    bits = GREY > 127
    data = encode(Image.fromarray(GREY).convert("1", dither=Image.Dither.NONE), suffix)
    np.testing.assert_array_equal(pixels(data), three(bits * np.uint8(255)))


@pytest.mark.parametrize("suffix", ["PNG", "TIFF", "BMP", "GIF"])
def test_palette(suffix):
    image = Image.fromarray(GREY % 16, mode=None).convert("L")
    image = Image.frombytes("P", image.size, image.tobytes())
    colours = RNG.integers(0, 256, (16, 3), dtype=np.uint8)
    image.putpalette(colours.tobytes())
    np.testing.assert_array_equal(pixels(encode(image, suffix)), colours[GREY % 16])


# Transparency


@pytest.mark.parametrize("suffix", ["PNG", "TIFF", "WEBP"])
def test_transparent_colours_lie_on_white(suffix):
    options = {"lossless": True, "exact": True} if suffix == "WEBP" else {}
    image = Image.fromarray(np.dstack([RGB, ALPHA]))
    assert_near(pixels(encode(image, suffix, **options)), on_white(RGB, ALPHA), 1)


def test_transparent_grey_lies_on_white():
    image = Image.fromarray(np.dstack([GREY, ALPHA]))
    assert image.mode == "LA"
    assert_near(pixels(encode(image, "PNG")), on_white(three(GREY), ALPHA), 1)


def test_premultiplied_alpha_is_divided_first():
    image = Image.fromarray(np.dstack([RGB, ALPHA]))
    assert_near(pixels(image.convert("RGBa")), on_white(RGB, ALPHA), 2)
    assert_near(pixels(image.convert("LA").convert("La")), pixels(image.convert("LA")), 2)


@pytest.mark.parametrize("key", [3, bytes([0, 128, 255, 7])])
def test_palette_with_transparency(key):
    index = GREY % 16
    image = Image.frombytes("P", (17, 13), index.tobytes())
    colours = RNG.integers(0, 256, (16, 3), dtype=np.uint8)
    image.putpalette(colours.tobytes())
    alphas = np.full(16, 255, np.uint8)
    alphas[: len(key) if isinstance(key, bytes) else 0] = list(key) if isinstance(key, bytes) else 0
    if key == 3:
        alphas[3] = 0
    wanted = on_white(colours[index], alphas[index])
    assert_near(pixels(encode(image, "PNG", transparency=key)), wanted, 1)
    if key == 3:
        assert_near(pixels(encode(image, "GIF", transparency=key)), wanted, 0)


def test_palette_with_an_alpha_band():
    colours = RNG.integers(0, 256, (256, 3), dtype=np.uint8)
    image = Image.frombytes("PA", (17, 13), np.dstack([GREY, ALPHA]).tobytes())
    image.putpalette(colours.tobytes())
    assert image.mode == "PA"
    assert_near(pixels(image), on_white(colours[GREY], ALPHA), 1)


def test_colour_keys_are_transparent():
    rgb = RGB.copy()
    rgb[4, 5] = 10, 20, 30
    data = encode(Image.fromarray(rgb), "PNG", transparency=(10, 20, 30))
    wanted = rgb.copy()
    wanted[(rgb == (10, 20, 30)).all(-1)] = 255
    np.testing.assert_array_equal(pixels(data), wanted)
    data = encode(Image.fromarray(GREY), "PNG", transparency=int(GREY[2, 2]))
    wanted = np.where(GREY[2, 2] == GREY, 255, GREY)
    np.testing.assert_array_equal(pixels(data), three(wanted))


# More than eight bits


@pytest.mark.parametrize("suffix", ["PNG", "TIFF", "PPM"])
def test_16_bit_grey_keeps_its_high_byte(suffix):
    data = encode(Image.fromarray(WIDE), suffix)
    np.testing.assert_array_equal(pixels(data), three(WIDE >> 8))


@pytest.mark.parametrize("mode", ["I;16", "I;16B", "I"])
def test_16_bit_modes_of_open_pictures(mode):
    kind = {"I;16": "<u2", "I;16B": ">u2", "I": "<i4"}[mode]
    image = Image.frombytes(mode, (17, 13), WIDE.astype(kind).tobytes())
    np.testing.assert_array_equal(pixels(image), three(WIDE >> 8))


def test_16_bit_grey_with_a_key():
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in WIDE)
    data = png(17, 13, 16, 0, rows, (b"tRNS", struct.pack(">H", WIDE[1, 1])))
    wanted = np.where(WIDE[1, 1] == WIDE, 255, WIDE >> 8)
    np.testing.assert_array_equal(pixels(data), three(wanted))


@pytest.mark.parametrize(("depth", "values"), [(1, [1, 0] * 4), (2, [3, 2, 1, 0]), (4, [9, 5])])
def test_grey_of_few_bits_with_a_key(depth, values):
    packed = 0
    for value in values:
        packed = packed << depth | value
    rows = bytes([0, packed])
    data = png(len(values), 1, depth, 0, rows, (b"tRNS", struct.pack(">H", values[1])))
    scale = 255 // (2**depth - 1)
    wanted = [255 if value == values[1] else value * scale for value in values]
    assert pixels(data)[0, :, 0].tolist() == wanted


def test_16_bit_colour_with_a_key():
    wide = np.array([[[1000, 2000, 3000], [4, 5, 6], [60000, 0, 9]]], dtype=">u2")
    data = png(3, 1, 16, 2, b"\0" + wide.tobytes(), (b"tRNS", wide[0, 0].tobytes()))
    assert pixels(data).tolist() == [[[255, 255, 255], [0, 0, 0], [234, 0, 0]]]


def test_16_bit_colour_keeps_its_high_byte():
    wide = RNG.integers(0, 65536, (3, 4, 3), dtype=np.uint16)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in wide)
    np.testing.assert_array_equal(pixels(png(4, 3, 16, 2, rows)), wide >> 8)


@pytest.mark.parametrize("top", [1.0, 255.0])
def test_float_grey(top):
    values = np.linspace(0, top, 221, dtype=np.float32).reshape(13, 17)
    data = encode(Image.fromarray(values), "TIFF")
    np.testing.assert_array_equal(pixels(data), three(np.rint(values * (255 / top))))


@pytest.mark.parametrize("value", [-1.0, 256.0, float("nan"), float("inf")])
def test_float_grey_without_a_range_is_refused(value):
    with pytest.raises(ImageError, match=r"grey from .*0 to 1 or 255"):
        open_image(Image.fromarray(np.full((2, 2), value, np.float32)))


@pytest.mark.parametrize("value", [-1, 65536])
def test_32_bit_grey_without_a_range_is_refused(value):
    with pytest.raises(ImageError, match="8 or 16 bits"):
        open_image(Image.fromarray(np.full((2, 2), value, np.int32)))


# Lossy files, other colours, animations


@pytest.mark.parametrize(("suffix", "within"), [("JPEG", 6), ("WEBP", 6), ("AVIF", 6)])
def test_lossy_formats_come_near(suffix, within):
    ramp = np.dstack(
        [*np.meshgrid(np.arange(0, 256, 4), np.arange(0, 256, 4)), np.full((64, 64), 99)]
    )
    ramp = ramp.astype(np.uint8)
    options = {"subsampling": "4:4:4"} if suffix != "WEBP" else {}
    assert_near(pixels(encode(Image.fromarray(ramp), suffix, quality=98, **options)), ramp, within)


@pytest.mark.parametrize("at_least", [None, 16])
def test_cmyk_jpeg(at_least):
    # 100 % cyan prints as (0, 255, 255); Adobe's files, and Pillow's, hold the inks inverted.
    image = Image.new("CMYK", (64, 64), (255, 0, 0, 0))
    got = pixels(encode(image, "JPEG", quality=98), at_least=at_least)
    assert got.shape == ((64, 64, 3) if at_least is None else (16, 16, 3))
    assert_near(got, np.broadcast_to([0, 255, 255], got.shape), 3)


def test_grey_jpeg_and_ycbcr():
    got = pixels(encode(Image.new("L", (64, 64), 77), "JPEG"), at_least=8)
    assert_near(got, np.full((8, 8, 3), 77), 2)
    assert_near(pixels(Image.fromarray(RGB).convert("YCbCr")), RGB, 4)


@pytest.mark.parametrize("suffix", ["GIF", "WEBP", "PNG", "TIFF", "AVIF"])
def test_an_animation_gives_its_first_frame(suffix):
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255)]
    frames = [Image.new("RGB", (20, 30), colour) for colour in colours]
    data = encode(frames[0], suffix, save_all=True, append_images=frames[1:])
    with Image.open(io.BytesIO(data)) as check:
        assert check.n_frames == 3
    assert_near(pixels(data), np.broadcast_to([255, 0, 0], (30, 20, 3)), 5)


# Orientation


UPRIGHT = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a),
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("suffix", ["PNG", "WEBP", "TIFF", "JPEG", "AVIF"])
def test_exif_orientation(suffix, orientation):
    blocks = np.kron(RGB[:4, :6] // 2 + 64, np.ones((16, 16, 1))).astype(np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if suffix == "WEBP" else {}
    if suffix in ("JPEG", "AVIF"):
        options = {"quality": 100, "subsampling": "4:4:4"}
    got = pixels(encode(Image.fromarray(blocks), suffix, exif=exif, **options))
    assert_near(got, UPRIGHT[orientation](blocks), 0 if "quality" not in options else 12)


def test_opening_again_changes_nothing():
    exif = Image.Exif()
    exif[0x0112] = 6
    once = open_image(encode(Image.fromarray(RGB), "PNG", exif=exif))
    np.testing.assert_array_equal(pixels(once), np.asarray(once))
    assert once.size == (13, 17)


def test_an_open_picture_is_left_as_it_is():
    image = Image.open(io.BytesIO(encode(Image.fromarray(np.dstack([RGB, ALPHA])), "PNG")))
    image.info["note"] = "kept"
    other = open_image(image)
    assert image.mode == "RGBA"
    assert image.info["note"] == "kept"
    rgb = Image.fromarray(RGB)
    copy = open_image(rgb)
    copy.putpixel((0, 0), (1, 2, 3))
    np.testing.assert_array_equal(np.asarray(rgb), RGB)
    assert other.info == {}


# Scaled decoding


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("at_least", [1, 30, 60, 61, 100, 125, 126, 250, 251, 500, 501, 5000])
@pytest.mark.parametrize("size", [(700, 500), (500, 700)])
def test_scaled_decoding_reduces_and_never_too_far(monkeypatch, at_least, orientation, size):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(Image.new("RGB", size, "red"), "JPEG", exif=exif)
    loaded = []
    load = JpegImageFile.load
    monkeypatch.setattr(JpegImageFile, "load", lambda self: loaded.append(self.size) or load(self))
    image = open_image(data, at_least=at_least)
    reductions = [s for s in (8, 4, 2, 1) if 500 // s >= at_least] or [1]
    wanted = tuple(-(-side // reductions[0]) for side in size)
    assert loaded[0] == wanted
    assert image.size == (wanted if orientation == 1 else wanted[::-1])
    assert min(image.size) >= min(at_least, 500)


def test_scaled_decoding_leaves_other_formats():
    data = encode(Image.new("RGB", (300, 300)), "PNG")
    assert open_image(data, at_least=10).size == (300, 300)


@pytest.mark.parametrize("size", [(20, 10), (7, 3)])
def test_the_share_of_what_is_transparent_is_known(size):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (*size[::-1], 4), dtype=np.uint8)
    pixels[..., 3] = rng.choice([0, 0, 1, 128, 255], size[::-1])
    wanted = np.count_nonzero(pixels[..., 3] == 0) / (size[0] * size[1])
    for source in (Image.fromarray(pixels), encode(Image.fromarray(pixels), "PNG")):
        assert open_with_original(source)[1] == Original(size, wanted)
    grey = pixels[..., 0].astype(np.uint16) * 257
    key = int(grey[0, 0])
    deep = encode(Image.fromarray(grey), "PNG", transparency=key)
    assert open_with_original(deep)[1] == Original(size, (grey == key).mean())
    opaque = Image.fromarray(pixels[..., :3])
    assert open_with_original(opaque)[1].clear == 0
