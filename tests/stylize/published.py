"""The published White-box exports, where a copy lies beside the project."""

from pathlib import Path

import numpy as np
import pytest

DATA = Path(__file__).parents[2].parent / "shared" / "data"
FP16 = DATA / "white-box" / "whitebox_cartoon_gan_fp16.tflite"
DYNAMIC = DATA / "white-box" / "whitebox_cartoon_gan_dr.tflite"
PHOTOGRAPHS = DATA / "flickr8k" / "Images"

needs_published = pytest.mark.skipif(
    not (FP16.exists() and PHOTOGRAPHS.exists()),
    reason="the published weights and Flickr8k are not beside the project",
)


class Export:
    """Runs an export at its own input size, or at another one it is rebuilt for."""

    def __init__(self, path, size=None):
        from ai_edge_litert.interpreter import Interpreter

        content = path.read_bytes()
        self.runner = Interpreter(
            model_content=content if size is None else resize(content, *size), num_threads=1
        )
        self.runner.allocate_tensors()
        self.input = self.runner.get_input_details()[0]
        self.output = self.runner.get_output_details()[0]
        self.size = tuple(int(side) for side in self.input["shape"][1:3])

    def __call__(self, rgb):
        """RGB bytes in, grey levels out, as floats."""
        scaled = rgb[..., ::-1].astype(np.float32) / 127.5 - 1
        self.runner.set_tensor(self.input["index"], scaled[None])
        self.runner.invoke()
        drawn = self.runner.get_tensor(self.output["index"])[0]
        return (drawn.clip(-1, 1)[..., ::-1] + 1) * 127.5


def resize(content, height, width):
    """Rebuild an export for another input size: it holds its sizes as constants."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    for tensor in model.subgraphs[0].tensors:
        name, buffer = tensor.name.decode(), model.buffers[tensor.buffer]
        if name.startswith("generator/ResizeBilinear") and name.endswith("size"):
            scale = 1 if "_1" in name else 2
            sides = np.array([height // scale, width // scale], "<i4")
            buffer.data = np.frombuffer(sides.tobytes(), np.uint8)
        elif name == "ones":
            tensor.shape = np.array([1, height, width, 1], np.int32)
            ones = np.ones(height * width, "<f2" if tensor.type == 1 else "<f4")
            buffer.data = np.frombuffer(ones.tobytes(), np.uint8)
        elif name in ("ones_dequantize", "input_photo"):
            tensor.shape = np.array([1, height, width, tensor.shape[-1]], np.int32)
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
