"""Skin: the shape of the face, ears, nose, mouth, cheeks and tears.

Coordinates are those of the head: x = 0 is its middle, the eyes lie at y = 10, the chin at
y = 52, the top of the hair at y = -74.
"""

from zokusei.corpora.drawn.chance import between, pick
from zokusei.corpora.drawn.palette import Hsl
from zokusei.corpora.drawn.scene import Scene
from zokusei.corpora.drawn.svg import Sheet

BLACK, WHITE = "#1a1418", "#ffffff"


def face_shape(scene: Scene) -> str:
    """Give the outline of the face as a path."""
    chin = 52 + scene.style.chin
    shift = scene.pose.turn * 3
    return (
        f"M -47 -24 C -49 2 -48 18 -40 30 C -32 41 {shift - 10} {chin} {shift} {chin} "
        f"C {shift + 10} {chin} 32 41 40 30 C 48 18 49 2 47 -24 C 44 -68 -44 -68 -47 -24 Z"
    )


def draw_face(sheet: Sheet, scene: Scene) -> None:
    """Draw ears and face, and the shade on the side away from the light."""
    with sheet.part("face"):
        _draw_head(sheet, scene)


def _draw_head(sheet: Sheet, scene: Scene) -> None:
    skin, style = scene.tones("skin"), scene.style
    for side in (-1, 1):
        sheet.path(
            "M 45 2 C 53 -6 60 0 57 12 C 55 22 50 28 44 24 Z",
            skin.base,
            line=skin.line,
            width=style.line,
            side=side,
        )
        sheet.path("M 48 6 C 53 3 55 8 51 16", line=skin.shade, width=1.2, side=side)
    shape = face_shape(scene)
    fill = sheet.gradient(skin.light, skin.base, skin.base) if style.soft else skin.base
    sheet.path(shape, fill, line=skin.line, width=style.line)
    chin, shift = 51 + style.chin, scene.pose.turn * 3 * scene.light
    cheek = (
        f"M -46.5 -14 C -47.5 6 -46.5 18 -39 29.5 C -31 40.5 {shift - 10} {chin} "
        f"{shift - 3} {chin} C -22 44 -36 26 -41 -8 Z"
    )
    sheet.path(cheek, skin.shade, opacity=0.55 * style.shading, side=scene.light)


def draw_features(sheet: Sheet, scene: Scene) -> None:
    """Draw what the face shows apart from the eyes: cheeks, nose, mouth."""
    if scene.rng("cheeks").random() < 0.35:
        _draw_blush(sheet, scene)
    skin, rng = scene.tones("skin"), scene.rng("nose")
    if rng.random() < 0.6:
        sheet.path("M 0.5 25 L 2 28.5 L -0.5 29", line=skin.line, width=1.1, opacity=0.75)
    else:
        sheet.path("M 0 24 L 3 29 L -2 29 Z", skin.shade, opacity=max(0.5, scene.style.shading))
    tags = [tag for tag in ("smile", "open_mouth") if scene.has(tag)]
    # On a small figure a mouth in proportion would be a pixel or two.
    grow = min(max(0.78 / scene.pose.scale, 1.0), 1.45)
    with sheet.part("mouth", *tags), sheet.moved(0, 39, scale=grow), sheet.moved(0, -39):
        _draw_mouth(sheet, scene)


def frowning(scene: Scene) -> bool:
    """Whether a figure that does not smile frowns, which is no class."""
    return not scene.has("smile") and scene.rng("mood").random() < 0.3


def _draw_blush(sheet: Sheet, scene: Scene) -> None:
    red = Hsl(352, 0.9, 0.66 if scene.colours["skin"].lightness > 0.7 else 0.48).hex()
    strokes = scene.rng("blush").random() < 0.5
    for side in (-1, 1):
        for grow, opacity in ((1.05, 0.36), (0.75, 0.34), (0.5, 0.3)):
            sheet.ellipse((side * 29, 28), (10 * grow, 5.4 * grow), red, opacity=opacity)
        if strokes:
            for x in (24, 28.5, 33):
                slash = f"M {x + 1.5} 25.5 L {x - 1} 30.5"
                sheet.path(slash, line=Hsl(352, 0.7, 0.5).hex(), width=1.2, side=side)


def _draw_mouth(sheet: Sheet, scene: Scene) -> None:
    """Draw one of the mouths that the mood allows."""
    rng = scene.rng("mouth")
    # A small picture leaves a closed mouth a pixel or two: without a firm line, none.
    line, width = _mouth_line(scene), max(2.3, scene.style.line)
    wide = between(rng, 0.9, 1.25)
    if scene.has("open_mouth"):
        _draw_open_mouth(sheet, scene, wide, width)
    elif scene.has("smile"):
        shapes = (
            f"M {-12 * wide} 34.5 C {-7 * wide} 43 {7 * wide} 43 {12 * wide} 34.5",
            f"M {-12 * wide} 34.5 C {-9 * wide} 43 -1 43 0 37.5 "
            f"C 1 43 {9 * wide} 43 {12 * wide} 34.5",
        )
        sheet.path(pick(rng, shapes), line=line, width=width)
    elif frowning(scene):
        shapes = (
            f"M {-9 * wide} 43 C {-6 * wide} 35.5 {6 * wide} 35.5 {9 * wide} 43",
            f"M {-10 * wide} 43 Q {-5 * wide} 34.5 0 38.5 Q {4 * wide} 41 {10 * wide} 43",
        )
        sheet.path(shapes[0] if rng.random() < 0.7 else shapes[1], line=line, width=width)
    else:
        sheet.path(f"M {-4.5 * wide} 39.5 Q 0 40 {4.5 * wide} 39.5", line=line, width=width)


def _mouth_line(scene: Scene) -> str:
    """Give the colour of the mouth's line: dark on every skin."""
    return Hsl(6, 0.5 - 0.4 * scene.style.ink, 0.26 - 0.14 * scene.style.ink).hex()


def _draw_open_mouth(sheet: Sheet, scene: Scene, wide: float, width: float) -> None:
    rng, line = scene.rng("teeth"), _mouth_line(scene)
    inside = Hsl(352, 0.55, 0.36).hex()
    tongue = Hsl(354, 0.72, 0.68).hex()
    if scene.has("smile"):
        shape = (
            f"M {-10 * wide} 34 Q 0 36.5 {10 * wide} 34 "
            f"C {9 * wide} 44 {4 * wide} 48 0 48 C {-4 * wide} 48 {-9 * wide} 44 {-10 * wide} 34 Z"
        )
    elif frowning(scene):
        shape = (
            f"M {-8 * wide} 45 C {-7 * wide} 33 {7 * wide} 33 {8 * wide} 45 "
            f"Q 0 41.5 {-8 * wide} 45 Z"
        )
    else:
        shape = (
            f"M {-4.6 * wide} 39 C {-4.6 * wide} 33.5 {4.6 * wide} 33.5 {4.6 * wide} 39 "
            f"C {4.6 * wide} 46 {-4.6 * wide} 46 {-4.6 * wide} 39 Z"
        )
    sheet.path(shape, inside)
    with sheet.clipped(shape):
        sheet.ellipse((0, 47.5), (6.5 * wide, 5), tongue)
        if scene.has("smile") and rng.random() < 0.6:
            sheet.path(
                f"M {-10 * wide} 32 L {10 * wide} 32 L {8 * wide} 37.6 Q 0 39.5 {-8 * wide} 37.6 Z",
                WHITE,
            )
    sheet.path(shape, line=line, width=width)


def draw_tears(sheet: Sheet, scene: Scene) -> None:
    """Draw tears: running down the cheeks, or standing in the corners of the eyes."""
    if not scene.has("tears"):
        return
    water, edge = "#d9f2ff", "#6aa9d8"
    running = scene.rng("tears").random() < 0.6
    for side in (-1, 1):
        if running:
            shape = "M 20 23 C 19 32 19 40 23 46 Q 27 48 28.5 43 C 29 36 28 30 29 22 Z"
        else:
            shape = "M 31 13 C 40 18 42 26 36 28 C 29 28 29 20 31 13 Z"
        with sheet.part("tears", "tears"):
            sheet.path(shape, water, line=edge, width=1.3, opacity=0.92, side=side)
        sheet.path(
            "M 23 28 Q 22.5 36 24.5 42" if running else "M 33.5 20 Q 32.5 24 35 25.5",
            line=WHITE,
            width=1.6,
            side=side,
        )
