"""Folders of Camie taggers, in miniature."""

import json

import numpy as np
import pytest
from PIL import Image

from tagger_graphs import SIZE, assert_refused, centre, compute_by_hand, make_wide, write_logits
from zokusei.errors import CheckpointError
from zokusei.inference import Tagger

CATEGORIES = {
    "year_2024": "year", "rating_general": "rating", "rating_explicit": "rating",
    "1girl": "general", "skadi_(arknights)": "character", "arknights": "copyright",
    "someone": "artist", "highres": "meta",
}  # fmt: skip
NUMBERED = {str(number): name for number, name in enumerate(CATEGORIES)}
FIRST = {"idx_to_tag": NUMBERED, "tag_to_category": CATEGORIES}
SECOND = {"dataset_info": {"tag_mapping": FIRST}, "model_info": {"img_size": 24}}
THRESHOLDS = {
    "overall": {"balanced": {"threshold": 0.3, "micro_f1": 58.1}, "high_precision": 0.9},
    "general": {"high_recall": {"threshold": 0.1}, "balanced": {"threshold": 0.25}},
    "character": {"balanced": 0.45, "macro_opt": {"threshold": 0.2}},
    "artist": {"micro_opt": {"threshold": 0.8}, "macro_opt": {"threshold": 0.35}},
}


def write_folder(folder, described, name="model_initial_metadata.json", **graph):
    (folder / name).write_text(json.dumps(described))
    return write_logits(folder / "model_initial.onnx", len(CATEGORIES), **graph)


@pytest.fixture
def folder(tmp_path):
    write_folder(tmp_path, FIRST)
    return tmp_path


def check(folder, planes, weights, image):
    (tags,) = Tagger.load(folder).tag([image])
    assert list(tags.scores.values()) == pytest.approx(compute_by_hand(planes, weights), abs=1e-5)


def test_the_first_model_takes_pictures_red_first_on_black_from_0_to_1(tmp_path):
    (weights,) = write_folder(tmp_path, FIRST)
    pixels = make_wide()
    planes = centre(pixels, 0).transpose(2, 0, 1) / 255
    check(tmp_path, planes, weights, Image.fromarray(pixels))


def test_the_second_model_takes_them_on_imagenets_mean_and_normalised(tmp_path):
    _, weights = write_folder(
        tmp_path, SECOND, "camie-tagger-v2-metadata.json",
        outputs=("initial_predictions", "refined_predictions"),
    )  # fmt: skip
    pixels = make_wide()
    normal = (centre(pixels, (124, 116, 104)) / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    check(tmp_path, normal.transpose(2, 0, 1), weights, Image.fromarray(pixels))


def test_pictures_shrink_by_lanczos_interpolation(tmp_path):
    (weights,) = write_folder(tmp_path, FIRST)
    noise = np.random.default_rng(1).integers(0, 256, (3 * SIZE, 3 * SIZE, 3), dtype=np.uint8)
    small = np.asarray(Image.fromarray(noise).resize((SIZE, SIZE), Image.Resampling.LANCZOS))
    check(tmp_path, small.transpose(2, 0, 1) / 255, weights, Image.fromarray(noise))


def test_the_shorter_side_is_rounded_down(tmp_path):
    (weights,) = write_folder(tmp_path, FIRST)
    noise = np.random.default_rng(1).integers(0, 256, (23, 32, 3), dtype=np.uint8)
    # 23 / 4 is 5.75: five rows, of which one more is left below than above.
    square = np.zeros((SIZE, SIZE, 3))
    square[1:6] = Image.fromarray(noise).resize((SIZE, 5), Image.Resampling.LANCZOS)
    check(tmp_path, square.transpose(2, 0, 1) / 255, weights, Image.fromarray(noise))


@pytest.mark.parametrize(("outputs", "counts", "taken"), [
    (("refined", "first"), [8, 8], 0),
    (("initial", "last"), [8, 8], 1),
    (("candidates", "scores"), [3, 8], 1),
    (("scores", "candidates"), [8, 3], 0),
])  # fmt: skip
def test_the_refined_of_two_results_is_taken(tmp_path, outputs, counts, taken):
    write_folder(tmp_path, FIRST)
    weights = write_logits(tmp_path / "model_initial.onnx", counts, outputs=outputs)[taken]
    pixels = make_wide()
    planes = centre(pixels, 0).transpose(2, 0, 1) / 255
    check(tmp_path, planes, weights, Image.fromarray(pixels))


def test_names_and_categories(folder):
    tags = Tagger.load(folder).checkpoint.tags
    assert tags.names == (
        "year_2024", "general", "explicit", "1girl", "skadi_(arknights)", "arknights", "someone",
        "highres",
    )  # fmt: skip
    assert [tag.category for tag in tags] == [5, 9, 9, 0, 4, 3, 1, 5]
    assert set(tags.thresholds) == {0.492}


@pytest.mark.parametrize("written", [
    THRESHOLDS,
    {"overall": THRESHOLDS["overall"], "categories": THRESHOLDS},
])  # fmt: skip
def test_thresholds_are_the_balanced_ones_of_the_category_or_of_all(folder, written):
    (folder / "threshold.json").write_text(json.dumps(written))
    assert Tagger.load(folder).checkpoint.tags.thresholds == [
        0.3, 0.3, 0.3, 0.25, 0.45, 0.3, 0.35, 0.3,
    ]  # fmt: skip


def test_the_size_is_the_graphs_and_the_lists_where_that_leaves_it_open(tmp_path):
    write_folder(tmp_path, SECOND)
    assert Tagger.load(tmp_path).checkpoint.preprocess.size == SIZE
    write_folder(tmp_path, SECOND, shape=("N", 3, "height", "width"))
    assert Tagger.load(tmp_path).checkpoint.preprocess.size == 24
    write_folder(tmp_path, FIRST, shape=("N", 3, "height", "width"))
    assert Tagger.load(tmp_path).checkpoint.preprocess.size == 512


def write_thresholds(folder, thresholds):
    (folder / "threshold.json").write_text(json.dumps(thresholds))


@pytest.mark.parametrize(("spoil", "message"), [
    (lambda f: (f / "model_initial.onnx").unlink(), r"and needs one ONNX file; found: none"),
    (lambda f: (f / "other.onnx").touch(), r"found: model_initial\.onnx, other\.onnx"),
    (lambda f: (f / "b-metadata.json").write_text(json.dumps(FIRST)),
     r"has the lists b-metadata\.json, model_initial_metadata\.json; leave the one"),
    (lambda f: write_folder(f, {**FIRST, "idx_to_tag": {"0": "1girl", "2": "highres"}}),
     r"2 tags, but none of number 1, and one of '2'"),
    (lambda f: write_folder(f, {**FIRST, "tag_to_category": {"1girl": "general"}}),
     r"no category to 7 of its 8 tags, such as 'year_2024'"),
    (lambda f: write_folder(f, {**FIRST, "idx_to_tag": {"0": "1girl"}}),
     r"none has one number for each of the 1 tags"),
    (lambda f: write_folder(f, {"idx_to_tag": NUMBERED}), r"incomplete: 'tag_to_category'"),
    (lambda f: write_thresholds(f, {"general": {"balanced": 0.3}}),
     r"has no thresholds of '\w+', and none of 'overall' in their place; it has: general"),
    (lambda f: write_thresholds(f, {"overall": {"high_recall": 0.1}}),
     r"for 'overall' the modes high_recall; add one of balanced, macro_optimized, macro_opt"),
    (lambda f: write_thresholds(f, {"overall": {"balanced": "high"}}),
     r"threshold\.json, overall, balanced: a threshold is a number between 0 and 1, not 'high'"),
    (lambda f: write_thresholds(f, {"overall": {"balanced": {"threshold": 61.4}}}), r"not 61\.4"),
    (lambda f: write_folder(f, FIRST, shape=["N", SIZE, SIZE, 3]),
     r"not batch x 3 x size x size as Camie's models do"),
])  # fmt: skip
def test_what_does_not_fit_is_named(folder, spoil, message):
    spoil(folder)
    assert_refused(folder, message)


def test_a_metadata_file_of_another_program_makes_no_tagger(tmp_path):
    (tmp_path / "metadata.json").write_text('{"pictures": 12}')
    write_logits(tmp_path / "model.onnx", 3)
    with pytest.raises(CheckpointError, match=r"holds no trained model.*Camie's \.\.\.metadata"):
        Tagger.load(tmp_path)


def test_imgutils_folder_of_the_first_model_is_fed_by_its_steps(tmp_path):
    rows = "".join(
        f"{number},{number},{name.removeprefix('rating_')},{category},7\n"
        for number, (name, category) in enumerate(
            zip(CATEGORIES, [10, 9, 9, 0, 4, 3, 1, 5], strict=True)
        )
    )
    (tmp_path / "selected_tags.csv").write_text(f"id,tag_id,name,category,count\n{rows}")
    (tmp_path / "threshold.json").write_text(json.dumps(THRESHOLDS))
    square = {"type": "pad_to_size", "size": [SIZE, SIZE], "interpolation": "lanczos"}
    steps = [{**square, "background_color": [0, 0, 0]}, {"type": "to_tensor"}]
    (tmp_path / "preprocess.json").write_text(json.dumps({"stages": steps}))
    # In place of the sigmoid its graph ends with: the numbers themselves are compared.
    _, weights = write_logits(tmp_path / "model.onnx", 8, outputs=("initial/output", "output"))
    pixels = make_wide()
    planes = centre(pixels, 0).transpose(2, 0, 1) / 255
    (tags,) = Tagger.load(tmp_path).tag([Image.fromarray(pixels)])
    expected = planes.reshape(-1) @ weights
    assert list(tags.scores.values()) == pytest.approx(expected.tolist(), abs=1e-5)
    known = Tagger.load(tmp_path).checkpoint.tags
    assert known.names[:3] == ("year_2024", "general", "explicit")
    assert [tag.category for tag in known] == [5, 9, 9, 0, 4, 3, 1, 5]
    assert known.thresholds == [0.3, 0.3, 0.3, 0.25, 0.45, 0.3, 0.35, 0.3]
