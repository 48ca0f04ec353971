"""Folders of pictures, with whatever is in them."""

import errno

import numpy as np
import pytest
import torch
from PIL import Image

from zokusei.errors import ConfigError, DataError, ImageError, ZokuseiError
from zokusei.stylize import folder, plain
from zokusei.stylize.folder import Job, draw_each, list_jobs
from zokusei.stylize.generator import WhiteBoxGenerator
from zokusei.stylize.plain import Plain
from zokusei.stylize.superpixels import mean_colours
from zokusei.stylize.white_box import WhiteBox


def invert(pictures):
    return 255 - pictures


def write(path, size=(6, 4), colour=(10, 200, 30)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)
    return path


def fail(job, error):
    raise AssertionError(f"{job.source}: {error}")


def test_the_layout_is_kept(tmp_path):
    photos, out = tmp_path / "photos", tmp_path / "out"
    for name in ("a.jpg", "deep/er/a.jpg", "b.PNG", "c.gif"):
        write(photos / name)
    jobs = list_jobs([photos], out)
    targets = {str(job.target.relative_to(out)) for job in jobs}
    assert targets == {"a.jpg", "deep/er/a.jpg", "b.PNG", "c.gif.png"}
    done = list(draw_each(jobs, invert, size=720, on_error=fail))
    assert sorted(done, key=str) == sorted(jobs, key=str)
    for job in jobs:
        with Image.open(job.target) as image:
            pixels = np.asarray(image.convert("RGB")).astype(int)
            assert np.abs(pixels - (245, 55, 225)).max() <= 3
            assert image.format == ("JPEG" if job.target.suffix == ".jpg" else "PNG")


def test_several_folders_have_a_place_each(tmp_path):
    given = [write(tmp_path / "x" / "a.png").parent, write(tmp_path / "y" / "a.png").parent]
    jobs = list_jobs(given, tmp_path / "out")
    assert [job.target for job in jobs] == [tmp_path / "out" / n / "a.png" for n in "xy"]


def test_what_cannot_be_kept_apart_is_refused(tmp_path):
    one, two = write(tmp_path / "x" / "a.png"), write(tmp_path / "y" / "a.png")
    with pytest.raises(DataError, match=r"drawn into .*rename one, or .* --out each"):
        list_jobs([one, two], tmp_path / "out")
    with pytest.raises(ConfigError, match="another folder with --out"):
        list_jobs([tmp_path / "x"], tmp_path / "x")
    with pytest.raises(DataError, match="no picture was found"):
        list_jobs([tmp_path / "x"], tmp_path)


def test_drawings_inside_the_folder_are_not_drawn_again(tmp_path):
    write(tmp_path / "a.png")
    write(tmp_path / "out" / "a.png")
    assert [job.source for job in list_jobs([tmp_path], tmp_path / "out")] == [tmp_path / "a.png"]


def test_pictures_are_drawn_in_batches_of_one_size_and_none_is_lost(tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "_BATCH_PIXELS", 200)
    rng, jobs, batches = np.random.default_rng(0), [], []
    for index in range(60):
        size = tuple(int(n) for n in rng.integers(1, 4, 2)) if index % 10 else (30, 20)
        path = write(tmp_path / f"{index:02}.png", size, (index, 0, 0))
        jobs.append(Job(path, tmp_path / "out" / path.name))

    def draw(pictures):
        batches.append(pictures.shape)
        return pictures

    done = list(draw_each(jobs, draw, size=720, batch_size=4, on_error=fail))
    assert {job.source for job in done} == {job.source for job in jobs}
    assert max(shape[0] for shape in batches) == 4
    assert all(shape[0] == 1 for shape in batches if shape[1] == 20)
    assert len(batches) < 40
    for index, job in enumerate(jobs):
        with Image.open(job.target) as image, Image.open(job.source) as source:
            assert image.getpixel((0, 0)) == (index, 0, 0)
            assert image.size == source.size


def test_no_more_is_read_than_is_soon_drawn(tmp_path, monkeypatch):
    path = write(tmp_path / "a.png")
    read, drawn = [], []
    original = folder._read
    monkeypatch.setattr(folder, "_read", lambda *a: (read.append(1), original(*a))[1])

    def draw(pictures):
        drawn.append(len(pictures))
        assert len(read) - sum(drawn) <= 4 + 2
        return pictures

    jobs = [Job(path, tmp_path / "out" / f"{index}.png") for index in range(50)]
    list(draw_each(jobs, draw, size=720, batch_size=4, on_error=fail))
    assert sum(drawn) == 50


@pytest.mark.parametrize("create", [Plain, lambda: WhiteBox(WhiteBoxGenerator(2, blocks=1))])
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 1), (3000, 30)])
def test_odd_pictures(create, size):
    pictures = torch.randint(0, 256, (2, *size, 3), dtype=torch.uint8)
    drawn = create()(pictures)
    assert drawn.shape == pictures.shape
    assert drawn.dtype == torch.uint8


def test_the_plain_stylizer_flattens_areas_and_keeps_edges():
    rng = np.random.default_rng(0)
    picture = np.full((60, 60, 3), 60, np.uint8)
    picture[:, 30:] = (200, 90, 40)
    noisy = (picture + rng.normal(0, 8, picture.shape)).clip(0, 255).astype(np.uint8)
    drawn = Plain()(torch.from_numpy(noisy)[None])[0].numpy().astype(float)
    assert drawn[5:55, 5:25].std() < 0.5 * noisy[5:55, 5:25].astype(float).std()
    assert drawn[5:55, 35:, 0].mean() - drawn[5:55, :25, 0].mean() > 120


def test_a_dark_line_is_drawn_darker(monkeypatch):
    picture = torch.full((1, 40, 40, 3), 180, dtype=torch.uint8)
    picture[:, :, 19:21] = 110
    lined = Plain()(picture)[0].float()
    monkeypatch.setattr(plain, "_find_lines", torch.zeros_like)
    without = Plain()(picture)[0].float()
    assert (without - lined)[:, 19:21].mean() > 15
    assert torch.equal(lined[:, :10], without[:, :10])


@pytest.mark.parametrize(("name", "side"), [("long.webp", 16384), ("long.jpg", 65536)])
def test_a_picture_too_long_for_its_format_is_named_and_the_others_are_drawn(tmp_path, name, side):
    # By its content it is a PNG, which may be as long as it likes.
    Image.new("RGB", (side, 1)).save(tmp_path / name, format="PNG")
    paths = [write(tmp_path / "a.png"), tmp_path / name, write(tmp_path / "z.png")]
    jobs, failed = [Job(path, tmp_path / "out" / path.name) for path in paths], []
    done = list(
        draw_each(jobs, invert, size=720, on_error=lambda job, error: failed.append((job, error)))
    )
    assert {job.source.name for job in done} == {"a.png", "z.png"}
    assert [job for job, _ in failed] == [jobs[1]]
    assert isinstance(failed[0][1], ImageError)
    assert f"{name} cannot be written as {name}, {side} x 1" in str(failed[0][1])
    assert "\n" not in str(failed[0][1])
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"a.png", "z.png"}


def test_a_full_disk_is_not_taken_for_a_picture_that_cannot_be_written(tmp_path, monkeypatch):
    def save(*arguments, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    path = write(tmp_path / "a.png")
    monkeypatch.setattr(Image.Image, "save", save)
    with pytest.raises(ZokuseiError, match="No space left") as caught:
        list(draw_each([Job(path, tmp_path / "out.png")], invert, size=720, on_error=fail))
    assert not isinstance(caught.value, ImageError)


def test_mean_colours():
    rng = np.random.default_rng(0)
    pixels, regions = rng.random((9, 8, 3), np.float32), rng.integers(0, 5, (9, 8))
    found = mean_colours(pixels, regions)
    for row, column in np.ndindex(9, 8):
        wanted = pixels[regions == regions[row, column]].astype(np.float64).mean(0)
        np.testing.assert_allclose(found[row, column], wanted, atol=1e-6)
