"""What no human has: ears of animals and elves, horns, a halo, wings and a tail."""

from zokusei.corpora.drawn.chance import between, pick
from zokusei.corpora.drawn.limbs import tube
from zokusei.corpora.drawn.palette import Hsl, Tones
from zokusei.corpora.drawn.parts import draw_parts
from zokusei.corpora.drawn.scene import Scene
from zokusei.corpora.drawn.svg import Sheet

_PINK = Hsl(350, 0.6, 0.82)


def draw_behind(sheet: Sheet, scene: Scene) -> None:
    """Draw what is behind the whole figure: wings and tail."""
    draw_parts(sheet, scene, {"wings": _draw_wings, "tail": _draw_tail})


def draw_on_head(sheet: Sheet, scene: Scene) -> None:
    """Draw what grows on the head, before the hair, and the halo above it."""
    for name, draw in (
        ("cat_ears", _draw_cat_ear),
        ("fox_ears", _draw_fox_ear),
        ("rabbit_ears", _draw_rabbit_ear),
        ("horns", _draw_horn),
        ("pointy_ears", _draw_pointy_ear),
    ):
        if scene.has(name):
            with sheet.part(name, name):
                for side in (-1, 1):
                    draw(sheet, scene, side)
    draw_parts(sheet, scene, {"halo": _draw_halo})


def _draw_cat_ear(sheet: Sheet, scene: Scene, side: int) -> None:
    hair, width = scene.tones("hair"), scene.style.line
    tall = between(scene.rng("ears"), -4, 5)
    outer = f"M 14 -66 C 20 -88 34 -102 45 {-106 - tall} C 54 -92 58 -68 54 -36 Z"
    inner = f"M 25 -68 C 29 -82 36 -90 43 {-95 - tall} C 49 -84 51 -70 49 -54 Z"
    sheet.path(outer, hair.base, line=hair.line, width=width, side=side)
    sheet.path(inner, _PINK.hex(), line=hair.line, width=width * 0.5, side=side)
    sheet.path("M 24 -56 L 30 -82 L 35 -70 L 41 -84 L 46 -48 Z", hair.light, side=side)


def _draw_fox_ear(sheet: Sheet, scene: Scene, side: int) -> None:
    """Draw a tall ear, dark at its tip and with white fur inside."""
    hair, width = scene.tones("hair"), scene.style.line
    tall = between(scene.rng("ears"), 0, 8)
    outer = f"M 8 -66 C 12 -94 34 -116 50 {-120 - tall} C 62 -100 66 -66 58 -34 Z"
    tip = (
        f"M 24 -101 C 32 -111 42 -118 50 {-120 - tall} C 55 -111 59 -100 61 -88 C 48 -96 "
        f"36 -100 24 -101 Z"
    )
    inner = f"M 20 -66 C 24 -88 38 -104 48 {-106 - tall} C 55 -92 57 -72 52 -52 Z"
    sheet.path(outer, hair.base, line=hair.line, width=width, side=side)
    sheet.path(tip, hair.deep, line=hair.line, width=width * 0.6, side=side)
    sheet.path(inner, Hsl(30, 0.25, 0.93).hex(), line=hair.line, width=width * 0.6, side=side)
    sheet.path("M 30 -62 L 38 -88 M 40 -58 L 44 -86", line=hair.line, width=0.9, side=side)


def _draw_rabbit_ear(sheet: Sheet, scene: Scene, side: int) -> None:
    rng, width = scene.rng("ears"), scene.style.line
    # Real ones have the colour of the hair; a costume's are white or black.
    tones = scene.tones("hair") if rng.random() < 0.7 else scene.tones("trim")
    lean = between(rng, 0, 16)
    outer = (
        f"M 10 -62 C 6 -104 {18 + lean} -136 {30 + lean} -140 C {44 + lean} -134 48 -100 36 -56 Z"
    )
    inner = (
        f"M 18 -66 C 15 -100 {23 + lean} -126 {30 + lean} -130 C {37 + lean} -124 40 -98 30 -62 Z"
    )
    sheet.path(outer, tones.base, line=tones.line, width=width, side=side)
    sheet.path(inner, _PINK.hex(), side=side)


def _draw_pointy_ear(sheet: Sheet, scene: Scene, side: int) -> None:
    skin, width = scene.tones("skin"), scene.style.line
    far = between(scene.rng("elf"), 84, 98)
    outer = f"M 46 -4 C 56 -16 {far - 18} -22 {far} -26 C {far - 8} -8 66 20 46 24 Z"
    sheet.path(outer, skin.base, line=skin.line, width=width, side=side)
    inner = f"M 52 0 C 62 -8 {far - 22} -14 {far - 10} -19 C {far - 20} -4 64 10 53 14 Z"
    sheet.path(inner, skin.shade, side=side)


def _draw_horn(sheet: Sheet, scene: Scene, side: int) -> None:
    rng, width = scene.rng("horns"), max(1.0, scene.style.line)
    colour = pick(rng, (Hsl(20, 0.25, 0.25), Hsl(355, 0.6, 0.42), Hsl(42, 0.35, 0.78)))
    line, light = colour.with_light(0.12).hex(), colour.with_light(colour.lightness * 1.25).hex()
    if rng.random() < 0.5:
        data = "M 20 -54 C 24 -84 36 -96 32 -112 C 50 -104 54 -78 46 -48 Z"
        rings = ("M 28 -80 Q 38 -80 49 -74", "M 32 -90 Q 40 -90 49 -85")
    else:
        data = "M 24 -52 C 42 -88 70 -84 74 -106 C 84 -78 70 -50 48 -38 Z"
        rings = ("M 42 -74 Q 52 -66 56 -54", "M 54 -80 Q 64 -74 69 -64")
    sheet.path(data, colour.hex(), line=line, width=width, side=side)
    for ring in rings:
        sheet.path(ring, line=light, width=1.6, side=side)


def _draw_halo(sheet: Sheet, scene: Scene) -> None:
    rng = scene.rng("halo")
    colour = pick(rng, (Hsl(48, 0.95, 0.62), Hsl(190, 0.8, 0.68), Hsl(325, 0.8, 0.7)))
    wide, y = between(rng, 36, 46), between(rng, -102, -94)
    edge = colour.with_light(colour.lightness * 0.55).hex()
    for line, width in ((edge, 8.4), (colour.hex(), 6.0), (colour.with_light(0.93).hex(), 1.8)):
        sheet.ellipse((0, y), (wide, 10), line=line, width=width)
    if rng.random() < 0.3:
        for place in range(5):
            across = wide * (place / 2 - 1)
            sheet.ellipse(
                (across, y - 16 + abs(across) * 0.2), (2.6, 5), colour.hex(), line=edge, width=1.0
            )


def _draw_wings(sheet: Sheet, scene: Scene) -> None:
    rng = scene.rng("wings")
    white = Hsl(215, 0.2, 0.95)
    if scene.kin == "demon":
        tones = scene.mix(pick(rng, (Hsl(270, 0.2, 0.22), Hsl(350, 0.5, 0.32))))
        draw = _draw_bat_wing
    else:
        tones = scene.mix(pick(rng, (white, white, Hsl(250, 0.15, 0.22), Hsl(340, 0.5, 0.85))))
        draw = _draw_feather_wing
    spread = between(rng, 0.85, 1.1)
    for side in (-1, 1):
        draw(sheet, scene, tones, side, spread)


def _draw_feather_wing(sheet: Sheet, scene: Scene, tones: Tones, side: int, spread: float) -> None:
    width = scene.style.line
    with sheet.moved(side * 20, 120, scale=spread, mirrored=side < 0):
        for row, (length, count, fill) in enumerate(
            ((1.0, 7, tones.shade), (0.74, 6, tones.base), (0.45, 5, tones.light))
        ):
            for place in range(count):
                turn = -38 + place * (118 / count) + row * 4
                reach = (112 - abs(place - 2) * 9) * length
                with sheet.moved(8, 0, turn=turn):
                    feather = (
                        f"M 0 -7 C {reach * 0.5} -13 {reach * 0.9} -11 {reach} 0 "
                        f"C {reach * 0.9} 9 {reach * 0.5} 10 0 7 Z"
                    )
                    sheet.path(feather, fill, line=tones.line, width=width * 0.8)


def _draw_bat_wing(sheet: Sheet, scene: Scene, tones: Tones, side: int, spread: float) -> None:
    width = scene.style.line
    with sheet.moved(side * 20, 120, scale=spread, mirrored=side < 0):
        skin = (
            "M 0 0 C 20 -40 50 -70 84 -78 C 104 -58 116 -30 118 2 Q 98 -6 90 22 Q 72 8 58 36 "
            "Q 40 14 22 34 Q 14 18 0 20 Z"
        )
        sheet.path(skin, tones.base, line=tones.line, width=width)
        for end in ("118 2", "90 22", "58 36"):
            sheet.path(f"M 84 -78 Q 70 -30 {end}", line=tones.line, width=width * 1.2)
        sheet.path("M 0 6 C 22 -36 52 -66 84 -78 L 86 -88 L 90 -76", line=tones.deep, width=4)


def _draw_tail(sheet: Sheet, scene: Scene) -> None:
    """Draw a tail beside the figure: a cat's, a fox's, a rabbit's or a demon's."""
    rng, hair, width = scene.rng("tail"), scene.tones("hair"), scene.style.line
    side = 1 if rng.random() < 0.5 else -1
    # What the paper shows of the figure decides how high the tail must reach to be seen.
    rise = min(0.0, scene.pose.cut - 250)
    root, high = 208 + rise, 92 + rise * 0.4
    if scene.kin == "demon":
        line = [(20, root), (76, root + 14), (104, root - 34), (96, high + 18)]
        dark = scene.mix(Hsl(340, 0.4, 0.25))
        sheet.path(tube(line, (4, 3.4, 3, 2.6)), dark.base, line=dark.line, width=width, side=side)
        spade = (
            f"M 96 {high - 14} C 110 {high} 114 {high + 12} 112 {high + 18} L 96 {high + 14} "
            f"L 80 {high + 18} C 78 {high + 12} 84 {high} 96 {high - 14} Z"
        )
        sheet.path(spade, dark.base, line=dark.line, width=width, side=side)
        return
    if scene.kin == "fox":
        line = [(22, root), (70, root + 12), (108, root - 30), (104, high)]
        data = tube(line, (8, 19, 24, 3))
        sheet.path(data, hair.base, line=hair.line, width=width, side=side)
        tip = tube([(108, root - 62), (106, root - 90), (104, high)], (20, 14, 3))
        with sheet.clipped(data, side):
            sheet.path(tip, Hsl(35, 0.3, 0.94).hex(), line=hair.line, width=width, side=side)
        return
    line = [(20, root), (72, root + 16), (100, root - 26), (94, high + 20), (112, high)]
    data = tube(line, (6.5, 6.5, 6.5, 6.0, 4.5))
    sheet.path(data, hair.base, line=hair.line, width=width, side=side)
    sheet.ellipse((side * 111, high + 2), (5, 6), hair.light, line=hair.line, width=width * 0.6)
