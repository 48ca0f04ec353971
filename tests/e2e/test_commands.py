"""The command line as people use it: what it prints, where, and with which exit code."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from types import ModuleType

import pytest
from PIL import Image

from zokusei.config_file import load_config
from zokusei.data.manifest import Manifest, read_records
from zokusei.results import RATES

TINY = ["model.backbone=test_efficientnet", "model.weights=none", "train.workers=1"]


def test_help_names_every_command_and_imports_no_torch():
    code = (
        "import sys; sys.argv = ['zokusei', '--help']\n"
        "from zokusei.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "assert 'torch' not in sys.modules and 'timm' not in sys.modules, 'torch was imported'\n"
        "assert 'onnx' not in sys.modules and 'onnxruntime' not in sys.modules\n"
        "assert 'fastapi' not in sys.modules and 'uvicorn' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    commands = "train compare evaluate report tag serve export cartoonize data doctor".split()
    for command in commands:
        assert f" {command} " in done.stdout


def test_importing_inference_needs_no_training_extra():
    code = (
        "import sys\n"
        "for name in ('accelerate', 'matplotlib', 'jinja2.sandbox', 'resvg', 'tensorboard'):\n"
        "    sys.modules[name] = None\n"
        "import zokusei.inference\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_train_evaluate_report_tag(zokusei, corpus, tmp_path):
    run = tmp_path / "runs" / "mine"
    settings = [*TINY, "train.epochs=2", "preprocess.size=32"]
    code, out, err = zokusei("train", "--images", corpus, "--out", run, *settings)
    assert (code, out) == (0, "")
    assert "120 pictures (90 train, 12 val, 18 test), 5 tags" in err
    assert "epoch 2: loss" in err
    for name in ("config.yaml", "environment.json", "manifest.parquet", "metrics.jsonl"):
        assert (run / name).is_file()
    environment = json.loads((run / "environment.json").read_text())
    assert set(environment) == {"versions", "commit", "hardware"}

    code, out, err = zokusei("evaluate", run, "--results", tmp_path / "rows.csv")
    assert code == 0
    assert "18 test pictures" in out
    assert "stripe" in out
    assert (tmp_path / "rows.csv").read_text().count("\n") == 2

    code, out, err = zokusei("report", run)
    assert code == 0
    assert "report.html" in err

    pictures = sorted(corpus.glob("*.png"))[:3]
    code, out, err = zokusei("tag", *pictures, "--model", run)
    assert code == 0
    assert [line.split(":")[0] for line in out.splitlines()] == [str(p) for p in pictures]

    code, out, err = zokusei("tag", *pictures, "--model", run, "--json")
    records = [json.loads(line) for line in out.splitlines()]
    assert [record["path"] for record in records] == [str(p) for p in pictures]
    assert all(list(record) == ["path", "tags", "scores"] for record in records)
    assert set(records[0]["scores"]) == {"red", "green", "blue", "square", "stripe"}

    # The same command again: nothing is left to do, and nothing is done.
    before = (run / "model" / "model.safetensors").stat().st_mtime_ns
    code, out, err = zokusei("train", "--images", corpus, "--out", run, *settings)
    assert code == 0
    assert (run / "model" / "model.safetensors").stat().st_mtime_ns == before


def test_a_training_without_any_tag_to_validate_on_ends_like_others(zokusei, run_folder, tmp_path):
    whole = Manifest.load(run_folder / "manifest.parquet")
    records = [
        replace(record, tags=[]) if record.split == "val" else record
        for record in read_records(run_folder / "manifest.parquet")
    ]
    Manifest.from_records(records, whole.tags, whole.root).save(tmp_path / "bare.parquet")
    code, _, err = zokusei(
        "train", f"data.path={tmp_path / 'bare.parquet'}", *TINY, "preprocess.size=32",
        "train.epochs=1", "--out", tmp_path / "run",
    )  # fmt: skip
    assert code == 0
    assert "no tag to be found in validation; next: zokusei evaluate" in err
    assert json.loads((tmp_path / "run" / "model" / "metrics.json").read_text())["map"] is None
    code, out, _ = zokusei("evaluate", tmp_path / "run", "--split", "val")
    assert code == 0
    assert "nan" not in out


def test_a_table_is_as_good_as_sidecars(zokusei, corpus, tmp_path):
    folder = tmp_path / "pictures #1: 2024"  # as YAML a comment, or something else
    folder.mkdir()
    rows = ["file,tags"]
    for path in sorted(corpus.glob("*.png")):
        shutil.copy(path, folder)
        rows.append(f'{path.name},"{path.with_suffix(".txt").read_text().strip()}"')
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    code, _, err = zokusei(
        "train", "--images", folder, "--out", tmp_path / "run", *TINY, "train.epochs=1"
    )
    assert code == 0
    # Size and split are chosen from the data, and printed.
    assert "96 px" in err
    assert "120 pictures (90 train, 12 val, 18 test), 5 tags" in err
    config = load_config(tmp_path / "run" / "config.yaml")
    assert (config.data.path, config.name) == (str(folder), folder.name)


def test_data_import_check_and_stats(zokusei, corpus, tmp_path):
    manifest = tmp_path / "m.parquet"
    code, _, err = zokusei("data", "import", corpus, manifest)
    assert code == 0
    assert "120 pictures with 5 tags" in err
    code, _, err = zokusei("data", "check", manifest)
    assert code == 0
    assert "nothing to complain about" in err
    code, out, _ = zokusei("data", "stats", manifest)
    assert "60 of 120 known (50.0 %)" in out
    code, out, _ = zokusei("data", "stats", manifest, "--json")
    figures = json.loads(out)
    assert figures["pictures"] == 120
    assert sum(figures[f"{split}_pictures"] for split in ("train", "val", "test")) == 120
    assert {tag["name"]: tag["positives"] for tag in figures["tags"]}["red"] == 40


def test_data_check_names_every_bad_picture(zokusei, corpus, tmp_path):
    folder = shutil.copytree(corpus, tmp_path / "bad")
    (folder / "003.png").write_bytes(b"GIF89a nonsense")
    (folder / "005.png").write_bytes((folder / "005.png").read_bytes()[:70])
    code, _, err = zokusei("data", "check", folder)
    assert code == 3
    assert "003.png" in err
    assert "005.png" in err
    assert "2 problems in 120 pictures" in err


def test_data_draw(zokusei, tmp_path):
    code, _, _ = zokusei("data", "draw", tmp_path / "drawn", "--count", 3, "--size", 32)
    assert code == 0
    assert len(list((tmp_path / "drawn" / "images").iterdir())) == 3
    assert (tmp_path / "drawn" / "labels.csv").read_text().startswith("file,tags,style\n")


def test_doctor_says_what_is_there(zokusei):
    code, out, _ = zokusei("doctor")
    assert code == 0
    for word in ("torch", "timm", "CUDA", "threads", "accelerate", "efficientnet-lite0"):
        assert word in out
    assert "zokusei caption PICTURES" in out


@pytest.mark.parametrize(("names", "says"), [
    ([], "missing: pip install 'zokusei[export]'"),
    (["onnxruntime-gpu"], "onnxruntime-gpu 1.20.1"),
    (["onnxruntime", "onnxruntime-directml"],
     "onnxruntime 1.20.1, onnxruntime-directml 1.20.1; one writes over the files of the other"),
])  # fmt: skip
def test_doctor_knows_every_distribution_of_onnxruntime(monkeypatch, names, says):
    from importlib import metadata

    from zokusei import environment
    from zokusei.cli.doctor import _describe_onnxruntime

    fake = ModuleType("onnxruntime")
    fake.get_available_providers = lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setitem(sys.modules, "onnxruntime", fake)
    there = {"onnxruntime": names} if names else {}
    monkeypatch.setattr(metadata, "packages_distributions", lambda: there)
    monkeypatch.setattr(environment, "version", lambda name: "1.20.1")
    (_, first), *others = _describe_onnxruntime()
    assert first.startswith(says)
    providers = [text for _, text in others]
    assert providers == (["CUDAExecutionProvider, CPUExecutionProvider"] if names else [])


def test_doctor_says_why_onnxruntime_cannot_be_imported(zokusei, monkeypatch):
    # None stands for a module that cannot be found.
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    code, out, _ = zokusei("doctor")
    assert code == 0
    assert "it cannot be imported" in out


def test_tables_show_names_as_they_are(capsys):
    from zokusei.cli.tables import print_counts, print_evaluation

    print_counts("a [b] table", [("[bold]x", "[/]"), ("pip install 'zokusei[train]'", ":[")])
    rates = dict.fromkeys(RATES, 50.0)
    tag = {"name": "[/red]", "positives": 1, "ap": 1.0, "precision": None, "recall": None,
           "f1": None, "threshold": 0.5}  # fmt: skip
    print_evaluation({"pictures": 1, "name": "[b]val", "metrics": rates,
                      "metrics_own_thresholds": rates, "tags": [tag]})  # fmt: skip
    shown = capsys.readouterr().out
    for text in ("a [b] table", "[bold]x", "[/]", "'zokusei[train]'", ":[", "[/red]", "[b]val"):
        assert text in shown


def test_version(zokusei):
    from zokusei import __version__

    assert zokusei("--version")[1] == f"zokusei {__version__}\n"


def test_tag_goes_on_past_broken_pictures(zokusei, run_folder, corpus, tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    shutil.copy(corpus / "000.png", folder / "a.png")
    (folder / "b.png").write_bytes(b"nothing")
    (folder / "c.jpg").write_bytes(b"")
    shutil.copy(corpus / "001.png", folder / "d.png")
    code, out, err = zokusei("tag", folder, folder / "gone.png", "--model", run_folder, "--json")
    assert code == 3
    names = [json.loads(line)["path"] for line in out.splitlines()]
    assert names == [str(folder / "a.png"), str(folder / "d.png")]
    for name in ("b.png", "c.jpg", "gone.png"):
        assert name in err
    assert "3 of 5 pictures could not be read" in err


def test_tag_reads_a_decompression_bomb_as_an_error(zokusei, run_folder, tmp_path):
    import struct
    import zlib

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 1, 0, 0, 0, 0)
    data = zlib.compress(b"\0" * 10_000)
    bomb = tmp_path / "bomb.png"
    bomb.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )
    code, out, err = zokusei("tag", bomb, "--model", run_folder)
    assert (code, out) == (3, "")
    assert "100000 x 100000" in err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["train"], "nothing to train on"),
        (["train", "gone.yaml"], "gone.yaml cannot be read"),
        (["train", "--images", "gone"], "gone does not exist"),
        (["train", "--images", "EMPTY"], "no labelled picture"),
        (["train", "--images", "CORPUS", "recipe=white-box"], "takes pictures.photographs=FOLDER"),
        (["train", "--images", "CORPUS", "optimiser.lr=1"], "did you mean 'optimizer.lr'?"),
        (["train", "--images", "CORPUS", "train.epochs=many"], "train.epochs = 'many'"),
        (["train", "--images", "CORPUS", "train.epochs=0"], "train.epochs = 0"),
        (["train", "--images", "CORPUS", "model.name=gapp"], "did you mean 'gap'?"),
        (["train", "--images", "CORPUS", "model.backbone=resnet_101"], "did you mean"),
        (["train", "--images", "CORPUS", "model.weights=gone.pth"], "gone.pth cannot be read"),
        (["train", "--images", "CORPUS", "model.options={zzz: 1}"], "no option 'zzz'"),
        (["train", "--images", "CORPUS", "model.name=capgcn"], "give captions.captioner=RUN"),
        (["explain", "RUN", "gone.png"], "gone.png"),
        (["explain", "RUN", "EMPTY"], "empty"),
        (["caption", "EMPTY", "--model", "RUN"], "no picture was found"),
        (["caption", "gone.png", "--model", "RUN"], "holds a tagger, not a captioner"),
        (["train", "--images", "CORPUS", "loss.name=bce2"], "did you mean 'bce'?"),
        (["train", "--images", "CORPUS", "augment.scale=[0.9, 0.1]"], "crop scale"),
        (["train", "--images", "CORPUS", "train.epochs"], "one configuration at a time|cannot be"),
        (["evaluate", "gone"], "holds no trained model"),
        (["evaluate", "RUN", "--split", "tset"], "unknown split 'tset'"),
        (["report", "gone"], "evaluate"),
        (["report", "RUN", "--split", "train"], "run `zokusei evaluate"),
        (["tag", "a.png", "--model", "gone"], "holds no trained model"),
        (["tag", "EMPTY", "--model", "RUN"], "no picture was found"),
        (["tag", "a.png", "--model", "RUN", "--device", "tpu9"], "unknown device 'tpu9'"),
        (["data", "check", "gone"], "does not exist"),
        (["data", "stats", "NOISE.parquet"], "cannot be read as a manifest"),
        (["data", "import", "CORPUS", "out.parquet", "--column", "hair"], "NAME=PATTERN"),
        (["data", "draw", "CORPUS"], "holds files that were not drawn"),
    ],
)
def test_a_users_mistake_is_one_line_and_exit_code_2(
    zokusei, run_folder, corpus, tmp_path, monkeypatch, arguments, says
):
    import re

    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "noise.parquet").write_bytes(b"no parquet at all")
    names = {
        "CORPUS": str(corpus), "RUN": str(run_folder), "EMPTY": "empty",
        "NOISE.parquet": "noise.parquet",
    }  # fmt: skip
    before = sorted(tmp_path.rglob("*"))
    code, out, err = zokusei(*(names.get(a, a) for a in arguments))
    assert (code, out) == (2, "")
    last = [line for line in err.splitlines() if line.startswith("error: ")]
    assert len(last) == 1
    assert re.search(says, last[0]), last
    assert "Traceback" not in err
    assert sorted(p for p in tmp_path.rglob("*") if p not in before and p.is_file()) == []


def test_another_run_is_not_continued_by_mistake(zokusei, run_folder, corpus):
    code, _, err = zokusei("train", "--images", corpus, "--out", run_folder, "train.seed=5")
    assert code == 2
    assert "holds a run with" in err
    settled = run_folder / "config.yaml"
    code, _, err = zokusei("train", settled, "--out", run_folder, "optimizer.clip=null")
    assert code == 2
    assert "optimizer.clip = " in err
    assert "not None" in err


def test_a_folder_of_other_files_is_not_written_into(zokusei, corpus, tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    code, _, err = zokusei("train", "--images", corpus, "--out", tmp_path, *TINY)
    assert code == 2
    assert "is not a run" in err
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_unreadable_pictures_are_named_and_training_goes_on(zokusei, corpus, tmp_path):
    folder = shutil.copytree(corpus, tmp_path / "pictures")
    for name in ("000.png", "001.png", "050.png"):
        (folder / name).write_bytes(b"broken")
    code, _, err = zokusei(
        "train", "--images", folder, "--out", tmp_path / "run", *TINY, "train.epochs=1",
        "preprocess.size=32", "train.batch_size=10",
    )  # fmt: skip
    assert code == 0
    code, _, err2 = zokusei("evaluate", tmp_path / "run")
    assert code == 0
    assert sum(name in err + err2 for name in ("000.png", "001.png", "050.png")) == 3


def test_a_full_disk_is_one_line_and_the_run_goes_on_afterwards(corpus, tmp_path):
    command = [
        sys.executable, "-m", "zokusei", "train", "--images", str(corpus),
        "--out", str(tmp_path / "run"), *TINY, "train.epochs=2", "preprocess.size=32",
    ]  # fmt: skip
    # Files end at 400 kB: the manifest fits, the first state does not.
    limited = (
        "import resource, signal, runpy, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))\n"
        f"sys.argv = {command[2:]!r}\n"
        "runpy.run_module('zokusei', run_name='__main__', alter_sys=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", limited], capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert "was not written" in done.stderr
    assert not list((tmp_path / "run").rglob(".*"))
    assert subprocess.run(command, capture_output=True).returncode == 0


def test_a_closed_pipe_is_no_error(run_folder, corpus):
    done = subprocess.run(
        f"{sys.executable} -m zokusei tag {corpus} --model {run_folder} | head -n 1",
        shell=True, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


def test_awkward_names_are_tagged_and_printed(zokusei, run_folder, tmp_path):
    names = ["a b.png", 'quo"te.png', "笑顔.png", "[red]not markup.png", "new\nline.png"]
    for name in names:
        Image.new("RGB", (40, 40), "red").save(tmp_path / name)
    code, out, _ = zokusei("tag", tmp_path, "--model", run_folder, "--json")
    assert code == 0
    paths = {json.loads(line)["path"] for line in out.splitlines()}
    assert paths == {str(tmp_path / name) for name in names}
    code, out, _ = zokusei("tag", tmp_path, "--model", run_folder)
    assert "[red]not markup.png" in out
