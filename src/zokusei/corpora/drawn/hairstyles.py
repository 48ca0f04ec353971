"""Hair that is gathered: twintails, ponytail, braids and buns, and long locks before the body."""

from zokusei.corpora.drawn.chance import between
from zokusei.corpora.drawn.hair import draw_tuft, loose
from zokusei.corpora.drawn.scene import Scene
from zokusei.corpora.drawn.svg import Sheet


def _tags(scene: Scene, *styles: str) -> tuple[str, ...]:
    """Give what a tuft of hair shows: its colour, its style, and that it is short."""
    return (scene.hair_colour, *styles, *(("short_hair",) if scene.has("short_hair") else ()))


def draw_tails(sheet: Sheet, scene: Scene) -> None:
    """Draw twintails or a ponytail, behind the head."""
    if scene.has("twintails"):
        with sheet.part("twintails", *_tags(scene, "twintails")):
            for side in (-1, 1):
                _draw_twintail(sheet, scene, side)
    if scene.has("ponytail"):
        with sheet.part("ponytail", *_tags(scene, "ponytail")):
            _draw_ponytail(sheet, scene)


def _draw_twintail(sheet: Sheet, scene: Scene, side: int) -> None:
    hair, rng, style = scene.tones("hair"), scene.rng("twintails"), scene.style
    is_long = not scene.has("short_hair")
    low = between(rng, 105, 150) if is_long else between(rng, 34, 52)
    out = between(rng, 88, 102) if is_long else between(rng, 84, 94)
    data = (
        f"M 46 -46 C 66 -64 {out} -44 {out + 4} {low * 0.3} C {out + 5} {low * 0.6} "
        f"{out - 6} {low * 0.8} {out + 2} {low} C {out - 10} {low - 6} {out - 16} {low - 12} "
        f"{out - 18} {low - 20} Q {out - 24} {low - 8} {out - 32} {low - 6} "
        f"C {out - 26} {low * 0.5} 62 6 50 -32 Z"
    )
    draw_tuft(sheet, scene, data, side)
    with sheet.clipped(data, side):
        shadow = (
            f"M 40 -46 C 74 -20 {out - 18} {low * 0.4} {out - 20} {low} "
            f"L {out - 44} {low} L 30 -20 Z"
        )
        sheet.path(shadow, hair.shade, opacity=style.shading, side=side)
        for shift in (0.35, 0.7):
            x = 60 + (out - 60) * shift
            strand = f"M 54 -40 Q {x + 10} {-20 + 10 * shift} {x} {low * 0.8}"
            sheet.path(strand, line=hair.line, width=0.9, opacity=0.6, side=side)
    accent = scene.tones("accent")
    sheet.ellipse((side * 50, -41), (6, 9), accent.base, line=accent.line, width=style.line)


def _draw_ponytail(sheet: Sheet, scene: Scene) -> None:
    hair, rng, style = scene.tones("hair"), scene.rng("ponytail"), scene.style
    side = 1 if rng.random() < 0.5 else -1
    is_long = not scene.has("short_hair")
    low = between(rng, 95, 140) if is_long else between(rng, 12, 34)
    out = between(rng, 84, 98)
    data = (
        f"M 12 -70 C 30 -112 {out + 2} -92 {out + 4} -20 C {out + 8} {low * 0.4} "
        f"{out - 12} {low * 0.7} {out - 4} {low} Q {out - 14} {low - 6} {out - 18} {low - 18} "
        f"Q {out - 22} {low - 8} {out - 30} {low - 10} "
        f"C {out - 24} {low * 0.4} {out - 16} -30 34 -56 Z"
    )
    draw_tuft(sheet, scene, data, side)
    with sheet.clipped(data, side):
        shadow = f"M 20 -60 C 60 -70 {out - 14} -30 {out - 12} {low} L 30 {low} L 10 -40 Z"
        sheet.path(shadow, hair.shade, opacity=style.shading, side=side)
        strand = f"M 26 -72 C 70 -80 {out - 2} -40 {out - 8} {low * 0.8}"
        sheet.path(strand, line=hair.line, width=1.0, opacity=0.6, side=side)
    accent = scene.tones("accent")
    band = "M 12 -72 L 26 -84 L 36 -70 L 24 -56 Z"
    sheet.path(band, accent.base, line=accent.line, width=style.line, side=side)


def draw_front_locks(sheet: Sheet, scene: Scene) -> None:
    """Draw the locks of long hair that hang before the shoulders, and a tail at one side."""
    if loose(scene) and not scene.has("braid"):
        with sheet.part("front locks", scene.hair_colour):
            for side in (-1, 1):
                _draw_lock(sheet, scene, side)
    if scene.has("side_ponytail"):
        with sheet.part("side ponytail", *_tags(scene, "side_ponytail")):
            _draw_side_tail(sheet, scene)


def draw_braids(sheet: Sheet, scene: Scene) -> None:
    """Draw a braid before each shoulder, or before one of them."""
    if not scene.has("braid"):
        return
    both = scene.has("twin_braids")
    side = 1 if scene.rng("braid side").random() < 0.5 else -1
    with sheet.part("braid", *_tags(scene, "braid", *(("twin_braids",) if both else ()))):
        for place in (-1, 1) if both else (side,):
            _draw_braid(sheet, scene, place)


def _draw_lock(sheet: Sheet, scene: Scene, side: int) -> None:
    hair, rng, style = scene.tones("hair"), scene.rng(f"lock {side}"), scene.style
    low, bend = between(rng, 88, 150), between(rng, -4, 6)
    data = (
        f"M 55 -8 C {62 + bend} 30 {58 + bend} {low * 0.6} {48 + bend} {low} "
        f"Q {45 + bend} {low - 14} {44 + bend} {low - 22} Q {40 + bend} {low - 12} "
        f"{36 + bend} {low - 12} C {44 - bend} {low * 0.5} 38 30 42 -8 Z"
    )
    draw_tuft(sheet, scene, data, side)
    if side == -scene.light and not style.soft:
        with sheet.clipped(data, side):
            shadow = f"M 42 -8 C 50 40 50 80 {40 + bend} {low} L 20 {low} L 20 0 Z"
            sheet.path(shadow, hair.shade, opacity=style.shading, side=side)
    strand = f"M 50 0 C {53 + bend} 40 {51 + bend} 60 {46 + bend} {low - 22}"
    sheet.path(strand, line=hair.line, width=0.9, opacity=0.6, side=side)


def _draw_braid(sheet: Sheet, scene: Scene, side: int) -> None:
    """Draw a braid as a chain of drops that cross each other."""
    hair, style = scene.tones("hair"), scene.style
    accent = scene.tones("accent")
    count = 6
    for place in range(count):
        y = 26 + place * 13.5
        drop = (
            f"M 0 {y - 6} C 15 {y - 4} 15 {y + 10} -2 {y + 16} C 1 {y + 8} -1 {y + 2} 0 {y - 6} Z"
        )
        with sheet.moved(side * (53 - place * 1.2), 0):
            for half in (-1, 1):
                lit = half == scene.light or style.shading == 0
                fill = hair.base if lit else hair.shade
                sheet.path(drop, fill, line=hair.line, width=style.line, side=half)
    x, y = 53 - count * 1.2, 26 + count * 13.5
    tuft = (
        f"M {x - 5} {y + 1} Q {x - 12} {y + 16} {x - 2} {y + 26} Q {x + 12} {y + 16} "
        f"{x + 5} {y + 1} Z"
    )
    sheet.path(tuft, hair.base, line=hair.line, width=style.line, side=side)
    sheet.ellipse((side * x, y + 2), (8, 4.5), accent.base, line=accent.line, width=style.line)


def draw_buns(sheet: Sheet, scene: Scene) -> None:
    """Draw two buns on the top of the head, or one at its side, behind the fringe."""
    if not scene.has("hair_bun"):
        return
    both = scene.has("double_bun")
    side = 1 if scene.rng("bun side").random() < 0.5 else -1
    with sheet.part("buns", *_tags(scene, "hair_bun", *(("double_bun",) if both else ()))):
        for place in (-1, 1) if both else (side,):
            _draw_bun(sheet, scene, place, 1.0 if both else 1.25)


def _draw_bun(sheet: Sheet, scene: Scene, side: int, grow: float) -> None:
    hair, rng, style = scene.tones("hair"), scene.rng("buns"), scene.style
    size, accent = between(rng, 17, 23) * grow, scene.tones("accent")
    x, y = side * (42.0 if grow == 1 else 34.0), -68 - size * 0.3
    if scene.has("hat", "crown", "maid_headdress", "cat_ears", "fox_ears"):
        x, y = side * (58.0 + size * 0.2), -26.0
    fill = sheet.gradient(hair.light, hair.base, hair.shade) if style.soft else hair.base
    sheet.ellipse((x * 0.9, y + size * 0.6), (size * 0.75, 8), accent.base)
    sheet.ellipse((x, y), (size, size), fill, line=hair.line, width=style.line)
    swirl = (
        f"M {x - size * 0.6} {y + size * 0.3} C {x - size * 0.5} {y - size * 0.7} "
        f"{x + size * 0.6} {y - size * 0.6} {x + size * 0.4} {y + size * 0.2} "
        f"C {x + size * 0.2} {y + size * 0.5} {x - size * 0.3} {y + size * 0.3} "
        f"{x} {y - size * 0.1}"
    )
    sheet.path(swirl, line=hair.line, width=style.line * 0.8, opacity=0.8)


def _draw_side_tail(sheet: Sheet, scene: Scene) -> None:
    """Draw a tail that is tied at one side of the head and falls before the shoulder."""
    hair, rng, style = scene.tones("hair"), scene.rng("side tail"), scene.style
    side = 1 if rng.random() < 0.5 else -1
    low = between(rng, 100, 140) if not scene.has("short_hair") else between(rng, 50, 66)
    data = (
        f"M 50 -18 C 78 -34 92 -4 88 30 C 92 {low * 0.6} 74 {low * 0.8} 78 {low} "
        f"Q 70 {low - 8} 66 {low - 16} Q 60 {low - 6} 52 {low - 8} C 60 {low * 0.5} 56 20 50 -4 Z"
    )
    draw_tuft(sheet, scene, data, side)
    strands = f"M 58 -14 C 80 10 74 {low * 0.5} 68 {low - 18} M 56 -8 C 68 20 64 50 60 {low - 16}"
    sheet.path(strands, line=hair.line, width=style.line * 0.7, side=side)
    accent = scene.tones("accent")
    sheet.ellipse((side * 54, -14), (7, 9), accent.base, line=accent.line, width=style.line)
