"""The page of a corpus shows what the pictures and tags are."""

import json
import re

import numpy as np
import pytest
from PIL import Image

from zokusei.data.inspect import compute_cooccurrence
from zokusei.data.manifest import Manifest, Record
from zokusei.report.corpus import find_pairs


@pytest.fixture
def manifest(tmp_path):
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (16, 16, 3), dtype=np.uint8) for _ in range(4)]
    pictures.append(pictures[0])
    for number, pixels in enumerate(pictures):
        picture = Image.fromarray(pixels).resize((64, 64), Image.Resampling.BICUBIC)
        picture.save(tmp_path / f"{number}.png")
    (tmp_path / "3.png").write_bytes(b"nothing")
    tags = [["hat", "bow"], ["hat", "bow"], ["hat"], [], ["<tie>"]]
    records = [Record(f"{n}.png", names, captions=["A."]) for n, names in enumerate(tags)]
    Manifest.from_records(records, None, tmp_path).save(tmp_path / "m.parquet")
    return tmp_path / "m.parquet"


def test_the_page_and_the_json_say_the_same(zokusei, manifest, tmp_path):
    page = tmp_path / "stats.html"
    code, out, err = zokusei("data", "stats", manifest, "--json", "--html", page)
    assert code == 0, err
    figures = json.loads(out)
    assert figures["near_copies"] == [["0.png", "4.png"]]
    assert [entry["path"] for entry in figures["unreadable"]] == ["3.png"]
    assert figures["pictures_by_tags"] == [1, 2, 2]
    assert figures["captions"] == 5
    assert figures["cooccurrence"] == {
        "tags": ["hat", "bow", "<tie>"], "pictures": [[3, 2, 0], [2, 2, 0], [0, 0, 1]],
    }  # fmt: skip
    text = page.read_text(encoding="utf-8")
    addresses = re.findall(r"""(?:src|href)=["']([^"']*)""", text)
    assert all(address.startswith(("data:", "#")) for address in addresses)
    assert text.count('src="data:image/jpeg') == 2
    assert "<td>&lt;tie&gt;</td>" in text
    assert "<td>hat</td><td>bow</td><td>2</td>" in text
    assert "1.20</b><span>tags a picture" in text
    assert "3.png" in text.split("cannot be read")[1]


def test_without_pictures_nothing_is_said_of_them(zokusei, manifest):
    code, out, _ = zokusei("data", "stats", manifest, "--no-pictures", "--json")
    figures = json.loads(out)
    assert (code, figures["near_copies"], figures["unreadable"]) == (0, None, None)
    code, out, _ = zokusei("data", "stats", manifest)
    assert "groups of near copies" in out


def test_the_matrix_and_its_pairs_equal_loops_over_pictures():
    rng = np.random.default_rng(1)
    names = [f"t{i}" for i in range(12)]
    rows = [[name for i, name in enumerate(names) if rng.random() < 0.5 / (1 + i / 4)]
            for _ in range(9000)]  # fmt: skip
    manifest = Manifest.from_records((Record(str(i), row) for i, row in enumerate(rows)), None, ".")
    tags, together = compute_cooccurrence(manifest, most=7)
    counts = {name: sum(name in row for row in rows) for name in names}
    assert tags == sorted(names, key=lambda name: -counts[name])[:7]
    for i, first in enumerate(tags):
        for j, second in enumerate(tags):
            assert together[i, j] == sum(first in row and second in row for row in rows)
    for pair in find_pairs(tags, together, len(rows), 5):
        first, second, both = pair["first"], pair["second"], pair["pictures"]
        chance = counts[first] * counts[second] / len(rows)
        assert both == sum(first in row and second in row for row in rows)
        assert pair["times"] == pytest.approx(both / chance)
        assert both > chance


def test_near_copies_share_a_split_when_asked(zokusei, manifest, tmp_path):
    for name in "01234":
        (tmp_path / f"{name}.txt").write_text("hat")
    copy = tmp_path / "grouped.parquet"
    code, _, err = zokusei("data", "import", tmp_path, copy, "--near-copies", "--format", "folder")
    assert code == 0, err
    table = Manifest.load(copy)
    by_path = dict(zip(table.column("path"), table.column("group"), strict=True))
    assert by_path["0.png"] == by_path["4.png"] == "0.png"
    assert len(set(by_path.values())) == 4
    assert "3.png" in err
