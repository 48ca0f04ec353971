"""A graph through OpenVINO."""

import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from zokusei.environment import count_threads
from zokusei.errors import CheckpointError, ConfigError, MissingExtraError
from zokusei.inference.backends.alone import Pool, compute_alone
from zokusei.inference.exported import ExportedModel

_CAPABILITIES = "OPTIMIZATION_CAPABILITIES"


class OpenVinoBackend:
    """Computes OpenVINO's own format.

    Args:
        model: where it lies, and how it takes pictures.
        device: `auto` and `cpu` are the processor; others as OpenVINO calls them.

    Raises:
        CheckpointError: the file is damaged, or gives no result of one number a tag.
        ConfigError: the device is not there.
        MissingExtraError: OpenVINO is not installed.
    """

    def __init__(self, model: ExportedModel, device: str = "auto") -> None:
        try:
            import openvino
        except ModuleNotFoundError as error:
            raise MissingExtraError("openvino", "export", f"{model.file}") from error
        self.form, self.preprocesses = model.form, [model.preprocess]
        core = openvino.Core()
        name = "CPU" if device == "auto" else device.upper()
        if name not in core.available_devices:
            there = ", ".join(core.available_devices).lower()
            raise ConfigError(f"OpenVINO has no device {device!r} here; it has: {there}")
        settings = {"INFERENCE_PRECISION_HINT": "f32"}
        self.place = f"{name.lower()} through OpenVINO"
        if model.precision == "bfloat16" and "BF16" in core.get_property(name, _CAPABILITIES):
            # Elsewhere it would be imitated, and slowly.
            settings["INFERENCE_PRECISION_HINT"] = "bf16"
            self.place += " in bfloat16"
        if name == "CPU":  # a picture a core, see `Pool`
            threads = str(count_threads())
            settings |= {"NUM_STREAMS": threads, "INFERENCE_NUM_THREADS": threads}
        self._pool = Pool() if name == "CPU" else None
        self._request = threading.local()
        try:
            graph = core.read_model(model.file)
            if self._pool is not None:
                # A shape that is known is planned once, and more of the graph becomes one.
                graph.reshape([1, *list(graph.input(0).partial_shape)[1:]])
            self.compiled = core.compile_model(graph, name, settings)
        except RuntimeError as error:
            message = " ".join(str(error).split())
            raise CheckpointError(f"{model.file} cannot be loaded: {message:.200}") from error
        shape = self.compiled.output(0).partial_shape
        if shape[-1].is_dynamic or shape[-1].get_length() != len(model.tags):
            raise CheckpointError(
                f"{model.file} gives {shape} for {len(model.tags)} tags of its list"
            )

    def predict(self, fitted: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Give each picture's probability of each tag; see `Backend`."""
        if self._pool is not None:
            (probabilities,) = compute_alone(self._compute, fitted, self._pool.map)
        else:
            (probabilities,) = self._compute(fitted)
        return probabilities

    def _compute(self, fitted: Sequence[NDArray[np.uint8]]) -> tuple[NDArray[np.float32]]:
        """Compute one pass."""
        if not hasattr(self._request, "own"):  # a request serves one thread
            self._request.own = self.compiled.create_infer_request()
        (pixels,) = fitted
        images = self.form.arrange(pixels, self.preprocesses[0])
        result: NDArray[np.float32] = self._request.own.infer(images)[0].copy()
        return (self.form.read_result(result),)
