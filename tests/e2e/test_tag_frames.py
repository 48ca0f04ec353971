"""`zokusei tag --frames`: animations and videos have the highest scores of their frames."""

import io
import json
import sys
import zipfile
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from zokusei.inference import Tagger

RNG = np.random.default_rng(0)
FRAMES = [
    Image.fromarray(RNG.integers(0, 256, (6, 6, 3), dtype=np.uint8)).resize((36, 36))
    for _ in range(12)
]


@pytest.fixture
def collection(tmp_path, monkeypatch):
    """An animation, a video without loss and a picture, and the first two in an archive."""
    monkeypatch.chdir(tmp_path)
    Path("art").mkdir()
    FRAMES[0].save("art/a.webp", save_all=True, append_images=FRAMES[1:], lossless=True)
    with av.open("art/b.mkv", "w") as container:
        stream = container.add_stream("ffv1", rate=5)
        stream.width, stream.height, stream.pix_fmt = 36, 36, "bgr0"
        for image in FRAMES:
            container.mux(stream.encode(av.VideoFrame.from_image(image)))
        container.mux(stream.encode())
    FRAMES[3].save("art/c.png")
    with zipfile.ZipFile("packed.zip", "w") as file:
        for name in ("a.webp", "b.mkv"):
            file.write(f"art/{name}", name)
    return Path("art")


def test_scores_are_the_highest_of_the_frames(collection, untrained):
    tagger = Tagger.load(untrained, device="cpu")
    alone = np.array([list(next(tagger.tag([image])).scores.values()) for image in FRAMES])

    def highest(*numbers):
        return pytest.approx(alone[list(numbers)].max(axis=0), abs=1e-5)

    for batch_size in (1, 2, 16):
        given = [collection / name for name in ("a.webp", "b.mkv", "c.png")]
        found = list(tagger.tag(given, batch_size=batch_size, frames=4))
        assert [Path(tags.path).name for tags in found] == ["a.webp", "b.mkv", "c.png"]
        scores = [list(tags.scores.values()) for tags in found]
        assert scores[0] == highest(0, 3, 6, 9)
        assert scores[1] == highest(0, 3, 6, 9)
        assert scores[2] == highest(3)
        assert [tags.size for tags in found] == [(36, 36)] * 3
    first, clip = tagger.tag([collection / "a.webp", (collection / "b.mkv").read_bytes()])
    assert list(first.scores.values()) == highest(0)
    assert list(clip.scores.values()) == highest(0, 2, 3, 5, 6, 8, 9, 11)  # eight of twelve


def test_the_command_finds_videos_in_folders_and_archives(zokusei, untrained, collection):
    def tag(*more):
        code, out, _ = zokusei("tag", "art", "packed.zip", "--model", untrained, "--json", *more)
        assert code == 0
        return {record["path"]: record["scores"] for record in map(json.loads, out.splitlines())}

    names = ["art/a.webp", "art/b.mkv", "art/c.png", "packed.zip/a.webp", "packed.zip/b.mkv"]
    first, spread = tag(), tag("--frames", "12")
    assert list(first) == list(spread) == names
    assert first["art/a.webp"] != pytest.approx(spread["art/a.webp"], abs=1e-6)
    for one, other in (("art/a.webp", "art/b.mkv"), ("art/b.mkv", "packed.zip/b.mkv")):
        assert spread[one] == pytest.approx(spread[other], abs=1e-5)
    # Another number of frames is other work.
    write = ("--write", "jsonl", "-o", "out", "--existing", "replace")
    tag(*write)
    tag("--frames", "3", *write)
    assert len(Path("out/tags.jsonl").read_text().splitlines()) == 5


def test_without_the_extra_videos_are_named_and_the_others_tagged(
    zokusei, untrained, collection, monkeypatch
):
    monkeypatch.setitem(sys.modules, "av", None)
    code, out, err = zokusei("tag", "art", "--model", untrained)
    assert code == 3
    assert len(out.splitlines()) == 2
    assert "not tagged: art/b.mkv is a video, which needs PyAV: pip install 'zokusei[video]'" in err


def test_a_video_that_is_cut_off_is_named(zokusei, untrained, collection):
    file = io.BytesIO((collection / "b.mkv").read_bytes())
    (collection / "b.mkv").write_bytes(file.read(300))
    code, out, err = zokusei("tag", "art", "--model", untrained)
    assert code == 3
    assert len(out.splitlines()) == 2
    assert "not tagged: art/b.mkv" in err
