"""Where a figure is: under a sky, on the ground outdoors, in a room, by the water."""

import random

from zokusei.corpora.drawn.backdrop import draw_backdrop, fill
from zokusei.corpora.drawn.chance import between, pick
from zokusei.corpora.drawn.palette import Hsl
from zokusei.corpora.drawn.scene import Scene
from zokusei.corpora.drawn.svg import PAPER, Sheet


def draw_place(sheet: Sheet, scene: Scene) -> None:
    """Draw everything behind the figure."""
    horizon = between(scene.rng("horizon"), 120, 178)
    if scene.has("indoors"):
        _draw_room(sheet, scene)
    elif scene.has("sky"):
        with sheet.part("sky", *_sky_tags(scene)):
            _draw_sky(sheet, scene, PAPER)
        if scene.has("outdoors"):
            with sheet.part("ground", "outdoors"):
                _draw_land(sheet, scene, horizon)
        if scene.has("water"):
            with sheet.part("water", "water"):
                _draw_sea(sheet, scene, horizon + (18 if scene.has("outdoors") else 0))
    elif scene.has("outdoors"):
        with sheet.part("ground", "outdoors"):
            _draw_near_ground(sheet, scene)
        if scene.has("water"):
            with sheet.part("water", "water"):
                _draw_sea(sheet, scene, horizon)
    elif scene.has("water"):
        with sheet.part("water", "water"):
            _draw_sea(sheet, scene, 0)
    else:
        with sheet.part("backdrop"):
            draw_backdrop(sheet, scene)
    if scene.has("tree"):
        with sheet.part("tree", "tree"):
            _draw_trees(sheet, scene, horizon)


def _sky_tags(scene: Scene) -> tuple[str, ...]:
    return ("sky", "night") if scene.has("night") else ("sky",)


def _draw_sky(sheet: Sheet, scene: Scene, low: float) -> None:
    rng = scene.rng("sky")
    if scene.has("night"):
        hue = between(rng, 215, 265)
        fill(sheet, sheet.gradient(Hsl(hue, 0.6, 0.1).hex(), Hsl(hue, 0.5, 0.34).hex()), 0, low)
        for _ in range(34):
            size = between(rng, 0.7, 2.1)
            sheet.ellipse((between(rng, 0, 256), between(rng, 0, low)), (size, size), "#fff7d6")
        moon = (pick(rng, (-1, 1)) * between(rng, 60, 104) + 128, between(rng, 22, 60))
        sheet.ellipse(moon, (19, 19), "#fdf3c0")
        sheet.ellipse((moon[0] - 5, moon[1] - 4), (4, 4), "#efe0a0")
        return
    evening = rng.random() < 0.2
    high = (
        Hsl(between(rng, 250, 290), 0.45, 0.55)
        if evening
        else Hsl(between(rng, 203, 216), 0.78, 0.58)
    )
    deep = Hsl(between(rng, 18, 36), 0.9, 0.74) if evening else Hsl(high.hue - 6, 0.8, 0.86)
    fill(sheet, sheet.gradient(high.hex(), deep.hex()), 0, low)
    cloud = "#ffe3cf" if evening else "#ffffff"
    for _ in range(5):
        at = (between(rng, 0, 256), between(rng, 8, low * 0.8))
        with sheet.moved(*at, scale=between(rng, 0.7, 1.7)):
            for x, y, size in ((-24, 4, 12), (-8, -4, 17), (12, 0, 14), (28, 6, 9)):
                sheet.ellipse((x, y), (size, size * 0.8), cloud)
            sheet.ellipse((2, 10), (38, 6), cloud)


def _draw_land(sheet: Sheet, scene: Scene, horizon: float) -> None:
    """Draw what lies under a sky: hills, a field, a beach or a street."""
    rng, dark = scene.rng("land"), 0.45 if scene.has("night") else 1.0
    kind = "beach" if scene.has("water") else pick(rng, ("hills", "field", "street", "street"))
    if kind == "beach":
        sand = Hsl(42, 0.55, 0.8 * dark)
        fill(sheet, sand.hex(), horizon + 14, PAPER)
        return
    if kind == "street":
        _draw_street(sheet, rng, horizon, dark)
        return
    layers = 3 if kind == "hills" else 1
    for layer in range(layers):
        y = horizon + 30 * layer + between(rng, -8, 8)
        green = Hsl(between(rng, 85, 140), 0.42, (0.58 - 0.1 * layer) * dark)
        bump = between(rng, 12, 46) if kind == "hills" else 4
        sheet.path(
            f"M 0 {y + 8} C 60 {y - bump} 110 {y + bump * 0.6} 150 {y} "
            f"C 190 {y - bump} 230 {y - 8} 256 {y + 6} L 256 256 L 0 256 Z",
            green.hex(),
        )
    for _ in range(26):
        x, y = between(rng, 0, 256), between(rng, horizon + 40, 256)
        blade = Hsl(100, 0.45, 0.36 * dark).hex()
        sheet.path(
            f"M {x} {y} L {x - 2} {y - 7} M {x + 2} {y} L {x + 4} {y - 6}", line=blade, width=1.2
        )


def _draw_street(sheet: Sheet, rng: random.Random, horizon: float, dark: float) -> None:
    x = -14.0
    while x < PAPER:
        wide, top = between(rng, 30, 60), horizon - between(rng, 30, 96)
        wall = Hsl(between(rng, 10, 50), 0.22, between(rng, 0.55, 0.78) * dark)
        edge = wall.with_light(wall.lightness * 0.6).hex()
        sheet.path(
            f"M {x} {top} L {x + wide} {top} L {x + wide} 256 L {x} 256 Z",
            wall.hex(),
            line=edge,
            width=1.2,
        )
        glass = "#f7dc8a" if dark < 1 else "#a9cfe0"
        panes = [
            f"M {x + wide * share} {y} L {x + wide * share + 7} {y}"
            for y in range(int(top) + 14, int(horizon) + 20, 20)
            for share in (0.2, 0.6)
        ]
        if panes:
            sheet.path(" ".join(panes), line=glass, width=8)
        x += wide + between(rng, 0, 4)
    road = horizon + 40
    fill(sheet, Hsl(225, 0.06, 0.62 * dark).hex(), road, PAPER)
    fill(sheet, Hsl(40, 0.08, 0.8 * dark).hex(), road, road + 12)
    sheet.path(
        f"M 0 {road + 40} L 60 {road + 40} M 96 {road + 40} L 160 {road + 40} "
        f"M 196 {road + 40} L 256 {road + 40}",
        line="#f4f0e2",
        width=5,
    )


def _draw_near_ground(sheet: Sheet, scene: Scene) -> None:
    """Draw an outdoor place whose sky is not in the picture: a wall, a hedge, a meadow."""
    rng = scene.rng("near")
    kind = pick(rng, ("bricks", "hedge", "meadow"))
    low = between(rng, 190, 222)
    if kind == "meadow":
        fill(sheet, sheet.gradient(Hsl(92, 0.42, 0.62).hex(), Hsl(108, 0.42, 0.44).hex()))
        for _ in range(70):
            x, y = between(rng, 0, 256), between(rng, 0, 256)
            blade = Hsl(between(rng, 80, 125), 0.5, between(rng, 0.32, 0.7)).hex()
            sheet.path(
                f"M {x} {y} Q {x + 1} {y - 7} {x - 3} {y - 12} M {x} {y} L {x + 4} {y - 10}",
                line=blade,
                width=1.5,
            )
        return
    if kind == "hedge":
        fill(sheet, Hsl(125, 0.4, 0.26).hex())
        for _ in range(120):
            x, y = between(rng, -6, 262), between(rng, -6, low)
            leaf = Hsl(between(rng, 95, 140), 0.42, between(rng, 0.3, 0.5)).hex()
            with sheet.moved(x, y, turn=between(rng, 0, 360)):
                sheet.path("M 0 -8 C 7 -4 7 5 0 8 C -7 5 -7 -4 0 -8 Z", leaf)
    else:
        brick = Hsl(between(rng, 8, 26), 0.38, 0.58)
        fill(sheet, brick.with_light(0.78).hex())
        for row in range(int(low / 14) + 1):
            for column in range(-1, 10):
                x, y = column * 30 + 15 * (row % 2), row * 14
                tone = brick.with_light(brick.lightness + between(rng, -0.05, 0.05)).hex()
                sheet.path(f"M {x} {y} L {x + 27} {y} L {x + 27} {y + 11} L {x} {y + 11} Z", tone)
    fill(sheet, Hsl(36, 0.12, 0.7).hex(), low, PAPER)
    joints = " ".join(f"M {x} {low} L {(x - 128) * 1.5 + 128} 256" for x in range(0, 257, 42))
    sheet.path(
        f"M 0 {low} L 256 {low} M 0 {low + 20} L 256 {low + 20} {joints}", line="#8f8678", width=1.3
    )


def _draw_sea(sheet: Sheet, scene: Scene, top: float) -> None:
    rng, dark = scene.rng("sea"), 0.42 if scene.has("night") else 1.0
    hue = between(rng, 186, 208)
    low = PAPER if not scene.has("outdoors") else min(PAPER, top + between(rng, 40, 66))
    paint = sheet.gradient(Hsl(hue + 8, 0.65, 0.5 * dark).hex(), Hsl(hue, 0.6, 0.7 * dark).hex())
    shore = f"L 256 {low} Q 200 {low + 10} 140 {low - 2} Q 70 {low - 10} 0 {low + 4} Z"
    sheet.path(f"M 0 {top} L 256 {top} {shore}", paint)
    waves = []
    for _ in range(26):
        x, y = between(rng, -10, 250), between(rng, top + 6, max(low - 6, top + 7))
        wide = between(rng, 9, 22)
        waves.append(
            f"M {x} {y} Q {x + wide / 2} {y - 5} {x + wide} {y} "
            f"Q {x + wide * 1.4} {y + 3} {x + wide * 1.8} {y}"
        )
    sheet.path(" ".join(waves), line=Hsl(hue, 0.5, min(0.92, 0.95 * dark + 0.1)).hex(), width=1.7)
    if scene.has("outdoors"):
        sheet.path(
            f"M 0 {low + 3} Q 70 {low - 11} 140 {low - 3} Q 200 {low + 9} 256 {low - 1}",
            line="#ffffff",
            width=3.4,
        )


def _draw_trees(sheet: Sheet, scene: Scene, horizon: float) -> None:
    rng, dark = scene.rng("trees"), 0.5 if scene.has("night") else 1.0
    blossom = rng.random() < 0.25
    for side in (-1, 1) if rng.random() < 0.6 else (pick(rng, (-1, 1)),):
        x, base = 128 + side * between(rng, 82, 112), horizon + between(rng, 24, 60)
        tall = between(rng, 74, 120)
        bark = Hsl(26, 0.35, 0.34 * dark)
        sheet.path(
            f"M {x - 9} {base} Q {x - 5} {base - tall * 0.5} {x - 5} {base - tall} "
            f"L {x + 5} {base - tall} Q {x + 5} {base - tall * 0.5} {x + 10} {base} Z",
            bark.hex(),
            line=bark.with_light(0.15).hex(),
            width=1.2,
        )
        leaf = (
            Hsl(345, 0.6, 0.82 * dark) if blossom else Hsl(between(rng, 95, 140), 0.42, 0.4 * dark)
        )
        edge = leaf.with_light(leaf.lightness * 0.62).hex()
        crown = [
            (between(rng, -34, 34), between(rng, -34, 20), between(rng, 22, 34)) for _ in range(6)
        ]
        for across, down, size in crown:
            sheet.ellipse(
                (x + across, base - tall + down),
                (size, size * 0.86),
                leaf.hex(),
                line=edge,
                width=1.3,
            )
        for across, down, size in crown:
            sheet.ellipse(
                (x + across - 4, base - tall + down - 5),
                (size * 0.66, size * 0.5),
                leaf.with_light(min(leaf.lightness * 1.18, 0.95)).hex(),
            )


def _draw_room(sheet: Sheet, scene: Scene) -> None:
    rng, floor = scene.rng("room"), between(scene.rng("room floor"), 182, 214)
    wall = scene.mix(Hsl(between(rng, 20, 220), 0.22, between(rng, 0.72, 0.9)))
    wood = Hsl(between(rng, 22, 36), 0.42, between(rng, 0.4, 0.62))
    with sheet.part("room", "indoors"):
        fill(sheet, wall.base, 0, floor)
        if rng.random() < 0.5:
            stripes = " ".join(f"M {x} 0 L {x} {floor}" for x in range(10, 256, 22))
            sheet.path(stripes, line=wall.light, width=5)
        fill(sheet, wood.hex(), floor, PAPER)
        boards = " ".join(f"M {x} {floor} L {(x - 128) * 1.7 + 128} 256" for x in range(0, 257, 32))
        dark = wood.with_light(wood.lightness * 0.7).hex()
        sheet.path(
            f"M 0 {floor + 16} L 256 {floor + 16} M 0 {floor + 36} L 256 {floor + 36} {boards}",
            line=dark,
            width=1.2,
        )
        fill(sheet, wall.light, floor - 8, floor)
        sheet.path(
            f"M 0 {floor - 8} L 256 {floor - 8} M 0 {floor} L 256 {floor}",
            line=wall.line,
            width=1.0,
        )
        _draw_furniture(sheet, rng, floor)
    if scene.has("window"):
        _draw_window(sheet, scene, floor)


def _draw_furniture(sheet: Sheet, rng: random.Random, floor: float) -> None:
    """Draw a shelf, a picture or a lamp at the side of the room."""
    side = pick(rng, (-1, 1))
    x = 128 + side * between(rng, 84, 104)
    wood, kind = Hsl(24, 0.4, 0.4), pick(rng, ("shelf", "picture", "lamp"))
    line = wood.with_light(0.2).hex()
    if kind == "shelf":
        top = between(rng, 40, 90)
        sheet.path(
            f"M {x - 26} {top} L {x + 26} {top} L {x + 26} {floor + 12} L {x - 26} {floor + 12} Z",
            wood.hex(),
            line=line,
            width=1.6,
        )
        y = top + 6
        while y < floor - 12:
            sheet.path(
                f"M {x - 22} {y} L {x + 22} {y} L {x + 22} {y + 24} L {x - 22} {y + 24} Z",
                wood.with_light(0.25).hex(),
            )
            for place in range(5):
                box = Hsl(between(rng, 0, 360), 0.4, 0.6).hex()
                left = x - 20 + place * 8
                sheet.path(
                    f"M {left} {y + between(rng, 3, 9)} L {left + 6} {y + 5} L {left + 6} {y + 24} "
                    f"L {left} {y + 24} Z",
                    box,
                )
            y += 30
    elif kind == "picture":
        y = between(rng, 40, 80)
        sheet.path(
            f"M {x - 22} {y - 18} L {x + 22} {y - 18} L {x + 22} {y + 18} L {x - 22} {y + 18} Z",
            Hsl(between(rng, 0, 360), 0.35, 0.75).hex(),
            line=line,
            width=4,
        )
        sheet.path(
            f"M {x - 18} {y + 14} Q {x - 4} {y - 10} {x + 18} {y + 12}", line=line, width=1.6
        )
    else:
        y = between(rng, 84, 120)
        sheet.path(
            f"M {x} {y} L {x} {floor + 16} M {x - 14} {floor + 16} L {x + 14} {floor + 16}",
            line=line,
            width=4,
        )
        sheet.path(
            f"M {x - 12} {y - 30} L {x + 12} {y - 30} L {x + 24} {y + 4} L {x - 24} {y + 4} Z",
            "#f7e6b4",
            line=line,
            width=1.4,
        )


def _draw_window(sheet: Sheet, scene: Scene, floor: float) -> None:
    """Draw a window: into the sky, or with light that dazzles."""
    rng = scene.rng("window")
    side = pick(rng, (-1, 1))
    wide, low = between(rng, 92, 120), min(floor - 18, between(rng, 140, 180))
    left = 128 + (side * between(rng, 40, 66)) - wide / 2
    frame = scene.mix(pick(rng, (Hsl(220, 0.05, 0.95), Hsl(26, 0.4, 0.36))))
    pane = f"M {left} 14 L {left + wide} 14 L {left + wide} {low} L {left} {low} Z"
    tags = ("window", *(_sky_tags(scene) if scene.has("sky") else ()))
    with sheet.part("panes", *tags), sheet.clipped(pane, owned=True):
        if scene.has("sky"):
            _draw_sky(sheet, scene, low)
        else:
            fill(sheet, sheet.gradient("#fffdf2", "#f3ead0"), 14, low)
    if scene.has("water"):
        with sheet.part("water", "water"), sheet.clipped(pane, owned=True):
            _draw_sea(sheet, scene, low - 44)
    with sheet.part("window", "window"):
        sheet.path(pane, line=frame.line, width=10)
        sheet.path(pane, line=frame.base, width=8)
        middle = left + wide / 2
        bars = f"M {middle} 14 L {middle} {low} M {left} {low * 0.5} L {left + wide} {low * 0.5}"
        sheet.path(bars, line=frame.line, width=6)
        sheet.path(bars, line=frame.base, width=4.4)
    with sheet.part("curtains"):
        cloth = scene.tones("accent")
        for place, edge in ((-1, left - 8), (1, left + wide + 8)):
            with sheet.moved(edge, 0, mirrored=place > 0):
                curtain = (
                    f"M -14 4 L 30 4 C 28 70 18 {low * 0.6} 2 {low * 0.72} "
                    f"Q 8 {low * 0.9} 12 {low + 12} L -14 {low + 12} Z"
                )
                sheet.path(curtain, cloth.light, line=cloth.line, width=1.2)
                sheet.path(
                    f"M 2 8 Q 4 80 -4 {low * 0.7} M 16 8 Q 16 70 2 {low * 0.68}",
                    line=cloth.base,
                    width=1.6,
                )
