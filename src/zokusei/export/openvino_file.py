"""An ONNX graph in OpenVINO's own format."""

from pathlib import Path

from zokusei.errors import MissingExtraError


def write_openvino(graph: Path, path: Path) -> None:
    """Write `model.xml` and `model.bin`.

    Args:
        graph: an ONNX file; is left as it is.
        path: the `.xml`; the `.bin` lies beside it.

    Raises:
        MissingExtraError: OpenVINO is not installed.
    """
    try:
        import openvino
    except ModuleNotFoundError as error:
        raise MissingExtraError("openvino", "export", "an export to OpenVINO") from error
    # Converted, not only read: what is known beforehand is computed beforehand. Depthwise weights
    # that are reshaped at run time stay in single precision when the graph is quantized.
    # Half precision would shrink the file and move every logit.
    openvino.save_model(openvino.convert_model(graph), path, compress_to_fp16=False)
