"""What is in a picture, before anything is drawn: sampled from seed and index alone."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from zokusei.corpora.drawn.attributes import EYE_COLOURS, HAIR_COLOURS, HELD
from zokusei.corpora.drawn.chance import between, pick
from zokusei.corpora.drawn.life import sample_attributes
from zokusei.corpora.drawn.palette import (
    ANY,
    BOTTOM,
    CLOTH,
    EYES,
    HAIR,
    SKIN,
    VIVID,
    Hsl,
    Tones,
    mix_tones,
)
from zokusei.corpora.drawn.pose import Pose, sample_pose
from zokusei.corpora.drawn.styles import TRAINED, Style

TOPS = ("tee", "tee", "shirt", "hoodie", "sweater", "straps", "blouse")
BOTTOMS = ("shorts", "pants", "skirt", "pleated")
FRINGES = ("locks", "locks", "parted", "swept")
BACKDROPS = (
    *("white", "white", "white", "plain", "plain", "gradient", "gradient"),
    *("dots", "stripes", "checks", "rays", "petals", "shapes"),
)
DRESSES = ("white_dress", "black_dress", "blue_dress", "red_dress")


@dataclass(frozen=True)
class Scene:
    """Everything that decides a picture.

    Attributes:
        key: seeds the small irregularities of every part.
        style: the hand that draws.
        attributes: what the figure has; whether it can be *seen* is known once it is drawn.
        pose: where the figure is and how it holds itself.
        light: side the light comes from, -1 or 1.
        colours: part ("hair", "eye", "skin", "cloth", "bottom", ...) to its colour.
        backdrop, top, bottom, fringe: kinds, of `BACKDROPS`, `TOPS`, `BOTTOMS` and `FRINGES`; worn
            where no attribute says otherwise.
        kin: what ears, wings and tail are those of: "fox", "cat", "demon" or "angel".
        long_dress: the length of a dress or a free skirt, 0 to 1.
        slant: how far the outer corners of the eyes point up.
        eye_size: factor on the style's eyes.
    """

    key: str
    style: Style
    attributes: frozenset[str]
    pose: Pose
    light: int
    colours: Mapping[str, Hsl]
    backdrop: str
    top: str
    bottom: str
    fringe: str
    kin: str
    long_dress: float
    slant: float
    eye_size: float

    def has(self, *attributes: str) -> bool:
        """Whether the figure has one of some attributes."""
        return not self.attributes.isdisjoint(attributes)

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

    def mix(self, colour: Hsl) -> Tones:
        """Mix a colour of one part alone in the manner of the style."""
        return mix_tones(colour, saturation=self.style.saturation, ink=self.style.ink)

    def one_of(self, options: Sequence[str]) -> str:
        """Give the one of several attributes that the figure has, or nothing."""
        return next((name for name in options if name in self.attributes), "")

    def seat(self, *tags: str) -> tuple[str, ...]:
        """Give the tags of what covers the legs: those of its cloth, and that the figure sits."""
        return (*(tag for tag in tags if tag), *(("sitting",) if self.has("sitting") else ()))

    @property
    def hair_colour(self) -> str:
        """The tag of the hair's colour."""
        return self.one_of(HAIR_COLOURS)

    @property
    def eye_colour(self) -> str:
        """The tag of the eyes' colour."""
        return self.one_of(EYE_COLOURS)


def sample_scene(index: int, seed: int = 0, styles: Sequence[Style] = TRAINED) -> Scene:
    """Sample the scene of a picture: the same wherever and whenever it is asked for.

    >>> sample_scene(3) == sample_scene(3), sample_scene(3) == sample_scene(4)
    (True, False)
    """
    rng = random.Random(f"{seed}/{index}")
    attributes = sample_attributes(rng)
    style = pick(rng, styles)
    skin = SKIN[0] if rng.random() < 0.6 else pick(rng, SKIN)
    ranges = {
        "hair": next(HAIR[name] for name in HAIR if name in attributes),
        "eye": next((EYES[name] for name in EYES if name in attributes), EYES["blue_eyes"]),
        "skin": skin,
        "cloth": pick(rng, CLOTH),
        "bottom": pick(rng, BOTTOM),
        "trim": ANY,
        "accent": VIVID,
        "shoes": pick(rng, CLOTH),
        "sky": ANY,
        "ground": ANY,
    }
    return Scene(
        key=f"{seed}/{index}",
        style=style,
        attributes=attributes,
        pose=sample_pose(rng, attributes, style, [item for item in HELD if item in attributes]),
        light=pick(rng, (-1, 1)),
        colours={part: colour.sample(rng) for part, colour in ranges.items()},
        backdrop=pick(rng, BACKDROPS),
        top="dress" if rng.random() < 0.1 else pick(rng, TOPS),
        bottom=pick(rng, BOTTOMS),
        fringe=pick(rng, FRINGES),
        kin=_sample_kin(rng, attributes),
        long_dress=rng.random(),
        slant=between(rng, -2.0, 4.0),
        eye_size=between(rng, 0.92, 1.08),
    )


def _sample_kin(rng: random.Random, attributes: frozenset[str]) -> str:
    """Choose what a creature is; its horns or ears may tell."""
    told = {"horns": "demon", "fox_ears": "fox", "cat_ears": "cat", "halo": "angel"}
    free = pick(rng, ("fox", "cat", "angel", "angel"))
    return next((kin for name, kin in told.items() if name in attributes), free)
