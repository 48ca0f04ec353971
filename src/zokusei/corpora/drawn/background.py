"""Backgrounds: plain, patterned and simple scenery, of colours that tell nothing of the figure."""

from zokusei.corpora.drawn.palette import Hsl
from zokusei.corpora.drawn.scene import Scene, between
from zokusei.corpora.drawn.svg import PAPER, Sheet


def draw_background(sheet: Sheet, scene: Scene) -> None:
    """Fill the paper with the scene's background."""
    if scene.background in _SCENERY:
        _SCENERY[scene.background](sheet, scene)
        return
    sky, ground = scene.tones("sky"), scene.tones("ground")
    if scene.background == "gradient":
        level = scene.rng("gradient").random() < 0.3
        _fill(sheet, sheet.gradient(sky.base, ground.base, level=level))
        return
    _fill(sheet, sky.base)
    if scene.background != "plain":
        # Patterns in a neighbouring tone stay behind the figure, those of another colour vie.
        quiet = scene.rng("pattern").random() < 0.65
        _PATTERNS[scene.background](sheet, scene, sky.light if quiet else ground.base)


def _fill(sheet: Sheet, fill: str, top: float = 0, bottom: float = PAPER) -> None:
    sheet.path(f"M 0 {top} L {PAPER} {top} L {PAPER} {bottom} L 0 {bottom} Z", fill)


def _draw_dots(sheet: Sheet, scene: Scene, colour: str) -> None:
    rng = scene.rng("dots")
    step = between(rng, 26, 44)
    size = step * between(rng, 0.18, 0.3)
    for row in range(int(PAPER / step) + 2):
        for column in range(int(PAPER / step) + 2):
            x = (column + 0.5 * (row % 2)) * step
            sheet.ellipse((x, row * step), (size, size), colour)


def _draw_stripes(sheet: Sheet, scene: Scene, colour: str) -> None:
    rng = scene.rng("stripes")
    step, lean = between(rng, 18, 40), between(rng, -90, 90)
    x = -100.0
    while x < PAPER + 100:
        sheet.path(
            f"M {x} 0 L {x + step / 2} 0 L {x + step / 2 + lean} {PAPER} L {x + lean} {PAPER} Z",
            colour,
        )
        x += step


def _draw_checks(sheet: Sheet, scene: Scene, colour: str) -> None:
    step = between(scene.rng("checks"), 24, 46)
    cells = int(PAPER / step) + 1
    squares = [
        f"M {x * step} {y * step} L {(x + 1) * step} {y * step} "
        f"L {(x + 1) * step} {(y + 1) * step} L {x * step} {(y + 1) * step} Z"
        for y in range(cells)
        for x in range(y % 2, cells, 2)
    ]
    sheet.path(" ".join(squares), colour)


def _draw_rays(sheet: Sheet, scene: Scene, colour: str) -> None:
    count = int(between(scene.rng("rays"), 9, 16))
    for place in range(count):
        with sheet.moved(128, 128, turn=360 / count * place):
            sheet.path(f"M 0 0 L {-900 / count} -200 L {900 / count} -200 Z", colour)


def _draw_petals(sheet: Sheet, scene: Scene, colour: str) -> None:
    rng = scene.rng("petals")
    for _ in range(int(between(rng, 10, 22))):
        x, y = between(rng, 0, PAPER), between(rng, 0, PAPER)
        with sheet.moved(x, y, scale=between(rng, 0.6, 1.5), turn=between(rng, 0, 360)):
            sheet.path("M 0 8 C -8 2 -7 -7 -1 -8 L 0 -6 L 1 -8 C 7 -7 8 2 0 8 Z", colour)


def _draw_sky(sheet: Sheet, scene: Scene) -> None:
    rng = scene.rng("sky")
    hue = 205 + between(rng, -10, 15) if rng.random() < 0.75 else between(rng, 10, 40)
    _fill(sheet, sheet.gradient(Hsl(hue, 0.75, 0.6).hex(), Hsl(hue, 0.8, 0.86).hex()))
    for _ in range(4):
        with sheet.moved(between(rng, 0, 256), between(rng, 10, 200), scale=between(rng, 0.7, 1.6)):
            for x, y, size in ((-24, 4, 12), (-8, -4, 17), (12, 0, 14), (28, 6, 9)):
                sheet.ellipse((x, y), (size, size * 0.8), "#ffffff")


def _draw_hills(sheet: Sheet, scene: Scene) -> None:
    rng = scene.rng("hills")
    _draw_sky(sheet, scene)
    for place in range(3):
        y = 120 + 34 * place + between(rng, -10, 10)
        green = Hsl(between(rng, 80, 150), 0.4, 0.58 - 0.11 * place).hex()
        sheet.path(
            f"M 0 {y + 10} C 60 {y - between(rng, 10, 50)} 110 {y + 30} 150 {y} "
            f"C 190 {y - 40} 230 {y - 10} 256 {y + 6} L 256 256 L 0 256 Z",
            green,
        )


def _draw_night(sheet: Sheet, scene: Scene) -> None:
    rng = scene.rng("night")
    hue = between(rng, 215, 275)
    _fill(sheet, sheet.gradient(Hsl(hue, 0.6, 0.1).hex(), Hsl(hue, 0.5, 0.34).hex()))
    for _ in range(26):
        size = between(rng, 0.6, 2.0)
        sheet.ellipse((between(rng, 0, 256), between(rng, 0, 256)), (size, size), "#fff7d6")
    moon = (between(rng, 24, 232), between(rng, 20, 70))
    sheet.ellipse(moon, (20, 20), "#fdf3c0")


def _draw_window(sheet: Sheet, scene: Scene) -> None:
    rng, wall, frame = scene.rng("window"), scene.tones("ground"), scene.tones("trim")
    _fill(sheet, wall.light)
    x = between(rng, 10, 120)
    glass = sheet.gradient(Hsl(205, 0.7, 0.66).hex(), Hsl(200, 0.7, 0.88).hex())
    sheet.path(
        f"M {x} 16 L {x + 120} 16 L {x + 120} 170 L {x} 170 Z", glass, line=frame.base, width=9
    )
    sheet.path(f"M {x + 60} 16 L {x + 60} 170 M {x} 92 L {x + 120} 92", line=frame.base, width=5)
    cloth = scene.tones("accent")
    for side, edge in ((-1, x - 8), (1, x + 128)):
        with sheet.moved(edge, 0, mirrored=side > 0):
            sheet.path(
                "M -14 4 L 36 4 C 34 70 22 110 4 130 Q 10 160 14 196 L -14 196 Z",
                cloth.light,
                line=cloth.line,
                width=1.2,
            )
            sheet.path("M 2 8 Q 4 80 -2 128 M 18 8 Q 18 70 2 126", line=cloth.base, width=1.6)


def _draw_city(sheet: Sheet, scene: Scene) -> None:
    rng = scene.rng("city")
    hue = between(rng, 0, 360)
    _fill(sheet, sheet.gradient(Hsl(hue, 0.5, 0.62).hex(), Hsl(hue + 40, 0.7, 0.85).hex()))
    x = -10.0
    while x < PAPER:
        wide, top = between(rng, 26, 54), between(rng, 50, 150)
        wall = Hsl(hue + 20, 0.25, between(rng, 0.28, 0.45))
        sheet.path(f"M {x} {top} L {x + wide} {top} L {x + wide} 256 L {x} 256 Z", wall.hex())
        lit = Hsl(48, 0.8, 0.75).hex()
        panes = [f"M {x + 6} {y} L {x + wide - 6} {y}" for y in range(int(top) + 12, 256, 18)]
        sheet.path(" ".join(panes), line=lit, width=4, opacity=0.55)
        x += wide + between(rng, 0, 8)


_PATTERNS = {
    "dots": _draw_dots,
    "stripes": _draw_stripes,
    "checks": _draw_checks,
    "rays": _draw_rays,
    "petals": _draw_petals,
}
_SCENERY = {
    "sky": _draw_sky,
    "hills": _draw_hills,
    "night": _draw_night,
    "window": _draw_window,
    "city": _draw_city,
}
