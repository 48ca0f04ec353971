"""An ONNX file through onnxruntime."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zokusei.environment import count_threads
from zokusei.errors import CheckpointError, ConfigError, MissingExtraError
from zokusei.inference.backends.alone import compute_alone
from zokusei.inference.exported import ExportedModel

_CUDA = "CUDAExecutionProvider"


class OnnxBackend:
    """Computes an ONNX graph.

    Args:
        model: where it lies, and how it takes pictures.
        device: `auto`, `cpu` or `cuda`; `auto` takes CUDA where this onnxruntime has it.

    Raises:
        CheckpointError: the file is damaged, or gives no result of one number a tag.
        ConfigError: the device is not there.
        MissingExtraError: onnxruntime is not installed.
    """

    def __init__(self, model: ExportedModel, device: str = "auto") -> None:
        self.form, self.preprocesses = model.form, [model.preprocess]
        self.session = create_session(model.file, device)
        used = "cuda" if self.session.get_providers()[0] == _CUDA else "cpu"
        if device not in ("auto", used):
            raise ConfigError(f"onnxruntime could not use {device!r} and would use {used!r}")
        self.place = f"{used} through onnxruntime"
        self.input, takes_several = _find_input(self.session, model)
        self.computes_alone = used == "cpu" or not takes_several
        self.output = _find_output(self.session, model)

    def predict(self, fitted: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Give each picture's probability of each tag; see `Backend`."""
        if self.computes_alone:
            (probabilities,) = compute_alone(self._compute, fitted)
        else:
            (probabilities,) = self._compute(fitted)
        return probabilities

    def _compute(self, fitted: Sequence[NDArray[np.uint8]]) -> tuple[NDArray[np.float32]]:
        """Compute one pass."""
        (pixels,) = fitted
        images = self.form.arrange(pixels, self.preprocesses[0])
        (result,) = self.session.run([self.output], {self.input: images})
        return (self.form.read_result(result),)


def create_session(file: Path, device: str) -> Any:
    """Load the graph.

    Raises:
        CheckpointError: the file is damaged.
        ConfigError: the device is unknown, or not there.
        MissingExtraError: onnxruntime is not installed.
    """
    try:
        import onnxruntime
    except ModuleNotFoundError as error:
        raise MissingExtraError("onnxruntime", "export", f"{file}") from error
    there = _CUDA in onnxruntime.get_available_providers()
    if device not in ("auto", "cpu", "cuda"):
        raise ConfigError(f"onnxruntime has no device {device!r}; give auto, cpu or cuda")
    if device == "cuda" and not there:
        raise ConfigError(
            "this onnxruntime has no CUDA; pip install onnxruntime-gpu in its place, or give cpu"
        )
    providers = ["CPUExecutionProvider"]
    if there and device != "cpu":
        providers.insert(0, _CUDA)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = count_threads()
    # Threads that wait by spinning would take the cores from those that decode pictures.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(file, options, providers=providers)
    except Exception as error:  # onnxruntime's own classes, none of which it documents
        message = " ".join(str(error).split())
        raise CheckpointError(f"{file} cannot be loaded: {message:.200}") from error


def _find_input(session: Any, model: ExportedModel) -> tuple[str, bool]:
    """Name what takes the pictures, and say whether it takes several at once.

    Raises:
        CheckpointError: it does not take them in the size and form that its files say, or only a
            certain number of them.
    """
    given, side = session.get_inputs()[0], model.preprocess.size
    wanted = [side, side, 3] if model.form.channels_last else [3, side, side]
    sizes = given.shape[1:]
    if len(sizes) != 3 or any(
        type(n) is int and n != m for n, m in zip(sizes, wanted, strict=True)
    ):
        raise CheckpointError(
            f"{model.file} takes {given.shape}, and its folder says batch x "
            + " x ".join(map(str, wanted))
        )
    kind = "uint8" if model.form.takes_bytes else "float"
    if given.type != f"tensor({kind})":
        raise CheckpointError(
            f"{model.file} takes {given.type}, and its folder says tensor({kind}); export it again "
            "in float32"
        )
    if type(given.shape[0]) is int and given.shape[0] != 1:
        raise CheckpointError(
            f"{model.file} takes {given.shape[0]} pictures at once, no more and no less; export it "
            "again with a batch of any size, or of one"
        )
    return str(given.name), given.shape[0] != 1


def _find_output(session: Any, model: ExportedModel) -> str:
    """Name the result that holds one number a tag: the model's own, where there are several."""
    found = [
        output.name for output in session.get_outputs() if output.shape[-1:] == [len(model.tags)]
    ]
    if not found:
        shapes = ", ".join(f"{output.name} {output.shape}" for output in session.get_outputs())
        raise CheckpointError(
            f"{model.file} gives {shapes}; none has one number for each of the "
            f"{len(model.tags)} tags of its list"
        )
    return next((name for name in model.outputs if name in found), str(found[0]))
