"""Folders of other taggers, in miniatures of exactly their form."""

import json

import numpy as np
import onnx
import pytest
import timm
import torch
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from safetensors.torch import save_file

from zokusei.errors import CheckpointError
from zokusei.inference import Tagger

NAMES = ["general", "sensitive", "1girl", "^_^", "skadi_(arknights)"]
LIST = """tag_id,name,category,count
9999999,general,9,807858
9999998,sensitive,9,3771700
470575,1girl,0,4225150
11904,^_^,0,63990
1430374,skadi_(arknights),4,3000
"""
SIZE = 16


def write_graph(path, size=SIZE, shape=None):
    """What WD v3's files have: pictures of 0 to 255, blue first, in; probabilities out.

    Each tag looks at the mean of one colour: the weights are a row of blue, green and red a tag.
    """
    weights = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, -1], [0, -1, 0]], np.float32).T / 50
    nodes = [
        helper.make_node("ReduceMean", ["input", "axes"], ["mean"], keepdims=0),
        helper.make_node("MatMul", ["mean", "weights"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["output"]),
    ]
    graph = helper.make_graph(
        nodes,
        "wd",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, shape or ["N", size, size, 3])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["N", len(NAMES)])],
        [
            numpy_helper.from_array(np.array([1, 2]), "axes"),
            numpy_helper.from_array(weights, "weights"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return weights


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "selected_tags.csv").write_text(LIST)
    write_graph(tmp_path / "model.onnx")
    return tmp_path


def test_a_graph_is_fed_as_wd_v3_asks(folder):
    weights = write_graph(folder / "model.onnx")
    wide = Image.new("RGB", (40, 20), (250, 30, 90))  # padded with white to twice its height
    (tags,) = Tagger.load(folder).tag([wide])
    blue_green_red = (np.array([90, 30, 250]) + 255) / 2
    expected = 1 / (1 + np.exp(-blue_green_red @ weights))
    assert list(tags.scores) == NAMES
    assert list(tags.scores.values()) == pytest.approx(expected.tolist(), abs=1e-5)


def test_thresholds_are_those_of_the_list_or_the_clients(folder):
    tags = Tagger.load(folder).checkpoint.tags
    assert set(tags.thresholds) == {0.35}
    assert [tag.category for tag in tags] == [9, 9, 0, 0, 4]
    rows = LIST.splitlines()
    rows = [f"{rows[0]},best_threshold", *(f"{row},0.{i}" for i, row in enumerate(rows[1:], 2))]
    (folder / "selected_tags.csv").write_text("\n".join(rows) + "\n")
    assert Tagger.load(folder).checkpoint.tags.thresholds == [0.2, 0.3, 0.4, 0.5, 0.6]


def test_the_command_takes_it(zokusei, folder, tmp_path):
    picture = tmp_path / "red.png"
    Image.new("RGB", (8, 8), (255, 0, 0)).save(picture)
    code, out, err = zokusei("tag", picture, "--model", folder)
    assert code == 0
    assert "1girl (0.99)" in out
    assert f"model {folder.name}, 16 px, 5 tags, on cpu through onnxruntime" in err
    code, _, err = zokusei("explain", folder, picture)
    assert code == 2
    assert "gives tags and nothing else" in err


def write_timm(folder, network, **described):
    save_file(network.state_dict(), folder / "model.safetensors")
    config = {
        "architecture": "test_efficientnet", "num_classes": len(NAMES), "num_features": 256,
        "pretrained_cfg": {
            "input_size": [3, 64, 64], "interpolation": "bilinear",
            "mean": [0.5, 0.4, 0.3], "std": [0.2, 0.3, 0.4], "num_classes": len(NAMES), **described,
        },
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))


def test_weights_of_timm_are_fed_as_their_config_says(tmp_path):
    torch.manual_seed(0)
    network = timm.create_model("test_efficientnet", num_classes=len(NAMES)).eval()
    (tmp_path / "selected_tags.csv").write_text(LIST)
    write_timm(tmp_path, network)
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    (tags,) = Tagger.load(tmp_path, device="cpu").tag([Image.fromarray(pixels)])
    planes = []
    for channel, mean, std in zip((0, 1, 2), (0.5, 0.4, 0.3), (0.2, 0.3, 0.4), strict=True):
        planes.append((pixels[:, :, channel] / 255 - mean) / std)
    given = torch.tensor(np.stack(planes[::-1]), dtype=torch.float32)[None]
    with torch.inference_mode():
        expected = torch.sigmoid(network(given))[0].tolist()
        pooled = network.forward_features(given).mean((2, 3))[0].tolist()
    assert list(tags.scores.values()) == pytest.approx(expected, abs=1e-5)
    tagger = Tagger.load(tmp_path, device="cpu")
    (tags,) = tagger.tag([Image.fromarray(pixels)], embedding=True)
    assert list(tags.scores.values()) == pytest.approx(expected, abs=1e-5)
    assert tags.embedding == pytest.approx(pooled, abs=1e-4)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: (f / "model.onnx").unlink(), r"no model: neither model\.onnx"),
        (lambda f: (f / "preprocess.json").write_text("{}"), r"preprocess\.json that is not"),
        (lambda f: (f / "selected_tags.csv").write_text("name\na\n"), r"no column 'category'"),
        (lambda f: (f / "model.onnx").write_bytes(b"no graph"), r"cannot be loaded"),
        (lambda f: write_graph(f / "model.onnx", shape=["N", 16, 12, 3]), r"not batch x size"),
        (lambda f: (f / "config.json").write_text('{"pretrained_cfg": {"input_size": [3, 8, 8]}}'),
         r"takes \['N', 16, 16, 3\], and its folder says batch x 8 x 8 x 3"),
        (lambda f: (f / "selected_tags.csv").write_text(LIST.rsplit("\n", 2)[0] + "\n"),
         r"none has one number for each of the 4 tags"),
        (lambda f: (f / "config.json").write_text("{"), r"damaged or incomplete"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(folder, spoil, message):
    spoil(folder)
    with pytest.raises(CheckpointError, match=message):
        Tagger.load(folder)


def test_weights_of_another_network_are_refused(tmp_path):
    (tmp_path / "selected_tags.csv").write_text(LIST)
    write_timm(tmp_path, timm.create_model("test_resnet", num_classes=len(NAMES)))
    with pytest.raises(CheckpointError, match="of another model"):
        Tagger.load(tmp_path, device="cpu")


@pytest.mark.parametrize("config", [
    {"architecture": "test_efficientnet"},
    {"architecture": "test_efficientnet", "pretrained_cfg": {"mean": [0.5, 0.5, 0.5]}},
])  # fmt: skip
def test_weights_without_the_size_of_their_pictures_say_which_key_is_missing(tmp_path, config):
    (tmp_path / "selected_tags.csv").write_text(LIST)
    write_timm(tmp_path, timm.create_model("test_efficientnet", num_classes=len(NAMES)))
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match=r"pretrained_cfg lacks input_size; add what"):
        Tagger.load(tmp_path, device="cpu")
