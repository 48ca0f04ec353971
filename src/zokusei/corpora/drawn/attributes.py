"""What can be drawn: the tags, how often each comes, and which go together.

A picture is sampled group by group. Of one group at most one option is drawn; an option's
weight is multiplied by `AFFINITY[given, option]` for everything that was chosen before, so
the corpus has label dependencies to learn: a factor of 0 forbids a pair, one above 1 makes
it common. To add an attribute, add it to a group here and draw it in the module of its part.
"""

import random
from dataclasses import dataclass

from zokusei.tags import TagSet

HAIR_COLOURS = {
    "black_hair": 1.5,
    "blonde_hair": 1.5,
    "brown_hair": 1.4,
    "pink_hair": 1.0,
    "blue_hair": 1.0,
    "white_hair": 1.0,
    "grey_hair": 0.8,
    "purple_hair": 0.9,
    "red_hair": 0.9,
    "green_hair": 0.8,
    "orange_hair": 0.8,
    "aqua_hair": 0.8,
}
EYE_COLOURS = {
    "blue_eyes": 1.4,
    "red_eyes": 1.1,
    "purple_eyes": 1.0,
    "green_eyes": 1.0,
    "yellow_eyes": 0.9,
    "brown_eyes": 1.0,
}


@dataclass(frozen=True)
class Group:
    """Options of which at most one is drawn; the empty name is "none of them".

    Attributes:
        name: what the group is about.
        weights: option to weight; weights need not sum to one.
    """

    name: str
    weights: dict[str, float]


def _either(name: str, probability: float) -> Group:
    """Make the group of one attribute that is there or not."""
    return Group(name, {name: probability, "": 1 - probability})


GROUPS = (
    Group("hair colour", HAIR_COLOURS),
    Group("eye colour", EYE_COLOURS),
    Group("hair length", {"short_hair": 0.45, "long_hair": 0.55}),
    Group("hair style", {"": 1.9, "twintails": 1, "ponytail": 1, "braid": 1.2, "double_bun": 0.6}),
    Group("fringe", {"blunt_bangs": 0.28, "": 0.72}),
    Group("head", {"": 0.62, "cat_ears": 0.16, "rabbit_ears": 0.1, "horns": 0.12}),
    _either("ahoge", 0.17),
    _either("halo", 0.11),
    Group("lids", {"": 0.74, "closed_eyes": 0.12, "one_eye_closed": 0.12}),
    Group("mood", {"": 0.3, "smile": 0.5, "frown": 0.2}),
    _either("open_mouth", 0.34),
    _either("blush", 0.19),
    _either("tears", 0.08),
    Group("over the eyes", {"": 0.72, "glasses": 0.15, "eyepatch": 0.1}),
    _either("hairband", 0.14),
    _either("hair_bow", 0.14),
    _either("hair_flower", 0.13),
    _either("choker", 0.14),
)
"""In the order in which they are sampled."""

AFFINITY = {
    ("short_hair", "twintails"): 0.5,
    ("short_hair", "ponytail"): 0.3,
    ("short_hair", "braid"): 0.0,
    ("black_hair", "blunt_bangs"): 2.2,
    ("black_hair", "brown_eyes"): 2.5,
    ("brown_hair", "brown_eyes"): 2.0,
    ("blonde_hair", "blue_eyes"): 2.2,
    ("white_hair", "red_eyes"): 2.5,
    ("white_hair", "rabbit_ears"): 2.5,
    ("blonde_hair", "twintails"): 1.8,
    ("aqua_hair", "twintails"): 2.2,
    ("brown_hair", "braid"): 2.0,
    ("red_hair", "horns"): 1.8,
    ("double_bun", "cat_ears"): 0.0,
    ("double_bun", "rabbit_ears"): 0.0,
    ("double_bun", "horns"): 0.0,
    ("rabbit_ears", "halo"): 0.0,
    ("horns", "halo"): 0.3,
    ("blonde_hair", "halo"): 2.0,
    ("cat_ears", "smile"): 1.6,
    ("horns", "frown"): 1.8,
    ("closed_eyes", "smile"): 1.8,
    ("smile", "open_mouth"): 1.4,
    ("frown", "open_mouth"): 0.6,
    ("one_eye_closed", "frown"): 0.3,
    ("smile", "blush"): 1.5,
    ("smile", "tears"): 0.4,
    ("frown", "tears"): 4.0,
    ("one_eye_closed", "eyepatch"): 0.0,
    ("closed_eyes", "eyepatch"): 0.0,
    ("tears", "eyepatch"): 0.3,
    ("braid", "glasses"): 2.0,
    ("rabbit_ears", "hairband"): 1.6,
    ("horns", "hairband"): 0.3,
    ("twintails", "hair_bow"): 2.6,
    ("hairband", "hair_bow"): 0.5,
    ("hair_bow", "hair_flower"): 0.4,
    ("horns", "choker"): 2.0,
    ("cat_ears", "choker"): 2.0,
}
"""(Given attribute, option) to the factor on the option's weight."""

IMPLIED = {"cat_ears": "animal_ears", "rabbit_ears": "animal_ears"}
"""Tags that come with another one, as Danbooru's implications do."""

DRAWN_TAGS = TagSet.from_names(
    [
        *HAIR_COLOURS,
        *EYE_COLOURS,
        *("short_hair", "long_hair", "twintails", "ponytail", "braid", "double_bun", "ahoge"),
        *("blunt_bangs", "smile", "open_mouth", "frown", "closed_eyes", "one_eye_closed"),
        *("blush", "tears", "glasses", "eyepatch", "animal_ears", "cat_ears", "rabbit_ears"),
        *("horns", "halo", "hairband", "hair_bow", "hair_flower", "choker"),
    ]
)
"""Every tag a drawn picture can have, in the order of its labels."""


def sample_attributes(rng: random.Random) -> frozenset[str]:
    """Choose what a figure has, one group after the other.

    >>> sorted(sample_attributes(random.Random(1)) & set(HAIR_COLOURS))
    ['blonde_hair']
    """
    chosen: list[str] = []
    for group in GROUPS:
        weights = dict(group.weights)
        for option in weights:
            for given in chosen:
                weights[option] *= AFFINITY.get((given, option), 1.0)
        option = weighted_choice(rng, weights)
        if option:
            chosen.append(option)
    return frozenset(chosen)


def weighted_choice(rng: random.Random, weights: dict[str, float]) -> str:
    """Choose a key with probability proportional to its weight.

    Written out because only `random.random` promises the same numbers in every Python.

    >>> weighted_choice(random.Random(0), {"never": 0.0, "always": 2.0})
    'always'
    """
    left = rng.random() * sum(weights.values())
    for option, weight in weights.items():
        left -= weight
        if left < 0:
            return option
    return next(option for option, weight in reversed(weights.items()) if weight > 0)
