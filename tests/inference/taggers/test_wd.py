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

from zokusei.errors import CheckpointError, ImageError
from zokusei.inference import Tagger
from zokusei.inference.steps import Resize

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
    pictures = [Image.fromarray(np.roll(pixels, shift, 0)) for shift in range(7)]
    alone = [next(tagger.tag([picture], embedding=True)) for picture in pictures]
    assert list(tagger.tag(pictures, embedding=True)) == alone


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


IMGUTILS = {"test": [
    {"type": "pad_to_size", "size": [48, 48], "interpolation": "bilinear",
     "background_color": "white"},
    {"type": "resize", "size": 36, "interpolation": "bicubic", "max_size": None, "antialias": True},
    {"type": "center_crop", "size": [32, 32]},
    {"type": "maybe_to_tensor"},
    {"type": "normalize", "mean": [0.5, 0.4, 0.3], "std": [0.2, 0.3, 0.4]},
], "val": []}  # fmt: skip


def fit_like_imgutils(image):
    """The steps above by hand: batch x 3 x 32 x 32, red first."""
    scale = 48 / max(image.size)
    inner = image.resize([round(side * scale) for side in image.size], Image.Resampling.BILINEAR)
    square = Image.new("RGB", (48, 48), "white")
    square.paste(inner, ((48 - inner.width) // 2, (48 - inner.height) // 2))
    cut = square.resize((36, 36), Image.Resampling.BICUBIC).crop((2, 2, 34, 34))
    array = (np.asarray(cut) / 255 - [0.5, 0.4, 0.3]) / [0.2, 0.3, 0.4]
    return torch.tensor(array.transpose(2, 0, 1)[None], dtype=torch.float32)


def write_imgutils(folder, network):
    (folder / "selected_tags.csv").write_text(LIST)
    (folder / "preprocess.json").write_text(json.dumps(IMGUTILS))
    (folder / "thresholds.csv").write_text("category,threshold\n0,0.3\n4,0.6\n4,0.9\n")

    class Published(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.network = network

        def forward(self, images):
            features = self.network.forward_features(images)
            logits = self.network.forward_head(features)
            return features.mean((2, 3)), logits, logits.sigmoid()

    program = torch.onnx.export(
        Published().eval(), (torch.zeros(2, 3, 32, 32),), dynamo=True, verbose=False,
        input_names=["input"], output_names=["embedding", "logits", "prediction"],
        dynamic_shapes=({0: torch.export.Dim("batch", min=1, max=64)},),
    )  # fmt: skip
    program.save(folder / "model.onnx", external_data=False)


@pytest.fixture
def noise():
    pixels = np.random.default_rng(0).integers(0, 256, (70, 90, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


@pytest.mark.filterwarnings("ignore")  # of the exporter about itself
def test_a_folder_of_imgutils_is_fed_by_its_own_steps(tmp_path, noise):
    torch.manual_seed(0)
    network = timm.create_model("test_efficientnet", num_classes=len(NAMES)).eval()
    write_imgutils(tmp_path, network)
    tagger = Tagger.load(tmp_path, device="cpu")
    with torch.inference_mode():
        expected = torch.sigmoid(network(fit_like_imgutils(noise)))[0].tolist()
    (tags,) = tagger.tag([noise])
    assert list(tags.scores.values()) == pytest.approx(expected, abs=1e-5)
    assert tagger.checkpoint.tags.thresholds == [0.4, 0.4, 0.3, 0.3, 0.6]
    # Categories have the numbers that Danbooru gives to what they are called.
    named = [{"category": 4, "name": "Copyright"}, {"category": 0, "name": "species"}]
    (tmp_path / "categories.json").write_text(json.dumps(named))
    kinds = [tag.category for tag in tagger.checkpoint.tags]
    assert {0, 4} < set(kinds)
    loaded = Tagger.load(tmp_path, device="cpu").checkpoint.tags
    assert [tag.category for tag in loaded] == [{4: 3}.get(kind, kind) for kind in kinds]
    assert loaded.thresholds == [0.4, 0.4, 0.3, 0.3, 0.6]
    # The weights alone, as timm has them, are fed the same.
    (tmp_path / "model.onnx").unlink()
    write_timm(tmp_path, network)
    (tags,) = Tagger.load(tmp_path, device="cpu").tag([noise])
    assert list(tags.scores.values()) == pytest.approx(expected, abs=1e-5)


def test_a_strip_that_resizing_would_blow_up_is_named():
    resize = Resize(16, "bilinear")
    assert resize(Image.new("RGB", (2, 20))).size == (16, 160)
    with pytest.raises(ImageError, match=r"so narrow \(1 x 1000000\).*16 x 16000000 pixels"):
        resize(Image.new("RGB", (1, 1_000_000)))


@pytest.mark.parametrize(("step", "message"), [
    ({"type": "rescale", "factor": 2}, r"has the step 'rescale'.*knows pad_to_size"),
    ({"type": "normalize", "mean": [0, 0, 0], "std": [1, 1, 1]}, r"has the step 'normalize' in a"),
    ({"type": "resize", "size": 36}, r"makes no squares of one size"),
    ({"type": "resize", "size": 36, "max_size": 50}, r"with max_size"),
    ({"type": "pad_to_size", "size": 8, "interpolation": "cubic"}, r"'cubic' is not known, but ne"),
])  # fmt: skip
def test_steps_that_are_not_known_are_named(folder, step, message):
    (folder / "preprocess.json").write_text(json.dumps({"test": [step]}))
    with pytest.raises(CheckpointError, match=message):
        Tagger.load(folder)


def write_project(folder):
    """What DeepDanbooru's commands write, and tf2onnx makes of it."""
    project = {"image_width": SIZE, "image_height": SIZE, "model": "resnet_custom_v2"}
    (folder / "project.json").write_text(json.dumps(project))
    tags = ["1girl", "^_^", "skadi_(arknights)", "rating:general", "rating:explicit"]
    (folder / "tags.txt").write_text("".join(f"{tag}\n" for tag in tags))
    starts = {"General": 0, "Character": 2, "System": 3}
    categories = [{"name": name, "start_index": start} for name, start in starts.items()]
    (folder / "categories.json").write_text(json.dumps(categories))
    return write_graph(folder / "model-resnet_custom_v2.onnx")


def test_a_project_of_deepdanbooru_is_fed_as_its_command_does(zokusei, tmp_path):
    weights = write_project(tmp_path)
    tagger = Tagger.load(tmp_path, device="cpu")
    tags = tagger.checkpoint.tags
    assert tags.names == ("1girl", "^_^", "skadi_(arknights)", "general", "explicit")
    assert [tag.category for tag in tags] == [0, 0, 4, 9, 9]
    assert set(tags.thresholds) == {0.5}
    # Twice as high as the square, and its sides: margins repeat the columns at the edge.
    tall = Image.new("RGB", (2, 4), (250, 30, 90))
    tall.paste((0, 200, 0), (0, 0, 1, 4))
    square = np.full((SIZE, SIZE, 3), (250, 30, 90), np.float64)
    square[:, : SIZE // 2] = (0, 200, 0)
    expected = 1 / (1 + np.exp(-(square.mean((0, 1)) / 255) @ weights))
    (found,) = tagger.tag([tall])
    assert list(found.scores.values()) == pytest.approx(expected.tolist(), abs=1e-5)
    tall.save(tmp_path / "tall.png")
    code, out, _ = zokusei("tag", tmp_path / "tall.png", "--model", tmp_path)
    assert code == 0
    assert "1girl (0.50)" in out


@pytest.mark.parametrize(("spoil", "message"), [
    (lambda f: (f / "model-resnet_custom_v2.onnx").unlink(), r"found: none\. Convert the \.h5"),
    (lambda f: (f / "b.onnx").touch(), r"found: b\.onnx, model-resnet"),
    (lambda f: (f / "project.json").write_text('{"image_width": 8, "image_height": 9}'),
     r"8 x 9, and zokusei makes squares"),
    (lambda f: (f / "project.json").write_text("{}"), r"damaged or incomplete: 'image_width'"),
])  # fmt: skip
def test_what_a_project_lacks_is_named(tmp_path, spoil, message):
    write_project(tmp_path)
    spoil(tmp_path)
    with pytest.raises(CheckpointError, match=message):
        Tagger.load(tmp_path)
