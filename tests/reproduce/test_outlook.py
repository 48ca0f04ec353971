"""What `--dry-run` says of the trainings that are left."""

import re

import pytest

from captioned import write_captioner
from zokusei.reproduce.experiments import plan_work
from zokusei.reproduce.outlook import describe_work
from zokusei.reproduce.places import Places
from zokusei.reproduce.runs import JUDGED
from zokusei.reproduce.scale import load_scale

HEAD = "model,seed,preset,seconds,map,op,or,of1,cp,cr,cf1,macro_f1\n"


@pytest.fixture
def places(tmp_path):
    given = {name: write_captioner(tmp_path / name) for name in ("photographs", "adapted")}
    return Places(tmp_path / "out", {}, None, given)


def describe(places, *settings):
    scale = load_scale("desk", list(settings))
    return describe_work(scale, plan_work(scale, "table2", places), places)


def write_row(places, model, seed, seconds):
    folder = places.out / "drawn"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "results.csv"
    before = path.read_text() if path.exists() else HEAD
    path.write_text(f"{before}{model},{seed},p,{seconds}" + ",50" * 8 + "\n")
    return folder / "runs" / f"{model}-{seed}"


def test_a_network_is_counted_once(places):
    run = write_row(places, "add_gcn", 0, 600)
    for name in (*JUDGED, "environment.json", "metrics.jsonl", "model/config.json"):
        (run / name).parent.mkdir(parents=True, exist_ok=True)
        (run / name).touch()
    begun = run.parent / "votes-zero-0"
    begun.mkdir()
    lines = describe(places, "seeds=[0]")
    votes = [line for line in lines if re.match(r"table2, drawn, (\S+-votes|\S*votes\S*),", line)]
    assert len(votes) == 4
    assert all(line.endswith(", with the network of add_gcn") for line in votes)
    (begun / "state.safetensors").touch()  # it goes on by itself
    assert any(line.endswith("votes-zero, seed 0: begun, 10.0 min as a whole")
               for line in describe(places, "seeds=[0]"))  # fmt: skip
    others = [line for line in lines if line.endswith("to do, 10.0 min as a whole")]
    assert {"zero", "capgcn"} <= {line.split(", ")[2] for line in others}
    assert lines[-1] == f"trainings that are left: about {10 * len(others)}.0 min"


def test_a_network_that_is_gone_is_trained_by_the_first_that_needs_it(places):
    write_row(places, "add_gcn", 0, 600)
    first, *others = [line for line in describe(places, "seeds=[0]") if "votes, seed" in line or
                      "votes-" in line]  # fmt: skip
    assert first == "table2, drawn, capgcn_votes, seed 0: to do, 10.0 min as a whole"
    assert len(others) == 3
    assert all(line.endswith("with the network of capgcn_votes") for line in others)
