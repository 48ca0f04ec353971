"""Colours: hue, saturation and lightness, and the four tones a painter mixes of one colour."""

import colorsys
import random
from dataclasses import dataclass
from typing import NamedTuple


class Hsl(NamedTuple):
    """A colour: hue in degrees, saturation and lightness in 0..1."""

    hue: float
    saturation: float
    lightness: float

    def hex(self) -> str:
        """Give the colour as SVG writes it.

        >>> Hsl(0, 1, 0.5).hex()
        '#ff0000'
        """
        rgb = colorsys.hls_to_rgb(
            self.hue % 360 / 360, _unit(self.lightness), _unit(self.saturation)
        )
        return "#" + "".join(f"{int(channel * 255 + 0.5):02x}" for channel in rgb)

    def with_light(self, lightness: float) -> "Hsl":
        """Give the same hue and saturation in another lightness."""
        return Hsl(self.hue, self.saturation, lightness)


class Range(NamedTuple):
    """The lowest and highest hue, saturation and lightness of a named colour."""

    hue: tuple[float, float]
    saturation: tuple[float, float]
    lightness: tuple[float, float]

    def sample(self, rng: random.Random) -> Hsl:
        """Choose a colour within the range."""
        return Hsl(*(low + (high - low) * rng.random() for low, high in self))


@dataclass(frozen=True)
class Tones:
    """One material in light and shadow, as SVG colours.

    Attributes:
        base: where the light falls.
        shade: in shadow.
        deep: in the shadow of a shadow: behind the neck, inside a mouth.
        light: a highlight.
        line: the outline.
    """

    base: str
    shade: str
    deep: str
    light: str
    line: str


# The ranges leave gaps between neighbours (aqua and blue, orange and blonde), so that a
# person asked for the name of a colour would give the label.
HAIR = {
    "black_hair": Range((215, 285), (0.06, 0.22), (0.13, 0.2)),
    "blonde_hair": Range((44, 53), (0.68, 0.92), (0.68, 0.78)),
    "brown_hair": Range((16, 30), (0.32, 0.52), (0.28, 0.4)),
    "pink_hair": Range((334, 350), (0.7, 0.92), (0.77, 0.84)),
    "blue_hair": Range((212, 230), (0.52, 0.82), (0.46, 0.62)),
    "white_hair": Range((200, 280), (0.08, 0.3), (0.93, 0.96)),
    "grey_hair": Range((200, 260), (0.02, 0.1), (0.54, 0.65)),
    "purple_hair": Range((264, 284), (0.38, 0.62), (0.5, 0.64)),
    "red_hair": Range((352, 364), (0.64, 0.84), (0.4, 0.49)),
    "green_hair": Range((110, 150), (0.36, 0.56), (0.42, 0.58)),
    "orange_hair": Range((19, 29), (0.84, 0.96), (0.56, 0.63)),
    "aqua_hair": Range((174, 187), (0.5, 0.75), (0.6, 0.72)),
}
EYES = {
    "blue_eyes": Range((205, 225), (0.7, 0.92), (0.48, 0.58)),
    "red_eyes": Range((352, 364), (0.74, 0.92), (0.42, 0.5)),
    "purple_eyes": Range((268, 288), (0.52, 0.76), (0.5, 0.6)),
    "green_eyes": Range((120, 155), (0.48, 0.72), (0.38, 0.48)),
    "yellow_eyes": Range((44, 53), (0.88, 1.0), (0.5, 0.57)),
    "brown_eyes": Range((18, 28), (0.42, 0.62), (0.27, 0.35)),
    "pink_eyes": Range((328, 342), (0.75, 0.95), (0.66, 0.74)),
    "orange_eyes": Range((24, 32), (0.88, 1.0), (0.52, 0.58)),
    "grey_eyes": Range((200, 240), (0.03, 0.1), (0.5, 0.6)),
    "aqua_eyes": Range((174, 186), (0.65, 0.9), (0.5, 0.6)),
}
SKIN = (
    Range((18, 25), (0.85, 1.0), (0.88, 0.915)),
    Range((16, 23), (0.8, 0.95), (0.84, 0.88)),
    Range((23, 29), (0.62, 0.78), (0.78, 0.84)),
    Range((20, 26), (0.46, 0.6), (0.52, 0.62)),
)
NAMED_CLOTH = {
    "white": Range((210, 260), (0.05, 0.25), (0.93, 0.97)),
    "black": Range((220, 280), (0.05, 0.2), (0.13, 0.19)),
    "blue": Range((212, 232), (0.5, 0.8), (0.36, 0.56)),
    "red": Range((352, 364), (0.65, 0.85), (0.38, 0.48)),
}
"""What black_skirt, blue_dress and white_gloves are made of."""

BOTTOM = (
    Range((338, 348), (0.5, 0.75), (0.68, 0.78)),
    Range((95, 150), (0.25, 0.5), (0.3, 0.5)),
    Range((22, 34), (0.3, 0.5), (0.35, 0.5)),
    Range((36, 46), (0.3, 0.5), (0.68, 0.8)),
    Range((270, 288), (0.3, 0.5), (0.45, 0.62)),
    Range((220, 250), (0.03, 0.08), (0.5, 0.62)),
    Range((46, 54), (0.7, 0.9), (0.6, 0.7)),
)
"""Colours of skirts, trousers and dresses that have none of those names."""

CLOTH = (
    *BOTTOM,
    *NAMED_CLOTH.values(),
    NAMED_CLOTH["white"],
    Range((172, 186), (0.4, 0.6), (0.5, 0.7)),
    Range((16, 26), (0.75, 0.9), (0.52, 0.62)),
)
"""Colours of all other clothes, which have no names."""

ANY = Range((0, 360), (0.1, 0.8), (0.15, 0.92))
VIVID = Range((0, 360), (0.55, 0.9), (0.4, 0.65))


def mix_tones(colour: Hsl, *, saturation: float = 1.0, ink: float = 0.5) -> Tones:
    """Mix the tones of one colour.

    Args:
        colour: the colour in the light.
        saturation: factor on the saturation, a matter of style.
        ink: 0 for outlines in a darker tone of the colour, 1 for nearly black ones.

    >>> mix_tones(Hsl(50, 0.8, 0.7), ink=1.0).line
    '#181612'
    """
    hue, strength, light = colour.hue, colour.saturation * saturation, colour.lightness
    # Shadows lean towards violet, as animation paints them; greys take a little of it too.
    cool = hue + (9 if 60 < hue < 250 else -3)
    # Pale things, skin above all, stay pale in shadow.
    dark = Hsl(cool, min(strength + 0.04, 1.0), light * (0.86 if light > 0.75 else 0.78))
    own = Hsl(cool, strength * 0.75, light * 0.42 if light > 0.3 else light * 0.5)
    line = Hsl(hue - 12, own.saturation * (1 - ink) + 0.13 * ink, own.lightness * (1 - ink))
    line = line.with_light(line.lightness + 0.083 * ink)
    return Tones(
        base=Hsl(hue, strength, light).hex(),
        shade=dark.hex(),
        deep=Hsl(cool, strength * 0.85, light * (0.7 if light > 0.75 else 0.58)).hex(),
        light=Hsl(hue, strength, light + (1 - light) * (0.5 if light > 0.3 else 0.22)).hex(),
        line=line.hex(),
    )


def _unit(value: float) -> float:
    return min(max(value, 0.0), 1.0)
