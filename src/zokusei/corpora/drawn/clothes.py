"""What is worn on the body: tops, skirts, dresses, uniforms, and how sleeves go with them."""

from collections.abc import Callable

from zokusei.corpora.drawn.body import Sleeve
from zokusei.corpora.drawn.chance import between, pick
from zokusei.corpora.drawn.limbs import (
    folds,
    leg,
    shaded,
    skirt,
    skirt_shade,
    torso,
    torso_shade,
    tube,
)
from zokusei.corpora.drawn.palette import NAMED_CLOTH, Hsl, Tones
from zokusei.corpora.drawn.pose import CROTCH, WAIST
from zokusei.corpora.drawn.scene import DRESSES, Scene
from zokusei.corpora.drawn.svg import Sheet

_SCOOP = "M -20 86 C -16 104 16 104 20 86"
_WHITE = Hsl(230, 0.15, 0.96)
_NAVY = Hsl(228, 0.5, 0.24)


def outfit(scene: Scene) -> str:
    """Name what the figure wears: "kimono", "serafuku", "uniform", "dress", or separate pieces."""
    if scene.has("kimono"):
        return "kimono"
    if scene.has("serafuku"):
        return "serafuku"
    if scene.has("school_uniform"):
        return "uniform"
    free = scene.top == "dress" and not scene.has("black_skirt", "blue_skirt")
    return "dress" if scene.has(*DRESSES) or free else "separates"


def named_cloth(scene: Scene, tag: str) -> Tones:
    """Mix the cloth whose colour a tag names ("black_skirt")."""
    return scene.mix(NAMED_CLOTH[tag.split("_")[0]].sample(scene.rng(f"cloth of {tag}")))


def draw_clothes(sheet: Sheet, scene: Scene) -> None:
    """Draw what covers torso and hips."""
    kind = outfit(scene)
    if kind == "kimono":
        _draw_kimono(sheet, scene)
    elif kind == "dress":
        _draw_dress(sheet, scene)
    else:
        tucked = scene.rng("tucked").random() < 0.6 or kind != "separates"
        if tucked:
            _draw_top(sheet, scene, kind)
        _draw_bottom(sheet, scene, kind)
        if not tucked:
            _draw_top(sheet, scene, kind)


def create_sleeve(scene: Scene) -> Sleeve | None:
    """Give what covers the arms, or nothing for a bare arm."""
    kind, rng = outfit(scene), scene.rng("sleeve")
    if scene.has("jacket"):
        return Sleeve("jacket", ("jacket",), jacket_cloth(scene), 0.93, (17.0, 11.5))
    if kind == "kimono":
        return Sleeve("kimono", ("kimono",), scene.tones("cloth"), 0.9, (17.0, 27.0))
    if kind == "serafuku":
        cloth, collar = _sailor_cloth(scene)
        reach = 0.9 if rng.random() < 0.4 else 0.38
        wide = (15.5, 12.0) if reach > 0.5 else (15.5, 15.0)
        return Sleeve("serafuku", ("serafuku",), cloth, reach, wide, collar)
    if kind == "uniform":
        return Sleeve("shirt", (), scene.mix(_WHITE), 0.93, (15.0, 11.0), scene.mix(_WHITE))
    if kind == "dress":
        tag = scene.one_of(DRESSES)
        reach = pick(rng, (0.0, 0.3, 0.9))
        if reach == 0.0:
            return None
        wide = (17.0, 12.0) if reach < 0.5 else (15.0, 12.0)
        return Sleeve("dress", (tag,) if tag else (), _dress_cloth(scene), reach, wide)
    cloth = scene.tones("cloth")
    return {
        "tee": Sleeve("top", (), cloth, 0.34, (15.0, 13.5)),
        "shirt": Sleeve("top", (), cloth, 0.93, (15.0, 10.5), cloth),
        "hoodie": Sleeve("top", (), cloth, 0.95, (18.0, 14.0), scene.tones("trim")),
        "sweater": Sleeve("top", (), cloth, 0.97, (16.5, 13.0), cloth),
        "blouse": Sleeve("top", (), cloth, 0.55, (17.0, 19.0), cloth),
        "straps": None,
        "dress": Sleeve("top", (), cloth, 0.34, (15.0, 13.5)),
    }[scene.top]


def jacket_cloth(scene: Scene) -> Tones:
    """Give the cloth of a jacket, apart from that of what is under it."""
    return scene.tones("accent") if scene.rng("jacket").random() < 0.5 else scene.mix(_NAVY)


def _cover(sheet: Sheet, scene: Scene, data: str, cloth: Tones, shade: str = "") -> None:
    """Draw a piece of cloth, and its side away from the light in shadow."""
    style = scene.style
    fill = sheet.gradient(cloth.base, cloth.shade) if style.soft else cloth.base
    sheet.path(data, fill, line=cloth.line, width=style.line)
    if shade:
        sheet.path(shade, cloth.shade, opacity=style.shading * 0.9, side=scene.light)


def _cover_torso(
    sheet: Sheet, scene: Scene, neck: str, low: float, ease: float, cloth: Tones
) -> None:
    """Draw a piece of cloth over the torso, down to a height."""
    _cover(sheet, scene, torso(neck, low, ease), cloth, torso_shade(low, ease))


def _draw_top(sheet: Sheet, scene: Scene, kind: str) -> None:
    if kind == "serafuku":
        _draw_sailor(sheet, scene)
    elif kind == "uniform":
        _draw_uniform(sheet, scene)
    else:
        with sheet.part("top"):
            _TOPS[scene.top](sheet, scene, scene.tones("cloth"))


def _draw_tee(sheet: Sheet, scene: Scene, cloth: Tones) -> None:
    rng, trim = scene.rng("tee"), scene.tones("trim")
    _cover_torso(sheet, scene, _SCOOP, 214, 3, cloth)
    sheet.path(f"{_SCOOP} L 17 84 C 13 98 -13 98 -17 84 Z", trim.base, line=trim.line, width=1.0)
    motif = pick(rng, ("plain", "stripes", "star", "band"))
    if motif == "stripes":
        for y in (128, 146, 164, 182):
            half = 34 if y < 150 else 30
            sheet.path(f"M {-half} {y} Q 0 {y + 5} {half} {y}", line=trim.base, width=6)
    elif motif == "star":
        with sheet.moved(0, 138, scale=1.1):
            sheet.path(
                "M 0 -14 L 4 -4 L 14 -4 L 6 2 L 9 12 L 0 6 L -9 12 L -6 2 L -14 -4 L -4 -4 Z",
                trim.base,
            )
    elif motif == "band":
        sheet.path("M -36 142 L 36 142", line=trim.base, width=14)


def _draw_shirt(sheet: Sheet, scene: Scene, cloth: Tones) -> None:
    _cover_torso(sheet, scene, "M -20 86 L 0 104 L 20 86", 216, 2, cloth)
    sheet.path("M 0 104 L 0 214", line=cloth.line, width=1.1)
    for y in (120, 140, 160, 180, 200):
        sheet.ellipse((3.5, y), (1.6, 1.6), cloth.light, line=cloth.line, width=0.8)
    _draw_collar(sheet, scene, cloth)


def _draw_collar(sheet: Sheet, scene: Scene, cloth: Tones) -> None:
    for side in (-1, 1):
        wing = "M 12 74 L 23 84 L 17 106 L 0 100 Z"
        sheet.path(wing, cloth.light, line=cloth.line, width=scene.style.line, side=side)


def _draw_hoodie(sheet: Sheet, scene: Scene, cloth: Tones) -> None:
    trim, width = scene.tones("trim"), scene.style.line
    _cover_torso(sheet, scene, "M -22 84 Q 0 104 22 84", 222, 8, cloth)
    sheet.path("M -24 182 L 24 182 L 30 208 L -30 208 Z", cloth.shade, line=cloth.line, width=1.0)
    for side in (-1, 1):
        hood = "M 13 70 C 34 66 50 80 46 92 C 36 102 16 104 0 110 C 10 98 18 88 13 70 Z"
        sheet.path(hood, cloth.base, line=cloth.line, width=width, side=side)
        sheet.path("M 9 106 Q 12 120 8 134", line=trim.base, width=2.4, side=side)


def _draw_sweater(sheet: Sheet, scene: Scene, cloth: Tones) -> None:
    _cover_torso(sheet, scene, "M -18 84 L 18 84", 214, 5, cloth)
    collar = "M -16 64 Q 0 70 16 64 L 19 86 Q 0 94 -19 86 Z"
    sheet.path(collar, cloth.base, line=cloth.line, width=scene.style.line)
    ribs = " ".join(f"M {x} 104 L {x * 0.9} 210" for x in (-24, -12, 0, 12, 24))
    sheet.path(ribs, line=cloth.shade, width=2.0)
    sheet.path("M -44 204 L 44 204", line=cloth.line, width=1.0)


def _draw_straps(sheet: Sheet, scene: Scene, cloth: Tones) -> None:
    for side in (-1, 1):
        strap = "M 28 88 L 35 90 L 35 122 L 28 122 Z"
        sheet.path(strap, cloth.base, line=cloth.line, width=1.0, side=side)
    data = (
        f"M -40 122 C -24 110 -12 114 0 122 C 12 114 24 110 40 122 C 36 142 31 152 31 {WAIST} "
        "C 34 186 44 192 44 212 L -44 212 C -44 192 -34 186 -31 168 C -31 152 -36 142 -40 122 Z"
    )
    shade = (
        f"M -38 125 C -35 142 -30 152 -30 {WAIST} C -33 186 -42 192 -42 211 L -13 211 "
        f"L -13 {WAIST} C -15 150 -20 130 -22 117 Z"
    )
    _cover(sheet, scene, data, cloth, shade)


def _draw_blouse(sheet: Sheet, scene: Scene, cloth: Tones) -> None:
    _cover_torso(sheet, scene, _SCOOP, 210, 4, cloth)
    width = scene.style.line
    for row, y in enumerate((100, 112, 124)):
        half = 15 - row * 2
        ruffle = f"M {-half} {y} Q {-half / 2} {y + 8} 0 {y + 2} Q {half / 2} {y + 8} {half} {y} Z"
        sheet.path(ruffle, cloth.light, line=cloth.line, width=width * 0.8)


_TOPS: dict[str, Callable[[Sheet, Scene, Tones], None]] = {
    "tee": _draw_tee,
    "shirt": _draw_shirt,
    "hoodie": _draw_hoodie,
    "sweater": _draw_sweater,
    "straps": _draw_straps,
    "blouse": _draw_blouse,
    "dress": _draw_tee,
}


def _draw_bottom(sheet: Sheet, scene: Scene, kind: str) -> None:
    """Draw a skirt, or what is worn instead of one."""
    tag, rng = scene.one_of(("black_skirt", "blue_skirt")), scene.rng("bottom")
    cloth = named_cloth(scene, tag) if tag else scene.tones("bottom")
    if tag or kind != "separates" or scene.bottom in ("skirt", "pleated"):
        pleated = kind != "separates" or scene.bottom != "skirt"
        low = between(rng, 268, 290) + (CROTCH + scene.pose.legs * 0.5 - 326) * 0.4
        flare = between(rng, 12, 22)
        if scene.has("sitting"):
            low, flare = 276.0, 40.0
        with sheet.part("skirt", *scene.seat(tag)):
            draw_skirt(sheet, scene, cloth, WAIST + 4, low, flare, pleats=9 if pleated else 4)
        return
    with sheet.part("bottom", *scene.seat()):
        if scene.bottom == "pants":
            _draw_trousers(sheet, scene, cloth, 0.96)
        else:
            _draw_trousers(sheet, scene, cloth, 0.3)


def draw_skirt(
    sheet: Sheet, scene: Scene, cloth: Tones, top: float, low: float, flare: float, pleats: int
) -> None:
    """Draw a skirt with its folds and its waistband."""
    data = skirt(top, low, flare, waves=pleats)
    _cover(sheet, scene, data, cloth, skirt_shade(top, low, flare))
    sheet.path(folds(top, low, flare, pleats), line=cloth.line, width=1.1)
    band = f"M -31 {top - 3} L 31 {top - 3} L 32 {top + 6} L -32 {top + 6} Z"
    sheet.path(band, cloth.shade, line=cloth.line, width=scene.style.line * 0.8)


def _draw_trousers(sheet: Sheet, scene: Scene, cloth: Tones, reach: float) -> None:
    seated = scene.has("sitting")
    points, width = leg(scene.pose, seated), scene.style.line
    (hx, hy), (kx, ky), (ax, ay) = points
    long = reach > 0.5
    if long:
        line, wide = [(hx, hy), (kx, ky), (ax, ay - 4)], [24.0, 17.5, 13.0]
    else:
        share = reach * 2
        end = (hx + (kx - hx) * share, hy + (ky - hy) * share)
        line, wide = [(hx, hy), end], [24.0, 23.0]
    for side in (-1, 1):
        data = tube(line, wide)
        sheet.path(data, cloth.base, line=cloth.line, width=width, side=side)
        if side == -scene.light:
            dark = shaded(line, wide)
            sheet.path(dark, cloth.shade, opacity=scene.style.shading, side=side)
    hips = (
        f"M -31 {WAIST + 2} L 31 {WAIST + 2} C 36 186 45 192 45 {CROTCH - 6} "
        f"Q 20 {CROTCH + 10} 0 {CROTCH + 12} Q -20 {CROTCH + 10} -45 {CROTCH - 6} "
        f"C -45 192 -36 186 -31 {WAIST + 2} Z"
    )
    _cover(sheet, scene, hips, cloth)
    sheet.path(f"M 0 {WAIST + 8} L 0 {CROTCH + 8}", line=cloth.line, width=1.0)
    sheet.path(
        f"M -31 {WAIST + 1} L 31 {WAIST + 1} L 32 {WAIST + 9} L -32 {WAIST + 9} Z",
        cloth.shade,
        line=cloth.line,
        width=width * 0.8,
    )


def _dress_cloth(scene: Scene) -> Tones:
    tag = scene.one_of(DRESSES)
    return named_cloth(scene, tag) if tag else scene.tones("bottom")


def _draw_dress(sheet: Sheet, scene: Scene) -> None:
    tag, rng, cloth = scene.one_of(DRESSES), scene.rng("dress"), _dress_cloth(scene)
    trim, width = scene.tones("trim"), scene.style.line
    knee = CROTCH + scene.pose.legs * 0.5
    low = knee - 30 + scene.long_dress * scene.pose.legs * 0.42
    flare = 16 + 22 * scene.long_dress + between(rng, 0, 8)
    if scene.has("sitting"):
        low, flare = 282.0, 46.0
    with sheet.part("dress", *scene.seat(tag)):
        _cover_torso(sheet, scene, _SCOOP, WAIST, 1, cloth)
        draw_skirt(sheet, scene, cloth, WAIST - 2, low, flare, pleats=7)
        finish = pick(rng, ("collar", "frill", "sash", "lace"))
        if finish == "collar":
            for side in (-1, 1):
                wing = "M 12 80 C 24 84 28 92 24 102 C 14 106 6 102 0 98 Z"
                sheet.path(wing, cloth.light, line=cloth.line, width=width, side=side)
        elif finish == "sash":
            sheet.path(
                f"M -30 {WAIST - 10} Q 0 {WAIST - 4} 30 {WAIST - 10} L 31 {WAIST + 4} "
                f"Q 0 {WAIST + 10} -31 {WAIST + 4} Z",
                trim.base,
                line=trim.line,
                width=width,
            )
        else:
            wide = 42 + flare
            count = 9
            step = 2 * wide / count
            hem = " ".join(
                f"Q {wide - step * (n + 0.5)} {low + 15} {wide - step * (n + 1)} {low + 2}"
                for n in range(count)
            )
            lace = f"M {-wide + 2} {low - 5} L {wide - 2} {low - 5} L {wide} {low + 2} {hem} Z"
            fill = cloth.light if finish == "frill" else cloth.shade
            sheet.path(lace, fill, line=cloth.line, width=width * 0.8)


def _sailor_cloth(scene: Scene) -> tuple[Tones, Tones]:
    """Give the cloth of a sailor uniform and that of its collar."""
    rng = scene.rng("sailor")
    dark = pick(rng, (_NAVY, Hsl(230, 0.1, 0.2), Hsl(350, 0.55, 0.35), Hsl(150, 0.35, 0.28)))
    if rng.random() < 0.7:
        return scene.mix(_WHITE), scene.mix(dark)
    return scene.mix(dark), scene.mix(Hsl(dark.hue, dark.saturation, dark.lightness * 0.8))


def _draw_sailor(sheet: Sheet, scene: Scene) -> None:
    (cloth, collar), scarf = _sailor_cloth(scene), scene.tones("accent")
    width = scene.style.line
    with sheet.part("serafuku", "serafuku"):
        _cover_torso(sheet, scene, "M -20 84 L 0 122 L 20 84", 196, 4, cloth)
        for side in (-1, 1):
            wing = "M 13 76 C 26 80 44 84 52 94 C 50 112 26 118 0 138 L 0 120 Z"
            sheet.path(wing, collar.base, line=collar.line, width=width, side=side)
            sheet.path("M 46 94 C 42 106 24 112 3 129", line="#f6f6f8", width=2.0, side=side)
        for side in (-1, 1):
            loop = "M 0 134 C 9 122 24 120 26 129 C 27 144 22 150 0 139 Z"
            sheet.path(loop, scarf.base, line=scarf.line, width=width, side=side)
            end = "M 1 139 L 13 172 L 3 168 Z"
            sheet.path(end, scarf.shade, line=scarf.line, width=width, side=side)
        sheet.ellipse((0, 136), (5, 6), scarf.base, line=scarf.line, width=width)


def _draw_uniform(sheet: Sheet, scene: Scene) -> None:
    """Draw a knitted vest with a crest over a white shirt."""
    rng, width = scene.rng("uniform"), scene.style.line
    vest = scene.mix(
        pick(rng, (_NAVY, Hsl(30, 0.35, 0.72), Hsl(350, 0.45, 0.35), Hsl(220, 0.05, 0.5)))
    )
    white = scene.mix(_WHITE)
    with sheet.part("uniform", "school_uniform"):
        _cover_torso(sheet, scene, "M -20 86 L 0 104 L 20 86", 214, 2, white)
        data = (
            f"M -27 92 L 0 138 L 27 92 L 37 100 L 38 126 C 35 142 32 152 32 {WAIST} "
            f"C 34 186 43 192 43 212 L -43 212 C -43 192 -34 186 -32 {WAIST} "
            "C -32 152 -35 142 -38 126 L -37 100 Z"
        )
        _cover(sheet, scene, data, vest, torso_shade(212, 1))
        sheet.path("M -27 92 L 0 138 L 27 92", line=vest.light, width=2.6)
        _draw_collar(sheet, scene, white)
        crest = "M 15 134 L 27 134 L 27 144 Q 27 151 21 154 Q 15 151 15 144 Z"
        sheet.path(crest, "#e7c24a", line=vest.line, width=width * 0.8)


def _draw_kimono(sheet: Sheet, scene: Scene) -> None:
    cloth, trim, sash = scene.tones("cloth"), scene.tones("trim"), scene.tones("accent")
    rng, width = scene.rng("kimono"), scene.style.line
    low = 276.0 if scene.has("sitting") else CROTCH + scene.pose.legs * 0.93
    wide = 84.0 if scene.has("sitting") else 47.0
    with sheet.part("kimono", *scene.seat("kimono")):
        gown = (
            f"M -33 {WAIST - 6} L 33 {WAIST - 6} C 46 196 {wide} 220 {wide} {low} "
            f"Q 0 {low + 10} {-wide} {low} C {-wide} 220 -46 196 -33 {WAIST - 6} Z"
        )
        edge = f"C -44 196 {-wide + 2} 220 {-wide + 2} {low - 2}"
        fold = f"M -32 {WAIST} {edge} L -14 {low} L -10 {WAIST} Z"
        _cover(sheet, scene, gown, cloth, fold)
        sheet.path(f"M 8 {WAIST} C 20 230 18 300 26 {low + 4}", line=cloth.line, width=width)
        _cover_torso(sheet, scene, "M -18 82 L 0 128 L 18 82", WAIST, 4, cloth)
        for side in (1, -1):
            collar = "M 13 72 L 25 82 C 20 106 4 132 -22 160 L -30 150 C -8 124 10 102 13 72 Z"
            sheet.path(collar, trim.base, line=trim.line, width=width, side=side)
        for _ in range(9):
            x, y = between(rng, -38, 38), between(rng, 200, low - 12)
            colour = pick(rng, (cloth.light, trim.base, sash.base))
            for place in range(5):
                with sheet.moved(x, y, turn=72 * place):
                    sheet.ellipse((0, -4.4), (2.8, 3.8), colour)
        obi = f"M -35 148 L 35 148 L 37 {WAIST + 16} L -37 {WAIST + 16} Z"
        sheet.path(obi, sash.base, line=sash.line, width=width)
        sheet.path(f"M -36 {WAIST - 2} L 36 {WAIST - 2}", line=sash.light, width=3.2)
