"""Explanations: where a model looked, and which tags told it."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from PIL import Image

from zokusei.checkpoint import Checkpoint, save_checkpoint
from zokusei.errors import ConfigError
from zokusei.images.preprocess import Preprocess
from zokusei.inference import Tagger
from zokusei.inference.explain import explain_picture
from zokusei.inference.thresholds import create_selection
from zokusei.labels import LabelSpace
from zokusei.models import create_model
from zokusei.report.explanation import draw_explanation
from zokusei.tags import RATING, TagSet

NAMES = ["hat", "long_hair", "red_eyes", "sky", "smile"]


@pytest.fixture(scope="module")
def graph_folder(tmp_path_factory):
    """A model with a dynamic graph, not trained."""
    torch.manual_seed(0)
    labels = LabelSpace.from_targets(TagSet.from_names(NAMES), torch.ones(1, 5).bool())
    model = create_model("add_gcn", labels, backbone="test_efficientnet", hidden=16).eval()
    folder = tmp_path_factory.mktemp("graph") / "model"
    save_checkpoint(
        folder, Checkpoint(model, labels, Preprocess(96, "pad", (0.5,) * 3, (0.5,) * 3))
    )
    return folder


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "one picture.png"
    pixels = np.random.default_rng(0).integers(0, 256, (50, 100, 3), dtype=np.uint8)
    Image.fromarray(pixels).resize((200, 100)).save(path)
    return path


@pytest.mark.parametrize("fit", ["squash", "pad", "crop"])
@pytest.mark.parametrize("size", [(120, 120), (200, 90), (70, 160)])
def test_a_place_on_the_square_is_found_in_the_picture(fit, size):
    preprocess = Preprocess(64, fit, (0.5,) * 3, (0.5,) * 3)
    rng = np.random.default_rng(1)
    for _ in range(5):
        # Near the middle, so that `crop` does not cut it off.
        x, y = (int(side / 2 + rng.integers(-20, 21)) for side in size)
        pixels = np.zeros((size[1], size[0], 3), dtype=np.uint8)
        pixels[y - 2 : y + 3, x - 2 : x + 3] = (0, 255, 0)
        square = np.asarray(preprocess.fit_image(Image.fromarray(pixels)), dtype=float)
        green = square[..., 1] - square[..., 0]
        weights = green.clip(0)
        rows, columns = np.mgrid[0:64, 0:64] + 0.5
        seen = (columns * weights).sum(), (rows * weights).sum()
        point = tuple(float(value / weights.sum() / 64) for value in seen)
        found = preprocess.find_source(point, size)
        assert found[0] * size[0] == pytest.approx(x + 0.5, abs=max(size) / 64)  # a pixel of it
        assert found[1] * size[1] == pytest.approx(y + 0.5, abs=max(size) / 64)  # a pixel of it


def test_white_padding_means_the_nearest_place_on_the_picture():
    preprocess = Preprocess(64, "pad", (0.5,) * 3, (0.5,) * 3)
    assert preprocess.find_source((0.5, 0.0), (200, 50)) == (0.5, 0.0)
    assert preprocess.find_source((0.25, 1.0), (200, 50)) == (0.25, 1.0)


def test_the_tags_that_are_given_are_explained_by_the_map_they_come_from(run_folder, corpus):
    tagger = Tagger.load(run_folder, device="cpu")
    path = corpus / "000.png"
    tags = next(tagger.tag([path]))
    explanation = explain_picture(tagger, path)
    assert tuple(reason.name for reason in explanation.reasons) == tags.names
    images = tagger.checkpoint.preprocess(path)[None]
    with torch.no_grad():
        maps = tagger.model.explain(images)["activation_maps"][0].numpy()
    for reason in explanation.reasons:
        assert reason.score == pytest.approx(tags.scores[reason.name], abs=1e-6)
        wanted = maps[tagger.checkpoint.tags.index(reason.name)]
        np.testing.assert_allclose(reason.activation, wanted, atol=1e-5)
        assert reason.influences == {}  # it has no graph


def test_a_large_jpeg_has_the_score_that_tagging_gives_it(graph_folder, tmp_path):
    """Both decode it at a reduced scale."""
    tagger, path = Tagger.load(graph_folder, device="cpu"), tmp_path / "large.jpg"
    pixels = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    Image.fromarray(pixels).resize((2400, 1800), Image.Resampling.NEAREST).save(path, quality=60)
    scores = next(tagger.tag([path])).scores
    for reason in explain_picture(tagger, path, NAMES).reasons:
        assert reason.score == pytest.approx(scores[reason.name], abs=1e-7)


def test_the_peak_is_where_the_map_is_highest(graph_folder, picture):
    tagger = Tagger.load(graph_folder, device="cpu")
    for reason in explain_picture(tagger, picture, NAMES).reasons:
        rows, columns = reason.activation.shape
        assert (rows, columns) == (3, 3)
        best = max(np.ndindex(3, 3), key=lambda at, m=reason.activation: m[at])
        # The square of 96 holds the picture as its middle half: 2 wide, 1 high.
        x, y = (best[1] + 0.5) / 3, (best[0] + 0.5) / 3
        assert reason.peak == pytest.approx((x, min(max(2 * y - 0.5, 0), 1)), abs=1e-5)


def test_influences_are_sorted_and_without_the_tag_itself(graph_folder, picture):
    tagger = Tagger.load(graph_folder, device="cpu")
    reason = explain_picture(tagger, picture, ["sky"]).reasons[0]
    assert set(reason.influences) == set(NAMES) - {"sky"}
    values = list(reason.influences.values())
    assert values == sorted(values, reverse=True)
    raised, lowered = reason.strongest(2)
    assert list(raised.values()) == [value for value in values if value > 0][:2]
    assert list(lowered.values()) == [value for value in values[::-1] if value < 0][:2]
    assert raised or lowered


def test_a_picture_without_tags_is_explained_by_the_most_probable_one(graph_folder, picture):
    tagger = Tagger.load(graph_folder, device="cpu")
    strict = tagger.checkpoint.labels.tags.with_thresholds([1.0] * len(NAMES))
    tagger.checkpoint = Checkpoint(
        tagger.model, tagger.checkpoint.labels.with_tags(strict), tagger.checkpoint.preprocess
    )
    tagger.selection = create_selection(strict)
    scores = next(tagger.tag([picture])).scores
    reasons = explain_picture(tagger, picture).reasons
    assert [reason.name for reason in reasons] == [max(scores, key=scores.get)]


def test_the_sheet_is_bright_where_the_map_is_high(graph_folder, picture):
    tagger = Tagger.load(graph_folder, device="cpu")
    explanation = explain_picture(tagger, picture, ["hat"])
    explanation.picture.paste("white", (0, 0, *explanation.picture.size))
    activation = explanation.reasons[0].activation
    activation[:] = 0
    activation[0, 2] = 5
    sheet = np.asarray(draw_explanation(explanation)).astype(int).sum(2)
    tile = sheet[18 : 18 + 264, 18 + 282 : 18 + 282 + 264]
    assert tile[10:60, -60:-10].mean() > 3 * tile[-60:-10, 10:60].mean()


def test_of_ratings_the_one_is_explained_that_is_given(graph_folder, picture):
    tagger = Tagger.load(graph_folder, device="cpu")
    tags = tuple(dataclasses.replace(tag, category=RATING, threshold=0.0) if i < 3 else
                 dataclasses.replace(tag, threshold=1.0)
                 for i, tag in enumerate(tagger.checkpoint.tags))  # fmt: skip
    tagger.checkpoint = Checkpoint(
        tagger.model, tagger.checkpoint.labels.with_tags(TagSet(tags)),
        tagger.checkpoint.preprocess,
    )  # fmt: skip
    tagger.selection = create_selection(TagSet(tags))
    (given,) = next(tagger.tag([picture])).names
    assert [reason.name for reason in explain_picture(tagger, picture).reasons] == [given]


def test_the_command_writes_a_picture_and_json(
    zokusei, graph_folder, picture, tmp_path, monkeypatch
):
    out = tmp_path / "why.png"
    code, stdout, stderr = zokusei(
        "explain", graph_folder, picture, "--tag", "sky", "--tag", "hat", "-o", out, "--json"
    )
    assert code == 0, stderr
    about = json.loads(stdout)
    assert about["path"] == str(picture)
    assert {entry["tag"] for entry in about["tags"]} == {"sky", "hat"}
    assert np.array(about["tags"][0]["activation"]).shape == (3, 3)
    with Image.open(out) as sheet:
        assert sheet.size[0] == 3 * 282 + 18
    # A model folder is not written into: it would no longer be the model that it was.
    monkeypatch.chdir(tmp_path)
    names = {path.name for path in graph_folder.iterdir()}
    other = tmp_path / "elsewhere" / picture.name
    other.parent.mkdir()
    other.write_bytes(picture.read_bytes())
    for given in (picture, other, picture):
        code, stdout, stderr = zokusei("explain", graph_folder, given)
        assert (code, "written" in stderr) == (0, True)
    assert {path.name for path in graph_folder.iterdir()} == names
    written = {path.name for path in (tmp_path / "explanations").iterdir()}
    assert written == {"one picture.png.png", "one picture.png-2.png"}
    before = picture.read_bytes()
    code, _, stderr = zokusei("explain", graph_folder, picture, "-o", picture)
    assert (code, picture.read_bytes()) == (2, before)
    assert "is the picture itself" in stderr


def test_an_unknown_tag_is_refused_with_the_nearest(zokusei, graph_folder, picture):
    code, _, stderr = zokusei("explain", graph_folder, picture, "--tag", "hatt")
    assert code == 2
    assert "knows no tag 'hatt'; did you mean 'hat'?" in stderr


def test_an_unknown_tag_is_a_config_error(graph_folder, picture):
    with pytest.raises(ConfigError):
        explain_picture(Tagger.load(graph_folder), picture, ["smiles"])
