"""The page of a corpus: what it holds, which tags meet, which pictures are near copies."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zokusei.data.inspect import Counts
from zokusei.errors import ImageError
from zokusei.files import write_text
from zokusei.report.cards import make_thumbnail
from zokusei.report.corpus_plots import plot_cooccurrence, plot_counts, plot_tags_per_picture
from zokusei.report.templates import load_template

_PAIRS, _COPIES, _NAMED, _PER_GROUP = 40, 12, 200, 6


def write_corpus_page(
    out: Path,
    name: str,
    figures: dict[str, Any],
    tags: Sequence[str],
    together: Counts,
    root: Path,
) -> None:
    """Write one HTML file that needs no network.

    Args:
        out: the file.
        name: of the corpus, for the title.
        figures: of `compute_statistics`, with `near_copies` (lists of paths) and `unreadable`
            (`path` and `problem` of each), both None where the pictures were not read.
        tags: the tags of the matrix.
        together: pictures that have two tags, see `compute_cooccurrence`.
        root: folder of the pictures.

    Raises:
        MissingExtraError: Jinja or matplotlib is not installed.
    """
    page = load_template("corpus.html.jinja").render(
        name=name,
        figures=figures,
        named=_NAMED,
        counts=plot_counts([tag["positives"] for tag in figures["tags"]]),
        per_picture=plot_tags_per_picture(figures["pictures_by_tags"]),
        matrix=plot_cooccurrence(tags, together) if len(tags) else "",
        pairs=find_pairs(tags, together, figures["pictures"], _PAIRS),
        copies=_show_copies(figures["near_copies"], root),
    )
    write_text(out, page)


def find_pairs(
    tags: Sequence[str], together: Counts, pictures: int, count: int
) -> list[dict[str, Any]]:
    """Find the pairs that meet most often beyond chance.

    Of n pictures, a have the one tag and b the other; by chance a b / n would have both. Pairs
    are ranked by how many pictures more there are.

    >>> pairs = find_pairs(["hat", "bow"], np.array([[4, 3], [3, 3]]), 8, 5)
    >>> pairs == [{"first": "hat", "second": "bow", "pictures": 3, "of_first": 75.0,
    ...            "of_second": 100.0, "times": 2.0}]
    True
    """
    alone = np.diagonal(together)
    by_chance = np.outer(alone, alone) / max(pictures, 1)
    beyond = np.triu(together - by_chance, k=1)
    pairs = []
    for place in np.argsort(-beyond, axis=None, kind="stable")[:count]:
        row, column = (int(part) for part in np.unravel_index(place, beyond.shape))
        if beyond[row, column] <= 0:
            break
        both = int(together[row, column])
        pairs.append(
            {
                "first": tags[row],
                "second": tags[column],
                "pictures": both,
                "of_first": float(100 * both / alone[row]),
                "of_second": float(100 * both / alone[column]),
                "times": float(both / by_chance[row, column]),
            }
        )
    return pairs


def _show_copies(groups: list[list[str]] | None, root: Path) -> list[list[tuple[str, str]]]:
    """Give the largest groups of near copies with their pictures."""
    shown = []
    for group in sorted(groups or [], key=lambda paths: (-len(paths), paths))[:_COPIES]:
        cards = []
        for path in group[:_PER_GROUP]:
            try:
                cards.append((path, make_thumbnail(root / path)))
            except ImageError:
                continue  # listed as unreadable
        shown.append(cards)
    return shown
