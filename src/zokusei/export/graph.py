"""A classifier as an ONNX graph, in the form that WD's taggers have, imgutils' or OpenVINO's."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

from zokusei.errors import MissingExtraError, ModelError
from zokusei.images.preprocess import Preprocess
from zokusei.inference.exported import FORMS
from zokusei.models import Classifier

_OPSET = 18  # onnxruntime reads it since 1.14
_MOST = 65536  # pictures a batch
_ANY_SIZE = 1 << 40  # of a constant, in bytes

OUTPUTS = {
    "wd": ["output", "logits"],
    "imgutils": ["prediction", "logits", "embedding"],
    "openvino": ["output", "logits"],
}
"""What the graphs of each form give; the first holds probabilities."""


class Graph(nn.Module):
    """What is exported: whatever the clients do not do, the classifier and the sigmoid in one.

    By default it takes pictures as WD v3's models do, so that whatever runs those runs this:
    float32 numbers of 0 to 255, batch x height x width x 3, blue first. imgutils normalises
    pictures itself, and gives them red first, batch x 3 x height x width. OpenVINO's gets bytes,
    red first, batch x height x width x 3.

    Args:
        model: images to logits.
        preprocess: knows mean and deviation.
        form: of `FORMS`.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, model: Classifier, preprocess: Preprocess, form: str = "wd") -> None:
        super().__init__()
        self.model, self.form = model, FORMS[form]
        self.gives_embeddings = "embedding" in OUTPUTS[form]
        self.register_buffer("mean", torch.tensor(preprocess.mean).view(3, 1, 1))
        self.register_buffer("std", torch.tensor(preprocess.std).view(3, 1, 1))

    def forward(self, pictures: Tensor) -> tuple[Tensor, ...]:
        """Give probabilities and logits, batch x tags each, and embeddings where they belong."""
        images = pictures.permute(0, 3, 1, 2) if self.form.channels_last else pictures
        images = images.float() if self.form.takes_bytes else images
        images = images.flip(1) if self.form.blue_first else images
        if not self.form.wants_normalized:
            images = (images / 255 - self.mean) / self.std
        features = self.model.look(images)
        logits = self.model.conclude(images, self.model.classify(features))
        found = logits.sigmoid(), logits
        # As `EmbeddingBackend` gives them.
        return (*found, features.mean(dim=(2, 3))) if self.gives_embeddings else found


def write_onnx(path: Path, model: Classifier, preprocess: Preprocess, form: str = "wd") -> None:
    """Write `model.onnx`: input `input`, and the outputs of the form (`OUTPUTS`).

    Args:
        path: the file.
        model: is left in evaluation mode, on the processor.
        preprocess: gives the size of the input, and what the graph does first.
        form: of `FORMS`.

    Raises:
        ModelError: the model reads more than pictures, or cannot be written as a graph.
        MissingExtraError: onnx or onnxscript is not installed.
    """
    if model.head.needs_captions:
        raise ModelError(
            f"model {model.name!r} reads the vector of a caption beside the picture, and an "
            "exported model gets pictures alone; export a model that needs none, such as add_gcn"
        )
    for module in ("onnx", "onnxscript"):
        try:
            __import__(module)
        except ModuleNotFoundError as error:
            raise MissingExtraError(module, "export", "an export") from error
    from onnxscript.optimizer import optimize

    graph = Graph(model.cpu(), preprocess, form).eval()
    size, taken = preprocess.size, FORMS[form]
    shape = (size, size, 3) if taken.channels_last else (3, size, size)
    example = torch.zeros(2, *shape, dtype=torch.uint8 if taken.takes_bytes else torch.float32)
    with warnings.catch_warnings(), _quiet(), torch.no_grad():
        warnings.simplefilter("ignore")  # of libraries about themselves; the result is compared
        try:
            program = torch.onnx.export(
                graph,
                (example,),
                dynamo=True,
                input_names=["input"],
                output_names=OUTPUTS[form],
                opset_version=_OPSET,
                dynamic_shapes=({0: torch.export.Dim("batch", min=1, max=_MOST)},),
                verbose=False,
            )
        except torch.onnx.OnnxExporterError as error:
            message = " ".join(str(error).split())
            raise ModelError(f"{model.name!r} cannot be written as ONNX: {message:.200}") from error
        assert program is not None, "the exporter gives a program unless it writes a file"
        # A part of a weight, such as a GCN takes, is a weight: NNCF fails on what it must compute.
        optimize(program.model, input_size_limit=_ANY_SIZE, output_size_limit=_ANY_SIZE)
    program.save(path, external_data=False)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's remarks about its own optimizer off the screen."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
