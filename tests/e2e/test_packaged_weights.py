"""Models that come with the package, and the scripts that put them there."""

import dataclasses
import importlib.util
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from captioned import write_captioned, write_captioner
from conftest import Silent
from pictures import write_picture
from zokusei import model_folder
from zokusei.caption_checkpoint import load_caption_checkpoint, save_caption_checkpoint
from zokusei.captioning.metrics import compute_caption_metrics
from zokusei.config_file import load_config
from zokusei.corpora import import_corpus
from zokusei.corpora.drawn import write_drawn_corpus
from zokusei.data.manifest import Manifest, Record
from zokusei.errors import CheckpointError
from zokusei.inference import Captioner, Tagger
from zokusei.inference.evaluate_captions import judge_captions
from zokusei.metrics import compute_metrics, find_best_thresholds
from zokusei.results import append_result, read_results
from zokusei.tags import TagSet
from zokusei.training.classifier import train_classifier

ROOT = Path(__file__).parents[2]
COLUMNS = [
    "experiment", "corpus", "split", "pictures",
    *(f"{name}{end}" for name in ("bleu1", "bleu4", "cider") for end in ("", "_low", "_high")),
    "commit", "hardware", "versions",
]  # fmt: skip


def load_script(name):
    spec = importlib.util.spec_from_file_location(f"make_{name}", ROOT / "weights" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def script():
    return load_script("captioner")


@pytest.fixture(scope="module")
def corpora(tmp_path_factory):
    """The three corpora of the tagger, very small."""
    folder, rng = tmp_path_factory.mktemp("corpora"), np.random.default_rng(0)
    for name in ("faces", "art"):
        (folder / name).mkdir()
        for index in range(12):
            write_picture(folder / name / f"{index}.png", "red", "square", rng, 40)
    rows = [f"{i}.png,{i},{('gray', 'blonde')[i % 2]},{('blue', 'red')[i // 2 % 2]}"
            for i in range(12)]  # fmt: skip
    (folder / "faces" / "labels.csv").write_text("\n".join(["file,group,hair,eyes", *rows]) + "\n")
    rows = [f"{i}.png,{('shj', 'agpb', 'mik')[i % 3]},grey_hair blue_eyes{' hat' * (i % 2)},smile"
            for i in range(12)]  # fmt: skip
    rows = ["file,source,tags,unsure", *rows]
    (folder / "art" / "labels.csv").write_text("\n".join(rows) + "\n")
    names = ["grey_hair", "blonde_hair", "blue_eyes", "red_eyes", "hat", "smile"]
    (folder / "art" / "vocabulary.txt").write_text("\n".join(names) + "\n")
    write_drawn_corpus(folder / "drawn", count=8, size=40)
    return folder


@pytest.fixture
def run(tmp_path):
    folder = write_captioner(tmp_path / "run")
    found = dataclasses.replace(load_caption_checkpoint(folder), provenance={"name": "tiny"})
    save_caption_checkpoint(folder, found)
    return folder


@pytest.fixture
def pictures(tmp_path):
    return write_captioned(tmp_path / "corpus", count=6) / "Images"


def write_results(path, corpus="photographs", **figures):
    row = {"experiment": "tiny", "corpus": corpus, "split": "test", "pictures": 1000}
    row |= {name: 0.0 for name in COLUMNS if name.startswith(("bleu", "cider"))} | figures
    append_result(path, row, COLUMNS)


def test_what_is_packed_is_what_captions_without_a_model(
    zokusei, script, run, pictures, tmp_path, monkeypatch
):
    results = tmp_path / "results.csv"
    write_results(results, bleu4=3.25)
    write_results(results, bleu4=20.54, bleu4_low=19.06, bleu4_high=22.0)
    write_results(results, "cartoons", bleu4=18.0)
    monkeypatch.setattr(model_folder, "_PACKAGED", tmp_path / "weights")
    script.ship(run, tmp_path / "weights" / "captioner", results)
    code, packed, _ = zokusei("caption", pictures)
    assert code == 0
    assert packed == zokusei("caption", pictures, "--model", run)[1]
    assert len(packed.splitlines()) == 6
    card = (tmp_path / "weights" / "captioner" / "README.md").read_text()
    assert "| 1000 photographs | 0.0 (0.0 to 0.0) | 20.5 (19.1 to 22.0) |" in card
    assert "| 1000 cartoons |" in card
    assert "CC BY-NC-SA 4.0" in card


def test_the_captioner_in_the_package_describes_pictures_that_nobody_has_seen(tmp_path):
    folder = model_folder.find_model_folder("base", "captioner")
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 25e6
    write_drawn_corpus(tmp_path / "drawn", count=24, size=224, seed=11)
    pictures, _ = import_corpus(tmp_path / "drawn")
    found = judge_captions(Captioner.load("base"), pictures, "drawn")
    # Better than the sentence that Flickr8k's words make of any of them, and not one for all.
    references = [entry["references"] for entry in found["captions"]]
    always = ["a little girl in a blue shirt is standing on the floor"] * len(references)
    blind = compute_caption_metrics(always, references).as_row()
    assert all(found["metrics"][name] > blind[name] for name in ("bleu1", "bleu4", "cider"))
    assert len({entry["caption"] for entry in found["captions"]}) > 12


def test_a_package_without_captioner_says_so(zokusei, pictures, tmp_path, monkeypatch):
    monkeypatch.setattr(model_folder, "_PACKAGED", tmp_path / "weights")
    code, _, err = zokusei("caption", pictures)
    assert code == 2
    assert "this one came without" in err


def test_nothing_is_packed_without_figures(script, tmp_path):
    write_results(tmp_path / "results.csv")
    with pytest.raises(SystemExit, match="no test figures of 'other'"):
        script.list_figures(tmp_path / "results.csv", "other")


def test_every_stage_is_a_command_that_there_is(zokusei, script):
    for stage in script.list_stages(Path("flickr8k"), Path("white-box.tflite")):
        if stage[0] == "-m":
            command = stage[2:4] if stage[2] == "data" else stage[2:3]
            code, out, _ = zokusei(*command, "--help")
            assert code == 0
            assert all(option in out for option in stage if option.startswith("--"))
        else:
            assert (ROOT / stage[0]).exists()
        assert all((ROOT / part).exists() for part in stage if part.startswith("configs/"))


def test_the_taggers_corpora_meet_and_only_other_artists_are_held_out(corpora):
    tagger = load_script("tagger")
    merged = tagger.make_corpus(corpora / "faces", corpora / "art", corpora / "drawn")
    assert len(merged) == 12 + 12 + 8
    assert "gray_hair" not in merged.tags
    known, targets = merged.compute_known(), merged.compute_targets()
    sources, splits = merged.column("source"), merged.column("split")
    held_out = [row for row, split in enumerate(splits) if split == "val"]
    assert held_out == [0, 3, 6, 9]
    assert {sources[row] for row in held_out} == {"art"}
    assert set(splits) == {"train", "val"}
    smile, grey = merged.tags.index("smile"), merged.tags.index("grey_hair")
    for row, source in enumerate(sources):
        assert known[row, smile] == (source == "drawn")  # unsure in art, unasked in faces
        assert known[row, grey]
    faces = [row for row, source in enumerate(sources) if source == "faces"]
    assert targets[faces, grey].tolist() == [True, False] * 6
    # While settings are chosen others are judged, and nothing sees those that count.
    folders = [corpora / name for name in ("faces", "art", "drawn")]
    chosen = tagger.make_corpus(*folders, ("agpb",)).column("split")
    assert [chosen[row] for row in range(6)] == ["test", "val", "train"] * 2


def test_the_tagger_is_trained_and_judged_by_its_configuration(corpora, tmp_path):
    tagger = load_script("tagger")
    merged = tagger.make_corpus(corpora / "faces", corpora / "art", corpora / "drawn")
    merged.save(tmp_path / "corpus.parquet")
    tiny = ["model.backbone=test_efficientnet", "model.weights=none", "preprocess.size=64",
            "augment.size=32", "train.epochs=1", "train.batch_size=8",
            "data.min_count=1", "model.second_look=['*_eyes', '*_hair']"]  # fmt: skip
    settings = [f"data.path={tmp_path / 'corpus.parquet'}", *tiny]
    config = load_config(ROOT / tagger.CONFIG, settings)
    train_classifier(config, tmp_path / "run", Silent(), lambda message: None)
    row = tagger.judge(tmp_path / "run")
    assert (row["hair_pictures"], row["eyes_pictures"]) == (4, 4)
    assert row["tags"] == 3  # grey hair, blue eyes and the hat of every second one
    assert 0 <= row["hair_top1"] <= 100
    assert set(tagger.FIELDS) - set(row) == {"versions", "command"}


def test_thresholds_are_found_anew_on_what_was_held_out(corpora, tmp_path, untrained, monkeypatch):
    tagger, place = load_script("tagger"), tmp_path / "tagger"
    shutil.copytree(untrained, place)
    known = TagSet.load(place / "tags.csv")
    art = shutil.copytree(corpora / "art", tmp_path / "art")
    names = [known.names[0], "hat", known.names[1]]  # the second one is none of the tagger's
    rows = [f"{i}.png,{('shj', 'agpb', 'mik')[i % 3]},{' '.join(names[: 1 + i % 2])},{names[2]}"
            for i in range(12)]  # fmt: skip
    (art / "labels.csv").write_text("\n".join(["file,source,tags,unsure", *rows]) + "\n")
    (art / "vocabulary.txt").write_text("\n".join(names) + "\n")
    scores, targets, asked = tagger.score_held_out(art, place)
    assert scores.shape == targets.shape == (4, len(known))
    assert targets.sum(0).tolist() == [4, *[0] * (len(known) - 1)]
    assert asked.sum(0).tolist() == [4, *[0] * (len(known) - 1)]  # the third name is unsure
    paths = [art / f"{i}.png" for i in (0, 3, 6, 9)]
    found = [list(tags.scores.values()) for tags in Tagger.load(place).tag(paths)]
    torch.testing.assert_close(scores, torch.tensor(found))
    monkeypatch.setattr(tagger, "PLACE", place)
    monkeypatch.setattr("sys.argv", ["tagger.py", "--thresholds", "--art", str(art)])
    tagger.main()
    expected = find_best_thresholds(scores, targets, asked, shared_weight=40)
    written = [tag.threshold for tag in TagSet.load(place / "tags.csv")]
    assert written == pytest.approx(expected.tolist(), rel=1e-4)
    assert TagSet.load(place / "tags.csv").names == known.names


def test_a_packed_tagger_tags_without_a_model(
    zokusei, pictures, tmp_path, monkeypatch, untrained, capsys
):
    tagger, results = load_script("tagger"), tmp_path / "results.csv"
    monkeypatch.setattr(model_folder, "_PACKAGED", tmp_path / "weights")
    code, _, err = zokusei("tag", pictures)
    assert code == 2
    assert "'base' is the tagger that comes with the package, and this one came without" in err
    place, run = tmp_path / "weights" / "tagger", tmp_path / "judged"
    shutil.copytree(untrained, run / "model")
    record = Record("a.png", ["smile"], split="val", group="art:sei")
    manifest = Manifest.from_records([record], None, tmp_path)
    row = dict.fromkeys(tagger.FIELDS, 0.0) | {"experiment": "base-tagger", "map": 41.26,
           "hair_top1": 80.6, "hair_pictures": 31, "tags": 126}  # fmt: skip
    append_result(results, row | {"weights": tagger.hash_weights(run)}, tagger.FIELDS)
    append_result(results, row | {"weights": "another's", "map": 99.0}, tagger.FIELDS)
    manifest.save(run / "manifest.parquet")
    with pytest.raises(SystemExit, match="for choosing settings, judged on sei; nothing is packed"):
        tagger.ship(run, place, results)
    manifest.with_column("group", ["art:shj"]).save(run / "manifest.parquet")
    monkeypatch.setattr(tagger, "LARGEST", 1000)
    with pytest.raises(SystemExit, match="more than the 1,000 bytes"):
        tagger.ship(run, place, results)
    monkeypatch.undo()
    monkeypatch.setattr(model_folder, "_PACKAGED", tmp_path / "weights")
    assert not place.exists()
    tagger.ship(run, place, results)
    weights = run / "model" / "model.safetensors"
    weights.write_bytes(weights.read_bytes() + b" ")
    with pytest.raises(SystemExit, match="no row of base-tagger with the weights of"):
        tagger.ship(run, place, results)
    card = (place / "README.md").read_text()
    assert "mAP 41.3 over the 126 tags that occur there" in card
    assert "the first guess is right in 81 % of 31 pictures" in card
    assert all(source in card for source in tagger.HELD_OUT)
    code, out, err = zokusei("tag", pictures, "--json")
    assert code == 0, err
    packed, whole = (
        [json.loads(line)["scores"] for line in text.splitlines()]
        for text in (out, zokusei("tag", pictures, "--json", "--model", untrained)[1])
    )
    assert len(packed) == 6
    for mine, theirs in zip(packed, whole, strict=True):
        assert mine == pytest.approx(theirs, abs=2e-3)
    weights = load_file(place / "model.safetensors")
    assert weights["head.classifier.weight"].dtype == torch.float16
    assert weights["backbone.body.bn1.running_var"].dtype == torch.float32
    # A path is a path, whatever it is called.
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CheckpointError, match="base holds no trained model"):
        Tagger.load(Path("base"))
    assert zokusei("tag", pictures, "--model", "./base")[0] == 2


@pytest.mark.skipif(
    not (ROOT / "src" / "zokusei" / "weights" / "tagger").exists(), reason="no tagger is packed yet"
)
def test_the_tagger_in_the_package_tags_pictures_that_nobody_has_seen(tmp_path):
    folder = model_folder.find_model_folder("base", "tagger")
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 25e6
    write_drawn_corpus(tmp_path / "drawn", count=48, size=224, seed=11)
    pictures, _ = import_corpus(tmp_path / "drawn")
    tagger = load_script("tagger")
    found = list(Tagger.load().tag(pictures.paths))
    scores = np.array([[tags.scores[name] for name in pictures.tags.names] for tags in found])
    shares = {}
    for attribute in ("hair", "eyes"):
        colours = [name for name in pictures.tags.names if tagger.is_colour(name, attribute)]
        own = [pictures.tags.index(name) for name in colours]
        hits, certain = tagger.count_hits(scores[:, own], pictures, colours)
        assert certain > 24
        shares[attribute] = hits / certain
    assert shares["hair"] > 0.7
    assert shares["eyes"] > 0.5
    figures = compute_metrics(
        torch.from_numpy(scores), torch.from_numpy(pictures.compute_targets()), None
    )
    assert figures.map > 3 * pictures.compute_targets().mean()


@pytest.mark.parametrize("develop", [False, True])
def test_the_tagger_is_made_by_one_command_to_its_last_line(
    corpora, tmp_path, monkeypatch, capsys, develop
):
    tagger, done = load_script("tagger"), []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tagger, "RESULTS", tmp_path / "base-tagger.csv")
    monkeypatch.setattr(tagger, "DRAWN", corpora / "drawn")
    noted = SimpleNamespace(run=lambda command, check: done.append(command))
    monkeypatch.setattr(tagger, "subprocess", noted)
    row = dict.fromkeys([*tagger.FIELDS, "op", "cf1"], 1.0) | {"experiment": "base"}
    monkeypatch.setattr(tagger, "judge", lambda run: dict(row))
    arguments = ["--faces", str(corpora / "faces"), "--art", str(corpora / "art"), "train.seed=1"]
    arguments += ["--develop"] * develop
    monkeypatch.setattr(tagger.sys, "argv", ["tagger.py", *arguments])
    packed = []
    monkeypatch.setattr(tagger, "ship", lambda *given: packed.append(given))
    tagger.main()
    name = "base-tagger-development" if develop else "base-tagger"
    run = Path("runs") / name
    assert packed == ([] if develop else [(run, tagger.PLACE, tmp_path / "base-tagger.csv")])
    assert [command[3] for command in done] == ["data", "train"]
    assert done[1][-1] == "train.seed=1"
    corpus = Path(f"runs/base/{name}.parquet")
    assert f"data.path={corpus}" in done[1]
    assert done[1][done[1].index("--out") + 1] == str(run)
    splits = Manifest.load(corpus).column("split")
    assert splits.count("test") == (4 if develop else 0)  # of the source that counts
    written = read_results(tmp_path / "base-tagger.csv")
    kept = [(row["experiment"], row["config"], row["map"]) for row in written]
    assert kept == [(name, f"{name} train.seed=1", "1")]
    assert "hair_top1 1.0" in capsys.readouterr().out


def test_choosing_and_packing_are_two_commands(monkeypatch, capsys):
    tagger = load_script("tagger")
    monkeypatch.setattr(tagger.sys, "argv", ["tagger.py", "--develop", "--ship", "runs/a"])
    with pytest.raises(SystemExit):
        tagger.main()
    assert "packs nothing" in capsys.readouterr().err


def test_hits_are_those_of_a_loop():
    tagger = load_script("tagger")
    rng, colours = np.random.default_rng(0), ["red_hair", "blue_hair", "grey_hair"]
    records, scores, hits, pictures = [], rng.random((40, 3)), 0, 0
    for index in range(40):
        tags = [name for name in colours if rng.random() < 0.4]
        known = None if rng.random() < 0.7 else tags
        records.append(Record(f"{index}.png", tags, known))
        if len(tags) == 1 and known is None:
            pictures += 1
            hits += colours[int(scores[index].argmax())] == tags[0]
    manifest = Manifest.from_records(records, TagSet.from_names(["hat", *colours]), ".")
    assert tagger.count_hits(scores, manifest, colours) == (hits, pictures)
    assert 0 < hits < pictures
