"""Pictures with what the tagger says of them: a fair sample, and its worst mistakes."""

import base64
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from zokusei.errors import ImageError
from zokusei.images import open_image
from zokusei.report.judged import Judged

Verdict = Literal["right", "wrong", "missed", "unjudged"]

_THUMBNAIL = 192
_QUALITY = 82
_MOST_PER_TAG = 2  # mistakes that one tag may show


@dataclass(frozen=True)
class Line:
    """One tag of a picture.

    Attributes:
        name: the tag.
        score: its probability.
        threshold: from which it is given.
        verdict: `right` (given and true), `wrong` (given, not true), `missed` (true, not given)
            or `unjudged` (given, and nobody said whether it is true).
    """

    name: str
    score: float
    threshold: float
    verdict: Verdict


@dataclass(frozen=True)
class Card:
    """One picture with its tags.

    Attributes:
        name: of the file.
        thumbnail: the picture, small, as a `data:` address.
        lines: tags that were given or missed, the most probable first.
        note: why it is shown, where that is not plain.
    """

    name: str
    thumbnail: str
    lines: list[Line]
    note: str = ""


def choose_sample(judged: Judged, count: int, seed: int = 0) -> list[Card]:
    """Give some pictures, drawn by lot so that nobody can choose the good ones."""
    order = np.random.default_rng(seed).permutation(len(judged.paths))
    return _cards(judged, [(int(row), "") for row in order], count)


def choose_mistakes(judged: Judged, count: int) -> list[Card]:
    """Give the pictures with the most confident wrong decisions, one tag at most twice.

    Confidence is the distance of the score from the tag's threshold, as a share of what is
    possible on that side.
    """
    thresholds = np.array(judged.tags.thresholds, dtype=np.float32)
    above = (judged.scores - thresholds) / np.maximum(1 - thresholds, 1e-6)
    below = (thresholds - judged.scores) / np.maximum(thresholds, 1e-6)
    wrong = judged.known & (judged.given != judged.targets)
    confidence = np.where(wrong, np.where(judged.given, above, below), -1)
    # Of each tag the worst few, more than will be shown, since pictures are shown once.
    rows = np.argsort(-confidence, axis=0, kind="stable")[: _MOST_PER_TAG * count]
    columns = np.broadcast_to(np.arange(confidence.shape[1]), rows.shape)
    worst = np.argsort(-confidence[rows, columns], axis=None, kind="stable")
    shown_rows: set[int] = set()
    shown_tags: dict[int, int] = {}
    chosen = []
    for row, column in zip(rows.flat[worst].tolist(), columns.flat[worst].tolist(), strict=True):
        full = shown_tags.get(column, 0) >= _MOST_PER_TAG
        if confidence[row, column] < 0 or row in shown_rows or full:
            continue
        shown_rows.add(row)
        shown_tags[column] = shown_tags.get(column, 0) + 1
        tag, score = judged.tags.tags[column], judged.scores[row, column]
        verb = "given" if judged.given[row, column] else "missed"
        truth = "not labelled" if verb == "given" else "labelled"
        chosen.append((row, f"{tag.name} {verb} at {score:.2f}, {truth}"))
    return _cards(judged, chosen, count)


def _cards(judged: Judged, rows: list[tuple[int, str]], count: int) -> list[Card]:
    """Make cards of the first `count` pictures that can be read."""
    cards: list[Card] = []
    for row, note in rows:
        if len(cards) == count:
            break
        path = judged.paths[row]
        try:
            thumbnail = make_thumbnail(path)
        except ImageError:
            continue  # the evaluation has named it
        cards.append(Card(path.name, thumbnail, _lines(judged, row), note))
    return cards


def make_thumbnail(path: Path) -> str:
    """Give a picture, small, as a `data:` address.

    Raises:
        ImageError: it cannot be read.
    """
    picture = open_image(path, at_least=_THUMBNAIL)
    picture.thumbnail((_THUMBNAIL, _THUMBNAIL))
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(data.getvalue()).decode()


def _lines(judged: Judged, row: int) -> list[Line]:
    given, targets, known = (part[row] for part in (judged.given, judged.targets, judged.known))
    lines = []
    for index, tag in enumerate(judged.tags):
        true = bool(targets[index] and known[index])
        if not (given[index] or true):
            continue
        verdict: Verdict = "missed"
        if given[index]:
            verdict = "right" if true else "wrong" if known[index] else "unjudged"
        score = float(judged.scores[row, index])
        lines.append(Line(tag.name, score, tag.threshold, verdict))
    return sorted(lines, key=lambda line: -line.score)
