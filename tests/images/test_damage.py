"""What cannot be read is an ImageError, and nothing else."""

import os
import random
import time
import warnings

import numpy as np
import pytest
from picture_files import ALPHA, GREY, RGB, WIDE, encode, pixels, png
from PIL import Image, ImageFile

from zokusei.errors import ImageError
from zokusei.images import MAX_PIXELS, open_image


@pytest.mark.parametrize("kind", [str, lambda p: p])
def test_paths(tmp_path, kind):
    path = tmp_path / "a b.png"
    Image.fromarray(RGB).save(path)
    np.testing.assert_array_equal(pixels(kind(path)), RGB)
    np.testing.assert_array_equal(pixels(path.rename(tmp_path / "picture.jpg")), RGB)


def test_errors_name_the_path_the_problem_and_the_remedy(tmp_path):
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("this is text")
    os.mkfifo(tmp_path / "pipe.png")
    cases = {
        "missing.png": "No such file.*check the path",
        "empty.png": "is empty; copy",
        "text.png": "no picture of a known format.*this is.*convert",
        "pipe.png": "no regular file",
        ".": "is a folder; give",
        "a\0b.png": "null",
    }
    for name, message in cases.items():
        with pytest.raises(ImageError, match=message) as caught:
            open_image(tmp_path / name)
        assert str(caught.value).startswith(str(tmp_path / name))
        assert "\n" not in str(caught.value)
    with pytest.raises(ImageError, match=r"^the picture \(0 bytes\) is empty"):
        open_image(b"")


def test_a_bomb_is_refused_from_its_header(monkeypatch):
    side = 10**6
    bomb = png(side, side, 8, 2, b"")
    assert len(bomb) < 100
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)  # no help from there
    with pytest.raises(ImageError, match=f"claims {side} x {side} pixels.*{MAX_PIXELS}"):
        open_image(bomb)
    monkeypatch.setattr("zokusei.images.reading.MAX_PIXELS", 17 * 13)
    open_image(Image.fromarray(RGB))
    monkeypatch.setattr("zokusei.images.reading.MAX_PIXELS", 17 * 13 - 1)
    with pytest.raises(ImageError, match="claims 17 x 13"):
        open_image(Image.fromarray(RGB))


def test_a_large_picture_gives_no_warning(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        np.testing.assert_array_equal(pixels(encode(Image.fromarray(RGB), "PNG")), RGB)
    assert caught == []


@pytest.mark.parametrize("size", [(0, 5), (5, 0)])
def test_no_pixels(size):
    with pytest.raises(ImageError, match="has no pixels"):
        open_image(Image.new("RGB", size))
    with pytest.raises(ImageError):
        open_image(png(*size, 8, 2, b""))


FILES = {
    "png": encode(Image.fromarray(RGB), "PNG"),
    "palette": encode(Image.fromarray(GREY).convert("P"), "PNG", transparency=b"\1\2\3"),
    "jpeg": encode(Image.fromarray(RGB), "JPEG", exif=Image.Exif()),
    "progressive": encode(Image.fromarray(RGB), "JPEG", progressive=True),
    "cmyk": encode(Image.fromarray(RGB).convert("CMYK"), "JPEG"),
    "gif": encode(
        Image.fromarray(GREY), "GIF", save_all=True, append_images=[Image.new("L", (17, 13))]
    ),
    "webp": encode(Image.fromarray(np.dstack([RGB, ALPHA])), "WEBP"),
    "avif": encode(Image.fromarray(RGB), "AVIF"),
    "bmp": encode(Image.fromarray(RGB), "BMP"),
    "tiff": encode(Image.fromarray(RGB), "TIFF"),
    "lzw": encode(Image.fromarray(WIDE), "TIFF", compression="tiff_lzw"),
    "ppm": encode(Image.fromarray(RGB), "PPM"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_cut_off_is_an_image_error(name):
    data = FILES[name]
    for share in (0.1, 0.3, 0.5, 0.7):
        with pytest.raises(ImageError):
            open_image(data[: int(len(data) * share)])


@pytest.mark.parametrize("name", FILES)
def test_damage_raises_nothing_but_image_errors(name):
    chance = random.Random(name)
    refused = tries = 0
    for _ in range(300):
        damaged = bytearray(FILES[name])
        for _ in range(chance.choice([1, 2, 8, 40])):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        tries += 1
        started = time.process_time()  # a busy machine is no hang
        try:
            image = open_image(bytes(damaged), at_least=chance.choice([None, 4]))
            assert image.mode == "RGB"
        except ImageError as error:
            refused += len(str(error).splitlines())
        assert time.process_time() - started < 3
    assert 0 < refused <= tries  # each in one line


def test_pillow_is_left_as_it_is():
    def state():
        return ImageFile.LOAD_TRUNCATED_IMAGES, Image.MAX_IMAGE_PIXELS

    before = state()
    for data in FILES.values():
        open_image(data)
    assert state() == before


def test_damaged_exif_leaves_the_picture():
    broken = b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x99" * 20
    for suffix in ("PNG", "JPEG", "WEBP"):
        data = encode(Image.new("RGB", (9, 8), "red"), suffix, exif=broken)
        assert open_image(data).size == (9, 8)
