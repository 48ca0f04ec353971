"""The drawn corpus: pictures/s, labels a picture, and how its label pairs agree with real posts.

python benchmarks/drawn.py [POSTS.csv] [--pictures N] [--pack]

POSTS.csv (id, tags) is `../shared/data/danbooru-tags/posts.csv` by default. The correlation is that
of the numbers of pictures and of posts for every pair of classes with at least 20 posts. With
`--pack` only the table of posts that scenes are sampled from is made anew.
"""

import csv
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from itertools import combinations
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from zokusei.corpora.drawn import DRAWN_TAGS, write_drawn_corpus
from zokusei.corpora.drawn.life import pack
from zokusei.environment import count_cores
from zokusei.files import write_text
from zokusei.results import append_result

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "drawn.csv"
COLUMNS = (
    "experiment pictures size seed workers images_per_second seconds labels_per_picture pairs "
    "correlation commit hardware versions command"
).split()
LEAST = 20
SIZE = 256


def main(
    posts: Path = HERE.parent.parent / "shared/data/danbooru-tags/posts.csv",
    pictures: Annotated[int, typer.Option(min=200)] = 6000,
    pack_only: Annotated[bool, typer.Option("--pack")] = False,
) -> None:
    """Draw, compare and add a row."""
    with posts.open(newline="", encoding="utf-8") as file:
        real = [set(row["tags"].split()) for row in csv.DictReader(file)]
    if pack_only:
        write_text(HERE.parent / "src/zokusei/corpora/drawn/life.csv", pack(real))
        return
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        write_drawn_corpus(folder, count=pictures, size=SIZE, workers=count_cores())
        seconds = time.perf_counter() - began
        with (Path(folder) / "labels.csv").open(newline="", encoding="utf-8") as file:
            drawn = [row["tags"].split() for row in csv.DictReader(file)]
    counts, expected = count_pairs(drawn), count_pairs(real)
    common = [pair for pair, number in expected.items() if number >= LEAST]
    correlation = np.corrcoef(
        [counts[pair] for pair in common], [expected[pair] for pair in common]
    )[0, 1]
    row = {
        "experiment": "drawn", "pictures": pictures, "size": SIZE, "seed": 0,
        "workers": count_cores(), "images_per_second": pictures / seconds, "seconds": seconds,
        "labels_per_picture": sum(map(len, drawn)) / len(drawn),
        "pairs": len(common), "correlation": correlation,
        "command": f"python benchmarks/drawn.py --pictures {pictures}",
    }  # fmt: skip
    append_result(RESULTS, row, COLUMNS)
    print(
        f"{pictures / seconds:.1f} pictures/s, {row['labels_per_picture']:.2f} labels a picture, "
        f"correlation {correlation:.3f} over {len(common)} pairs"
    )


def count_pairs(pictures: Iterable[Iterable[str]]) -> Counter[tuple[str, str]]:
    """Count how many pictures have both classes of each pair."""
    names = set(DRAWN_TAGS.names)
    return Counter(
        pair for tags in pictures for pair in combinations(sorted(names.intersection(tags)), 2)
    )


if __name__ == "__main__":
    typer.run(main)
