"""Finding pictures."""

import pytest
from PIL import Image

from zokusei.errors import DataError
from zokusei.images import IMAGE_SUFFIXES, find_images


def test_find_images_in_order_without_loops(tmp_path):
    names = ["b/2.png", "b/10.PNG", "a.jpg", "c.webp", "b/deep/er/x.avif", "a/z.gif", "B.tiff"]
    others = ["a.txt", "noending", ".hidden.png", ".cache/x.png", "b/png"]
    for name in names + others:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "b" / "loop").symlink_to(tmp_path)
    (tmp_path / "zz").symlink_to(tmp_path / "b")
    (tmp_path / "link.jpg").symlink_to(tmp_path / "a.jpg")
    (tmp_path / "dangling.jpg").symlink_to(tmp_path / "nowhere.jpg")
    got = list(find_images(tmp_path))
    assert got == sorted(tmp_path / name for name in [*names, "link.jpg"])
    assert list(find_images(str(tmp_path))) == got


def test_find_images_follows_links_to_elsewhere(tmp_path):
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "x.png").touch()
    (tmp_path / "here" / "link").symlink_to(tmp_path / "there")
    assert [p.name for p in find_images(tmp_path / "here")] == ["x.png"]


def test_find_images_streams(tmp_path):
    (tmp_path / "a.png").touch()
    (tmp_path / "b").mkdir()
    found = find_images(tmp_path)
    assert next(found).name == "a.png"
    (tmp_path / "b" / "later.png").touch()
    assert [path.name for path in found] == ["later.png"]


@pytest.mark.parametrize("name", ["missing", "file.png"])
def test_find_images_needs_a_folder(tmp_path, name):
    (tmp_path / "file.png").touch()
    with pytest.raises(DataError, match=f"{name} cannot be searched"):
        list(find_images(tmp_path / name))


def test_every_suffix_is_one_that_pillow_reads_here():
    Image.init()
    formats = {Image.EXTENSION.get(suffix) for suffix in IMAGE_SUFFIXES - {".avifs"}}
    assert formats <= {"JPEG", "PNG", "GIF", "WEBP", "AVIF", "BMP", "DIB", "TIFF", "PPM"}
