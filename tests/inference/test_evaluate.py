"""Scores of a split as they are written and read back."""

import json
import math
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest

from captioned import write_captioner
from zokusei.config_file import load_config
from zokusei.data.manifest import Manifest, Record, read_records
from zokusei.errors import ConfigError, DataError
from zokusei.inference.evaluate import evaluate_run, result_row
from zokusei.report.judged import Judged
from zokusei.report.page import write_report
from zokusei.results import read_results
from zokusei.tags import TagSet


def test_a_picture_that_cannot_be_read_has_no_scores(run_folder, corpus, tmp_path):
    run, pictures = tmp_path / "run", tmp_path / "pictures"
    shutil.copytree(run_folder, run)
    shutil.copytree(corpus, pictures)
    records = list(read_records(run / "manifest.parquet"))
    tags = Manifest.load(run / "manifest.parquet").tags
    Manifest.from_records(records, tags, pictures).save(tmp_path / "manifest.parquet")
    tested = [record.path for record in records if record.split == "test"]
    (pictures / tested[2]).write_bytes(b"no picture")

    evaluation = evaluate_run(run, manifest=tmp_path / "manifest.parquet", name="other")
    assert evaluation["unreadable"] == 1
    table = pq.read_table(run / "scores-other.parquet")
    unread = np.array([path == tested[2] for path in table.column("path").to_pylist()])
    assert unread.sum() == 1
    for name in tags.names:
        assert np.array_equal(np.isnan(table.column(name).to_numpy()), unread)

    # What was not seen is no mistake.
    judged = Judged.load(run, "other")
    assert np.array_equal(~judged.known.any(1), unread)
    known = [entry["known"] for entry in evaluation["tags"]]
    assert judged.known.sum(0).tolist() == known


def test_pictures_that_are_all_gone_judge_nothing_and_cost_no_earlier_judgement(run, tmp_path):
    before = (run / "evaluation-test.json").read_bytes()
    manifest = Manifest.load(run / "manifest.parquet")
    Manifest(manifest.table, manifest.tags, tmp_path / "gone").save(run / "manifest.parquet")
    with pytest.raises(DataError, match=r"none of the 18 pictures can be read; the first: "):
        evaluate_run(run)
    assert (run / "evaluation-test.json").read_bytes() == before


def test_pictures_without_any_tag_leave_json_that_every_reader_takes(run):
    manifest = Manifest.load(run / "manifest.parquet")
    records = read_records(run / "manifest.parquet")
    bare = [Record(record.path, [], split=record.split) for record in records]
    Manifest.from_records(bare, manifest.tags, manifest.root).save(run / "manifest.parquet")
    assert math.isnan(evaluate_run(run)["metrics"]["map"])

    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    evaluation = json.loads((run / "evaluation-test.json").read_text(), parse_constant=refuse)
    assert evaluation["metrics"]["map"] is None
    assert "<b>–</b><span>mAP" in write_report(run).read_text()


def test_a_damaged_run_is_named(run):
    evaluation = evaluate_run(run)
    (run / "environment.json").write_text("{")
    with pytest.raises(DataError, match=r"environment\.json cannot be read"):
        result_row(run, evaluation)


@pytest.fixture
def run(run_folder, tmp_path):
    return shutil.copytree(run_folder, tmp_path / "run")


def write_undivided(run, folder, tags=None):
    """Write a manifest of the run's pictures without any split, as the drawn corpus has it."""
    manifest = Manifest.load(run / "manifest.parquet")
    folder.mkdir()
    undivided = manifest.with_column("split", [""] * len(manifest))
    undivided = undivided if tags is None else undivided.with_tags(TagSet.from_names(tags))
    undivided.save(folder / "manifest.parquet")
    return folder / "manifest.parquet"


def test_other_pictures_never_take_the_place_of_the_runs_own(zokusei, run, tmp_path):
    own = {path: path.read_bytes() for path in run.glob("*-test.*")}
    assert len(own) == 2
    path = write_undivided(run, tmp_path / "unseen")
    rows = tmp_path / "rows.csv"
    code, printed, err = zokusei("evaluate", run, "--manifest", path, "--results", rows)
    assert code == 0, err
    # All of it is judged, though it was never divided, and it is called after its folder.
    assert "120 unseen pictures" in printed
    assert f"next: zokusei report {run} --split unseen" in err
    assert {path: path.read_bytes() for path in own} == own
    assert pq.read_table(run / "scores-unseen.parquet").num_rows == 120
    assert [row["split"] for row in read_results(rows)] == ["unseen"]
    assert len(Judged.load(run, "unseen").paths) == 120
    page = write_report(run, split="unseen")
    assert page == run / "report-unseen.html"
    assert "120 pictures of unseen and" in page.read_text()  # training may have seen them
    shutil.copy(path, tmp_path / "drawings.parquet")
    assert evaluate_run(run, manifest=tmp_path / "drawings.parquet")["name"] == "drawings"
    # A divided one is judged on the split that is asked for.
    evaluation = evaluate_run(run, manifest=run / "manifest.parquet", split="val", name="again")
    assert evaluation["pictures"] == len(Manifest.load(run / "manifest.parquet").select("val"))


@pytest.mark.parametrize(("given", "name", "message"), [
    (True, "test", "cannot be called 'test', which names the run's own split; give another --name"),
    (True, None, "cannot be called 'val'"),
    (False, "val", "of the split 'test' cannot be called 'val'"),
    (True, "a/b", "'a/b' must name a file"),
    (True, "", "'' must name a file"),
])  # fmt: skip
def test_a_name_that_is_taken_or_none_is_refused(run, tmp_path, given, name, message):
    path = write_undivided(run, tmp_path / "val")
    before = sorted(run.iterdir())
    with pytest.raises(ConfigError, match=message):
        evaluate_run(run, manifest=path if given else None, name=name)
    assert sorted(run.iterdir()) == before


def test_tags_that_only_one_of_model_and_manifest_has_are_named(zokusei, run, tmp_path):
    names = Manifest.load(run / "manifest.parquet").tags.names
    path = write_undivided(run, tmp_path / "unseen", tags=[*names[1:], "[hat]"])
    code, _, err = zokusei("evaluate", run, "--manifest", path)
    assert code == 0, err
    assert f"1 tags of the model that the manifest lacks are not judged: {names[0]}\n" in err
    assert "1 tags of the manifest that the model lacks are ignored: [hat]\n" in err
    code, _, err = zokusei("evaluate", run)
    assert "tags of the m" not in err


def test_a_preset_tells_rates_apart(run):
    optimizer = load_config(run / "config.yaml").optimizer
    row = result_row(run, evaluate_run(run))
    rates = f"{optimizer.lr:g}x{optimizer.backbone_lr_factor:g}"
    assert row["preset"] == f"test_efficientnet-32-{optimizer.name}-{rates}"


def test_a_captioner_has_no_named_judgement(zokusei, tmp_path):
    captioner = write_captioner(tmp_path / "captioner")
    code, _, err = zokusei("evaluate", captioner, "--name", "unseen")
    assert code == 2
    assert "--name is for taggers, and this run holds a captioner; leave it out" in err


def test_pictures_are_seen_in_a_mirror_too_where_that_is_asked_for(run):
    for name, mirror in (("once", False), ("both", True)):
        evaluate_run(run, name=name, mirror=mirror)
    once, both = (pq.read_table(run / f"scores-{name}.parquet") for name in ("once", "both"))
    evaluate_run(run)
    assert pq.read_table(run / "scores-test.parquet").equals(once)  # as it was trained to
    assert not both.equals(once)
    with pytest.raises(ConfigError, match="made without a mirror; give this judgement a name"):
        evaluate_run(run, mirror=True)
