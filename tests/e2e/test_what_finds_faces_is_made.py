"""`weights/faces.py`: what it learns from, how it is judged, and what it leaves."""

import csv
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

from zokusei.corpora.drawn import write_drawn_corpus
from zokusei.models import second_look
from zokusei.models.second_look import Face, FaceFinder, load_face_finder
from zokusei.results import read_results

WEIGHTS = Path(__file__).parents[2] / "weights"


@pytest.fixture
def faces(monkeypatch):
    monkeypatch.syspath_prepend(str(WEIGHTS))
    for name in ("faces", "tagger"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    import faces

    return faces


def test_a_face_moves_with_its_picture(faces):
    """A white square where the face is stays where the face is said to be."""
    torch.manual_seed(0)
    count, size = 60, 120
    images = torch.full((count, 3, 160, 160), -1.0)
    squares = torch.rand(count, 3) * 0.2 + 0.4
    squares[:, 2] = 0.2
    for image, (x, y, side) in zip(images, squares.tolist(), strict=True):
        low, high = (
            [round(160 * (middle + sign * side / 2)) for middle in (y, x)] for sign in (-1, 1)
        )
        image[:, low[0] : high[0], low[1] : high[1]] = 1
    varied, moved = faces.vary(images, squares, size)
    assert varied.shape == (count, 3, size, size)
    seen = 0
    for image, (x, y, side) in zip(varied, moved.tolist(), strict=True):
        if min(x, y) < side / 2 or max(x, y) > 1 - side / 2:
            continue  # a part of it is outside
        # What lies outside of the picture is grey, or as at its border.
        low, high = image.mean(0).aminmax()
        bright = image.mean(0) > low + 0.8 * (high - low)
        rows, columns = torch.nonzero(bright).double().T
        assert (columns.mean() + 0.5) / size == pytest.approx(x, abs=0.03)
        assert (rows.mean() + 0.5) / size == pytest.approx(y, abs=0.03)
        assert float(bright.float().sum().sqrt()) / size == pytest.approx(side, abs=0.03)
        seen += 1
    assert seen > 30


def test_the_loss_is_least_where_the_face_is(faces):
    torch.manual_seed(0)
    squares = torch.tensor([[0.3, 0.6, 0.2], [1.2, 0.5, 0.2]])  # of the second it is outside

    class Known(FaceFinder):
        def look(self, images):
            scores, places = torch.zeros(2, 17), torch.zeros(2, 3, 16)
            scores[0, 4 * 2 + 1] = scores[1, 16] = self.sure
            places[:, 2] = 0.2
            places[0, :2, 9] = torch.tensor([0.3 + self.off, 0.6])
            return scores, places

    finder, images = Known(), torch.zeros(2, 3, 64, 64)
    losses = []
    for finder.sure, finder.off in ((20.0, 0.0), (20.0, 0.05), (0.0, 0.0), (-5.0, 0.0)):
        losses.append(float(faces.compute_loss(finder, images, squares)))
    assert losses[0] == pytest.approx(0, abs=1e-5)
    assert losses[0] < losses[1]
    assert losses[0] < losses[2] < losses[3]


def test_it_is_made_by_one_command(faces, tmp_path, monkeypatch, capsys):
    (tmp_path / "art" / "images").mkdir(parents=True)
    rows = [[f"{source}_{number}.jpg", 0.5, 0.4, 0.2] for source in ("agpb", "sei")
            for number in range(3)]  # fmt: skip
    for name, *_ in rows:
        Image.new("RGB", (60, 40), "#c08040").save(tmp_path / "art" / "images" / name)
    with (tmp_path / "faces.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["file", "x", "y", "side"], *rows])
    write_drawn_corpus(tmp_path / "drawn", count=4, size=48)
    for name, value in {
        "BOXES": tmp_path / "faces.csv", "PLACE": tmp_path / "package" / "faces",
        "RESULTS": tmp_path / "results.csv", "DRAWN": tmp_path / "drawn", "DRAWN_SIZE": 48,
        "STEPS": 1, "BATCH": 4, "OF_ART": 2,
    }.items():  # fmt: skip
        monkeypatch.setattr(faces, name, value)
    (tmp_path / "package" / "faces").mkdir(parents=True)
    given = ["faces.py", "--art", str(tmp_path / "art"), "--drawn", "4"]
    monkeypatch.setattr(sys, "argv", given)
    faces.main()
    (row,) = read_results(tmp_path / "results.csv")
    assert row["pictures"] == "3"  # of the development sources; the others were learnt from
    assert row["command"] == "python " + " ".join(["weights/faces.py", *given[1:]])
    card = (tmp_path / "package" / "faces" / "README.md").read_text()
    assert f"is within half a face of the other's in {float(row['near']):.0f} %" in card
    monkeypatch.setattr(second_look, "files", lambda package: tmp_path / "package")
    load_face_finder(FaceFinder())


def test_places_are_judged_in_sides_of_the_face(faces):
    class Off(torch.nn.Module):
        def forward(self, images):
            truth = torch.tensor([0.5, 0.5, 0.5])
            return Face(truth + torch.tensor([0.0, 0.06, 0.12]), truth, torch.full((3,), 0.22),
                        torch.tensor([0.9, 0.9, 0.1]))  # fmt: skip

    judged = object.__new__(faces.Faces)
    judged.pictures = torch.zeros(3, 3, 8, 8, dtype=torch.uint8)
    judged.squares = torch.tensor([[0.5, 0.5, 0.2]] * 3)
    found = faces.judge(Off(), judged)
    assert found["near"] == pytest.approx(200 / 3, abs=1e-3)
    assert found["nearer"] == pytest.approx(100 / 3, abs=1e-3)
    assert found["size_error"] == pytest.approx(10, abs=1e-3)
    assert found["uncertain"] == pytest.approx(100 / 3, abs=1e-3)
