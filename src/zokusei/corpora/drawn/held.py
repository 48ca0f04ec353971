"""What hands hold, each about the hand that holds it."""

from collections.abc import Callable

from zokusei.corpora.drawn.chance import between, pick
from zokusei.corpora.drawn.headwear import draw_blossom
from zokusei.corpora.drawn.limbs import arm
from zokusei.corpora.drawn.palette import Hsl
from zokusei.corpora.drawn.scene import Scene
from zokusei.corpora.drawn.svg import Sheet


def draw_canopy(sheet: Sheet, scene: Scene) -> None:
    """Draw the canopy of an umbrella, which is behind the head."""
    side = next((side for side, item in scene.pose.held if item == "umbrella"), 0)
    if not side or not scene.has("umbrella"):
        return
    cloth, width = scene.tones("accent"), scene.style.line
    clear = scene.tones("trim")
    with (
        sheet.part("umbrella", "umbrella"),
        sheet.moved(side * 30, 120, turn=side * 9),
        sheet.moved(0, -180),
    ):
        canopy = (
            "M -128 28 C -112 -38 -50 -66 0 -66 C 50 -66 112 -38 128 28 Q 106 14 84 28 "
            "Q 58 14 30 28 Q 0 12 -30 28 Q -58 14 -84 28 Q -106 14 -128 28 Z"
        )
        sheet.path(canopy, cloth.base, line=cloth.line, width=width)
        panel = "M 0 -66 C 20 -40 30 0 30 28 Q 0 12 -30 28 C -30 0 -20 -40 0 -66 Z"
        sheet.path(panel, clear.base, line=cloth.line, width=width)
        sheet.path(
            "M 0 -66 C -50 -40 -78 0 -84 28 M 0 -66 C 50 -40 78 0 84 28",
            line=cloth.line,
            width=width,
        )
        sheet.path("M 0 -66 L 0 -78", line="#4a3b33", width=4)


def draw_held(sheet: Sheet, scene: Scene, side: int, *, front: bool) -> None:
    """Draw what one hand holds: before the hand or, of what it grips, behind it."""
    item = dict(scene.pose.held).get(side, "")
    if not item or not scene.has(item) or front != (item in _BEFORE):
        return
    x, y = arm(scene.pose, side)[2]
    with sheet.part(item, item), sheet.moved(side * x, y, mirrored=side < 0):
        _ITEMS[item](sheet, scene)


def _draw_sword(sheet: Sheet, scene: Scene) -> None:
    steel, rng, width = scene.mix(Hsl(215, 0.15, 0.82)), scene.rng("sword"), scene.style.line
    hilt = scene.mix(pick(rng, (Hsl(46, 0.75, 0.5), Hsl(355, 0.6, 0.42), Hsl(240, 0.2, 0.3))))
    with sheet.moved(0, 4, turn=between(rng, 4, 26)):
        blade = "M -8 -16 L -7 -150 L 0 -168 L 7 -150 L 8 -16 Z"
        sheet.path(blade, steel.base, line=steel.line, width=width)
        sheet.path("M 0 -18 L 0 -150", line=steel.shade, width=2.6)
        sheet.path(
            "M -22 -20 L 22 -20 L 20 -11 L -20 -11 Z", hilt.base, line=hilt.line, width=width
        )
        sheet.path("M -4 -11 L 4 -11 L 4 22 L -4 22 Z", hilt.shade, line=hilt.line, width=width)
        sheet.ellipse((0, 25), (6, 6), hilt.base, line=hilt.line, width=width)


def _draw_book(sheet: Sheet, scene: Scene) -> None:
    cover, rng, width = scene.tones("accent"), scene.rng("book"), scene.style.line
    with sheet.moved(-2, 4, turn=between(rng, -10, 6)):
        if rng.random() < 0.5:  # open
            for side in (-1, 1):
                back = "M 0 -26 C 14 -34 30 -32 42 -26 L 42 26 C 30 20 14 20 0 28 Z"
                sheet.path(back, cover.base, line=cover.line, width=width, side=side)
                page = "M 0 -22 C 13 -29 28 -28 38 -23 L 38 20 C 28 15 13 16 0 23 Z"
                sheet.path(page, "#fbf7ea", line=cover.line, width=width * 0.7, side=side)
                lines = "M 7 -14 Q 20 -20 32 -15 M 7 -4 Q 20 -10 32 -5 M 7 6 Q 20 0 32 5"
                sheet.path(lines, line="#8a8478", width=1.2, side=side)
        else:
            sheet.path(
                "M -24 -34 L 26 -34 L 26 32 L -24 32 Z", cover.base, line=cover.line, width=width
            )
            sheet.path(
                "M 26 -31 L 31 -27 L 31 36 L -19 36 L -24 32 L 26 32 Z",
                "#fbf7ea",
                line=cover.line,
                width=width * 0.8,
            )
            sheet.path(
                "M -14 -22 L 16 -22 L 16 -4 L -14 -4 Z", cover.light, line=cover.line, width=1.0
            )
            sheet.path("M -19 -34 L -19 32", line=cover.line, width=1.2)


def _draw_phone(sheet: Sheet, scene: Scene) -> None:
    rng, width = scene.rng("phone"), scene.style.line
    case = scene.mix(pick(rng, (Hsl(230, 0.1, 0.15), Hsl(340, 0.6, 0.7), Hsl(220, 0.1, 0.93))))
    with sheet.moved(2, -8, turn=between(rng, -14, 8)):
        sheet.path(
            "M -11 -25 Q -11 -29 -7 -29 L 9 -29 Q 13 -29 13 -25 L 13 20 Q 13 24 9 24 "
            "L -7 24 Q -11 24 -11 20 Z",
            case.base,
            line=case.line,
            width=width,
        )
        screen = sheet.gradient("#bfe6ff", "#5b8fd8")
        sheet.path("M -8 -23 L 10 -23 L 10 17 L -8 17 Z", screen)
        sheet.path("M -4 -16 L 6 -16 M -4 -9 L 3 -9", line="#ffffff", width=2.0)


def _draw_cup(sheet: Sheet, scene: Scene) -> None:
    rng, width = scene.rng("cup"), scene.style.line
    if rng.random() < 0.6:
        china = scene.mix(pick(rng, (Hsl(220, 0.1, 0.96), Hsl(350, 0.5, 0.75), Hsl(200, 0.5, 0.7))))
        with sheet.moved(0, -6):
            sheet.path("M 16 -10 C 30 -12 30 12 14 10", line=china.line, width=6.5)
            sheet.path("M 16 -10 C 30 -12 30 12 14 10", line=china.base, width=4.0)
            body = "M -17 -18 L 18 -18 L 15 14 Q 0 20 -14 14 Z"
            sheet.path(body, china.base, line=china.line, width=width)
            sheet.ellipse((0.5, -18), (17.5, 5), "#6b4226", line=china.line, width=width)
            sheet.path(
                "M -6 -27 Q -10 -33 -5 -39 M 4 -27 Q 0 -33 5 -39",
                line="#ffffff",
                width=2.4,
                opacity=0.55,
            )
        return
    drink = scene.mix(pick(rng, (Hsl(28, 0.6, 0.6), Hsl(345, 0.7, 0.72), Hsl(120, 0.4, 0.6))))
    with sheet.moved(0, -12):
        sheet.path("M 2 -22 L 9 -46", line="#e8536b", width=4.2)
        sheet.path(
            "M -15 -22 L 16 -22 L 12 24 L -11 24 Z", drink.base, line=drink.line, width=width
        )
        sheet.path(
            "M -17 -26 L 18 -26 L 18 -19 L -17 -19 Z", "#f7f7f9", line=drink.line, width=width
        )
        sheet.path("M -10 -10 L 11 -10 L 10 8 L -9 8 Z", drink.light, line=drink.line, width=0.9)


def _draw_bag(sheet: Sheet, scene: Scene) -> None:
    rng, width = scene.rng("bag"), scene.style.line
    leather = scene.mix(
        pick(
            rng, (Hsl(24, 0.5, 0.38), Hsl(350, 0.55, 0.45), Hsl(225, 0.4, 0.3), Hsl(40, 0.45, 0.72))
        )
    )
    # A bag that would hang below the paper's edge is held up.
    rise = min(0.0, scene.pose.cut - 262)
    with sheet.moved(6, 10 + rise):
        sheet.path("M -15 8 C -15 -22 15 -22 15 8", line=leather.line, width=5.4)
        sheet.path("M -15 8 C -15 -22 15 -22 15 8", line=leather.base, width=3.2)
        sheet.path(
            "M -25 6 L 25 6 L 29 46 Q 0 52 -29 46 Z", leather.base, line=leather.line, width=width
        )
        sheet.path(
            "M -25 6 L 25 6 L 22 26 Q 0 34 -22 26 Z", leather.light, line=leather.line, width=width
        )
        sheet.path("M -5 24 L 5 24 L 5 34 L -5 34 Z", "#e2bf55", line=leather.line, width=1.1)


def _draw_bouquet(sheet: Sheet, scene: Scene) -> None:
    rng, width = scene.rng("bouquet"), scene.style.line
    single = rng.random() < 0.35
    places = (
        [(0.0, -30.0)] if single else [(-15.0, -26.0), (14.0, -28.0), (0.0, -40.0), (0.0, -18.0)]
    )
    if single:
        sheet.path("M 0 16 Q 3 -8 0 -26", line="#4f8f4a", width=3.6)
    else:
        for x, y in places:
            sheet.path(f"M 0 14 Q {x * 0.5} {y * 0.4} {x} {y}", line="#4f8f4a", width=3.0)
        wrap = "M -17 -14 L 17 -14 L 6 26 L -6 26 Z"
        sheet.path(wrap, "#f3ead9", line="#8d7b62", width=width)
    for number, (x, y) in enumerate(places):
        with sheet.moved(x, y, scale=1.2 if single else 0.85, turn=number * 25):
            draw_blossom(sheet, scene, f"bouquet {number % 2}", leaves=single)


def _draw_stick(sheet: Sheet, scene: Scene) -> None:
    """Draw the stick of an umbrella; `draw_canopy` draws the rest."""
    width = scene.style.line
    with sheet.moved(6, -14, turn=9):
        sheet.path("M 0 34 L 0 -190", line="#4a3b33", width=2.8 + width)
        sheet.path("M 0 34 C 0 46 14 46 14 34", line="#7a4a2c", width=5.4)


def _draw_microphone(sheet: Sheet, scene: Scene) -> None:
    width = scene.style.line
    dark = scene.mix(Hsl(230, 0.12, 0.2))
    with sheet.moved(-3, -3, turn=-26):
        sheet.path("M -6 -10 L 6 -10 L 4 30 L -4 30 Z", dark.base, line=dark.line, width=width)
        sheet.path("M -7 -12 L 7 -12 L 7 -6 L -7 -6 Z", "#d9b64c", line=dark.line, width=1.0)
        sheet.ellipse((0, -21), (10.5, 11.5), "#b9bcc6", line=dark.line, width=width)
        sheet.path(
            "M -8 -24 L 8 -24 M -8 -18 L 8 -18 M -4 -30 L -4 -12 M 4 -30 L 4 -12",
            line="#6d7280",
            width=1.1,
        )


def _draw_food(sheet: Sheet, scene: Scene) -> None:
    rng, width = scene.rng("food"), scene.style.line
    kind = pick(rng, ("ice cream", "rice ball", "apple", "doughnut", "dango"))
    if kind == "ice cream":
        sheet.path("M -9 -10 L 9 -10 L 0 20 Z", "#d9a25a", line="#8a5a24", width=width)
        cream = scene.mix(pick(rng, (Hsl(345, 0.7, 0.82), Hsl(45, 0.6, 0.88), Hsl(140, 0.4, 0.78))))
        sheet.ellipse((0, -18), (13, 12), cream.base, line=cream.line, width=width)
        sheet.ellipse((0, -33), (10, 9.5), cream.light, line=cream.line, width=width)
    elif kind == "rice ball":
        sheet.path(
            "M 0 -34 C 8 -34 24 -10 20 -4 Q 0 0 -20 -4 C -24 -10 -8 -34 0 -34 Z",
            "#fbfaf6",
            line="#6a655e",
            width=width,
        )
        sheet.path("M -8 -14 L 8 -14 L 9 -2 L -9 -2 Z", "#26302a", line="#111511", width=1.0)
    elif kind == "apple":
        sheet.path(
            "M 0 -22 C 12 -32 24 -18 18 -6 C 14 4 6 6 0 3 C -6 6 -14 4 -18 -6 "
            "C -24 -18 -12 -32 0 -22 Z",
            "#d8383f",
            line="#6d1419",
            width=width,
        )
        sheet.path("M 0 -22 Q 1 -30 5 -34", line="#5a3b22", width=2.6)
        sheet.path(
            "M 3 -29 C 10 -36 18 -33 19 -28 C 13 -24 7 -25 3 -29 Z",
            "#5aa552",
            line="#27582a",
            width=1.0,
        )
    elif kind == "doughnut":
        sheet.ellipse((0, -16), (20, 18), "#d99a55", line="#7c4a1e", width=width)
        sheet.ellipse((0, -18), (17, 14), "#f4a9c0", line="#b3607d", width=1.0)
        sheet.ellipse((0, -17), (6, 5), "#fff5ee", line="#7c4a1e", width=1.2)
    else:
        sheet.path("M 0 24 L 0 -52", line="#b98b54", width=3.4)
        for y, colour in ((-12, "#f3b6c4"), (-30, "#f8f4e8"), (-48, "#a9cf94")):
            sheet.ellipse((0, y), (11, 10), colour, line="#6f5a4a", width=width)


_BEFORE = ("book", "bag")
_ITEMS: dict[str, Callable[[Sheet, Scene], None]] = {
    "sword": _draw_sword,
    "book": _draw_book,
    "phone": _draw_phone,
    "cup": _draw_cup,
    "bag": _draw_bag,
    "flower": _draw_bouquet,
    "umbrella": _draw_stick,
    "microphone": _draw_microphone,
    "food": _draw_food,
}
