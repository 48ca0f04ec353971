"""A model that has left torch: its file, tags and preprocessing, read without torch."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zokusei.errors import CheckpointError
from zokusei.images.preprocess import Preprocess
from zokusei.inference.steps import PARTS
from zokusei.model_folder import TAGGER, read_config, reading
from zokusei.tags import TagSet

FILES = {"onnx": "model.onnx", "openvino": "model.xml"}
"""The file of each runtime that a model can be exported to."""


@dataclass(frozen=True)
class Form:
    """How a graph takes pictures, and what it gives back; by default as WD v3's do.

    Attributes:
        channels_last: batch x height x width x 3, not batch x 3 x height x width.
        blue_first: blue, green, red; not red, green, blue.
        wants_normalized: mean and deviation are applied before the graph; otherwise it takes 0 to
            255.
        gives_logits: the sigmoid is applied after the graph.
        takes_bytes: 0 to 255 as bytes, a quarter of what floats are to make and to read.
    """

    channels_last: bool = True
    blue_first: bool = True
    wants_normalized: bool = False
    gives_logits: bool = False
    takes_bytes: bool = False

    def arrange(
        self, pixels: NDArray[np.uint8], preprocess: Preprocess
    ) -> NDArray[np.float32] | NDArray[np.uint8]:
        """Give fitted pictures as the graph takes them.

        Args:
            pixels: batch x size x size x 3, red first.
            preprocess: knows mean and deviation.

        >>> half = Preprocess(1, "pad", mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
        >>> pixels = np.array([[[[255, 0, 0]]]], dtype=np.uint8)
        >>> Form().arrange(pixels, half).tolist()
        [[[[0.0, 0.0, 255.0]]]]
        >>> Form(channels_last=False, blue_first=False, wants_normalized=True).arrange(
        ...     pixels, half
        ... ).tolist()
        [[[[1.0]], [[-1.0]], [[-1.0]]]]
        """
        last = self.channels_last
        if self.takes_bytes and last and not self.blue_first:
            return pixels
        shape = pixels.shape if last else (len(pixels), 3, *pixels.shape[1:3])
        images = np.empty(shape, np.uint8 if self.takes_bytes else np.float32)
        # A channel at a time into its place: nothing is copied again to be turned around.
        for channel, (mean, std) in enumerate(zip(preprocess.mean, preprocess.std, strict=True)):
            place = 2 - channel if self.blue_first else channel
            target = images[..., place] if last else images[:, place]
            target[...] = pixels[..., channel]
            if self.wants_normalized:
                target /= np.float32(255)
                target -= np.float32(mean)
                target /= np.float32(std)
        return images

    def read_result(self, result: NDArray[np.float32]) -> NDArray[np.float32]:
        """Give probabilities, whatever the graph gives."""
        if not self.gives_logits:
            return result
        # tanh overflows nowhere, unlike exp.
        half = np.float32(0.5)
        probabilities: NDArray[np.float32] = half + half * np.tanh(half * result)
        return probabilities


FORMS = {
    "wd": Form(),
    "imgutils": Form(channels_last=False, blue_first=False, wants_normalized=True),
    # Pictures as they are decoded: no client but this one reads OpenVINO's files.
    "openvino": Form(blue_first=False, takes_bytes=True),
}
"""The form of the graphs of each family of clients."""


@dataclass(frozen=True)
class ExportedModel:
    """What a folder of an exported model holds.

    Attributes:
        runtime: what computes it: `onnx`, `openvino`, or `timm` for weights in timm's form.
        file: the graph or the weights.
        name: of the model.
        tags: names, categories and thresholds, in the order of the results.
        preprocess: how a picture becomes a square.
        form: how the graph takes squares.
        arguments: what builds the network, where the file holds weights alone.
        precision: what it is computed in, as `zokusei export` was asked for.
        outputs: names of the result, where the graph gives several of one number a tag; the best
            first. By default as WD and imgutils call probabilities.
    """

    runtime: str
    file: Path
    name: str
    tags: TagSet
    preprocess: Preprocess
    form: Form
    arguments: dict[str, Any] | None = None
    precision: str = "float32"
    outputs: tuple[str, ...] = ("output", "prediction")


def find_runtime(folder: Path) -> str | None:
    """Say what computes the model of a checkpoint folder; None: torch, since it was not exported.

    Raises:
        CheckpointError: the folder holds no tagger, or cannot be read.
    """
    runtime = read_config(folder, TAGGER).get("runtime")
    return None if runtime is None else str(runtime)


def load_exported(folder: Path) -> ExportedModel:
    """Read what `zokusei export` wrote.

    Raises:
        CheckpointError: it is incomplete, damaged or of another version.
    """
    config = read_config(folder, TAGGER)
    runtime = config.get("runtime")
    if runtime not in FILES:
        raise CheckpointError(
            f"{folder} was exported to {runtime!r}, this zokusei knows {', '.join(FILES)}"
        )
    with reading(folder):
        exported = ExportedModel(
            runtime,
            folder / FILES[runtime],
            str(config["model"]),
            TagSet.load(folder / "tags.csv"),
            _read_preprocess(folder / "preprocess.json"),
            Form(**config["form"]),
            precision=str(config.get("precision", "float32")),
        )
    if not exported.file.is_file():
        raise CheckpointError(f"{folder} is incomplete: it lacks {exported.file.name}")
    return exported


def _read_preprocess(path: Path) -> Preprocess:
    """Read our own keys, beside which the steps of other clients may stand."""
    described = json.loads(path.read_text(encoding="utf-8"))
    return Preprocess.from_dict({k: v for k, v in described.items() if k not in PARTS})


def describe_form(form: Form) -> dict[str, Any]:
    """Give a form as config.json keeps it."""
    return asdict(form)
