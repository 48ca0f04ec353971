import pytest
from PIL import Image

from zokusei.data.inspect import check_manifest, compute_statistics
from zokusei.data.manifest import Manifest, Record
from zokusei.tags import TagSet


@pytest.fixture
def manifest(tmp_path):
    for name in ("a", "b", "c"):
        Image.new("RGB", (8, 8)).save(tmp_path / f"{name}.png")
    (tmp_path / "c.png").write_bytes(b"nothing")
    records = [
        Record("a.png", ["smile", "hat"], split="train", group="one"),
        Record("b.png", ["smile"], known=["smile"], split="test", group="one"),
        Record("c.png", ["Long-hair", "long_hair"], split="train", group="two"),
    ]
    tags = TagSet.from_names(["smile", "hat", "long_hair", "Long-hair", "bow"])
    return Manifest.from_records(records, tags, tmp_path)


def test_everything_that_would_make_a_training_stumble_is_named(manifest):
    found, seen = {}, []
    check_manifest(manifest, lambda where, what: found.update({str(where): what}),
                   progress=seen.append)  # fmt: skip
    assert sum(seen) == 3
    assert "no picture of a known format" in found.pop(str(manifest.paths[2]))
    assert found == {
        "group one": "has pictures in more than one split",
        "split train": "1 of the 5 tags never occur: bow",
        "split test": "4 of the 5 tags never occur: hat, long_hair, Long-hair, bow",
        "tag Long-hair": "looks like 'long_hair' written in another way",
    }


def test_tags_of_a_vocabulary_that_nobody_has_are_a_remark_before_the_split(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    tags, remarks = TagSet.from_names(["smile", "hat"]), []
    check_manifest(
        Manifest.from_records([Record("a.png", ["smile"])], tags, tmp_path),
        lambda where, what: pytest.fail(f"{where}: {what}"),
        remark=remarks.append,
    )
    assert remarks == ["1 of the 2 tags never occur: hat"]


def test_a_sound_manifest_has_nothing_to_complain_about(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    check_manifest(
        Manifest.from_records([Record("a.png", ["smile"])], None, tmp_path),
        lambda where, what: pytest.fail(f"{where}: {what}"),
    )


def test_statistics_count_what_is_known(manifest):
    figures = compute_statistics(manifest)
    assert (figures["pictures"], figures["groups"], figures["test_pictures"]) == (3, 2, 1)
    tags = {tag["name"]: tag for tag in figures["tags"]}
    assert (tags["smile"]["positives"], tags["smile"]["known"]) == (2, 3)
    assert (tags["hat"]["positives"], tags["hat"]["known"]) == (1, 2)
    assert figures["tags"][0]["name"] == "smile"
    assert figures["known_share"] == pytest.approx(100 * 11 / 15)


def test_the_targets_of_all_pictures_are_never_in_memory_at_once(manifest, monkeypatch):
    sizes, compute = [], Manifest.compute_targets

    def counted(rows):
        sizes.append(len(rows))
        return compute(rows)

    monkeypatch.setattr(Manifest, "compute_targets", counted)
    monkeypatch.setattr("zokusei.data.inspect._CHUNK", 1)
    found = {}
    check_manifest(manifest, lambda where, what: found.update({str(where): what}))
    assert sizes == [1, 1, 1]
    assert found["split train"] == "1 of the 5 tags never occur: bow"
