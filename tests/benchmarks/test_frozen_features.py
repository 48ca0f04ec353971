"""Features are judged on sources that nothing was learnt of."""

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import average_precision_score
from test_tables import load

from zokusei.data.manifest import Manifest, Record
from zokusei.tags import TagSet

NAMES = ["hat", "smile", "rare"]


@pytest.fixture(scope="module")
def script():
    return load("frozen_features")


@pytest.fixture
def pictures(tmp_path):
    """Illustrations of two sources, and of the three that settings are chosen on."""
    rng, records, sources = np.random.default_rng(0), [], []
    for number in range(90):
        tags = [name for name in NAMES[:2] if rng.random() < 0.4]
        sources.append(("aaa", "bbb", "sei", "tml", "wmp")[number % 5])
        if number == 2:  # one of sei, so that no other has it
            tags.append("rare")
        path = tmp_path / f"{number}.png"
        Image.new("RGB", (64, 64), (int(rng.integers(256)), 90, 200)).save(path)
        records.append(Record(path.name, tags))
    manifest = Manifest.from_records(records, TagSet.from_names(NAMES), tmp_path)
    return manifest.with_column("source", sources)


def test_features_that_say_all_are_perfect_and_those_that_say_nothing_are_chance(script, pictures):
    truth = pictures.compute_targets()
    rng = np.random.default_rng(1)
    row = script.judge(pictures, np.concatenate([truth, rng.normal(size=(90, 3))], 1))
    assert row["map"] == row["development"] == 100
    assert (row["parts"], row["pictures"], row["numbers"]) == (3, 90, 6)
    row = script.judge(pictures, rng.normal(size=(90, 4)))
    assert abs(row["map"] - row["chance_map"]) < 15
    assert 30 < row["chance_map"] < 50


def test_a_part_is_judged_by_scikit_learns_figure_on_tags_that_others_have(script, pictures):
    truth = pictures.compute_targets()
    features = truth + np.random.default_rng(2).normal(scale=0.8, size=truth.shape)
    judged = np.isin(pictures.column("source"), ["sei", "tml", "wmp"])
    maps, chance = script.judge_part(pictures, features, judged)
    tags = [0, 1]  # the third is in no other source
    assert chance == pytest.approx(100 * truth[judged][:, tags].mean())
    from sklearn.linear_model import Ridge
    from sklearn.preprocessing import StandardScaler

    shaped = np.sign(features) * np.abs(features) ** 0.5
    scaler = StandardScaler().fit(shaped[~judged])
    for penalty, found in zip(script.PENALTIES, maps, strict=True):
        model = Ridge(penalty * 3).fit(scaler.transform(shaped[~judged]), truth[~judged])
        scores = model.predict(scaler.transform(shaped[judged]))
        wanted = [average_precision_score(truth[judged, tag], scores[:, tag]) for tag in tags]
        assert found == pytest.approx(100 * np.mean(wanted), abs=1e-3)


def test_features_are_those_of_the_picture(script, pictures, monkeypatch):
    monkeypatch.setattr(script, "load_backbone_weights", lambda *arguments: None)
    halves = (0.5, 0.5, 0.5)
    monkeypatch.setattr(script, "backbone_statistics", lambda *arguments: (halves, halves))
    found = script.encode(pictures, "tf_efficientnet_lite0", "64")
    assert found.shape == (len(pictures), 2 * (1280 + 80 + 112 + 192))
    # Flat pictures of one colour are one and the same to it, others are not.
    colours = [Image.open(path).getpixel((0, 0)) for path in pictures.paths]
    first = colours.index(max(set(colours), key=colours.count))
    for colour, row in zip(colours, found, strict=True):
        assert np.allclose(row, found[first], rtol=1e-4, atol=1e-5) == (colour == colours[first])
