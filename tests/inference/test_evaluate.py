"""Scores of a split as they are written and read back."""

import shutil

import numpy as np
import pyarrow.parquet as pq

from zokusei.data.manifest import Manifest, read_records
from zokusei.inference.evaluate import evaluate_run
from zokusei.report.judged import Judged


def test_a_picture_that_cannot_be_read_has_no_scores(run_folder, corpus, tmp_path):
    run, pictures = tmp_path / "run", tmp_path / "pictures"
    shutil.copytree(run_folder, run)
    shutil.copytree(corpus, pictures)
    records = list(read_records(run / "manifest.parquet"))
    tags = Manifest.load(run / "manifest.parquet").tags
    Manifest.from_records(records, tags, pictures).save(tmp_path / "manifest.parquet")
    tested = [record.path for record in records if record.split == "test"]
    (pictures / tested[2]).write_bytes(b"no picture")

    evaluation = evaluate_run(run, manifest=tmp_path / "manifest.parquet")
    assert evaluation["unreadable"] == 1
    table = pq.read_table(run / "scores-test.parquet")
    unread = np.array([path == tested[2] for path in table.column("path").to_pylist()])
    assert unread.sum() == 1
    for name in tags.names:
        assert np.array_equal(np.isnan(table.column(name).to_numpy()), unread)

    # What was not seen is no mistake.
    judged = Judged.load(run, "test")
    assert np.array_equal(~judged.known.any(1), unread)
    known = [entry["known"] for entry in evaluation["tags"]]
    assert judged.known.sum(0).tolist() == known
