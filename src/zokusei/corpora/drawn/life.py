"""Which attributes meet in one picture: as in the tag lists of real posts.

`life.csv` holds, for posts whose tags can be drawn together, the classes they have and how many
posts have just these. A scene takes the classes of one post, so that labels go together as they
do where people draw.
"""

import random
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from itertools import accumulate

from zokusei.corpora.drawn.attributes import (
    DRAWN_TAGS,
    EYE_COLOURS,
    HAIR_COLOURS,
    HELD,
    IMPLIED,
)

SOURCE = "tag lists of 6,000 posts of Danbooru (2025, safe, one character each), public metadata"

_ALONE = ("1boy", "black_eyes", "heterochromia")
"""Tags that are no classes and would make a false picture of the classes beside them."""

_AT_MOST_ONE = (
    (
        "white_dress",
        "black_dress",
        "blue_dress",
        "red_dress",
        "kimono",
        "black_skirt",
        "blue_skirt",
    ),
    ("white_dress", "black_dress", "blue_dress", "red_dress", "kimono", "school_uniform"),
    ("portrait", "upper_body", "cowboy_shot", "full_body"),
    ("portrait", "upper_body", "black_skirt"),
    ("portrait", "upper_body", "blue_skirt"),
    ("portrait", "upper_body", "cowboy_shot", "boots"),
    ("portrait", "upper_body", "cowboy_shot", "sitting"),
    ("cat_ears", "rabbit_ears", "fox_ears"),
    ("hat", "crown", "maid_headdress", "headphones", "hairband"),
    ("witch_hat", "rabbit_ears", "halo"),
    ("glasses", "sunglasses", "eyepatch"),
    ("hair_over_one_eye", "one_eye_closed", "eyepatch", "closed_eyes"),
    ("hair_over_one_eye", "blunt_bangs"),
    ("twintails", "ponytail", "side_ponytail", "double_bun", "twin_braids"),
    ("necktie", "bowtie", "scarf"),
    ("black_gloves", "white_gloves"),
    ("indoors", "outdoors"),
)
"""What cannot be drawn in one picture, or not so that all of it can be seen."""

_NEEDS = {
    "window": ("indoors",),
    "tree": ("outdoors",),
    "night": ("sky",),
}


def drawable(tags: Iterable[str]) -> bool:
    """Whether a post's tags can be drawn in one picture, all of them visible.

    >>> drawable({"black_hair", "blue_eyes", "smile"}), drawable({"black_hair", "smile"})
    (True, False)
    """
    tags = set(tags)
    eyes = len(tags.intersection(EYE_COLOURS))
    return (
        tags.isdisjoint(_ALONE)
        and len(tags.intersection(HAIR_COLOURS)) == 1
        and eyes == (0 if "closed_eyes" in tags else 1)
        and all(len(tags.intersection(group)) <= 1 for group in _AT_MOST_ONE)
        and all(tags.issuperset(_NEEDS[tag]) for tag in tags.intersection(_NEEDS))
        and all(IMPLIED[tag] in tags for tag in tags.intersection(IMPLIED))
        and len(tags.intersection(HELD)) <= 2
        and ("indoors" not in tags or "window" in tags or tags.isdisjoint({"sky", "water"}))
    )


def pack(posts: Iterable[Iterable[str]]) -> str:
    """Reduce posts to the classes, and write how many have which.

    >>> text = pack([{"black_hair", "blue_eyes", "solo"}, {"black_hair", "blue_eyes"}])
    >>> text.splitlines()[1:]
    ['posts,classes', '2,black_hair blue_eyes']
    """
    names = set(DRAWN_TAGS.names)
    sets = Counter(
        tuple(sorted(names.intersection(post), key=DRAWN_TAGS.index))
        for post in map(set, posts)
        if drawable(post)
    )
    lines = [f"{count},{' '.join(classes)}" for classes, count in sorted(sets.items())]
    return "\n".join([f"# {SOURCE}", "posts,classes", *lines]) + "\n"


@cache
def _packed() -> tuple[list[frozenset[str]], list[int]]:
    """Give the sets of classes, and how many posts have one of those up to each."""
    text = files("zokusei.corpora.drawn").joinpath("life.csv").read_text(encoding="utf-8")
    rows = [line.split(",") for line in text.splitlines()[2:]]
    return [frozenset(row[1].split()) for row in rows], list(
        accumulate(int(row[0]) for row in rows)
    )


def sample_attributes(rng: random.Random) -> frozenset[str]:
    """Take the classes of one of the posts.

    >>> len(sample_attributes(random.Random(1)) & set(HAIR_COLOURS))
    1
    """
    sets, ends = _packed()
    return sets[bisect_right(ends, int(rng.random() * ends[-1]))]
