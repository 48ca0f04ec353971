"""Frames of animations and videos: which they are, and what is wrong with them."""

import io
import sys
from contextlib import suppress

import av
import numpy as np
import pytest
from picture_files import encode
from PIL import Image

from zokusei.errors import ImageError
from zokusei.images import VIDEO_FRAMES, frames, open_image, read_frames

COUNT, RATE, STEP = 40, 10, 6


def video(form="mp4", codec="mpeg4", count=COUNT, duration=True, **more):
    """A video whose red grows by `STEP` a frame."""
    file = io.BytesIO()
    options = {} if duration else {"live": "1"}
    with av.open(file, "w", format=form, options=options) as container:
        stream = container.add_stream(codec, rate=RATE)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.gop_size = 7
        for number in range(count):
            pixels = np.zeros((48, 64, 3), np.uint8)
            pixels[..., 0] = number * STEP
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return file.getvalue()


def animation(suffix, count=COUNT, **more):
    images = [Image.new("RGB", (16, 16), (number * STEP, 0, 0)) for number in range(count)]
    more = {"lossless": True, **more} if suffix == "WEBP" else more
    return encode(images[0], suffix, save_all=True, append_images=images[1:], duration=50, **more)


def numbers(data, *wanted):
    """Which frames they are, by their red."""
    reds = [image.getpixel((5, 5))[0] for image, _ in read_frames(data, *wanted)]
    return [round(red / STEP) for red in reds]


@pytest.mark.parametrize("suffix", ["GIF", "PNG", "WEBP"])
def test_frames_of_an_animation_are_spread_from_the_first_on(suffix):
    data = animation(suffix)
    assert numbers(data) == numbers(data, 1) == [0]
    assert numbers(data, 3) == [0, 13, 26]
    assert numbers(data, 8) == [0, 5, 10, 15, 20, 25, 30, 35]
    assert numbers(data, 100) == list(range(COUNT))


@pytest.mark.parametrize("wanted", [None, 1, 5])
def test_what_does_not_move_gives_itself(wanted):
    still = Image.new("RGB", (9, 7), "red")
    pages = encode(still, "TIFF", save_all=True, append_images=[Image.new("RGB", (3, 3))])
    for source in (still, encode(still, "PNG"), encode(still, "JPEG"), pages):
        ((image, original),) = read_frames(source, wanted)
        assert original.size == image.size == (9, 7)


@pytest.mark.parametrize(
    ("form", "codec"),
    [("mp4", "mpeg4"), ("matroska", "ffv1"), ("webm", "libvpx"), ("avi", "mpeg4")],
)
def test_frames_of_a_video_are_spread_over_its_length(form, codec):
    data = video(form, codec)
    spread = numbers(data)
    assert len(spread) == VIDEO_FRAMES
    wanted = [i * COUNT // VIDEO_FRAMES for i in range(VIDEO_FRAMES)]
    assert np.abs(np.subtract(spread, wanted)).max() <= 1  # colours are coded with losses
    assert numbers(data, 1) == [0]
    assert len(numbers(data, 4)) == 4
    assert 0 <= COUNT - len(numbers(data, 500)) <= 1
    assert next(iter(read_frames(data)))[1].size == (64, 48)


def test_a_live_recording_that_does_not_say_its_length_is_measured():
    data = video("matroska", "ffv1", duration=False)
    with av.open(io.BytesIO(data)) as container:
        assert not container.duration
        assert not container.streams.video[0].duration
    assert np.abs(np.subtract(numbers(data, 4), [0, 10, 20, 30])).max() <= 1


def test_a_video_of_a_telephone_stands_upright():
    data = bytearray(video("mp4", "mpeg4", count=3))
    matrix = data.index(b"tkhd") + 4 + 4 + 20 + 16
    clockwise = [0, 1 << 16, 0, (1 << 32) - (1 << 16), 0, 0, 0, 0, 1 << 30]
    data[matrix : matrix + 36] = b"".join(value.to_bytes(4, "big") for value in clockwise)
    ((image, original),) = read_frames(bytes(data), 1)
    assert original.size == image.size == (48, 64)


def test_a_frame_that_is_clear_lies_on_white():
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as container:
        stream = container.add_stream("ffv1", rate=5)
        stream.width, stream.height, stream.pix_fmt = 8, 8, "bgra"
        frame = av.VideoFrame.from_ndarray(np.zeros((8, 8, 4), np.uint8), format="bgra")
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    ((image, _),) = read_frames(file.getvalue())
    assert image.getpixel((3, 3)) == (255, 255, 255)


def test_what_cannot_be_read_is_named(monkeypatch, tmp_path):
    data = video()
    path = tmp_path / "a.mp4"
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(ImageError, match=r"a\.mp4 cannot be decoded") as caught:
        list(read_frames(path))
    assert "\n" not in str(caught.value)
    with pytest.raises(ImageError, match="no picture of a known format"):
        open_image(data)
    with monkeypatch.context() as patch:
        patch.setattr(frames, "MAX_FRAMES", COUNT - 1)
        with pytest.raises(ImageError, match="claims 40 frames, more than 39"):
            list(read_frames(animation("GIF"), 2))
        assert numbers(animation("GIF")) == [0]
    with monkeypatch.context() as patch:
        patch.setattr("zokusei.images.reading.MAX_PIXELS", 64 * 48 - 1)
        with pytest.raises(ImageError, match="claims 64 x 48"):
            list(read_frames(data))
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ImageError, match=r"needs PyAV: pip install 'zokusei\[video\]'"):
        list(read_frames(data))


def test_a_list_of_other_files_is_no_video(tmp_path):
    (tmp_path / "secret.mp4").write_bytes(video(count=3))
    for text in (
        f"ffconcat version 1.0\nfile {tmp_path}/secret.mp4\n",
        "#EXTM3U\n#EXTINF:1,\nx.ts",
    ):
        path = tmp_path / "list.mp4"
        path.write_text(text)
        with pytest.raises(ImageError, match="no picture of a known format"):
            list(read_frames(path))


@pytest.mark.parametrize("form", ["mp4", "matroska", "avi"])
def test_damage_to_a_video_raises_nothing_but_image_errors(form):
    data = video(form, "mpeg4", count=10)
    chance = np.random.default_rng(0)
    for _ in range(60):
        damaged = bytearray(data)
        for place in chance.integers(0, len(data), chance.choice([1, 8, 40])):
            damaged[place] = chance.integers(256)
        with suppress(ImageError):
            for image, _ in read_frames(bytes(damaged), 3):
                assert image.mode == "RGB"
