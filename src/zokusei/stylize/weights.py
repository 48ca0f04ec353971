"""The published White-box weights: read from a user's copy, kept as safetensors.

They are Wang and Yu's, under CC BY-NC-SA 4.0 (no commercial use), so this package carries none.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import torch
from platformdirs import user_data_path
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor

from zokusei.errors import ModelError, suggest
from zokusei.files import write_whole
from zokusei.stylize.generator import WhiteBoxGenerator

LICENCE = "CC BY-NC-SA 4.0, Wang and Yu 2020: no commercial use"

Convolution: TypeAlias = tuple[str, Tensor, Tensor]
"""Name in the file, weight (out, in, rows, columns) and bias, all in float32."""


def default_weights_path() -> Path:
    """Say where weights are kept when nobody names a place: the user's data folder."""
    return user_data_path("zokusei") / "white-box.safetensors"


def import_weights(source: Path, target: Path) -> None:
    """Turn a published file into weights that `load_generator` reads.

    Args:
        source: the generator as `.tflite` (float32, float16 or dynamic range) or `.onnx`.
        target: the `.safetensors` to write, whole or not at all.

    Raises:
        ModelError: the file is missing, damaged, or of another architecture, or the target is named
            as something else.
        MissingExtraError: what reads its format is not installed.
    """
    # Imported here: each needs a package that tagging can do without.
    from zokusei.stylize.onnx_file import read_onnx
    from zokusei.stylize.tflite_file import read_tflite

    readers: dict[str, Callable[[bytes, str], list[Convolution]]] = {
        ".tflite": read_tflite,
        ".onnx": read_onnx,
    }
    reader = readers.get(source.suffix.lower())
    if reader is None:
        raise ModelError(
            f"weights are imported from .tflite or .onnx, not from {source.name!r}; the README of "
            "the White-box project names places to get them"
        )
    if (
        target.suffix.lower() != ".safetensors"
    ):  # perhaps the published file, which it would replace
        raise ModelError(
            f"weights are written as .safetensors, not into {target}; give another name"
        )
    if target.exists() and not _is_imported(target):
        raise ModelError(
            f"{target} holds weights that were not imported, and is not overwritten; give another "
            "name"
        )
    try:
        content = source.read_bytes()
    except OSError as error:
        raise ModelError(f"{source} cannot be opened: {error.strerror}; check the path") from error
    generator = WhiteBoxGenerator()
    generator.load_state_dict(_name_in_order(reader(content, str(source)), source))
    sha256 = hashlib.sha256(content).hexdigest()
    save_generator(target, generator, licence=LICENCE, source=source.name, sha256=sha256)


def _is_imported(path: Path) -> bool:
    """Say whether a file was written by `import_weights`, which names what it was made of."""
    try:
        with safe_open(path, framework="pt") as file:
            return "sha256" in (file.metadata() or {})
    except (OSError, SafetensorError):
        return False


def save_generator(path: Path, generator: WhiteBoxGenerator, **about: str) -> None:
    """Write a generator's weights with what is to be known of them, whole or not at all."""
    size = {"width": str(generator.width), "blocks": str(len(generator.blocks))}
    # Clones in one layout: safetensors keeps neither shared memory nor channels-last.
    state = {name: t.detach().cpu().clone(memory_format=torch.contiguous_format)
             for name, t in generator.state_dict().items()}  # fmt: skip
    with write_whole(path) as temporary:
        temporary.write_bytes(save(state, metadata={**size, **about}))


def load_generator(path: Path) -> WhiteBoxGenerator:
    """Build the generator with imported or trained weights, ready for use.

    Raises:
        ModelError: the file is missing, damaged, or of another architecture.
    """
    if not path.exists():
        raise ModelError(
            f"{path} does not exist; import the published weights with "
            "`zokusei cartoonize --import-weights FILE.tflite`, or use --method plain"
        )
    try:
        given = load_file(path)
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
        size = {name: int(metadata[name]) for name in ("width", "blocks") if name in metadata}
    except (OSError, SafetensorError, ValueError) as error:
        raise ModelError(f"{path} cannot be read as weights: {error}; import them again") from error
    generator = WhiteBoxGenerator(**size)
    expected = generator.state_dict()
    for name, tensor in expected.items():
        if name not in given:
            raise ModelError(f"{path} lacks the tensor {name!r}: it is of another model")
        _check_shape(name, given[name], tensor, path)
    for name in given:
        if name not in expected:
            raise ModelError(f"{path} has a tensor {name!r} too many{suggest(name, expected)}")
    generator.load_state_dict(given)
    return generator.eval().requires_grad_(requires_grad=False)


def _name_in_order(convolutions: list[Convolution], source: Path) -> dict[str, Tensor]:
    """Name tensors after the generator's: both are in the order in which they are computed."""
    expected = WhiteBoxGenerator().state_dict()
    names = [name.removesuffix(".weight") for name in expected if name.endswith(".weight")]
    state = {}
    for name, (given_name, weight, bias) in zip(names, convolutions, strict=False):
        for kind, tensor in (("weight", weight), ("bias", bias)):
            full = f"{name}.{kind}"
            _check_shape(f"{full} ({given_name})", tensor, expected[full], source)
            state[full] = tensor
    if len(convolutions) != len(names):
        raise ModelError(
            f"{source} has {len(convolutions)} convolutions, the White-box generator "
            f"{len(names)}: it is of another model"
        )
    return state


def _check_shape(name: str, given: Tensor, expected: Tensor, source: Path) -> None:
    if given.shape != expected.shape:
        raise ModelError(
            f"{source} does not fit: the tensor {name} has shape {tuple(given.shape)}, the "
            f"White-box generator needs {tuple(expected.shape)}"
        )
    if not torch.isfinite(given).all():
        raise ModelError(f"{source} is damaged: the tensor {name} holds values that are no numbers")
