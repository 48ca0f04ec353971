"""The report: that what it shows is what the files say."""

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from zokusei.errors import DataError
from zokusei.report import write_report
from zokusei.report.cards import choose_mistakes, choose_sample
from zokusei.report.judged import Judged
from zokusei.report.page import find_confusions
from zokusei.tags import Tag, TagSet


@pytest.fixture(scope="module")
def page(run_folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("report") / "report.html"
    assert write_report(run_folder, out) == out
    return out.read_text(encoding="utf-8")


def test_it_needs_no_network(page):
    addresses = re.findall(r"""(?:src|href)=["']([^"']*)""", page)
    assert addresses
    assert all(address.startswith(("data:", "#")) for address in addresses)
    assert "@import" not in page
    assert "url(http" not in page


def test_its_elements_are_closed(page):
    class Checker(HTMLParser):
        open_elements: list[str] = []  # noqa: RUF012
        empty = {"meta", "img", "br", "link"}  # noqa: RUF012

        def handle_starttag(self, tag, attrs):
            if tag not in self.empty:
                self.open_elements.append(tag)

        def handle_startendtag(self, tag, attrs): ...

        def handle_endtag(self, tag):
            assert self.open_elements.pop() == tag

    checker = Checker()
    checker.feed(page)
    assert checker.open_elements == []


def test_its_figures_are_those_of_the_evaluation(page, run_folder):
    evaluation = json.loads((run_folder / "evaluation-test.json").read_text())
    figures = {
        title: value for value, title in re.findall(r"<b>([\d.]+)</b><span>([\w-]+)</span>", page)
    }
    own = evaluation["metrics_own_thresholds"]
    assert figures["mAP"] == f"{own['map']:.1f}"
    assert figures["macro-F1"] == f"{own['macro_f1']:.1f}"
    rows = re.findall(r'<tr><td>(\w+)</td><td>(\d+)</td><td>(\d+)</td>\s*<td class="ap"', page)
    positives = {tag["name"]: str(tag["positives"]) for tag in evaluation["tags"]}
    assert {name: here for name, _, here in rows} == positives


def test_names_are_shown_and_not_run(run_folder, tmp_path):
    run = shutil.copytree(run_folder, tmp_path / "run")
    config = (run / "config.yaml").read_text()
    evil = "<script>alert(1)</script>"
    (run / "config.yaml").write_text(config.replace("name: run", f"name: '{evil}'", 1))
    text = write_report(run).read_text()
    assert evil not in text
    assert "&lt;script&gt;alert(1)" in text


def test_it_is_the_same_every_time(run_folder, tmp_path, page):
    again = write_report(run_folder, tmp_path / "again.html").read_text()
    assert again == page


def judged(scores, targets, known=None, threshold=0.5):
    scores = np.array(scores, dtype=np.float32)
    targets = np.array(targets, dtype=bool)
    known = np.ones_like(targets) if known is None else np.array(known, dtype=bool)
    names = ("a", "b", "c")[: scores.shape[1]]
    tags = TagSet(tuple(Tag(name, threshold=threshold) for name in names))
    paths = [Path(f"{index}.png") for index in range(len(scores))]
    return Judged({}, tags, paths, scores, targets, known)


@pytest.fixture
def pictures(monkeypatch):
    from PIL import Image

    monkeypatch.setattr(
        "zokusei.report.cards.open_image", lambda path, at_least: Image.new("RGB", (4, 4))
    )


def test_verdicts(pictures):
    data = judged(
        [[0.9, 0.8, 0.7], [0.1, 0.2, 0.3]],
        [[1, 0, 0], [1, 0, 0]],
        [[1, 1, 0], [1, 1, 1]],
    )
    cards = {card.name: card for card in choose_sample(data, 2)}
    assert [(line.name, line.verdict) for line in cards["0.png"].lines] == [
        ("a", "right"), ("b", "wrong"), ("c", "unjudged"),
    ]  # fmt: skip
    assert [(line.name, line.verdict) for line in cards["1.png"].lines] == [("a", "missed")]


def test_the_worst_mistakes_come_first_and_no_tag_fills_the_page(pictures):
    scores = [[0.99], [0.98], [0.97], [0.02], [0.6]]
    targets = [[0], [0], [0], [1], [1]]
    notes = [card.note for card in choose_mistakes(judged(scores, targets), 10)]
    assert notes == ["a given at 0.99, not labelled", "a given at 0.98, not labelled"]
    # Unknown entries are nobody's mistake.
    assert choose_mistakes(judged(scores, targets, [[0]] * 5), 10) == []


def test_confusions_count_pictures_with_both_errors():
    scores = [[0.9, 0.1], [0.9, 0.1], [0.1, 0.9], [0.9, 0.9]]
    targets = [[0, 1], [0, 1], [1, 0], [1, 1]]
    assert find_confusions(judged(scores, targets), 5) == [("b", "a", 2, 3), ("a", "b", 1, 2)]


def test_scores_of_another_model_are_refused(run_folder, tmp_path):
    run = shutil.copytree(run_folder, tmp_path / "run")
    tags = (run / "model" / "tags.csv").read_text()
    (run / "model" / "tags.csv").write_text(tags.replace("stripe", "strip"))
    with pytest.raises(DataError, match="of another model"):
        write_report(run)
    (run / "evaluation-test.json").write_text("{")
    with pytest.raises(DataError, match="damaged"):
        write_report(run)
