"""Folders of CL taggers, in miniature."""

import json
import sys

import numpy as np
import pytest
from PIL import Image

from tagger_graphs import SIZE, assert_refused, centre, compute_by_hand, make_wide, write_logits
from zokusei.errors import MissingExtraError
from zokusei.inference import Tagger

TAGS = {
    "0": {"tag": "general", "category": "Rating"},
    "1": {"tag": "explicit", "category": "Rating"},
    "2": {"tag": "1girl", "category": "General"},
    "3": {"tag": "long_hair", "category": "General"},
    "4": {"tag": "skadi_(arknights)", "category": "Character"},
    "5": {"tag": "arknights", "category": "Copyright"},
    "6": {"tag": "someone", "category": "Artist"},
    "7": {"tag": "highres", "category": "Meta"},
    "8": {"tag": "best quality", "category": "Quality"},
    "9": {"tag": "ai_model", "category": "Model"},
}


def write_list(folder, tags):
    (folder / "tag_mapping.json").write_text(json.dumps(tags))


@pytest.fixture
def folder(tmp_path):
    # The order in a JSON file says nothing.
    write_list(tmp_path, dict(reversed(TAGS.items())))
    write_logits(tmp_path / "model.onnx", len(TAGS))
    return tmp_path


def test_pictures_are_blue_first_on_white_from_minus_one_to_one(folder):
    (weights,) = write_logits(folder / "model.onnx", len(TAGS))
    pixels = make_wide()
    planes = centre(pixels, 255)[..., ::-1].transpose(2, 0, 1) / 127.5 - 1
    (tags,) = Tagger.load(folder).tag([Image.fromarray(pixels)])
    assert list(tags.scores.values()) == pytest.approx(compute_by_hand(planes, weights), abs=1e-5)


def test_pictures_shrink_by_bicubic_interpolation(folder):
    (weights,) = write_logits(folder / "model.onnx", len(TAGS))
    noise = np.random.default_rng(1).integers(0, 256, (3 * SIZE, 3 * SIZE, 3), dtype=np.uint8)
    small = np.asarray(Image.fromarray(noise).resize((SIZE, SIZE), Image.Resampling.BICUBIC))
    planes = small[..., ::-1].transpose(2, 0, 1) / 127.5 - 1
    (tags,) = Tagger.load(folder).tag([Image.fromarray(noise)])
    assert list(tags.scores.values()) == pytest.approx(compute_by_hand(planes, weights), abs=1e-5)


def test_names_categories_and_thresholds(folder):
    tags = Tagger.load(folder).checkpoint.tags
    assert tags.names == (
        "general", "explicit", "1girl", "long_hair", "skadi_(arknights)", "arknights", "someone",
        "highres", "best_quality", "ai_model",
    )  # fmt: skip
    assert [tag.category for tag in tags] == [9, 9, 0, 0, 4, 3, 1, 5, 5, 5]
    assert tags.thresholds == [0.55, 0.55, 0.55, 0.55, 0.6, 0.6, 0.6, 0.55, 0.55, 0.55]


def test_a_list_with_categories_apart_says_the_same(folder):
    before = Tagger.load(folder).checkpoint.tags
    names = {number: entry["tag"] for number, entry in TAGS.items()}
    categories = {entry["tag"]: entry["category"] for entry in TAGS.values()}
    write_list(folder, {"idx_to_tag": names, "tag_to_category": categories})
    assert Tagger.load(folder).checkpoint.tags == before


def test_a_graph_of_another_name_is_taken_where_it_is_the_only_one(folder):
    (folder / "model.onnx").rename(folder / "model_optimized.onnx")
    assert Tagger.load(folder).checkpoint.file.name == "model_optimized.onnx"
    write_logits(folder / "model.onnx", len(TAGS))
    assert Tagger.load(folder).checkpoint.file.name == "model.onnx"


@pytest.mark.parametrize(("shape", "side"), [
    (("N", 3, SIZE, SIZE), SIZE),
    ((1, 3, 2 * SIZE, 2 * SIZE), 2 * SIZE),
    (("N", 3, "height", "width"), 448),
])  # fmt: skip
def test_the_size_is_the_graphs_or_the_usual_one(folder, shape, side):
    write_logits(folder / "model.onnx", len(TAGS), shape=shape)
    assert Tagger.load(folder).checkpoint.preprocess.size == side


def test_without_onnxruntime_the_extra_is_named(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtraError, match=r"needs onnxruntime: pip install 'zokusei\[export"):
        Tagger.load(folder)


def without(number):
    return {key: entry for key, entry in TAGS.items() if key != number}


@pytest.mark.parametrize(("spoil", "message"), [
    (lambda f: (f / "model.onnx").unlink(), r"needs one ONNX file; found: none"),
    (lambda f: ((f / "model.onnx").rename(f / "b.onnx"), (f / "a.onnx").touch()),
     r"needs one ONNX file; found: a\.onnx, b\.onnx"),
    (lambda f: write_list(f, without("4")),
     r"9 tags, but none of number 4, and one of '9'; number them from 0 without gaps"),
    (lambda f: write_list(f, {**without("9"), "last": TAGS["9"]}), r"none of number 9.* 'last'"),
    (lambda f: write_list(f, without("9")), r"none has one number for each of the 9 tags"),
    (lambda f: write_list(f, {**TAGS, "9": {"tag": "x", "category": "Species"}}),
     r"gives 'x' the category 'Species'; zokusei knows general, artist.*quality, model, year"),
    (lambda f: write_list(f, {**TAGS, "9": TAGS["2"]}), r"more than once: 1girl"),
    (lambda f: write_list(f, {**TAGS, "9": {"category": "Meta"}}), r"damaged or incomplete: 'tag'"),
    (lambda f: write_list(
        f, {"idx_to_tag": {"0": "a", "1": "b"}, "tag_to_category": {"a": "meta"}}),
     r"no category to 1 of its 2 tags, such as 'b'"),
    (lambda f: (f / "tag_mapping.json").write_text("{"), r"damaged or incomplete"),
    (lambda f: write_logits(f / "model.onnx", len(TAGS), shape=["N", SIZE, SIZE, 3]),
     r"takes \['N', 8, 8, 3\], not batch x 3 x size x size as CL's models do"),
    (lambda f: write_logits(f / "model.onnx", len(TAGS), shape=["N", 4, SIZE, SIZE]),
     r"takes \['N', 4, 8, 8\], not batch x 3 x size x size"),
    (lambda f: write_logits(f / "model.onnx", len(TAGS), shape=["N", 3, SIZE, 2 * SIZE]),
     r"not batch x 3 x size x size"),
    (lambda f: write_logits(f / "model.onnx", len(TAGS), shape=["N", 3 * SIZE * SIZE]),
     r"takes \['N', 192\], not batch x 3 x size x size"),
    (lambda f: write_logits(f / "model.onnx", len(TAGS), kind="FLOAT16"),
     r"takes tensor\(float16\), and its folder says tensor\(float\)"),
])  # fmt: skip
def test_what_does_not_fit_is_named(folder, spoil, message):
    spoil(folder)
    assert_refused(folder, message)
