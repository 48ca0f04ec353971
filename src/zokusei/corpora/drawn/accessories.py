"""What is worn on head and neck, and what no human head has: ears, horns, a halo."""

from zokusei.corpora.drawn.face import BLACK, WHITE
from zokusei.corpora.drawn.palette import Hsl
from zokusei.corpora.drawn.scene import Scene, between, pick
from zokusei.corpora.drawn.svg import Sheet


def draw_behind(sheet: Sheet, scene: Scene) -> None:
    """Draw what stands behind the front hair: animal ears and horns."""
    for side in (-1, 1):
        if scene.has("cat_ears"):
            _draw_cat_ear(sheet, scene, side)
        if scene.has("rabbit_ears"):
            _draw_rabbit_ear(sheet, scene, side)
        if scene.has("horns"):
            _draw_horn(sheet, scene, side)


def draw_worn(sheet: Sheet, scene: Scene) -> None:
    """Draw what is worn over hair and face, and the halo above."""
    for name, draw in (
        ("eyepatch", _draw_eyepatch),
        ("glasses", _draw_glasses),
        ("hairband", _draw_hairband),
        ("hair_bow", _draw_hair_bow),
        ("hair_flower", _draw_hair_flower),
        ("halo", _draw_halo),
    ):
        if scene.has(name):
            draw(sheet, scene)


def _draw_cat_ear(sheet: Sheet, scene: Scene, side: int) -> None:
    hair, width = scene.tones("hair"), scene.style.line
    tall = between(scene.rng("ears"), -4, 5)
    outer = f"M 14 -70 C 20 -88 34 -102 45 {-106 - tall} C 54 -92 58 -68 54 -40 Z"
    inner = f"M 25 -70 C 29 -82 36 -90 43 {-95 - tall} C 49 -84 51 -70 49 -54 Z"
    sheet.path(outer, hair.base, line=hair.line, width=width, side=side)
    sheet.path(inner, Hsl(350, 0.6, 0.8).hex(), line=hair.line, width=width * 0.5, side=side)
    sheet.path("M 24 -58 L 30 -82 L 35 -70 L 41 -84 L 46 -50 Z", hair.light, side=side)
    for tag in ("cat_ears", "animal_ears"):
        sheet.mark(tag, (side * 38, -80), (side * 44, -98))


def _draw_rabbit_ear(sheet: Sheet, scene: Scene, side: int) -> None:
    rng, width = scene.rng("ears"), scene.style.line
    # Real ones have the colour of the hair; a costume's are white or black.
    tones = scene.tones("hair") if rng.random() < 0.7 else scene.tones("trim")
    lean = between(rng, 0, 16)
    outer = (
        f"M 10 -66 C 6 -104 {18 + lean} -136 {30 + lean} -140 C {44 + lean} -134 48 -100 36 -60 Z"
    )
    inner = (
        f"M 18 -68 C 15 -100 {23 + lean} -126 {30 + lean} -130 C {37 + lean} -124 40 -98 30 -64 Z"
    )
    sheet.path(outer, tones.base, line=tones.line, width=width, side=side)
    sheet.path(inner, Hsl(350, 0.6, 0.83).hex(), side=side)
    for tag in ("rabbit_ears", "animal_ears"):
        sheet.mark(tag, (side * 23, -82), (side * (24 + lean / 2), -104), (side * 32, -126))


def _draw_horn(sheet: Sheet, scene: Scene, side: int) -> None:
    rng, width = scene.rng("horns"), max(1.0, scene.style.line)
    colour = pick(rng, (Hsl(20, 0.25, 0.25), Hsl(355, 0.6, 0.42), Hsl(42, 0.35, 0.78)))
    line, light = colour.with_light(0.12).hex(), colour.with_light(colour.lightness * 1.25).hex()
    if rng.random() < 0.5:
        data = "M 20 -54 C 24 -84 36 -96 32 -112 C 50 -104 54 -78 46 -48 Z"
        rings = ("M 28 -80 Q 38 -80 49 -74", "M 32 -90 Q 40 -90 49 -85")
        tip = (34, -104)
    else:
        data = "M 24 -52 C 42 -88 70 -84 74 -106 C 84 -78 70 -50 48 -38 Z"
        rings = ("M 42 -74 Q 52 -66 56 -54", "M 54 -80 Q 64 -74 69 -64")
        tip = (74, -94)
    sheet.path(data, colour.hex(), line=line, width=width, side=side)
    for ring in rings:
        sheet.path(ring, line=light, width=1.6, side=side)
    sheet.mark("horns", (side * 40, -78), (side * tip[0], tip[1]))


def _draw_halo(sheet: Sheet, scene: Scene) -> None:
    rng = scene.rng("halo")
    colour = pick(rng, (Hsl(48, 0.95, 0.62), Hsl(190, 0.8, 0.68), Hsl(325, 0.8, 0.7)))
    wide, y = between(rng, 34, 44), between(rng, -102, -94)
    edge = colour.with_light(colour.lightness * 0.55).hex()
    sheet.ellipse((0, y), (wide, 10), line=edge, width=7.4)
    sheet.ellipse((0, y), (wide, 10), line=colour.hex(), width=5.0)
    sheet.ellipse((0, y), (wide, 10), line=colour.with_light(0.93).hex(), width=1.6)
    sheet.mark("halo", (-wide, y), (wide, y), (0, y - 10), (0, y + 10))


def _draw_hairband(sheet: Sheet, scene: Scene) -> None:
    accent, width = scene.tones("accent"), scene.style.line
    turn = scene.pose.turn * 2
    band = (
        f"M -59 -20 C -58 -54 -34 -66 {turn} -66 C 34 -66 58 -54 59 -20 "
        f"L 55 -14 C 52 -44 32 -55 {turn} -55 C -32 -55 -52 -44 -55 -14 Z"
    )
    sheet.path(band, accent.base, line=accent.line, width=width)
    sheet.path(f"M -40 -52 Q {turn} -68 20 -61", line=accent.light, width=1.8, opacity=0.8)
    sheet.mark("hairband", (0, -60), (-48, -40), (48, -40))


def _draw_hair_bow(sheet: Sheet, scene: Scene) -> None:
    rng, width = scene.rng("bow"), scene.style.line
    bow = scene.tones("accent") if rng.random() < 0.5 else scene.tones("trim")
    on_top = not scene.has("halo") and scene.has("hairband") and rng.random() < 0.5
    if scene.has("twintails"):
        places = [(-52.0, -44.0), (52.0, -44.0)]
    elif on_top:
        places = [(0.0, -68.0)]
    else:
        places = [(44.0, -46.0)]
    size = between(rng, 0.9, 1.2) * (0.85 if len(places) == 2 else 1.1)
    for x, y in places:
        with sheet.moved(x, y, scale=size, turn=x * 0.55):
            for side in (-1, 1):
                sheet.path(
                    "M 2 2 L 17 22 L 10 22 L 7 27 L -2 4 Z",
                    bow.shade,
                    line=bow.line,
                    width=width,
                    side=side,
                )
            for side in (-1, 1):
                sheet.path(
                    "M 2 0 C 10 -14 24 -18 27 -12 C 29 -4 29 6 26 12 C 20 15 8 8 2 0 Z",
                    bow.base,
                    line=bow.line,
                    width=width,
                    side=side,
                )
                sheet.path(
                    "M 4 0 Q 12 -3 19 -8 M 5 2 Q 12 3 18 7",
                    line=bow.line,
                    width=0.9,
                    opacity=0.7,
                    side=side,
                )
            sheet.ellipse((0, 0), (4.6, 5.6), bow.base, line=bow.line, width=width)
        sheet.mark("hair_bow", (x, y))


def _draw_hair_flower(sheet: Sheet, scene: Scene) -> None:
    rng, width = scene.rng("flower"), scene.style.line * 0.8
    colour = pick(
        rng,
        (
            Hsl(345, 0.8, 0.72),
            Hsl(0, 0.75, 0.52),
            Hsl(50, 0.2, 0.96),
            Hsl(45, 0.9, 0.6),
            Hsl(215, 0.65, 0.62),
            Hsl(280, 0.5, 0.68),
        ),
    )
    line = colour.with_light(colour.lightness * 0.45).hex()
    size, petals = between(rng, 0.95, 1.25), 5 if rng.random() < 0.7 else 6
    with sheet.moved(-46, -36, scale=size, turn=between(rng, 0, 60)):
        for leaf in (20, 150):
            with sheet.moved(turn=leaf):
                sheet.path(
                    "M 6 0 C 12 -8 22 -6 27 0 C 20 6 12 6 6 0 Z",
                    Hsl(130, 0.4, 0.4).hex(),
                    line=Hsl(130, 0.4, 0.2).hex(),
                    width=width,
                )
        for place in range(petals):
            with sheet.moved(turn=360 / petals * place):
                sheet.path(
                    "M 0 0 C -12 -8 -10 -20 -2 -19 L 0 -17 L 2 -19 C 10 -20 12 -8 0 0 Z",
                    colour.hex(),
                    line=line,
                    width=width,
                )
        sheet.ellipse((0, 0), (4.4, 4.4), Hsl(44, 0.95, 0.58).hex(), line=line, width=width)
    sheet.mark("hair_flower", (-46, -36))


def _draw_glasses(sheet: Sheet, scene: Scene) -> None:
    rng, shift = scene.rng("glasses"), scene.pose.turn * 4
    colour = pick(
        rng,
        (
            BLACK,
            Hsl(355, 0.7, 0.4).hex(),
            Hsl(220, 0.5, 0.35).hex(),
            Hsl(35, 0.5, 0.4).hex(),
            Hsl(300, 0.35, 0.35).hex(),
        ),
    )
    width, round_ = between(rng, 2.0, 3.2), rng.random() < 0.5
    low = 12 + scene.style.eye_height * 0.1
    with sheet.moved(shift, 0):
        for side in (-1, 1):
            if round_:
                lens = (
                    f"M 4 {low} C 4 {low - 24} 42 {low - 24} 42 {low} "
                    f"C 42 {low + 23} 4 {low + 23} 4 {low} Z"
                )
            else:
                lens = (
                    f"M 4 {low - 12} Q 22 {low - 17} 43 {low - 14} "
                    f"Q 45 {low + 12} 37 {low + 15} L 13 {low + 15} Q 3 {low + 12} 4 {low - 12} Z"
                )
            sheet.path(lens, WHITE, opacity=0.16, side=side)
            sheet.path(lens, line=colour, width=width, side=side)
            arm = f"M 42 {low - 5} L {53 - side * shift} {low - 8}"
            sheet.path(arm, line=colour, width=width, side=side)
            glare = f"M {12 + side * 3} {low + 9} L {22 + side * 3} {low - 11}"
            sheet.path(glare, line=WHITE, width=2.2, opacity=0.55, side=side)
            sheet.mark("glasses", (side * 22, low))
        sheet.path(f"M -5 {low - 4} Q 0 {low - 8} 5 {low - 4}", line=colour, width=width)


def _draw_eyepatch(sheet: Sheet, scene: Scene) -> None:
    """Draw a patch over the eye that `covered_side` names."""
    rng, side = scene.rng("eyepatch"), covered_side(scene)
    medical = rng.random() < 0.4
    cloth, line = ("#f4f4f2", "#77787f") if medical else ("#26222b", "#08070a")
    band = (
        "M -58 -32 Q -4 -22 12 -4 L 16 -8 Q -2 -29 -57 -39 Z"
        if not medical
        else "M -58 -6 Q -20 -8 6 4 L 6 8 Q -20 -3 -58 0 Z"
    )
    sheet.path(band, cloth, line=line, width=0.8, side=side)
    sheet.path("M 36 -2 L 56 -8 L 56 -4 L 37 4 Z", cloth, line=line, width=0.8, side=side)
    patch = (
        "M 6 -4 Q 23 -12 41 -4 Q 44 14 37 25 Q 23 31 10 25 Q 3 14 6 -4 Z"
        if medical
        else "M 5 -6 Q 23 -12 42 -6 C 44 14 34 28 23 30 C 12 28 3 14 5 -6 Z"
    )
    sheet.path(patch, cloth, line=line, width=1.4, side=side)
    seam = "M 12 2 L 35 2 M 11 10 L 36 10 M 13 18 L 34 18" if medical else "M 12 -1 Q 23 -5 35 -1"
    sheet.path(seam, line="#b9bac2" if medical else "#6a6274", width=1.2, side=side)
    sheet.mark("eyepatch", (side * 23, 10))


def covered_side(scene: Scene) -> int:
    """Give the side of the eye that is under an eyepatch, 0 without one."""
    if not scene.has("eyepatch"):
        return 0
    return 1 if scene.rng("patch side").random() < 0.5 else -1
