"""Folders of RAM, in miniature."""

import numpy as np
import pytest
from PIL import Image
from torchvision import transforms

from tagger_graphs import SIZE, assert_refused, compute_by_hand, make_wide, write_logits
from zokusei.inference import Tagger

NAMES = ["3D CG rendering", "air conditioner", "smile", "t-shirt"]


def write_lists(folder, names=NAMES, thresholds=("0.65", "0.71", "0.5", "0.8")):
    (folder / "ram_tag_list.txt").write_text("".join(f"{name}\n" for name in names))
    (folder / "ram_tag_list_threshold.txt").write_text("\n".join(thresholds))


@pytest.fixture
def folder(tmp_path):
    write_lists(tmp_path)
    write_logits(tmp_path / "ram.onnx", len(NAMES))
    return tmp_path


@pytest.mark.parametrize("size", [(SIZE, SIZE), (SIZE, SIZE // 2), (50, 31)])
def test_pictures_are_squashed_and_normalised_as_rams_transform_does(folder, size):
    (weights,) = write_logits(folder / "ram.onnx", len(NAMES))
    transform = transforms.Compose([
        transforms.Resize((SIZE, SIZE)),
        transforms.ToTensor(),
        transforms.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225]),
    ])  # fmt: skip
    random = np.random.default_rng(3)
    image = Image.fromarray(random.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8))
    expected = compute_by_hand(transform(image).numpy(), weights)
    (tags,) = Tagger.load(folder).tag([image])
    assert list(tags.scores.values()) == pytest.approx(expected, abs=1e-5)


def test_red_is_first_and_numbers_are_normalised(folder):
    (weights,) = write_logits(folder / "ram.onnx", len(NAMES))
    pixels = np.concatenate([make_wide(), make_wide(1)])
    normal = (pixels / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    (tags,) = Tagger.load(folder).tag([Image.fromarray(pixels)])
    expected = compute_by_hand(normal.transpose(2, 0, 1), weights)
    assert list(tags.scores.values()) == pytest.approx(expected, abs=1e-5)


def test_names_and_thresholds_are_those_of_the_lists(folder):
    tags = Tagger.load(folder).checkpoint.tags
    assert tags.names == ("3D_CG_rendering", "air_conditioner", "smile", "t-shirt")
    assert tags.thresholds == [0.65, 0.71, 0.5, 0.8]


def test_captions_spell_tags_as_the_list_does(zokusei, folder, tmp_path):
    write_lists(folder, thresholds=["0"] * 4)
    Image.fromarray(make_wide()).save(tmp_path / "a.png")
    code, _, _ = zokusei("tag", tmp_path / "a.png", "--model", folder, "--write", "kohya")
    assert code == 0
    written = (tmp_path / "a.txt").read_text().strip().split(", ")
    assert sorted(written) == NAMES


def test_a_graph_that_leaves_its_size_open_gets_the_usual_one(folder):
    write_logits(folder / "ram.onnx", len(NAMES), shape=("N", 3, "height", "width"))
    assert Tagger.load(folder).checkpoint.preprocess.size == 384


@pytest.mark.parametrize(("spoil", "message"), [
    (lambda f: (f / "ram.onnx").unlink(), r"needs one ONNX file; found: none"),
    (lambda f: (f / "ram_quant.onnx").touch(), r"found: ram\.onnx, ram_quant\.onnx"),
    (lambda f: (f / "ram_tag_list_threshold.txt").unlink(),
     r"has a ram_tag_list\.txt and no ram_tag_list_threshold\.txt; put it beside it"),
    (lambda f: write_lists(f, thresholds=["0.5"] * 3),
     r"has 3 lines, and ram_tag_list\.txt 4; write one threshold for each tag"),
    (lambda f: write_lists(f, thresholds=["0.5", "0.5", "half", "0.5"]),
     r"line 3: a threshold is a number between 0 and 1, not 'half'"),
    (lambda f: write_lists(f, thresholds=["nan"] * 4), r"line 1: .* not 'nan'"),
    (lambda f: write_lists(f, names=["a b", "c", "a_b", "d"]), r"more than once: a_b"),
    (lambda f: write_lists(f, names=["a", "", "b", "c"]), r"a tag has an empty name"),
    (lambda f: write_logits(f / "ram.onnx", 5), r"none has one number for each of the 4 tags"),
    (lambda f: write_logits(f / "ram.onnx", 4, outputs=("targets",)),
     r"gives 'targets', which is 0 or 1 in the graphs that have it; export what is before"),
    (lambda f: write_logits(f / "ram.onnx", 4, shape=["N", SIZE, SIZE, 3]),
     r"not batch x 3 x size x size as RAM's models do"),
])  # fmt: skip
def test_what_does_not_fit_is_named(folder, spoil, message):
    spoil(folder)
    assert_refused(folder, message)
