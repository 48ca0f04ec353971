"""The pages say what the code does."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_the_reference_is_what_the_code_says():
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / "generate.py", "--check"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_every_table_is_made_from_its_rows():
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "tables.py", "--check"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_settings_that_are_named_exist(page):
    from zokusei.captioner_config import CaptionerConfig
    from zokusei.config import Config
    from zokusei.config_file import flatten
    from zokusei.white_box_config import WhiteBoxConfig

    known = flatten(Config()) | flatten(WhiteBoxConfig()) | flatten(CaptionerConfig())
    sections = {name.split(".")[0] for name in known if "." in name}
    text = page.read_text(encoding="utf-8")
    for section, key in re.findall(r"\b(\w+)\.(\w+)=", text):
        if section in sections:
            assert f"{section}.{key}" in known


def test_the_layers_of_the_architecture_page_are_those_that_are_checked():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = project["tool"]["importlinter"]["contracts"][0]["layers"]
    page = (ROOT / "docs" / "explanation" / "architecture.md").read_text(encoding="utf-8")
    written = re.search(r"`(cli > .*?)`", page, re.DOTALL)
    assert [" ".join(layer.split()) for layer in written[1].split(" > ")] == layers
