"""What is in a picture, before anything is drawn: sampled from seed and index alone."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

from zokusei.corpora.drawn.attributes import EYE_COLOURS, HAIR_COLOURS, sample_attributes
from zokusei.corpora.drawn.palette import ANY, EYES, HAIR, SKIN, VIVID, Hsl, Tones, mix_tones
from zokusei.corpora.drawn.styles import STYLES, Style

BACKGROUNDS = (
    *("plain", "gradient", "dots", "stripes", "checks", "rays", "petals"),
    *("sky", "hills", "night", "window", "city"),
)
TOPS = ("shirt", "sailor", "tee", "hoodie", "straps", "kimono")
FRINGES = ("locks", "locks", "parted", "swept")

_T = TypeVar("_T")


@dataclass(frozen=True)
class Pose:
    """Where the head is and how it is held.

    Attributes:
        x, y: the middle of the face on the paper.
        scale: size of the figure; at 1 the head takes about half of the paper's height.
        tilt: degrees by which the head leans.
        turn: -1 looks to the left of the paper, 1 to the right.
        mirrored: whether the whole figure is mirrored.
    """

    x: float
    y: float
    scale: float
    tilt: float
    turn: float
    mirrored: bool


@dataclass(frozen=True)
class Scene:
    """Everything that decides a picture.

    Attributes:
        key: seeds the small irregularities of every part.
        style: the hand that draws.
        attributes: what the figure has; whether it can be *seen* is known once it is drawn.
        pose: where the head is.
        light: side the light comes from, -1 or 1.
        colours: part ("hair", "eye", "skin", "cloth", "trim", "accent", "sky", "ground").
        background, top, fringe: kinds, of `BACKGROUNDS`, `TOPS` and `FRINGES`.
        slant: how far the outer corners of the eyes point up.
        eye_size: factor on the style's eyes.
    """

    key: str
    style: Style
    attributes: frozenset[str]
    pose: Pose
    light: int
    colours: dict[str, Hsl]
    background: str
    top: str
    fringe: str
    slant: float
    eye_size: float

    def has(self, attribute: str) -> bool:
        """Whether the figure has an attribute."""
        return attribute in self.attributes

    def without(self, attribute: str) -> "Scene":
        """Give the same scene without one attribute, all else unchanged."""
        return replace(self, attributes=self.attributes - {attribute})

    def rng(self, part: str) -> random.Random:
        """Give the random numbers of one part, independent of every other part."""
        return random.Random(f"{self.key}/{part}")

    def tones(self, part: str) -> Tones:
        """Give a part's colours as this style mixes them."""
        return self._tones[part]

    @cached_property
    def _tones(self) -> dict[str, Tones]:
        style = self.style
        return {
            # Skin of muted saturation would look ill.
            part: mix_tones(
                colour,
                saturation=max(style.saturation, 0.95) if part == "skin" else style.saturation,
                ink=style.ink,
            )
            for part, colour in self.colours.items()
        }

    @property
    def hair_colour(self) -> str:
        """The tag of the hair's colour."""
        return next(iter(self.attributes & set(HAIR_COLOURS)))

    @property
    def eye_colour(self) -> str:
        """The tag of the eyes' colour."""
        return next(iter(self.attributes & set(EYE_COLOURS)))


def sample_scene(index: int, seed: int = 0) -> Scene:
    """Sample the scene of a picture: the same wherever and whenever it is asked for.

    >>> sample_scene(3) == sample_scene(3), sample_scene(3) == sample_scene(4)
    (True, False)
    """
    rng = random.Random(f"{seed}/{index}")
    attributes = sample_attributes(rng)
    hair = next(HAIR[name] for name in HAIR if name in attributes)
    eye = next(EYES[name] for name in EYES if name in attributes)
    skin = SKIN[0] if rng.random() < 0.5 else pick(rng, SKIN)
    colours = {
        "hair": hair.sample(rng),
        "eye": eye.sample(rng),
        "skin": skin.sample(rng),
        "cloth": ANY.sample(rng),
        "trim": ANY.sample(rng),
        "accent": VIVID.sample(rng),
        "sky": ANY.sample(rng),
        "ground": ANY.sample(rng),
    }
    return Scene(
        key=f"{seed}/{index}",
        style=pick(rng, STYLES),
        attributes=attributes,
        pose=_sample_pose(rng, attributes),
        light=pick(rng, (-1, 1)),
        colours=colours,
        background=pick(rng, BACKGROUNDS),
        top=pick(rng, TOPS),
        fringe="blunt" if "blunt_bangs" in attributes else pick(rng, FRINGES),
        slant=between(rng, -2.0, 4.0),
        eye_size=between(rng, 0.92, 1.08),
    )


def _sample_pose(rng: random.Random, attributes: frozenset[str]) -> Pose:
    """Place the head, mostly so that what stands above it has room."""
    scale = between(rng, 0.95, 1.55)
    roomy = rng.random() < 0.85
    above = 84.0
    if "halo" in attributes:
        above = 118.0
    elif "rabbit_ears" in attributes:
        above = 140.0
    elif not attributes.isdisjoint({"cat_ears", "horns", "double_bun", "ahoge", "ponytail"}):
        above = 104.0
    if roomy and above > 110:
        scale = between(rng, 0.9, 1.12)
    y = between(rng, 108.0, 138.0)
    if roomy:
        y = max(y, min(above * scale + 4, 152.0))
    return Pose(
        x=128 + between(rng, -18.0, 18.0),
        y=y,
        scale=scale,
        tilt=between(rng, -13.0, 13.0),
        turn=between(rng, -1.0, 1.0),
        mirrored=rng.random() < 0.5,
    )


def pick(rng: random.Random, options: Sequence[_T]) -> _T:
    """Choose one of several, using nothing of `rng` but `random`."""
    return options[int(rng.random() * len(options))]


def between(rng: random.Random, low: float, high: float) -> float:
    """Choose a number between two others, using nothing of `rng` but `random`."""
    return low + (high - low) * rng.random()
