from concurrent.futures import ThreadPoolExecutor

import pytest

from zokusei.environment import describe_environment, find_versions
from zokusei.errors import DataError
from zokusei.results import COLUMNS, append_result, read_results


def test_rows_say_what_their_figures_depend_on(tmp_path):
    path = tmp_path / "r.csv"
    append_result(path, {"experiment": "a", "map": 70.125, "seed": 3})
    append_result(path, {"experiment": "b", "commit": "given"})
    one, two = read_results(path)
    assert list(one) == COLUMNS
    assert (one["experiment"], one["map"], one["seed"]) == ("a", "70.125", "3")
    assert "torch=" in one["versions"]
    assert one["hardware"]
    assert two["commit"] == "given"
    assert two["map"] == ""


def test_a_column_that_a_table_lacks_is_refused(tmp_path):
    append_result(tmp_path / "r.csv", {"experiment": "a"})
    before = (tmp_path / "r.csv").read_bytes()
    with pytest.raises(DataError, match="no column 'mapp'"):
        append_result(tmp_path / "r.csv", {"mapp": 1})
    assert (tmp_path / "r.csv").read_bytes() == before


def test_a_package_that_is_not_there_is_said_to_be_missing():
    assert find_versions(("zokusei", "no-such-package"))["no-such-package"] == "missing"


def test_the_environment_has_all_three_parts():
    assert set(describe_environment()) == {"versions", "commit", "hardware"}


def test_rows_of_several_threads_are_all_kept(tmp_path):
    # Each opens the folder for itself, as processes do.
    with ThreadPoolExecutor(8) as threads:
        for seed in range(40):
            threads.submit(append_result, tmp_path / "r.csv", {"seed": seed})
    assert sorted(int(row["seed"]) for row in read_results(tmp_path / "r.csv")) == [*range(40)]


def test_a_table_keeps_its_columns_without_rows_and_other_files_are_left_alone(tmp_path):
    path = tmp_path / "r.csv"
    path.write_text("experiment,map\n")
    append_result(path, {"experiment": "a", "map": 1.5})
    assert path.read_text() == "experiment,map\na,1.5\n"
    path.write_text("my only note\n")
    with pytest.raises(DataError, match="no column"):
        append_result(path, {"experiment": "a"})
    path.write_bytes(b"\xff\xfe\x00")
    for wrong in (path, tmp_path):
        with pytest.raises(DataError, match="cannot be read as a table of results"):
            append_result(wrong, {"experiment": "a"})
    assert path.read_bytes() == b"\xff\xfe\x00"
