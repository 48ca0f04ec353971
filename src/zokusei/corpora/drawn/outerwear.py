"""What is worn over clothes, and about the neck."""

from zokusei.corpora.drawn.chance import between, pick
from zokusei.corpora.drawn.clothes import jacket_cloth
from zokusei.corpora.drawn.palette import Hsl
from zokusei.corpora.drawn.parts import draw_parts
from zokusei.corpora.drawn.pose import WAIST
from zokusei.corpora.drawn.scene import Scene
from zokusei.corpora.drawn.svg import Sheet

_GOLD = Hsl(45, 0.75, 0.58)


def draw_outerwear(sheet: Sheet, scene: Scene) -> None:
    """Draw apron and jacket, then what is worn about the neck."""
    draw_parts(
        sheet,
        scene,
        {
            "apron": _draw_apron,
            "jacket": _draw_jacket,
            "cape": _draw_clasp,
            "necktie": _draw_necktie,
            "bowtie": _draw_bowtie,
            "necklace": _draw_necklace,
            "choker": _draw_choker,
            "scarf": _draw_scarf,
        },
    )


def draw_cape(sheet: Sheet, scene: Scene) -> None:
    """Draw the cape behind the body."""
    if not scene.has("cape"):
        return
    cloth, lining, style = scene.tones("accent"), scene.tones("trim"), scene.style
    low = 230 + scene.pose.legs * between(scene.rng("cape"), 0.35, 0.8)
    data = (
        f"M -26 84 C -60 96 -78 150 -92 {low} Q -60 {low + 12} -30 {low - 4} Q 0 {low + 10} "
        f"30 {low - 4} Q 60 {low + 12} 92 {low} C 78 150 60 96 26 84 Z"
    )
    with sheet.part("cape", "cape"):
        sheet.path(data, cloth.base, line=cloth.line, width=style.line)
        inner = f"M -20 100 C -46 130 -58 200 -66 {low} L 66 {low} C 58 200 46 130 20 100 Z"
        with sheet.clipped(data):
            sheet.path(inner, lining.shade, line=cloth.line, width=style.line)


def _draw_clasp(sheet: Sheet, scene: Scene) -> None:
    cloth, width = scene.tones("accent"), scene.style.line
    for side in (-1, 1):
        front = "M 12 78 C 34 80 58 90 66 112 C 60 122 50 126 42 124 C 36 108 20 98 0 96 Z"
        sheet.path(front, cloth.base, line=cloth.line, width=width, side=side)
    gold = scene.mix(_GOLD)
    sheet.ellipse((0, 97), (6, 6), gold.base, line=gold.line, width=width)


def _draw_apron(sheet: Sheet, scene: Scene) -> None:
    white, width = scene.mix(Hsl(220, 0.1, 0.97)), scene.style.line
    low = 262.0 if scene.has("sitting") else 280.0
    for side in (-1, 1):
        strap = "M 17 86 L 27 88 L 25 122 L 16 122 Z"
        sheet.path(strap, white.base, line=white.line, width=width, side=side)
        frill = "M 26 90 Q 36 92 32 100 Q 39 104 32 110 Q 37 116 26 120 Z"
        sheet.path(frill, white.base, line=white.line, width=width * 0.8, side=side)
    bib = f"M -25 120 Q 0 112 25 120 L 28 {WAIST} L -28 {WAIST} Z"
    sheet.path(bib, white.base, line=white.line, width=width)
    wide, count = 40.0, 7
    step = 2 * wide / count
    hem = " ".join(
        f"Q {wide - step * (n + 0.5)} {low + 14} {wide - step * (n + 1)} {low}"
        for n in range(count)
    )
    front = (
        f"M -28 {WAIST} L 28 {WAIST} C 36 200 {wide} 220 {wide} {low} {hem} C {-wide} 220 "
        f"-36 200 -28 {WAIST} Z"
    )
    sheet.path(front, white.base, line=white.line, width=width)
    sheet.path(f"M {-wide} {low - 6} Q 0 {low + 2} {wide} {low - 6}", line=white.line, width=1.0)
    sheet.path(
        f"M -30 {WAIST - 4} L 30 {WAIST - 4} L 31 {WAIST + 5} L -31 {WAIST + 5} Z",
        white.shade,
        line=white.line,
        width=width,
    )


def _draw_jacket(sheet: Sheet, scene: Scene) -> None:
    """Draw an open jacket: two fronts with lapels."""
    cloth, width = jacket_cloth(scene), scene.style.line
    rng = scene.rng("jacket cut")
    low = between(rng, 196, 232)
    zipped = rng.random() < 0.4
    for side in (-1, 1):
        front = (
            f"M 19 82 C 34 86 48 92 52 104 L 44 128 C 39 144 36 154 36 {WAIST} "
            f"C 40 186 48 192 49 {low} L 16 {low + 5} C 22 170 22 130 14 100 Z"
        )
        shaded = side == -scene.light and scene.style.shading
        sheet.path(
            front, cloth.shade if shaded else cloth.base, line=cloth.line, width=width, side=side
        )
        if zipped:
            sheet.path(f"M 15 104 C 22 140 21 180 17 {low}", line=cloth.light, width=2.4, side=side)
            stand = "M 11 72 C 24 72 32 80 32 88 L 14 102 Z"
            sheet.path(stand, cloth.base, line=cloth.line, width=width, side=side)
        else:
            lapel = "M 13 76 L 25 84 L 34 112 L 26 116 L 31 124 L 17 146 C 16 120 13 100 13 76 Z"
            sheet.path(lapel, cloth.light, line=cloth.line, width=width, side=side)
        sheet.path(f"M 30 {low - 22} L 42 {low - 24}", line=cloth.line, width=1.4, side=side)


def _draw_collar(sheet: Sheet, scene: Scene) -> None:
    """Draw the collar that a tie needs, whatever else is worn."""
    white = scene.mix(Hsl(230, 0.12, 0.96))
    with sheet.part("collar"):
        for side in (-1, 1):
            wing = "M 12 72 L 24 82 L 19 104 L 0 98 Z"
            sheet.path(wing, white.base, line=white.line, width=scene.style.line, side=side)


def _draw_necktie(sheet: Sheet, scene: Scene) -> None:
    tie, width, rng = scene.tones("accent"), scene.style.line, scene.rng("necktie")
    if scene.has("jacket"):  # A tie of the jacket's cloth would be lost in it.
        tie = scene.tones("trim")
    _draw_collar(sheet, scene)
    data = "M -6.5 95 L 6.5 95 L 5 105 L 12 158 L 0 172 L -12 158 L -5 105 Z"
    sheet.path(data, tie.base, line=tie.line, width=width)
    if rng.random() < 0.5:
        with sheet.clipped(data):
            for y in (112, 128, 144, 160):
                sheet.path(f"M -16 {y + 8} L 16 {y - 8}", line=tie.light, width=4)
    sheet.path("M -6 105 L 6 105", line=tie.line, width=1.2)


def _draw_bowtie(sheet: Sheet, scene: Scene) -> None:
    bow, width = scene.tones("accent"), scene.style.line
    if scene.has("jacket"):
        bow = scene.tones("trim")
    large = between(scene.rng("bowtie"), 0.95, 1.35)
    _draw_collar(sheet, scene)
    with sheet.moved(0, 101, scale=large):
        for side in (-1, 1):
            wing = "M 2 0 C 9 -12 22 -15 26 -10 C 28 -3 28 6 25 11 C 20 15 8 9 2 0 Z"
            sheet.path(wing, bow.base, line=bow.line, width=width, side=side)
            sheet.path("M 4 0 Q 12 -2 18 -6 M 5 2 Q 12 3 17 6", line=bow.line, width=0.9, side=side)
        sheet.ellipse((0, 0), (4.6, 5.6), bow.light, line=bow.line, width=width)


def _draw_necklace(sheet: Sheet, scene: Scene) -> None:
    rng = scene.rng("necklace")
    gold = scene.mix(pick(rng, (_GOLD, Hsl(220, 0.08, 0.75))))
    gem = scene.mix(pick(rng, (Hsl(355, 0.75, 0.5), Hsl(210, 0.8, 0.55), Hsl(150, 0.6, 0.45))))
    low = between(rng, 112, 124)
    chain = f"M -19 84 C -16 {low - 6} 16 {low - 6} 19 84"
    sheet.path(chain, line=gold.line, width=4.2)
    sheet.path(chain, line=gold.base, width=2.6)
    if rng.random() < 0.3:
        for place in range(7):
            share = place / 6 * 2 - 1
            sheet.ellipse(
                (19 * share * 0.86, 86 + (low - 96) * (1 - share * share)),
                (3.6, 3.6),
                "#fbf8f2",
                line=gold.line,
                width=0.9,
            )
    with sheet.moved(0, low - 8):
        sheet.path("M 0 -7 L 7.5 0 L 0 12 L -7.5 0 Z", gem.base, line=gem.line, width=1.3)
        sheet.path("M -3 0 L 0 -4 L 3 0", line=gem.light, width=1.4)


def _draw_choker(sheet: Sheet, scene: Scene) -> None:
    rng, accent = scene.rng("choker"), scene.tones("accent")
    dark = rng.random() < 0.6
    fill, line = ("#1d1a22", "#050406") if dark else (accent.base, accent.line)
    sheet.path("M -14.5 59 Q 0 67 14.5 59 L 15.5 69 Q 0 77 -15.5 69 Z", fill, line=line, width=1.2)
    charm = pick(rng, ("none", "gem", "bell"))
    if charm == "gem":
        sheet.path("M 0 70 L 5 76 L 0 83 L -5 76 Z", accent.light, line=accent.line, width=1.2)
    elif charm == "bell":
        sheet.ellipse((0, 77), (6, 6), "#f2c53d", line="#7a5410", width=1.3)
        sheet.path("M 0 78 L 0 82 M -5 76 L 5 76", line="#7a5410", width=1.2)


def _draw_scarf(sheet: Sheet, scene: Scene) -> None:
    cloth, width = scene.tones("accent"), scene.style.line
    side = pick(scene.rng("scarf"), (-1, 1))
    end = "M 8 92 C 20 100 24 130 22 168 L 2 168 C 2 130 0 110 -4 98 Z"
    sheet.path(end, cloth.base, line=cloth.line, width=width, side=side)
    fringe = " ".join(f"M {x} 168 L {x} 177" for x in (4, 8, 12, 16, 20))
    sheet.path(fringe, line=cloth.line, width=1.4, side=side)
    sheet.path("M 1 146 L 22 146 M 1 154 L 22 154", line=cloth.light, width=3.0, side=side)
    wrap = (
        "M -30 66 C -34 84 -30 98 -18 102 C 0 110 20 108 30 98 C 36 86 34 74 30 66 Q 0 84 -30 66 Z"
    )
    sheet.path(wrap, cloth.base, line=cloth.line, width=width)
    sheet.path("M -28 78 Q 0 96 30 80 M -24 92 Q 2 102 26 92", line=cloth.line, width=1.1)
