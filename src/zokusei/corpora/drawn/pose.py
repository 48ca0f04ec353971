"""How a figure stands, sits and holds its arms, and how much of it the paper shows.

Coordinates are those of the figure, which are those of the head without its tilt: x = 0 is the
middle, the chin lies at y = 52, the neck ends at 80, the waist at 168, the legs begin at 226.
"""

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from zokusei.corpora.drawn.chance import between, pick
from zokusei.corpora.drawn.styles import Style
from zokusei.corpora.drawn.svg import PAPER

Point = tuple[float, float]

SHOULDER, WAIST, HIP, CROTCH = 100.0, 168.0, 208.0, 226.0
"""Heights of the body's joints."""

KNEE_SEATED = 282.0
"""How low the knees of a sitting figure are."""

ARMS: dict[str, tuple[Point, Point, Point]] = {
    "down": ((42, SHOULDER), (58, 158), (62, 212)),
    "hip": ((42, SHOULDER), (78, 148), (45, 186)),
    "behind": ((42, SHOULDER), (60, 156), (40, 200)),
    "chest": ((42, SHOULDER), (62, 152), (24, 134)),
    "out": ((42, SHOULDER), (70, 144), (92, 172)),
    "face": ((42, SHOULDER), (70, 140), (50, 80)),
    "up": ((42, SHOULDER), (82, 74), (84, 10)),
}
"""Shoulder, elbow and hand of a right arm in each of its poses."""

RAISED = ("face", "chest", "up")
"""Poses whose forearm comes before body and hair."""

_HOLDING = {
    "sword": "out",
    "book": "chest",
    "phone": "face",
    "cup": "chest",
    "bag": "down",
    "flower": "chest",
    "umbrella": "chest",
    "microphone": "face",
    "food": "face",
}

_ABOVE = (
    (("rabbit_ears",), 142.0),
    (("witch_hat",), 138.0),
    (("umbrella",), 126.0),
    (("halo",), 114.0),
    (("hat", "crown"), 108.0),
    (("cat_ears", "fox_ears", "horns", "double_bun", "hair_bun", "ahoge", "ponytail"), 106.0),
)
"""How far what is worn reaches above the middle of the face; bare hair reaches 76."""


@dataclass(frozen=True)
class Pose:
    """Where the figure is and how it holds itself.

    Attributes:
        x, y: the middle of the face on the paper.
        scale: size of the figure; at 1 the head takes about half of the paper's height.
        tilt: degrees by which the head leans.
        turn: -1 looks to the left of the paper, 1 to the right.
        mirrored: whether the whole figure is mirrored.
        legs: length of the legs.
        apart: how far the feet stand apart.
        arms: pose of the left (-1) and the right (1) arm, of `ARMS`.
        held: side to what its hand holds.
    """

    x: float
    y: float
    scale: float
    tilt: float
    turn: float
    mirrored: bool
    legs: float = 200.0
    apart: float = 1.0
    arms: tuple[tuple[int, str], ...] = ((-1, "down"), (1, "down"))
    held: tuple[tuple[int, str], ...] = ()

    @property
    def cut(self) -> float:
        """The height of the figure at which the paper ends."""
        return (PAPER - self.y) / self.scale

    def framing(self, seated: bool) -> str:
        """Name how much of the figure is shown, or give nothing for what lies between names.

        >>> Pose(128, 120, 1.5, 0, 0, False).framing(seated=False)
        'portrait'
        """
        for name, low, high in _framings(self.legs, seated):
            if low <= self.cut <= high and self.y - 76 * self.scale >= -4:
                return name
        return ""


def _framings(legs: float, seated: bool) -> list[tuple[str, float, float]]:
    """Give the lowest and highest cut of each framing."""
    floor = KNEE_SEATED + 20 if seated else CROTCH + legs + 22
    named = [
        ("portrait", 66.0, 112.0),
        ("upper_body", 142.0, 188.0),
        ("full_body", floor, floor * 1.6),
    ]
    if not seated:
        named.insert(2, ("cowboy_shot", CROTCH + 0.22 * legs, CROTCH + 0.52 * legs))
    return named


def sample_pose(
    rng: random.Random, attributes: Collection[str], style: Style, held: Sequence[str]
) -> Pose:
    """Choose the framing first, then place the figure so that all of it that counts is seen."""
    legs = style.legs * between(rng, 0.92, 1.08)
    above = next((high for names, high in _ABOVE if not set(names).isdisjoint(attributes)), 78.0)
    cut = _sample_cut(rng, attributes, legs)
    margin = between(rng, 3.0, 14.0)
    scale = (PAPER - margin) / (above + cut)
    # A figure that is small on the paper need not stand in its middle.
    room = max(0.0, 128 - 112 * scale - (30 * scale if held else 0))
    return Pose(
        x=128 + between(rng, -1, 1) * min(room + 10 * scale, 52.0),
        y=margin + above * scale,
        scale=scale,
        tilt=between(rng, -11.0, 11.0),
        turn=between(rng, -1.0, 1.0),
        mirrored=rng.random() < 0.5,
        legs=legs,
        apart=between(rng, 0.6, 1.5),
        arms=_sample_arms(rng, held),
        held=tuple(zip((1, -1), held, strict=False)),
    )


def _sample_cut(rng: random.Random, attributes: Collection[str], legs: float) -> float:
    """Choose where the paper cuts the figure."""
    seated = "sitting" in attributes
    for name, low, high in _framings(legs, seated):
        if name in attributes:
            if name == "full_body":
                high = low * 1.12
            return between(rng, low + 2, high - 2)
    # Cuts that have no name: at the hips, or at the shins.
    if seated:
        return KNEE_SEATED - between(rng, 2, 12)
    if "boots" in attributes:
        return CROTCH + legs * between(rng, 0.85, 0.95)
    low_needed = {"black_skirt", "blue_skirt", "tail", "black_gloves", "white_gloves", "bag"}
    at_hips = rng.random() < (0.2 if low_needed.intersection(attributes) else 0.55)
    if at_hips:
        return between(rng, 206, CROTCH + 0.2 * legs)
    return CROTCH + legs * between(rng, 0.55, 0.92)


def _sample_arms(rng: random.Random, held: Sequence[str]) -> tuple[tuple[int, str], ...]:
    arms = []
    for place, side in enumerate((1, -1)):
        free = ("down", "down", "hip", "behind", "chest" if not held else "down", "up")
        free_pose = pick(rng, free)
        arms.append((side, _HOLDING[held[place]] if place < len(held) else free_pose))
    return tuple(arms)
