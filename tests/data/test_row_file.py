"""Rows that are kept on the disk: what is damaged is not read as if it were whole."""

import numpy as np
import pytest

from zokusei.data.row_file import no_counting, open_rows
from zokusei.errors import DataError


def open_numbers(path, count=50):
    def compute(rows):
        return np.repeat(np.array(rows, np.float32)[:, None], 3, 1)

    return open_rows(
        path, compute, shape=(count, 3), dtype=np.float32, description="", counting=no_counting
    )


@pytest.mark.parametrize("size", [0, 10, 599, 601, 1200])
def test_a_file_of_another_size_is_refused_and_made_anew_once_it_is_gone(tmp_path, size):
    path = tmp_path / "rows.f32"
    assert np.array_equal(open_numbers(path)[:, 0], np.arange(50))
    assert path.stat().st_size == 600
    with path.open("r+b") as file:
        file.truncate(size)
    with pytest.raises(DataError, match=rf"rows\.f32 holds {size} bytes, not 600: .*remove it"):
        open_numbers(path)
    path.unlink()
    assert np.array_equal(open_numbers(path)[:, 0], np.arange(50))


@pytest.mark.parametrize("size", [10, 32 * 12, 32 * 12 + 5])
def test_a_growing_file_goes_on_at_its_last_whole_batch(tmp_path, size):
    path = tmp_path / "rows.f32"
    whole = open_numbers(path).tobytes()
    path.rename(path.with_suffix(".part"))
    with path.with_suffix(".part").open("r+b") as file:
        file.truncate(size)
    assert open_numbers(path).tobytes() == whole
