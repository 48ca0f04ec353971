"""What is worn on the head and in the hair."""

from zokusei.corpora.drawn.chance import between, pick
from zokusei.corpora.drawn.palette import Hsl, Tones
from zokusei.corpora.drawn.parts import draw_parts
from zokusei.corpora.drawn.scene import Scene
from zokusei.corpora.drawn.svg import Sheet


def draw_headwear(sheet: Sheet, scene: Scene) -> None:
    """Draw hats, bands, ribbons, bows and flowers, each where it leaves the others to be seen."""
    draw_parts(
        sheet,
        scene,
        {
            "hairband": _draw_hairband,
            "maid_headdress": _draw_maid_headdress,
            "headphones": _draw_headphones,
            "crown": _draw_crown,
        },
    )
    if scene.has("witch_hat"):
        with sheet.part("hat", "hat", "witch_hat"):
            _draw_witch_hat(sheet, scene)
    elif scene.has("hat"):
        with sheet.part("hat", "hat"):
            kinds = (_draw_beret, _draw_cap, _draw_sun_hat, _draw_beanie)
            pick(scene.rng("hat"), kinds)(sheet, scene, scene.tones("accent"))
    draw_parts(
        sheet,
        scene,
        {
            "hair_ribbon": _draw_hair_ribbon,
            "hair_bow": _draw_hair_bow,
            "hair_flower": _draw_hair_flower,
        },
    )


def _draw_hairband(sheet: Sheet, scene: Scene) -> None:
    accent, width = scene.tones("accent"), scene.style.line
    turn = scene.pose.turn * 2
    band = (
        f"M -59 -20 C -58 -54 -34 -66 {turn} -66 C 34 -66 58 -54 59 -20 "
        f"L 55 -14 C 52 -44 32 -55 {turn} -55 C -32 -55 -52 -44 -55 -14 Z"
    )
    sheet.path(band, accent.base, line=accent.line, width=width)
    sheet.path(f"M -40 -52 Q {turn} -68 20 -61", line=accent.light, width=1.8, opacity=0.8)


def _draw_maid_headdress(sheet: Sheet, scene: Scene) -> None:
    """Draw a white band with a frill."""
    white, width = scene.mix(Hsl(225, 0.12, 0.97)), scene.style.line
    frills = []
    for place in range(9):
        share = place / 8 * 2 - 1
        x, y = share * 52, -66 + 34 * share * share
        frills.append((x, y))
    for x, y in frills:
        sheet.ellipse((x, y - 4), (9, 9), white.base, line=white.line, width=width)
    band = (
        "M -56 -26 C -54 -54 -32 -64 0 -64 C 32 -64 54 -54 56 -26 "
        "L 51 -22 C 48 -46 30 -54 0 -54 C -30 -54 -48 -46 -51 -22 Z"
    )
    dark = scene.mix(Hsl(240, 0.1, 0.2)) if scene.rng("maid").random() < 0.4 else white
    sheet.path(band, dark.base, line=white.line, width=width)


def _draw_headphones(sheet: Sheet, scene: Scene) -> None:
    cup, width = scene.tones("accent"), scene.style.line
    dark = scene.mix(Hsl(230, 0.08, 0.2))
    band = (
        "M -62 0 C -66 -62 -38 -82 0 -82 C 38 -82 66 -62 62 0 "
        "L 55 0 C 58 -56 34 -73 0 -73 C -34 -73 -58 -56 -55 0 Z"
    )
    sheet.path(band, dark.base, line=dark.line, width=width)
    for side in (-1, 1):
        sheet.path(
            "M 50 -12 Q 46 8 50 26 L 60 28 L 60 -14 Z",
            dark.base,
            line=dark.line,
            width=width,
            side=side,
        )
        shell = "M 58 -18 C 76 -16 78 30 58 32 Z"
        sheet.path(shell, cup.base, line=cup.line, width=width, side=side)
        sheet.path("M 63 -8 Q 69 6 63 20", line=cup.light, width=2.6, side=side)


def _draw_crown(sheet: Sheet, scene: Scene) -> None:
    gold, width = scene.mix(Hsl(46, 0.85, 0.58)), scene.style.line
    gem = scene.mix(pick(scene.rng("crown gem"), (Hsl(355, 0.8, 0.5), Hsl(215, 0.8, 0.55))))
    with sheet.moved(between(scene.rng("crown at"), -8, 8), -66):
        data = (
            "M -33 4 L -38 -30 L -20 -14 L -12 -38 L 0 -18 L 12 -38 L 20 -14 L 38 -30 L 33 4 "
            "Q 0 12 -33 4 Z"
        )
        sheet.path(data, gold.base, line=gold.line, width=width)
        sheet.path("M -33 -3 Q 0 5 33 -3", line=gold.line, width=1.2)
        for x, y in ((-38, -31), (-12, -39), (12, -39), (38, -31)):
            sheet.ellipse((x, y), (3.6, 3.6), gold.light, line=gold.line, width=1.0)
        sheet.ellipse((0, -6), (4.4, 4.8), gem.base, line=gem.line, width=1.2)


def _draw_beret(sheet: Sheet, scene: Scene, cloth: Tones) -> None:
    side = pick(scene.rng("beret"), (-1, 1))
    data = "M -54 -34 C -66 -66 -30 -92 14 -88 C 58 -86 78 -58 58 -38 C 30 -52 -24 -52 -54 -34 Z"
    sheet.path(data, cloth.base, line=cloth.line, width=scene.style.line, side=side)
    band = "M -54 -34 C -24 -52 30 -52 58 -38 L 56 -30 C 28 -44 -24 -44 -52 -27 Z"
    sheet.path(band, cloth.shade, line=cloth.line, width=scene.style.line, side=side)
    sheet.ellipse((side * 14, -90), (4, 4), cloth.base, line=cloth.line, width=scene.style.line)
    sheet.path("M -36 -60 Q -6 -80 30 -76", line=cloth.light, width=2.4, opacity=0.8, side=side)


def _draw_cap(sheet: Sheet, scene: Scene, cloth: Tones) -> None:
    width, side = scene.style.line, pick(scene.rng("cap"), (-1, 1))
    crown = "M -58 -32 C -60 -76 -32 -92 0 -92 C 32 -92 60 -76 58 -32 C 30 -44 -30 -44 -58 -32 Z"
    sheet.path(crown, cloth.base, line=cloth.line, width=width)
    sheet.path(
        "M 0 -92 L 0 -42 M -24 -88 Q -36 -66 -36 -42 M 24 -88 Q 36 -66 36 -42",
        line=cloth.line,
        width=1.0,
    )
    peak = "M -52 -40 C -30 -54 30 -54 58 -36 C 78 -30 84 -24 84 -18 C 50 -34 -10 -36 -48 -28 Z"
    sheet.path(peak, scene.tones("trim").base, line=cloth.line, width=width, side=side)
    sheet.ellipse((0, -92), (4, 3), cloth.shade, line=cloth.line, width=1.0)


def _draw_sun_hat(sheet: Sheet, scene: Scene, cloth: Tones) -> None:
    straw = scene.mix(Hsl(42, 0.6, 0.74)) if scene.rng("straw").random() < 0.6 else cloth
    band, width = scene.tones("trim"), scene.style.line
    brim = "M -104 -26 C -84 -50 -40 -58 0 -58 C 40 -58 84 -50 104 -26 C 60 -44 -60 -44 -104 -26 Z"
    crown = "M -54 -46 C -56 -88 -30 -102 0 -102 C 30 -102 56 -88 54 -46 C 30 -56 -30 -56 -54 -46 Z"
    sheet.path(crown, straw.base, line=straw.line, width=width)
    ribbon = "M -55 -56 C -30 -66 30 -66 55 -56 L 54 -44 C 30 -56 -30 -56 -54 -44 Z"
    sheet.path(brim, straw.base, line=straw.line, width=width)
    sheet.path(ribbon, band.base, line=band.line, width=width)
    sheet.path("M -92 -30 C -60 -46 60 -46 92 -30", line=straw.shade, width=1.6)


def _draw_beanie(sheet: Sheet, scene: Scene, cloth: Tones) -> None:
    width = scene.style.line
    crown = "M -58 -30 C -62 -80 -32 -96 0 -96 C 32 -96 62 -80 58 -30 C 30 -44 -30 -44 -58 -30 Z"
    sheet.path(crown, cloth.base, line=cloth.line, width=width)
    cuff = (
        "M -61 -26 C -62 -38 -60 -46 -57 -50 C -30 -62 30 -62 57 -50 C 60 -46 62 -38 61 "
        "-26 C 30 -40 -30 -40 -61 -26 Z"
    )
    sheet.path(cuff, cloth.light, line=cloth.line, width=width)
    ribs = " ".join(
        f"M {x} {-53 + abs(x) * 0.1} L {x * 1.04} {-34 + abs(x) * 0.1}"
        for x in (-44, -30, -15, 0, 15, 30, 44)
    )
    sheet.path(ribs, line=cloth.line, width=0.9)
    sheet.ellipse((0, -99), (11, 10), scene.tones("trim").base, line=cloth.line, width=width)


def _draw_witch_hat(sheet: Sheet, scene: Scene) -> None:
    rng, width = scene.rng("witch"), scene.style.line
    cloth = scene.mix(pick(rng, (Hsl(268, 0.3, 0.24), Hsl(240, 0.15, 0.16), Hsl(280, 0.4, 0.36))))
    band, side = scene.tones("accent"), pick(rng, (-1, 1))
    cone = (
        "M -52 -44 C -40 -80 -24 -112 8 -134 C 20 -140 36 -134 46 -122 C 32 -124 26 -118 24 -108 "
        "C 34 -84 46 -62 52 -44 C 24 -56 -24 -56 -52 -44 Z"
    )
    sheet.path(cone, cloth.base, line=cloth.line, width=width, side=side)
    brim = "M -106 -18 C -92 -48 -44 -58 0 -58 C 44 -58 92 -48 106 -18 C 62 -42 -62 -42 -106 -18 Z"
    sheet.path(brim, cloth.base, line=cloth.line, width=width)
    ribbon = "M -52 -58 C -26 -70 26 -70 52 -58 L 55 -45 C 28 -58 -28 -58 -55 -45 Z"
    sheet.path(ribbon, band.base, line=band.line, width=width)
    sheet.path("M -9 -68 L 9 -68 L 9 -52 L -9 -52 Z", line="#e7c24a", width=3.0)


def _knots(scene: Scene) -> list[tuple[float, float]]:
    """Give where ribbons and bows are tied."""
    if scene.has("twintails"):
        return [(-52.0, -44.0), (52.0, -44.0)]
    if scene.has("ponytail"):
        return [(24.0, -72.0)]
    return [(44.0, -46.0)]


def _draw_hair_bow(sheet: Sheet, scene: Scene) -> None:
    rng, width = scene.rng("bow"), scene.style.line
    bow = scene.tones("accent") if rng.random() < 0.5 else scene.tones("trim")
    places = [(0.0, -74.0)] if scene.has("hair_ribbon") else _knots(scene)
    size = between(rng, 1.0, 1.3) * (0.85 if len(places) == 2 else 1.1)
    for x, y in places:
        with sheet.moved(x, y, scale=size, turn=x * 0.55):
            for side in (-1, 1):
                tail = "M 2 2 L 17 22 L 10 22 L 7 27 L -2 4 Z"
                sheet.path(tail, bow.shade, line=bow.line, width=width, side=side)
            for side in (-1, 1):
                wing = "M 2 0 C 10 -14 24 -18 27 -12 C 29 -4 29 6 26 12 C 20 15 8 8 2 0 Z"
                sheet.path(wing, bow.base, line=bow.line, width=width, side=side)
                crease = "M 4 0 Q 12 -3 19 -8 M 5 2 Q 12 3 18 7"
                sheet.path(crease, line=bow.line, width=0.9, opacity=0.7, side=side)
            sheet.ellipse((0, 0), (4.6, 5.6), bow.base, line=bow.line, width=width)


def _draw_hair_ribbon(sheet: Sheet, scene: Scene) -> None:
    """Draw a ribbon with small loops and long ends."""
    rng, width = scene.rng("ribbon"), scene.style.line
    ribbon = scene.tones("trim") if rng.random() < 0.5 else scene.tones("accent")
    long = between(rng, 40, 62)
    for x, y in _knots(scene):
        with sheet.moved(x, y, mirrored=x < 0):
            for lean in (6, 22):
                end = (
                    f"M -2 0 C 4 {long * 0.3} {lean - 6} {long * 0.6} {lean} {long} "
                    f"L {lean + 9} {long - 5} C {lean + 4} {long * 0.5} 10 {long * 0.3} 5 0 Z"
                )
                sheet.path(end, ribbon.base, line=ribbon.line, width=width)
            for side in (-1, 1):
                loop = "M 0 0 C 6 -9 16 -10 18 -4 C 18 3 9 6 0 2 Z"
                sheet.path(loop, ribbon.base, line=ribbon.line, width=width, side=side)
            sheet.ellipse((1, 0), (3.6, 4.4), ribbon.shade, line=ribbon.line, width=width)


def _draw_hair_flower(sheet: Sheet, scene: Scene) -> None:
    rng = scene.rng("flower in the hair")
    with sheet.moved(-46, -38, scale=between(rng, 1.05, 1.35), turn=between(rng, 0, 60)):
        draw_blossom(sheet, scene, "flower in the hair", leaves=True)


def draw_blossom(sheet: Sheet, scene: Scene, key: str, *, leaves: bool = False) -> None:
    """Draw a flower of about 20 units about the origin; its colour follows from the key."""
    rng, width = scene.rng(f"blossom {key}"), scene.style.line * 0.8
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
    petals = 5 if rng.random() < 0.7 else 6
    if leaves:
        green = Hsl(130, 0.4, 0.4)
        for turn in (20, 150):
            with sheet.moved(turn=turn):
                leaf = "M 6 0 C 12 -8 22 -6 27 0 C 20 6 12 6 6 0 Z"
                sheet.path(leaf, green.hex(), line=green.with_light(0.2).hex(), width=width)
    for place in range(petals):
        with sheet.moved(turn=360 / petals * place):
            petal = "M 0 0 C -12 -8 -10 -20 -2 -19 L 0 -17 L 2 -19 C 10 -20 12 -8 0 0 Z"
            sheet.path(petal, colour.hex(), line=line, width=width)
    sheet.ellipse((0, 0), (4.4, 4.4), Hsl(44, 0.95, 0.58).hex(), line=line, width=width)
