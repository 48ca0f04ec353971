"""The report: that what it shows is what the files say."""

import dataclasses
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file, save_file

from zokusei.errors import DataError
from zokusei.report import write_report
from zokusei.report.cards import choose_mistakes, choose_sample
from zokusei.report.decisions import Decisions, draw_decisions
from zokusei.report.judged import Judged
from zokusei.report.page import find_confusions
from zokusei.report.plots import plot_tags
from zokusei.tags import RATING, Tag, TagSet


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


def test_signs_of_mathematics_in_tags_are_drawn_as_they_are(tmp_path):
    tags = [{"name": name, "ap": 50.0 + place, "positives": 3, "known": 9, "threshold": 0.5,
             "precision": 1.0, "recall": 1.0, "f1": 1.0, "category": 0}
            for place, name in enumerate(("$_$", "a$b$c", "smile"))]  # fmt: skip
    assert "$_$" in plot_tags(tags, {tag["name"]: 3 for tag in tags})
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    panel = Decisions("$_$", "\\alpha $x$", {"$_$": 0.9, "a$b$c": 0.2})
    draw_decisions(tmp_path / "out.png", tmp_path / "a.png", [panel], ["$_$"])
    assert (tmp_path / "out.png").stat().st_size


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


def test_one_tag_s_many_mistakes_hide_no_other_s(pictures):
    scores = [[0.999, 0.4]] * 3000 + [[0.1, 0.9]] * 2
    targets = [[0, 0]] * 3002
    notes = [card.note for card in choose_mistakes(judged(scores, targets), 10)]
    assert notes == ["a given at 1.00, not labelled"] * 2 + ["b given at 0.90, not labelled"] * 2


def test_of_ratings_the_most_probable_is_given():
    data = judged([[0.9, 0.3, 0.2], [0.1, 0.6, 0.8], [np.nan] * 3], [[0, 0, 0]] * 3)
    ratings = [dataclasses.replace(tag, category=RATING if place else 0)
               for place, tag in enumerate(data.tags)]  # fmt: skip
    data = dataclasses.replace(data, tags=TagSet(tuple(ratings)))
    assert data.given.tolist() == [[True, True, False], [False, False, True], [False] * 3]


def test_confusions_count_pictures_with_both_errors():
    scores = [[0.9, 0.1], [0.9, 0.1], [0.1, 0.9], [0.9, 0.9]]
    targets = [[0, 1], [0, 1], [1, 0], [1, 1]]
    assert find_confusions(judged(scores, targets), 5) == [("b", "a", 2, 3), ("a", "b", 1, 2)]


def test_scores_of_another_model_are_refused(run_folder, tmp_path):
    run = shutil.copytree(run_folder, tmp_path / "run")
    trained_on = load_file(run / "model" / "model.safetensors")
    save_file({name: tensor * 2 for name, tensor in trained_on.items()},
              run / "model" / "model.safetensors")  # fmt: skip
    with pytest.raises(DataError, match="as it was before it was trained on; evaluate again"):
        write_report(run)
    evaluation = json.loads((run / "evaluation-test.json").read_text())
    evaluation["model"] = None  # before it was written down
    (run / "evaluation-test.json").write_text(json.dumps(evaluation))
    tags = (run / "model" / "tags.csv").read_text()
    (run / "model" / "tags.csv").write_text(tags.replace("stripe", "strip"))
    with pytest.raises(DataError, match="of another model"):
        write_report(run)
    (run / "evaluation-test.json").write_text("{")
    with pytest.raises(DataError, match="damaged"):
        write_report(run)
