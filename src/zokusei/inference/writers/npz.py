"""NPZ: embeddings of all pictures as one array of NumPy, for search."""

import zipfile
from pathlib import Path

import numpy as np

from zokusei.errors import DataError
from zokusei.inference.done import Row
from zokusei.inference.writers.tables import Rows, check_name
from zokusei.tags import TagSet


class NpzTable:
    """Writes `tags.npz`: `path`, an array of texts, and `embedding`, float32, a row a picture.

    Row by row, so that memory does not grow with the pictures.
    """

    file_name = "tags.npz"
    needs_size = by_place = False

    def __init__(self, tags: TagSet) -> None:
        del tags  # a row says all

    def check(self, row: Row) -> None:
        """Refuse what arrays of NumPy would not give back.

        Raises:
            DataError: the name is no UTF-8, or ends with a zero.
        """
        check_name(row.path, "NPZ")
        if row.embedding is None:
            raise DataError(f"{row.path} has no embedding; add --embedding")

    def write(self, path: Path, rows: Rows) -> None:
        """Write the file; the rows are read three times, since a header says how many there are."""
        count, longest, width = 0, 1, 0
        for row in rows():
            assert row.embedding is not None, "it was checked"
            count, longest = count + 1, max(longest, len(row.path))
            width = len(row.embedding)
        texts, floats = np.dtype(f"<U{longest}"), np.dtype("<f4")
        with zipfile.ZipFile(path, "w") as archive:
            with archive.open("path.npy", "w", force_zip64=True) as file:
                _write_header(file, texts, (count,))
                for row in rows():
                    file.write(np.array(row.path, texts).tobytes())
            with archive.open("embedding.npy", "w", force_zip64=True) as file:
                _write_header(file, floats, (count, width))
                for row in rows():
                    file.write(np.array(row.embedding, floats).tobytes())


def _write_header(file: object, kind: np.dtype[np.generic], shape: tuple[int, ...]) -> None:
    about = {"descr": kind.str, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, about)  # type: ignore[arg-type]
