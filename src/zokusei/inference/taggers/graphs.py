"""The ONNX file in another tagger's folder: which one it is, what it takes and gives."""

from dataclasses import dataclass
from pathlib import Path

from zokusei.errors import CheckpointError

GRAPH = "model.onnx"


@dataclass(frozen=True)
class Graph:
    """What an ONNX file says of itself.

    Attributes:
        file: where it lies.
        shape: of what it takes; no number stands for a length that it leaves open.
        outputs: name and last length of each result.
    """

    file: Path
    shape: tuple[int | str | None, ...]
    outputs: tuple[tuple[str, int | str | None], ...]

    def find_side(self, whose: str, *, channels_last: bool = False, usual: int = 0) -> int:
        """Give the side of the squares that it takes, in pixels.

        Args:
            whose: models they are, for the message.
            channels_last: batch x size x size x 3, not batch x 3 x size x size.
            usual: what the published models take; for a graph that leaves its size open.

        Raises:
            CheckpointError: it takes something else, or leaves its size open.

        >>> Graph(Path("a.onnx"), ("N", 3, 448, 448), ()).find_side("CL's models")
        448
        """
        if len(self.shape) == 4:
            _, *rest = self.shape
            channels = rest.pop() if channels_last else rest.pop(0)
            width, height = rest
            if channels == 3 and width == height and isinstance(width, int):
                return width
            is_open = not isinstance(width, int) and not isinstance(height, int)
            if channels == 3 and is_open and usual:
                return usual
        wanted = "size x size x 3" if channels_last else "3 x size x size"
        raise CheckpointError(
            f"{self.file} takes {list(self.shape)}, not batch x {wanted} as {whose} do"
        )


def find_graph(folder: Path, lacking: str, hint: str = "") -> Path:
    """Give `model.onnx`, or the one ONNX file of another name.

    Args:
        folder: of the tagger.
        lacking: what is said of the folder where there is none, or more than one.
        hint: what to do then.

    Raises:
        CheckpointError: there is none, or more than one and none is called like that.
    """
    graphs = sorted(folder.glob("*.onnx"))
    if folder / GRAPH in graphs:
        return folder / GRAPH
    if len(graphs) != 1:
        found = ", ".join(graph.name for graph in graphs) or "none"
        raise CheckpointError(f"{folder} {lacking}; found: {found}{hint}")
    return graphs[0]


def read_graph(file: Path) -> Graph:
    """Read what an ONNX file says of itself.

    Raises:
        CheckpointError: the file is damaged.
        MissingExtraError: onnxruntime is not installed.
    """
    from zokusei.inference.backends.onnx import create_session

    session = create_session(file, "cpu")
    outputs = [(given.name, (given.shape or [None])[-1]) for given in session.get_outputs()]
    return Graph(file, tuple(session.get_inputs()[0].shape), tuple(outputs))
