"""Every command and every snippet of the README and of the tutorial runs as it stands."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"```(console|python)\n(.*?)```", re.DOTALL)


def run_page(page, folder, quick=()):
    """Run a page's blocks in order; `quick` settings shorten trainings, and nothing else."""
    done = []
    for kind, text in BLOCK.findall(page.read_text(encoding="utf-8")):
        commands = [[sys.executable, "-c", text]]
        if kind == "console":
            lines = [line for line in text.splitlines() if line.startswith("$ ")]
            commands = [[sys.executable, "-m", *line[2:].split()] for line in lines]
        for command in commands:
            extra = list(quick) if command[2:4] == ["zokusei", "train"] else []
            finished = subprocess.run(
                [*command, *extra], cwd=folder, capture_output=True, text=True
            )
            assert finished.returncode == 0, f"{command}\n{finished.stderr}"
            assert kind == "python" or finished.stdout or finished.stderr
            done.append((command[3:], finished))
    return done


@pytest.mark.slow
def test_the_tutorial(tmp_path):
    done = run_page(ROOT / "docs" / "tutorial" / "first-training.md", tmp_path)
    assert (tmp_path / "runs" / "drawn" / "report.html").stat().st_size > 50_000
    evaluation = next(f.stdout for command, f in done if "evaluate" in command)
    assert "blonde_hair" in evaluation


def test_the_guide_to_a_new_model(tmp_path):
    page = ROOT / "docs" / "guides" / "add-a-model.md"
    assert len(run_page(page, tmp_path)) == 1


@pytest.mark.slow
def test_the_guide_to_cartoon_pictures(tmp_path, corpus):
    shutil.copytree(corpus, tmp_path / "photographs")
    done = run_page(ROOT / "docs" / "guides" / "cartoonize.md", tmp_path)
    assert len(done) == 5
    for folder in ("plain", "mine"):
        assert len(list((tmp_path / folder).glob("*.png"))) == 120


@pytest.mark.slow
def test_the_guide_to_exports(tmp_path, corpus, run_folder):
    shutil.copytree(run_folder, tmp_path / "runs" / "mine")
    (tmp_path / "new-pictures").mkdir()
    shutil.copy(corpus / "000.png", tmp_path / "new-pictures")
    done = run_page(ROOT / "docs" / "guides" / "export.md", tmp_path)
    tagged = [finished.stdout for command, finished in done if "tag" in command]
    assert len(tagged) == 2
    assert tagged[0] == tagged[1]


@pytest.mark.slow
def test_the_guide_to_collections(tmp_path, corpus, untrained, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))
    shutil.copytree(corpus, tmp_path / "art", ignore=shutil.ignore_patterns("[1-9]*", "0[1-9]*"))
    (tmp_path / "art/001.txt").unlink()
    before = {path.name: path.read_bytes() for path in (tmp_path / "art").iterdir()}
    shutil.make_archive(str(tmp_path / "art"), "zip", tmp_path / "art")
    (tmp_path / "art.zip").rename(tmp_path / "art.cbz")
    shutil.copytree(untrained, tmp_path / "runs" / "mine")
    page = ROOT / "docs" / "guides" / "tag-a-collection.md"
    (rules,) = re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "rules.yaml").write_text(rules)
    done = run_page(page, tmp_path)
    assert len(done) == 13
    assert "new art/001.txt" in done[0][1].stdout
    assert len(list((tmp_path / "book").glob("*.txt"))) == 10
    assert (tmp_path / "vectors/tags.npz").stat().st_size > 1000
    explained = [finished.stdout for command, finished in done if "--explain-rules" in command]
    assert ["remove: ^_^" in text for text in explained] == [True]
    as_wdtagger = next(finished.stdout for command, finished in done if "--print" in command)
    assert "\nRating: " in as_wdtagger
    assert "my style" in (tmp_path / "captions/001.txt").read_text()
    assert len((tmp_path / "results/tags.csv").read_text().splitlines()) == 11
    for journal in sorted((tmp_path / "home/zokusei/journals").glob("*.jsonl"), reverse=True):
        command = [sys.executable, "-m", "zokusei", "undo", journal]
        assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    assert {path.name: path.read_bytes() for path in (tmp_path / "art").iterdir()} == before


@pytest.mark.slow
def test_the_readme(tmp_path, corpus):
    shutil.copytree(corpus, tmp_path / "my-pictures")
    (tmp_path / "new-pictures").mkdir()
    for name in ("a.png", "new-pictures/b.png"):
        shutil.copy(corpus / "000.png", tmp_path / name)
    quick = ["train.epochs=2", "preprocess.size=32"]
    done = run_page(ROOT / "README.md", tmp_path, quick)
    assert len(done) >= 6


@pytest.mark.slow
@pytest.mark.skipif(
    not (ROOT.parent / "shared" / "data" / "anime-faces").exists(),
    reason="the anime-faces corpus is not beside the project",
)
def test_the_settings_example_of_the_readme(tmp_path):
    line = re.search(
        r"`zokusei (train configs/anime-faces\.yaml [^`]*)`", (ROOT / "README.md").read_text()
    )
    arguments = line[1].split()
    # Its data lies where the configuration says, seen from the project's folder.
    shorter = ["model.backbone=test_efficientnet", "model.weights=none", "preprocess.size=32"]
    finished = subprocess.run(
        [sys.executable, "-m", "zokusei", *arguments, *shorter, "model.freeze=0",
         "train.batch_size=512", "--out", tmp_path / "run"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    assert "9818 pictures" in finished.stderr


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_guide_to_the_server(tmp_path, corpus, untrained):
    """The server that the page starts, on a free port, and all that the page asks it."""
    shutil.copytree(untrained, tmp_path / "runs" / "mine")
    for number, name in enumerate(("a.png", "b.png")):
        shutil.copy(corpus / f"00{number}.png", tmp_path / name)
    text = (ROOT / "docs" / "guides" / "serve.md").read_text(encoding="utf-8")
    start = re.search(r"^    (zokusei serve.*)$", text, re.MULTILINE)[1].split()
    server = subprocess.Popen(
        [sys.executable, "-m", *start, "--port", "0"],
        cwd=tmp_path, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        address = re.search(r"http://\S+:\d+", server.stderr.readline())[0]
        page = tmp_path / "page.md"
        page.write_text(text.replace("http://127.0.0.1:7860", address), encoding="utf-8")
        said = []
        for block in re.findall(r"```bash\n(.*?)```", page.read_text(), re.DOTALL):
            for line in block.splitlines():
                finished = subprocess.run(
                    ["bash", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=True
                )
                said.append(json.loads(finished.stdout))
        assert len(run_page(page, tmp_path)) == 2
    finally:
        server.terminate()
        server.communicate()
    interrogated, models, unloaded, evaluated, tagged = said
    assert list(interrogated["caption"]) == ["tag", "rating"]
    assert (models, unloaded) == ({"models": ["mine"]}, "1 model unloaded")
    assert [list(one) for one in evaluated] == [["filename", "tags"]] * 2
    assert [list(one) for one in tagged] == [["path", "tags", "scores", "rating"]]
