"""`zokusei caption`, and evaluating a captioner, as a user runs them."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from captioned import settings, train, write_captioned
from zokusei.captioning.metrics import compute_caption_metrics
from zokusei.errors import ImageError
from zokusei.images.preprocess import Preprocess
from zokusei.inference import Caption, Captioner
from zokusei.report.attention_sheet import save_attention_sheet
from zokusei.reproduce.bootstrap import resample_captions
from zokusei.results import read_results


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return write_captioned(tmp_path_factory.mktemp("captioned") / "corpus")


@pytest.fixture(scope="module")
def trained(corpus, tmp_path_factory):
    root = tmp_path_factory.mktemp("runs")
    more = ["train.epochs=12", "optimizer.lr=0.05", "augment.flip=0"]
    train(settings(corpus, root / "cache", *more), root / "run")
    return root / "run"


@pytest.fixture
def photos(corpus, tmp_path):
    folder = tmp_path / "photos"
    (folder / "deep").mkdir(parents=True)
    shutil.copy(corpus / "Images" / "000.png", folder / "a.png")
    shutil.copy(corpus / "Images" / "001.png", folder / "deep" / "b.png")
    return folder


@pytest.fixture
def run(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "run")


def test_captions_are_printed_with_their_paths(zokusei, run, photos):
    code, out, _ = zokusei("caption", photos, "--model", run)
    assert code == 0
    lines = [line.split("\t") for line in out.splitlines()]
    assert [line[0] for line in lines] == [str(photos / "a.png"), str(photos / "deep" / "b.png")]
    assert all(line[1] for line in lines)
    _, as_json, _ = zokusei("caption", photos, "--model", run, "--json")
    rows = [json.loads(line) for line in as_json.splitlines()]
    assert [(row["path"], row["caption"]) for row in rows] == [tuple(line) for line in lines]
    assert all(row["score"] < 0 for row in rows)


def test_captions_are_written_and_what_is_there_is_kept(zokusei, run, photos, tmp_path):
    (photos / "a.txt").write_text("mine\n")
    code, out, err = zokusei("caption", photos, "--model", run, "--write")
    assert code == 0
    assert (photos / "a.txt").read_text() == "mine\n"
    said = dict(line.split("\t") for line in out.splitlines())
    written = (photos / "deep" / "b.txt").read_text()
    assert written == said[str(photos / "deep" / "b.png")] + "\n"
    assert "1 .txt files are there and are kept" in err
    assert list(said) == [str(photos / "deep" / "b.png")]
    code, out, _ = zokusei("caption", photos, "--model", run, "--write", "--existing", "replace")
    said = dict(line.split("\t") for line in out.splitlines())
    assert (photos / "a.txt").read_text() == said[str(photos / "a.png")] + "\n"
    zokusei("caption", photos, "--model", run, "--write", "-o", tmp_path / "out")
    assert (tmp_path / "out" / "deep" / "b.txt").read_text() == written


def test_the_search_is_the_one_that_was_asked_for(zokusei, run, photos, monkeypatch):
    asked = {}

    def note(self, pictures, **search):
        asked.update(search)
        return iter(())

    monkeypatch.setattr(Captioner, "caption", note)
    given = ["--beam", 7, "--length-penalty", 0.4, "--batch-size", 5]
    zokusei("caption", photos, "--model", run, *given)
    asked.pop("on_error")
    assert asked == {"beam": 7, "length_penalty": 0.4, "batch_size": 5}


def test_captions_are_written_though_nobody_reads_what_is_printed(run, photos):
    for number in range(8):
        shutil.copy(photos / "a.png", photos / f"{number}.png")
    command = [sys.executable, "-m", "zokusei", "caption", photos, "--model", run, "--write"]
    with subprocess.Popen([*command, "--batch-size", "1"], stdout=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.wait(timeout=120) == 0
    assert len(list(photos.rglob("*.txt"))) == 10


def test_a_sheet_of_attention_takes_no_picture_s_place(zokusei, run, photos):
    before = (photos / "a.png").read_bytes()
    code, _, err = zokusei(
        "caption", photos / "deep" / "b.png", "--model", run, "--attention", photos / "a.png"
    )
    assert (code, (photos / "a.png").read_bytes()) == (2, before)
    assert "a.png exists" in err


def test_attention_is_one_picture(zokusei, run, photos, tmp_path):
    sheet = tmp_path / "look.png"
    _, out, _ = zokusei("caption", photos / "a.png", "--model", run, "--attention", sheet)
    words = len(out.split("\t")[1].split())
    with Image.open(sheet) as image:
        assert image.size == (6 * 64, -(-(words + 1) // 6) * (64 + 22))
        pixels = np.array(image)
    with Image.open(photos / "a.png") as image:
        plain = np.array(image.convert("RGB"))
    assert np.array_equal(pixels[22 : 22 + 64, :64], plain)


def test_a_tile_is_bright_where_the_model_looked(photos, tmp_path):
    maps = torch.tensor([[[1.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 1.0]]])
    caption = Caption(str(photos / "a.png"), ("one", "two"), -1.0, maps)
    preprocess = Preprocess(64, "squash", mean=(0.5,) * 3, std=(0.5,) * 3)
    save_attention_sheet(tmp_path / "look.png", [caption], preprocess)
    with Image.open(tmp_path / "look.png") as image:
        pixels = np.array(image)[22 : 22 + 64].astype(float)
    plain, one, two = (pixels[:, left : left + 64] for left in (0, 64, 128))
    for tile, bright, dark in ((one, (0, 0), (63, 63)), (two, (63, 63), (0, 0))):
        assert tile[bright] == pytest.approx(plain[bright], abs=1)
        assert tile[dark] == pytest.approx(0.2 * plain[dark], abs=4)


def test_broken_pictures_are_named_and_counted(zokusei, run, photos):
    (photos / "broken.jpg").write_bytes(b"\xff\xd8\xff nothing")
    code, out, err = zokusei("caption", photos, photos / "gone.png", "--model", run)
    assert code == 3
    assert len(out.splitlines()) == 2
    assert "broken.jpg" in err
    assert "gone.png" in err
    assert "2 of 4 pictures and folders could not be read" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--existing", "erase"], "unknown --existing"),
        (["--out", "x"], "add it"),
        (["--attention", "look.xyz"], "must end in"),
        (["--model", "gone"], "no trained model"),
    ],
)
def test_mistakes_are_one_line(zokusei, run, photos, arguments, message):
    given = ["caption", photos, "--model", run, *arguments]
    code, _, err = zokusei(*given)
    assert code == 2
    assert message in err
    assert err.count("\n") == 1


def test_names_that_are_no_text_or_have_line_breaks_stay_one_line(zokusei, run, photos):
    (photos / "a.png").rename(photos / os.fsdecode(b"\xff\n.png"))
    code, out, _ = zokusei("caption", photos, "--model", run, "--write")
    assert code == 0
    assert out.splitlines()[1].startswith(f"{photos}/\\udcff\\n.png\t")
    assert (photos / os.fsdecode(b"\xff\n.txt")).is_file()
    code, out, _ = zokusei("caption", f"{photos}/**/*.png", "--model", run, "--json")
    assert code == 0
    paths = {os.fsencode(json.loads(line)["path"]) for line in out.splitlines()}
    assert os.fsencode(photos) + b"/\xff\n.png" in paths
    assert len(paths) == 2


def test_two_pictures_of_one_name_are_not_written_over(zokusei, run, photos):
    shutil.copy(photos / "a.png", photos / "a.jpg")
    code, _, err = zokusei("caption", photos, "--model", run, "--write")
    assert code == 2
    assert "would both be captioned" in err


def test_no_size_of_picture_is_too_odd_and_none_depends_on_the_others(run, photos):
    Image.new("RGB", (1, 1), "red").save(photos / "dot.png")
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (200, 20_000, 3), dtype=np.uint8)).save(
        photos / "strip.png"
    )
    captioner = Captioner.load(run, device="cpu")
    paths = sorted(photos.rglob("*.png"))
    together = captioner.caption(paths, beam=3, batch_size=4)
    for path, found in zip(paths, together, strict=True):
        (alone,) = captioner.caption([path], beam=3)
        assert alone.words == found.words
        assert alone.score == pytest.approx(found.score, abs=1e-4)
        torch.testing.assert_close(alone.attention, found.attention, atol=1e-4, rtol=1e-3)
        assert found.attention.shape == (len(found.words), 2, 2)
    with pytest.raises(ImageError):
        list(captioner.caption([b"nothing"]))


def test_evaluating_prints_the_figures_of_free_captions(zokusei, run, corpus, tmp_path):
    code, out, _ = zokusei("evaluate", run, "--split", "val", "--beam", 2)
    assert code == 0
    found = json.loads((run / "evaluation-val.json").read_text())
    wanted = compute_caption_metrics(
        [entry["caption"] for entry in found["captions"]],
        [entry["references"] for entry in found["captions"]],
    )
    assert f"BLEU-1 {wanted.bleu[0]:.1f}" in out
    assert f"CIDEr {wanted.cider:.1f}" in out
    assert f"sacrebleu {wanted.signature}" in out
    assert "nrefs:5" in wanted.signature
    captioner = Captioner.load(run)
    first = found["captions"][0]
    (again,) = captioner.caption([corpus / "Images" / first["path"]], beam=2)
    assert again.text == first["caption"]
    results = tmp_path / "results.csv"
    assert zokusei("evaluate", run, "--results", results)[0] == 0
    assert "show_attend_tell" in results.read_text()


def test_training_from_the_command_line(zokusei, corpus, tmp_path):
    from captioned import TINY

    given = ["recipe=captioner", f"data.path={corpus}", f"train.annotations={tmp_path}/cache"]
    out = tmp_path / "run"
    code, _, err = zokusei("train", *given, *TINY, "train.epochs=1", "--out", out)
    assert code == 0, err
    assert "validation BLEU-1 to 4" in err
    assert f"zokusei caption PICTURES --model {out}" in err
    code, _, err = zokusei("train", "recipe=captioner", "--images", corpus)
    assert code == 2
    assert "data.path=CORPUS" in err


def test_a_caption_file_that_names_missing_pictures(zokusei, corpus, tmp_path):
    from captioned import TINY

    copy = shutil.copytree(corpus, tmp_path / "corpus")
    with (copy / "Flickr8k.token.txt").open("a") as file:
        file.write("gone.png#0\ta picture that is not there\n000.png#5\t\n")
    given = ["recipe=captioner", f"data.path={copy}", f"train.annotations={tmp_path}/cache"]
    out = tmp_path / "run"
    code, _, err = zokusei("train", *given, *TINY, "train.epochs=1", "--out", out)
    assert code == 0, err
    problems = (out / "errors.jsonl").read_text()
    assert "gone.png" in problems
    assert "line 72" in problems or '"line": 72' in problems


def test_the_benchmark_compares_captioners_on_the_same_pictures(run, tmp_path, monkeypatch):
    path = Path(__file__).parents[2] / "benchmarks" / "captioner.py"
    spec = importlib.util.spec_from_file_location("captioner_benchmark", path)
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    monkeypatch.setattr(benchmark, "RESULTS", tmp_path / "results.csv")
    monkeypatch.setattr(benchmark, "RESAMPLES", 50)
    other = shutil.copytree(run, tmp_path / "other")
    given = [str(run), str(other), "--on", f"photographs={run}", "--split", "train"]
    monkeypatch.setattr(sys, "argv", ["captioner.py", *given])
    benchmark.main()
    first, second = read_results(tmp_path / "results.csv")
    assert first["corpus"] == second["corpus"] == "photographs"
    assert first["baseline"] == ""
    for name in benchmark.FIGURES:
        low, value, high = (float(first[key]) for key in (f"{name}_low", name, f"{name}_high"))
        assert low <= value <= high
        # The same model on the same resamples: nothing is gained in any of them.
        assert all(float(second[f"{name}_gain{end}"]) == 0 for end in benchmark.ENDS)
    assert first["pictures"] == "10"
    captions = ["a dog runs on the grass", "a cat", "two men sit in a red boat"]
    references = [["a dog runs on the grass"], ["the moon"], ["two men stand in a red boat"]]
    entries = [
        {"caption": caption, "references": own}
        for caption, own in zip(captions, references, strict=True)
    ]
    found = benchmark.describe(resample_captions(entries, resamples=50))
    whole = compute_caption_metrics(captions, references).as_row()
    for name in benchmark.FIGURES:
        assert found[name] == pytest.approx(whole[name])
        assert found[f"{name}_low"] < whole[name] < found[f"{name}_high"]
