"""Hair: what hangs behind the head, the fringe in locks before it, and the ahoge."""

import random
from itertools import pairwise

from zokusei.corpora.drawn.chance import between
from zokusei.corpora.drawn.eyes import hidden_side
from zokusei.corpora.drawn.face import face_shape
from zokusei.corpora.drawn.scene import Scene
from zokusei.corpora.drawn.svg import Sheet

GATHERED = ("twintails", "ponytail", "side_ponytail", "twin_braids", "hair_bun")
"""Styles that leave no long hair to hang loose."""


def _crown(scene: Scene) -> str:
    """Give the outline over the top of the head, to be ended by a point on the right."""
    top = between(scene.rng("crown"), -73, -67)
    return f"C -64 -50 -36 {top} 0 {top} C 36 {top} 64 -50"


def draw_tuft(sheet: Sheet, scene: Scene, data: str, side: float = 1) -> None:
    """Draw a piece of front hair as the style paints it."""
    hair, style = scene.tones("hair"), scene.style
    fill = sheet.gradient(hair.base, hair.base, hair.shade) if style.soft else hair.base
    sheet.path(data, fill, line=hair.line, width=style.line, side=side)


def draw_back_hair(sheet: Sheet, scene: Scene) -> None:
    """Draw the hair behind head and shoulders, in its shade."""
    tags = (scene.hair_colour, *(("short_hair",) if scene.has("short_hair") else ()))
    with sheet.part("back hair", *tags):
        _draw_back(sheet, scene)


def loose(scene: Scene) -> bool:
    """Whether long hair hangs loose."""
    return not scene.has("short_hair", *GATHERED)


def _draw_back(sheet: Sheet, scene: Scene) -> None:
    hair, rng, style = scene.tones("hair"), scene.rng("back"), scene.style
    gathered, is_long = scene.has(*GATHERED) and not scene.has("short_hair"), loose(scene)
    if is_long:
        low, wide = between(rng, 96, 200), between(rng, 62, 76)
    elif gathered:
        low, wide = between(rng, 26, 40), 52.0
    else:
        low, wide = between(rng, 42, 62), between(rng, 58, 68)
    tips = int(between(rng, 6, 10))
    edge = _tips(rng, (-wide, wide), low, tips, depth=16 if is_long else 10)
    middle = between(rng, 0.3, 0.6) * low
    data = (
        f"M {-wide} {low - 8} C {-wide - 2} {middle} -58 20 -56 -14 {_crown(scene)} 56 -14 "
        f"C 58 20 {wide + 2} {middle} {wide} {low - 8} {edge} Z"
    )
    fill = sheet.gradient(hair.shade, hair.base) if style.soft else hair.shade
    if style.shading == 0:
        fill = hair.base
    sheet.path(data, fill, line=hair.line, width=style.line)
    end = low - 16
    deep = f"M -40 10 C -44 {middle} -36 {end} -30 {end} L 30 {end} C 36 {end} 44 {middle} 40 10 Z"
    sheet.path(deep, hair.deep, opacity=0.8)
    strands = " ".join(
        f"M {x * 58} 10 Q {x * 60} {middle} {x * wide * 0.97} {low - 12}"
        for x in (-0.86, -0.72, 0.72, 0.86)
    )
    sheet.path(strands, line=hair.line, width=0.9, opacity=0.55)


def _tips(
    rng: random.Random, span: tuple[float, float], low: float, count: int, depth: float
) -> str:
    """Give a zigzag of soft tips from right to left."""
    left, right = span
    step = (right - left) / count
    parts = []
    for place in range(count):
        start = right - place * step
        reach = low + (rng.random() - 0.3) * depth
        parts.append(
            f"Q {start - step * 0.2} {reach - 4} {start - step * 0.45} {reach + depth * 0.5} "
            f"Q {start - step * 0.75} {reach - 2} {start - step} {low - depth * 0.5}"
        )
    return " ".join(parts)


def draw_fringe(sheet: Sheet, scene: Scene) -> None:
    """Draw the front hair with its shadow on the face, strands and gloss."""
    blunt = ("blunt_bangs",) if scene.has("blunt_bangs") else ()
    with sheet.part("fringe", scene.hair_colour, *blunt):
        _draw_front(sheet, scene)
    if hidden_side(scene):
        with sheet.part("lock over an eye", scene.hair_colour, "hair_over_one_eye"):
            _draw_curtain(sheet, scene, hidden_side(scene))


def _draw_curtain(sheet: Sheet, scene: Scene, side: int) -> None:
    """Draw the hair that hangs over one eye."""
    hair, style, rng = scene.tones("hair"), scene.style, scene.rng("curtain")
    low = between(rng, 34, 46)
    data = (
        f"M 2 -62 C 30 -64 54 -44 55 -10 C 56 10 52 {low - 10} 44 {low} "
        f"Q 42 {low - 10} 40 {low - 14} Q 34 {low - 2} 26 {low - 3} Q 28 {low - 14} 25 {low - 22} "
        f"Q 18 {low - 8} 11 {low - 12} C 14 10 6 -20 2 -62 Z"
    )
    draw_tuft(sheet, scene, data, side)
    strands = f"M 20 -50 Q 36 -20 34 {low - 22} M 32 -48 Q 48 -20 44 {low - 14}"
    sheet.path(strands, line=hair.line, width=style.line * 0.7, side=side)


def _draw_front(sheet: Sheet, scene: Scene) -> None:
    hair, skin, style = scene.tones("hair"), scene.tones("skin"), scene.style
    data, roots = _fringe_path(scene)
    with sheet.clipped(face_shape(scene)), sheet.moved(-scene.light * 1.5, 5):
        sheet.path(data, skin.shade, opacity=max(style.shading, 0.35))
    _draw_flicks(sheet, scene)
    draw_tuft(sheet, scene, data)
    with sheet.clipped(data):
        if not style.soft:
            sheet.path(
                "M -34 -72 C -50 -54 -52 -34 -46 -14 L -51 4 L -45 26 "
                "L -46 80 L -80 80 L -80 -72 Z",
                hair.shade,
                opacity=style.shading,
                side=scene.light,
            )
        _draw_gloss(sheet, scene)
        strands = []
        for x, y in roots:
            reach = 14 + (x * 7.3) % 20
            strands.append(f"M {x} {y} Q {x * 0.98} {y - reach * 0.6} {x * 0.86} {y - reach}")
        rng = scene.rng("strands")
        for _ in range(3):
            x = between(rng, -46, 46)
            strands.append(f"M {x * 0.2} -67 Q {x * 0.8} -60 {x} {between(rng, -46, -36)}")
        if strands:
            sheet.path(" ".join(strands), line=hair.line, width=style.line * 0.75, opacity=0.8)


def _draw_flicks(sheet: Sheet, scene: Scene) -> None:
    """Draw locks that break the outline of untidy hair."""
    hair, rng, style = scene.tones("hair"), scene.rng("flicks"), scene.style
    if scene.has("blunt_bangs") or rng.random() < 0.3:
        return
    reach = between(rng, 7, 15)
    for side in (-1, 1):
        for y in (-48, -26, -6, 14):
            if rng.random() < 0.3:
                continue
            root = 50 if y < -30 else 54
            tip = root + reach * between(rng, 0.6, 1.2) * (0.55 if y < -30 else 1)
            low = y + between(rng, 14, 24)
            data = f"M {root} {y - 8} Q {tip - 3} {y} {tip} {low} Q {tip - 6} {low - 5} 46 {low} Z"
            sheet.path(data, hair.base, line=hair.line, width=style.line, side=side)


def _fringe_path(scene: Scene) -> tuple[str, list[tuple[float, float]]]:
    """Give the outline of the front hair and the points where its locks part."""
    rng, turn = scene.rng("fringe"), scene.pose.turn * 3
    kind, blunt = scene.fringe, scene.has("blunt_bangs")
    count = int(between(rng, 7, 10)) if blunt else int(between(rng, 4, 7))
    lean = between(rng, -1.0, 1.0)
    lowest = between(rng, -13, -8) if blunt else between(rng, -11, 1)
    bounds = [41 - 82 * place / count for place in range(count + 1)]
    bounds[1:-1] = [x + between(rng, -3, 3) * (0.4 if blunt else 1) for x in bounds[1:-1]]
    parts, roots = [], []
    for start, end in pairwise(bounds):
        middle = (start + end) / 2
        if blunt:
            tip, valley = lowest + between(rng, -0.6, 0.6), lowest - 3.5
            parts.append(
                f"L {start + turn - 0.6} {tip} Q {middle + turn} {tip + 1.2} "
                f"{end + turn + 0.6} {tip} L {end + turn} {valley}"
            )
        else:
            tip = lowest + _drop(kind, middle, lean) + between(rng, -3, 3)
            valley = min(tip - between(rng, 10, 18), -16.0)
            across = middle + turn + _sweep(kind, middle, lean)
            parts.append(
                f"Q {start + turn * 0.8 - 1} {(tip + valley) / 2 + 3} {across} {tip} "
                f"Q {end + turn + 3} {(tip + valley) / 2} {end + turn} {valley}"
            )
        roots.append((end + turn, valley))
    side_lock = between(rng, 26, 64)
    thin = between(rng, 40, 43)
    right = f"58 -6 C 60 20 58 {side_lock * 0.6} 50 {side_lock + 6} Q 44 30 {thin} -10"
    left = f"L {-thin} -10 Q -44 30 -50 {side_lock + 4} C -58 {side_lock * 0.6} -60 20 -58 -6"
    data = f"M -58 -6 {_crown(scene)} {right} {' '.join(parts)} {left} Z"
    return data, roots[:-1]


def _drop(kind: str, x: float, lean: float) -> float:
    """Give how much lower a lock hangs at x than the fringe as a whole."""
    far = abs(x) / 40
    if kind == "parted":
        return -22 + 34 * far
    if kind == "swept":
        return -10 + 0.35 * x * (1 if lean > 0 else -1) + 6 * far
    return 7 * (1 - far) - 2


def _sweep(kind: str, x: float, lean: float) -> float:
    """Give how far the tip of a lock at x points aside."""
    if kind == "parted":
        return 0.22 * x
    return (9 if kind == "swept" else 5) * lean


def _draw_gloss(sheet: Sheet, scene: Scene) -> None:
    """Draw the ring of light on the crown."""
    hair, rng = scene.tones("hair"), scene.rng("gloss")
    if rng.random() < 0.15:
        return
    count = int(between(rng, 5, 9))
    shift = scene.light * 8
    points = []
    for place in range(2 * count + 1):
        part = place / count - 1
        y = -42 + 10 * part * part + (5 if place % 2 else -1.5) + between(rng, -1, 1)
        points.append(f"L {shift + part * 40} {y}")
    top = f"M {shift - 42} -34 Q {shift} -66 {shift + 42} -34"
    data = f"{top} {' '.join(reversed(points))} Z"
    sheet.path(data, hair.light, opacity=0.75 if scene.style.shading else 0.45)


def draw_ahoge(sheet: Sheet, scene: Scene) -> None:
    """Draw the one lock that stands up."""
    if not scene.has("ahoge"):
        return
    with sheet.part("ahoge", scene.hair_colour, "ahoge"):
        _draw_cowlick(sheet, scene)


def _draw_cowlick(sheet: Sheet, scene: Scene) -> None:
    hair, rng = scene.tones("hair"), scene.rng("ahoge")
    side = 1 if rng.random() < 0.5 else -1
    lean = between(rng, 0.8, 1.25)
    data = (
        f"M -5 -70 C -10 -92 {6 * lean} -106 {28 * lean} -95 C {16 * lean} -98 6 -88 6 -70 Z"
        if rng.random() < 0.6
        else f"M -5 -70 C -20 -84 {-8 * lean} -104 {12 * lean} -104 C 0 -98 -6 -86 7 -70 Z"
    )
    sheet.path(data, hair.base, line=hair.line, width=scene.style.line, side=side)
    sheet.path("M -4 -68 L 5 -68 L 6 -73 L -5 -73 Z", hair.base, side=side)
