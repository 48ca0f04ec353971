"""A trained model that leaves torch says what it said before, here and in other tools."""

import csv
import json
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from zokusei.checkpoint import load_checkpoint
from zokusei.errors import CheckpointError, ConfigError, DataError, MissingExtraError, ModelError
from zokusei.export import folder as export_folder
from zokusei.export.folder import check_target, export_run
from zokusei.export.graph import write_onnx
from zokusei.export.parity import Parity
from zokusei.export.pictures import choose_pictures
from zokusei.images.preprocess import Preprocess
from zokusei.inference import Tagger
from zokusei.inference.evaluate import evaluate_run
from zokusei.inference.explain import explain_picture
from zokusei.inference.exported import Form
from zokusei.tags import TagSet


@pytest.fixture(scope="module")
def onnx_folder(run_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported") / "onnx"
    export_run(run_folder, folder, "onnx")
    return folder


@pytest.fixture(scope="module")
def bytes_graph(run_folder, tmp_path_factory):
    """A graph in the form that OpenVINO gets."""
    path = tmp_path_factory.mktemp("graph") / "model.onnx"
    checkpoint = load_checkpoint(run_folder)
    write_onnx(path, checkpoint.model, checkpoint.preprocess, "openvino")
    return path


@pytest.fixture(scope="module")
def openvino_folder(run_folder, onnx_folder, bytes_graph, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported") / "openvino"
    with pytest.MonkeyPatch.context() as patch:
        take_what_is_there(onnx_folder, bytes_graph, patch)
        export_run(run_folder, folder, "openvino")
    return folder


def take_what_is_there(onnx_folder, bytes_graph, monkeypatch):
    """Let exports take the graphs that are there, since writing one takes seconds."""

    def write_onnx(path, model, preprocess, form):
        shutil.copy(bytes_graph if form == "openvino" else onnx_folder / "model.onnx", path)

    monkeypatch.setattr(export_folder, "write_onnx", write_onnx)


@pytest.fixture
def written(onnx_folder, bytes_graph, monkeypatch):
    take_what_is_there(onnx_folder, bytes_graph, monkeypatch)


@pytest.fixture(params=["onnx", "openvino"])
def folder(request):
    return request.getfixturevalue(f"{request.param}_folder")


def read_like_other_tools(folder, path):
    """What WD's clients do, by the tag list and the graph alone; the pictures are squares."""
    import onnxruntime

    session = onnxruntime.InferenceSession(folder / "model.onnx")
    (given,) = session.get_inputs()
    _, height, width, channels = given.shape
    assert channels == 3
    image = Image.open(path).convert("RGB").resize((width, height), Image.Resampling.BICUBIC)
    array = np.asarray(image, np.float32)[:, :, ::-1]
    scores = session.run([session.get_outputs()[0].name], {given.name: array[None]})[0][0]
    with (folder / "selected_tags.csv").open(newline="") as file:
        reader = csv.reader(file)
        assert next(reader)[:4] == ["tag_id", "name", "category", "count"]
        return dict(zip([row[1] for row in reader], scores.tolist(), strict=True))


def test_scores_and_tags_are_those_of_the_trained_model(run_folder, folder, corpus):
    paths = sorted(corpus.glob("*.png"))[:21]
    trained, exported = Tagger.load(run_folder, device="cpu"), Tagger.load(folder)
    pairs = zip(trained.tag(paths), exported.tag(paths, batch_size=5), strict=True)
    for before, after in pairs:
        assert after.path == before.path
        assert after.scores == pytest.approx(before.scores, abs=1e-5)
        assert after.names == before.names


def test_no_bit_of_a_score_depends_on_the_other_pictures(folder, corpus, monkeypatch):
    paths = sorted(corpus.glob("*.png"))[:7]
    tagger = Tagger.load(folder)
    alone = [next(tagger.tag([path])) for path in paths]
    compute, passes = tagger.backend._compute, []

    def watch(fitted):
        passes.append(len(fitted[0]))
        return compute(fitted)

    # A graph as small as this one shows no difference, and so the passes are counted.
    monkeypatch.setattr(tagger.backend, "_compute", watch)
    assert list(tagger.tag(paths)) == list(tagger.tag(reversed(paths)))[::-1] == alone
    assert passes == [1] * 14


def test_other_tools_read_the_same(onnx_folder, corpus):
    tagger = Tagger.load(onnx_folder)
    for path in sorted(corpus.glob("*.png"))[:3]:
        (tags,) = tagger.tag([path])
        assert read_like_other_tools(onnx_folder, path) == pytest.approx(tags.scores, abs=1e-5)


def test_thresholds_preprocessing_and_origin_travel_along(run_folder, folder):
    trained, exported = load_checkpoint(run_folder), Tagger.load(folder).checkpoint
    assert exported.tags == trained.tags
    assert exported.preprocess == trained.preprocess
    config = json.loads((folder / "config.json").read_text())
    assert config["provenance"].items() >= trained.provenance.items()


def test_figures_of_the_comparison_are_those_of_the_evaluation(run_folder, folder, tmp_path):
    parity = json.loads((folder / "metrics.json").read_text())["parity"]
    judged = evaluate_run(shutil.copytree(run_folder, tmp_path / "run"), split="val")
    assert parity["pictures"] == judged["pictures"] == 12
    assert parity["map_before"] == pytest.approx(judged["metrics"]["map"], abs=1e-3)
    assert parity["map_change"] == parity["map_after"] - parity["map_before"]
    assert parity["map_change"] == pytest.approx(0, abs=1e-3)
    assert parity["largest"] < 1e-5


def test_tagging_with_it_imports_no_torch(folder, corpus):
    code = (
        "import sys\n"
        "for name in ('torch', 'torchvision', 'timm', 'onnx', 'onnxscript'):\n"
        "    sys.modules[name] = None\n"
        f"sys.argv = ['zokusei', 'tag', {str(corpus / '000.png')!r}, '--model', "
        f"{str(folder)!r}]\n"
        "from zokusei.cli import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "000.png: " in done.stdout
    assert "on cpu through " in done.stderr


@pytest.mark.parametrize(("precision", "figures"), [
    ("float32", {"largest": 0.01}), ("float32", {"mean": float("nan")}),
    ("int8", {"mean": float("nan")}), ("bfloat16", {"mean": float("nan")}),
    # Says 0 to everything, as nearly all of many tags are.
    ("bfloat16", {"largest": 0.99, "mean": 0.02, "share": 1.0}),
])  # fmt: skip
def test_what_an_exported_model_may_not_be(precision, figures):
    good = Parity(
        pictures=9, largest=1e-5, mean=1e-6, share=1e-4, changed=0.0, map_before=50.0,
        map_after=50.0, unreadable=0,
    )  # fmt: skip
    export_folder._refuse_another(good, precision, "it")
    with pytest.raises(ModelError, match=r"it.* gives .*nothing was written"):
        export_folder._refuse_another(replace(good, **figures), precision, "it")


@pytest.mark.parametrize(("runtime", "precision"), [("onnx", "float32"), ("openvino", "bfloat16")])
def test_a_graph_that_says_something_else_is_not_written(
    run_folder, onnx_folder, bytes_graph, tmp_path, monkeypatch, runtime, precision
):
    import onnx
    from onnx import numpy_helper

    def write_onnx(path, model, preprocess, form):
        graph = onnx.load(bytes_graph if form == "openvino" else onnx_folder / "model.onnx")
        weight = next(w for w in graph.graph.initializer if w.name.endswith("conv_stem.weight"))
        broken = -4 * numpy_helper.to_array(weight)
        weight.CopyFrom(numpy_helper.from_array(broken, weight.name))
        onnx.save(graph, path)

    monkeypatch.setattr(export_folder, "write_onnx", write_onnx)
    with pytest.raises(ModelError, match=r"from the trained model's.*nothing was written"):
        export_run(run_folder, tmp_path / "graph", runtime, precision=precision)
    assert list(tmp_path.iterdir()) == []


def test_where_an_export_would_change_a_model_it_is_given_a_place(zokusei, run_folder, tmp_path):
    code, _, err = zokusei("export", run_folder / "model", "--to", "onnx")
    assert code == 2
    assert "is a model folder, which an export would change; give --out FOLDER" in err


@pytest.mark.parametrize("form", [
    Form(), Form(channels_last=False), Form(blue_first=False, wants_normalized=True),
    Form(channels_last=False, blue_first=False, wants_normalized=True),
    Form(blue_first=False, takes_bytes=True), Form(channels_last=False, takes_bytes=True),
])  # fmt: skip
def test_pictures_are_arranged_as_a_loop_does(form):
    pixels = np.random.default_rng(0).integers(0, 256, (2, 3, 4, 3), dtype=np.uint8)
    preprocess = Preprocess(4, "pad", (0.5, 0.4, 0.3), (0.2, 0.25, 0.5))
    found = form.arrange(pixels, preprocess)
    assert found.flags.c_contiguous
    assert found.dtype == (np.uint8 if form.takes_bytes else np.float32)
    for picture, row, column, channel in np.ndindex(*pixels.shape):
        value = float(pixels[picture, row, column, channel])
        if form.wants_normalized:
            value = (value / 255 - preprocess.mean[channel]) / preprocess.std[channel]
        place = 2 - channel if form.blue_first else channel
        where = (row, column, place) if form.channels_last else (place, row, column)
        assert found[(picture, *where)] == pytest.approx(value, abs=1e-5)


def test_the_command_prints_how_near_it_is(zokusei, run_folder, corpus, tmp_path, written):
    run = shutil.copytree(run_folder, tmp_path / "run")
    code, out, err = zokusei("export", run, "--to", "onnx")
    assert (code, out) == (0, "")
    assert "12 validation pictures: probabilities differ by" in err
    assert "mAP" in err
    code, out, err = zokusei("tag", corpus / "001.png", "--model", run / "onnx", "--json")
    assert code == 0
    assert set(json.loads(out)["scores"]) == {"red", "green", "blue", "square", "stripe"}
    check_target(run / "onnx")  # may be made anew in its place
    (run / "onnx" / "NOTES.md").write_text("mine")
    code, _, err = zokusei("export", run, "--to", "onnx")
    assert (code, (run / "onnx" / "NOTES.md").read_text()) == (2, "mine")
    assert "holds NOTES.md beside an exported model" in err
    (tmp_path / "link").symlink_to(run / "onnx")
    (run / "onnx" / "NOTES.md").unlink()
    for _ in range(2):
        code, _, err = zokusei("export", run, "--to", "onnx", "-o", tmp_path / "link")
        assert (code, (tmp_path / "link").is_symlink()) == (0, True), err
    assert [path.name for path in run.glob(".*")] == []
    code, _, err = zokusei("export", run, "--to", "onnx", "-o", corpus)
    assert code == 2
    assert "no exported model; name another" in err
    assert len(list(corpus.glob("*.png"))) == 120


def test_a_model_without_a_run_is_compared_on_pictures_without_labels(
    zokusei, run_folder, corpus, tmp_path, written
):
    pictures = tmp_path / "pictures" / "deep"
    pictures.mkdir(parents=True)
    for path in sorted(corpus.glob("*.png"))[:5]:
        shutil.copy(path, pictures)
    model = shutil.copytree(run_folder / "model", tmp_path / "packaged")  # as the package has it
    code, out, err = zokusei(
        "export", model, "--to", "onnx", "-o", tmp_path / "a", "--pictures", pictures.parent
    )
    assert (code, out) == (0, "")
    assert "\n5 pictures: probabilities differ by" in f"\n{err}"
    assert "mAP" not in err
    parity = json.loads((tmp_path / "a" / "metrics.json").read_text())["parity"]
    assert parity["map_before"] is parity["map_after"] is parity["map_change"] is None
    assert parity["largest"] < 1e-5
    assert "on 5 pictures without labels: prob" in (tmp_path / "a" / "README.md").read_text()
    code, _, err = zokusei("export", model, "--to", "onnx", "-o", tmp_path / "b")
    assert code == 2
    assert "--pictures FOLDER of any" in err
    with pytest.raises(ConfigError, match="not both"):
        export_run(model, tmp_path / "b", "onnx", manifest="m.parquet", pictures=pictures)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="empty holds no picture to compare on"):
        export_run(model, tmp_path / "b", "onnx", pictures=tmp_path / "empty")


def test_pictures_to_calibrate_on_are_other_ones(corpus, tmp_path):
    for path in sorted(corpus.glob("*.png"))[:5]:
        shutil.copy(path, tmp_path)
    tags = TagSet.from_names(["a"])
    compared, other = choose_pictures(tmp_path, tags, None, tmp_path, calibrate=True)
    assert (len(compared), len(other)) == (3, 2)
    assert sorted([*compared.paths, *other.paths]) == sorted(tmp_path.glob("*.png"))
    assert not compared.compute_known().any()
    for path in sorted(tmp_path.glob("*.png"))[1:]:
        path.unlink()
    with pytest.raises(DataError, match="one picture, and --int8"):
        choose_pictures(tmp_path, tags, None, tmp_path, calibrate=True)


def test_what_cannot_be_exported_is_refused_in_one_line(zokusei, run_folder, untrained, tmp_path):
    code, _, err = zokusei("export", run_folder, "--to", "onxx", "-o", tmp_path / "a")
    assert (code, err) == (2, "error: unknown runtime 'onxx'; did you mean 'onnx'?\n")
    with pytest.raises(DataError, match="--manifest"):
        export_run(untrained, tmp_path / "a", "onnx")
    assert list(tmp_path.iterdir()) == []


def test_what_needs_the_network_itself_says_so(onnx_folder, corpus):
    with pytest.raises(CheckpointError, match=r"exported to onnx.*give the run"):
        load_checkpoint(onnx_folder)
    with pytest.raises(ConfigError, match=r"exported model.*give the run"):
        explain_picture(Tagger.load(onnx_folder), corpus / "000.png")


def test_a_missing_library_is_a_hint(folder, monkeypatch):
    for module in ("onnxruntime", "openvino"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=r"pip install 'zokusei\[export\]'"):
        Tagger.load(folder)


@pytest.mark.parametrize("device", ["cuda", "gpu"])
def test_a_device_that_is_not_there_is_refused(folder, device):
    with pytest.raises(ConfigError, match=r"CUDA|no device"):
        Tagger.load(folder, device=device)


def test_damage_is_named(folder, tmp_path):
    folder = shutil.copytree(folder, tmp_path / "damaged")
    file = next(path for path in folder.iterdir() if path.name in ("model.onnx", "model.xml"))
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError, match=rf"{file.name} cannot be loaded"):
        Tagger.load(folder)
    file.write_bytes(whole)
    lines = (folder / "tags.csv").read_text().splitlines()
    (folder / "tags.csv").write_text("\n".join(lines[:-1]) + "\n")
    with pytest.raises(CheckpointError, match="4 tags of its list"):
        Tagger.load(folder)
    file.unlink()
    with pytest.raises(CheckpointError, match=rf"lacks {file.name}"):
        Tagger.load(folder)


@pytest.mark.slow
@pytest.mark.parametrize("runtime", ["onnx", "openvino"])
def test_eight_bits_say_nearly_the_same(zokusei, run_folder, tmp_path, corpus, runtime, written):
    code, _, err = zokusei("export", run_folder, "--to", runtime, "--int8", "-o", tmp_path / "int8")
    assert code == 0, err
    kept = json.loads((tmp_path / "int8" / "metrics.json").read_text())["parity"]
    assert f"({kept['map_change']:+.2f})" in err
    assert json.loads((tmp_path / "int8" / "config.json").read_text())["precision"] == "int8"
    # Eight bits are not 32, and 256 steps of a probability are not far.
    assert 1e-5 < kept["mean"] < 0.05
    assert len(list(Tagger.load(tmp_path / "int8").tag(sorted(corpus.glob("*.png"))[:7]))) == 7
    graph = (tmp_path / "int8" / f"model.{'onnx' if runtime == 'onnx' else 'xml'}").read_bytes()
    assert (b"QuantizeLinear" if runtime == "onnx" else b"FakeQuantize") in graph
    names = {path.name for path in (tmp_path / "int8").iterdir()}
    assert not any(name.startswith("int8-") for name in names)


def test_bfloat16_is_what_openvino_computes_in_where_the_processor_has_it(
    run_folder, openvino_folder, written, zokusei, corpus, tmp_path
):
    import openvino

    code, _, err = zokusei(
        "export", run_folder, "--to", "openvino", "--bf16", "-o", tmp_path / "bf16"
    )
    assert code == 0, err
    paths = sorted(corpus.glob("*.png"))[:9]
    short, exact = (
        Tagger.load(place, device="cpu") for place in (tmp_path / "bf16", openvino_folder)
    )
    has = "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    assert short.backend.place == "cpu through OpenVINO" + " in bfloat16" * has
    both = zip(short.tag(paths), exact.tag(paths), strict=True)
    pairs = [(one.scores, two.scores) for one, two in both]
    furthest = max(abs(one[name] - two[name]) for one, two in pairs for name in one)
    assert (1e-6 < furthest < 0.05) if has else furthest == 0.0
    # One picture does not depend on the others.
    assert [next(short.tag([path])).scores for path in paths] == [one for one, _ in pairs]
    with pytest.raises(ConfigError, match="give --to openvino"):
        export_run(run_folder, tmp_path / "x", "onnx", precision="bfloat16")
    with pytest.raises(ConfigError, match="did you mean 'bfloat16'"):
        export_run(run_folder, tmp_path / "x", "openvino", precision="bfloat")
    code, _, err = zokusei("export", run_folder, "--to", "openvino", "--bf16", "--int8")
    assert (code, "give one of them" in err) == (2, True)


def test_eight_bits_need_their_library_and_pictures(run_folder, tmp_path, monkeypatch, written):
    monkeypatch.setitem(sys.modules, "nncf", None)
    with pytest.raises(MissingExtraError, match="--int8 needs nncf"):
        export_run(run_folder, tmp_path / "int8", "onnx", precision="int8")
    assert list(tmp_path.iterdir()) == []
