"""Published files become weights, and damaged ones become one line."""

from contextlib import suppress

import numpy as np
import pytest
import torch
from exports import make_onnx, make_tflite, random_weights
from safetensors import safe_open
from safetensors.torch import save_file

from zokusei.errors import ModelError
from zokusei.stylize.generator import WhiteBoxGenerator
from zokusei.stylize.weights import import_weights, load_generator, save_generator


@pytest.fixture(scope="module")
def weights():
    return random_weights()


@pytest.fixture(scope="module")
def tflite(weights):
    return make_tflite(weights)


def imported(tmp_path, content, suffix):
    source, target = tmp_path / f"export{suffix}", tmp_path / "deep" / "weights.safetensors"
    source.write_bytes(content)
    import_weights(source, target)
    return load_generator(target)


def refused(tmp_path, content, suffix=".tflite"):
    with pytest.raises(ModelError) as caught:
        imported(tmp_path, content, suffix)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "deep").exists()
    return str(caught.value)


@pytest.mark.parametrize(
    ("kind", "tolerance"), [("float32", 0), ("float16", 2**-10), ("int8", 1 / 200)]
)
def test_every_kind_of_tflite(tmp_path, weights, kind, tolerance):
    state = imported(tmp_path, make_tflite(weights, kind), ".tflite").state_dict()
    assert len(state) == 2 * len(weights)
    for name, (weight, bias) in weights.items():
        for kind_of, wanted in (("weight", weight), ("bias", bias)):
            found = state[f"{name}.{kind_of}"].numpy()
            largest = np.abs(wanted).max()
            np.testing.assert_allclose(found, wanted, rtol=0, atol=tolerance * largest)


@pytest.mark.parametrize("bias_added", [True, False])
def test_onnx(tmp_path, weights, bias_added):
    content = make_onnx(weights, bias_added=bias_added)
    state = imported(tmp_path, content, ".onnx").state_dict()
    for name, (weight, bias) in weights.items():
        np.testing.assert_array_equal(state[f"{name}.weight"].numpy(), weight)
        np.testing.assert_array_equal(state[f"{name}.bias"].numpy(), bias)


def test_the_licence_goes_with_the_weights(tmp_path, tflite):
    imported(tmp_path, tflite, ".tflite")
    with safe_open(tmp_path / "deep" / "weights.safetensors", framework="pt") as file:
        assert "CC BY-NC-SA" in file.metadata()["licence"]
        assert len(file.metadata()["sha256"]) == 64


def test_another_architecture_is_named_with_tensor_and_shapes(tmp_path, weights):
    wide = {**weights, "conv2": [np.zeros((96, 64, 3, 3), np.float32), np.zeros(96, np.float32)]}
    message = refused(tmp_path, make_tflite(wide))
    assert "conv2.weight (conv2) has shape (96, 64, 3, 3)" in message
    assert "needs (128, 64, 3, 3)" in message
    assert "96" in refused(tmp_path, make_onnx(wide), ".onnx")


def test_a_missing_or_additional_layer(tmp_path, weights):
    fewer = dict(list(weights.items())[:-1])
    assert "17 convolutions" in refused(tmp_path, make_tflite(fewer))
    more = {**weights, "more": weights["last"]}
    assert "19 convolutions" in refused(tmp_path, make_tflite(more))


def test_values_that_are_no_numbers(tmp_path, weights):
    bad = {**weights, "up1": [weights["up1"][0] * np.nan, weights["up1"][1]]}
    assert "up1.weight" in refused(tmp_path, make_tflite(bad))


def test_a_scale_too_large_for_its_bytes(tmp_path, weights):
    content = make_tflite(weights, "int8")
    scale = (np.abs(weights["up1"][0]).max((1, 2, 3)) / 127).astype(np.float32).tobytes()
    assert content.count(scale) == 1
    large = np.full(len(scale) // 4, 3e38, np.float32).tobytes()
    assert "up1.weight" in refused(tmp_path, content.replace(scale, large))


@pytest.mark.parametrize("name", ["export.tflite", "weights", "weights.pt"])
def test_weights_are_not_written_over_what_they_come_from(tmp_path, tflite, name):
    source, target = tmp_path / "export.tflite", tmp_path / name
    source.write_bytes(tflite)
    with pytest.raises(ModelError, match=r"written as \.safetensors"):
        import_weights(source, target)
    assert source.read_bytes() == tflite
    assert [path.name for path in tmp_path.iterdir()] == ["export.tflite"]


def test_trained_weights_are_not_written_over(tmp_path, tflite):
    source, target = tmp_path / "w.tflite", tmp_path / "mine.safetensors"
    source.write_bytes(tflite)
    save_generator(target, WhiteBoxGenerator(width=4, blocks=1), name="mine")
    before = target.read_bytes()
    with pytest.raises(ModelError, match="not overwritten"):
        import_weights(source, target)
    assert target.read_bytes() == before
    target.unlink()
    for _ in range(2):  # what was imported may be imported again
        import_weights(source, target)


@pytest.mark.parametrize("share", [0, 1e-6, 1e-4, 0.001, 0.5, 0.99])
def test_a_cut_off_tflite(tmp_path, tflite, share):
    refused(tmp_path, tflite[: int(len(tflite) * share)])


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_tflite_is_read_or_refused_and_nothing_else(tmp_path, tflite, seed):
    rng = np.random.default_rng(seed)
    damaged = bytearray(tflite)
    # The structure is at both ends; the weights between them may be anything.
    for position in [
        *rng.integers(8, 2000, 12),
        *rng.integers(len(tflite) - 4000, len(tflite), 12),
    ]:
        damaged[position] = rng.integers(256)
    with suppress(ModelError):
        imported(tmp_path, bytes(damaged), ".tflite")


def test_other_files(tmp_path):
    assert "no TFLite file" in refused(tmp_path, b"PK\x03\x04 a zip and no flatbuffer")
    assert "cannot be read as ONNX" in refused(tmp_path, b"\xff" * 100, ".onnx")
    assert "no ONNX graph" in refused(tmp_path, b"", ".onnx")
    assert ".tflite or .onnx" in refused(tmp_path, b"", ".pth")
    with pytest.raises(ModelError, match="check the path"):
        import_weights(tmp_path / "gone.tflite", tmp_path / "w.safetensors")


def test_weights_that_do_not_load(tmp_path, tflite):
    path = tmp_path / "deep" / "weights.safetensors"
    state = imported(tmp_path, tflite, ".tflite").state_dict()
    with pytest.raises(ModelError, match="--import-weights"):
        load_generator(tmp_path / "gone.safetensors")
    save_file({**state, "stem.weight": torch.zeros(16, 3, 7, 7)}, path)
    with pytest.raises(ModelError, match=r"stem.weight .*\(16, 3, 7, 7\).*\(32, 3, 7, 7\)"):
        load_generator(path)
    save_file({**state, "more": torch.zeros(1)}, path)
    with pytest.raises(ModelError, match="'more' too many"):
        load_generator(path)
    save_file({name: tensor for name, tensor in state.items() if name != "up2.bias"}, path)
    with pytest.raises(ModelError, match=r"lacks the tensor 'up2\.bias'"):
        load_generator(path)
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(ModelError, match="import them again"):
        load_generator(path)
