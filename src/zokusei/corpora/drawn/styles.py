"""The hands that draw: line, palette, proportions and shading of each style."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Style:
    """How one hand draws.

    Attributes:
        name: what `Drawing.style` says.
        line: outline width, in units of the figure (a head is about 110 wide).
        ink: 0 for coloured outlines, 1 for nearly black ones.
        saturation: factor on every colour of the figure.
        eye_width: half the width of an eye.
        eye_height: half its height.
        chin: how far the chin reaches below a round face.
        shading: opacity of shadows; 0 is flat colour.
        soft: whether hair and skin run from light to dark instead of in two flat tones.
        blur: weight of the neighbours when the finished picture is softened.
        grain: amplitude of the paper's grain, in grey levels.
    """

    name: str
    line: float
    ink: float
    saturation: float
    eye_width: float
    eye_height: float
    chin: float
    shading: float
    soft: bool = False
    blur: float = 0.0
    grain: float = 0.0


STYLES = (
    Style("cel", 1.5, 0.55, 1.0, 15.0, 17.0, 0, 1.0),
    Style("soft", 1.1, 0.05, 0.88, 16.0, 18.5, -1, 0.6, soft=True, blur=0.12),
    Style("flat", 0.8, 0.25, 0.95, 15.0, 15.5, -2, 0.0),
    Style("retro", 1.7, 0.95, 0.8, 14.0, 18.5, 5, 1.0, blur=0.06, grain=9.0),
    Style("bold", 2.4, 0.95, 1.1, 15.0, 16.5, 1, 0.8),
    Style("paint", 0.7, 0.3, 0.92, 14.0, 15.0, 2, 0.9, soft=True, grain=5.0),
)
