"""Backdrops of paper: plain, shaded or patterned, of colours that tell nothing of the figure."""

from zokusei.corpora.drawn.chance import between
from zokusei.corpora.drawn.scene import Scene
from zokusei.corpora.drawn.svg import PAPER, Sheet


def draw_backdrop(sheet: Sheet, scene: Scene) -> None:
    """Fill the paper with the scene's backdrop."""
    sky, ground = scene.tones("sky"), scene.tones("ground")
    if scene.backdrop == "white":
        fill(sheet, "#ffffff" if scene.rng("white").random() < 0.7 else "#f6f4f0")
        return
    if scene.backdrop == "gradient":
        level = scene.rng("gradient").random() < 0.3
        fill(sheet, sheet.gradient(sky.base, ground.base, level=level))
        return
    fill(sheet, sky.base)
    if scene.backdrop != "plain":
        # Patterns in a neighbouring tone stay behind the figure, those of another colour vie.
        quiet = scene.rng("pattern").random() < 0.65
        _PATTERNS[scene.backdrop](sheet, scene, sky.light if quiet else ground.base)


def fill(sheet: Sheet, paint: str, top: float = 0, bottom: float = PAPER) -> None:
    """Fill the paper, or a level stripe of it."""
    sheet.path(f"M 0 {top} L {PAPER} {top} L {PAPER} {bottom} L 0 {bottom} Z", paint)


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


def _draw_shapes(sheet: Sheet, scene: Scene, colour: str) -> None:
    """Draw one large disc or frame behind the figure, as posters have it."""
    rng = scene.rng("shapes")
    if rng.random() < 0.5:
        size = between(rng, 70, 110)
        sheet.ellipse((128 + between(rng, -20, 20), between(rng, 90, 140)), (size, size), colour)
    else:
        inset = between(rng, 14, 34)
        far = PAPER - inset
        frame = f"M {inset} {inset} L {far} {inset} L {far} {far} L {inset} {far} Z"
        sheet.path(frame, line=colour, width=between(rng, 3, 9))


_PATTERNS = {
    "dots": _draw_dots,
    "stripes": _draw_stripes,
    "checks": _draw_checks,
    "rays": _draw_rays,
    "petals": _draw_petals,
    "shapes": _draw_shapes,
}
