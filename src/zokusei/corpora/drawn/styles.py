"""The hands that draw: line, palette, proportions, shading and surface of each style."""

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
        legs: length of the legs, which makes a figure 3.5 to 5 heads tall.
        soft: whether hair and skin run from light to dark instead of in two flat tones.
        blur: weight of the neighbours when the finished picture is softened.
        grain: amplitude of the paper's grain, in grey levels.
        screentone: strength of the dots that shade by their size, in grey levels.
        wash: how much darker a watercolour's colours dry at their edges, as a share.
        hatching: strength of the pencil strokes that shade, in grey levels.
        unseen: whether the style is kept for testing alone.
    """

    name: str
    line: float
    ink: float
    saturation: float
    eye_width: float
    eye_height: float
    chin: float
    shading: float
    legs: float = 200.0
    soft: bool = False
    blur: float = 0.0
    grain: float = 0.0
    screentone: float = 0.0
    wash: float = 0.0
    hatching: float = 0.0
    unseen: bool = False


STYLES = (
    Style("cel", 1.5, 0.55, 1.0, 15.0, 17.0, 0, 1.0, legs=210),
    Style("soft", 1.1, 0.05, 0.88, 16.0, 18.5, -1, 0.6, legs=190, soft=True, blur=0.12),
    Style("flat", 0.8, 0.25, 0.95, 15.0, 15.5, -2, 0.0, legs=180),
    Style("retro", 1.7, 0.95, 0.8, 14.0, 18.5, 5, 1.0, legs=230, blur=0.06, grain=9.0),
    Style("bold", 2.4, 0.95, 1.1, 15.0, 16.5, 1, 0.8, legs=170),
    Style("paint", 0.7, 0.3, 0.92, 14.0, 15.0, 2, 0.9, legs=240, soft=True, grain=5.0),
    Style("print", 1.3, 0.8, 1.05, 15.5, 17.5, 0, 0.7, legs=200, screentone=14.0),
    Style("round", 1.9, 0.4, 1.0, 17.0, 19.5, -4, 0.7, legs=120),
    Style(
        "watercolour",
        1.0,
        0.3,
        0.78,
        15.0,
        17.0,
        1,
        0.5,
        legs=215,
        soft=True,
        blur=0.08,
        grain=4.0,
        wash=0.35,
        unseen=True,
    ),
    Style(
        "pencil",
        1.6,
        1.0,
        0.5,
        14.5,
        18.0,
        3,
        0.4,
        legs=220,
        grain=6.0,
        hatching=16.0,
        unseen=True,
    ),
)
"""Eight to learn from, and two that nothing is trained on, to measure what happens there."""

TRAINED = tuple(style for style in STYLES if not style.unseen)
UNSEEN = tuple(style for style in STYLES if style.unseen)
