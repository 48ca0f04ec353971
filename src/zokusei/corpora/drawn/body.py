"""Neck, shoulders and what they wear, in the frame of the figure (the head's, not tilted)."""

from zokusei.corpora.drawn.palette import Tones
from zokusei.corpora.drawn.scene import Scene, pick
from zokusei.corpora.drawn.svg import Sheet

_SHOULDERS = (
    "M -16 78 C -26 86 -62 88 -78 104 C -90 118 -92 160 -92 260 L 92 260 "
    "C 92 160 90 118 78 104 C 62 88 26 86 16 78 Z"
)


def draw_body(sheet: Sheet, scene: Scene) -> None:
    """Draw the neck, the shoulders, the clothes, then the choker."""
    skin, style = scene.tones("skin"), scene.style
    neck = (
        "M -15 36 C -14 60 -14 72 -22 80 C -40 90 -60 92 -70 100 L -60 140 L 60 140 L 70 100 "
        "C 60 92 40 90 22 80 C 14 72 14 60 15 36 Z"
    )
    sheet.path(neck, skin.base, line=skin.line, width=style.line)
    with sheet.clipped(neck):
        sheet.path(
            "M -30 30 L -18 62 Q 4 76 20 60 L 30 30 Z",
            skin.shade,
            opacity=max(0.6, style.shading),
            side=scene.light,
        )
    sheet.path(
        "M -26 88 Q -14 88 -5 92 M 26 88 Q 14 88 5 92", line=skin.line, width=1.0, opacity=0.6
    )
    _TOPS[scene.top](sheet, scene)
    if scene.has("choker"):
        _draw_choker(sheet, scene)


def _draw_choker(sheet: Sheet, scene: Scene) -> None:
    rng, accent = scene.rng("choker"), scene.tones("accent")
    dark = rng.random() < 0.6
    fill, line = ("#1d1a22", "#050406") if dark else (accent.base, accent.line)
    sheet.path("M -15.5 61 Q 0 68 15.5 61 L 16.5 69 Q 0 76 -16.5 69 Z", fill, line=line, width=1.0)
    charm = pick(rng, ("none", "gem", "bell"))
    if charm == "gem":
        sheet.path("M 0 70 L 5 76 L 0 83 L -5 76 Z", accent.light, line=accent.line, width=1.2)
    elif charm == "bell":
        sheet.ellipse((0, 76), (5.4, 5.4), "#f2c53d", line="#7a5410", width=1.3)
        sheet.path("M 0 77 L 0 80.5 M -4.6 75 L 4.6 75", line="#7a5410", width=1.2)
    sheet.mark("choker", (-12, 66), (12, 66))


def _base(sheet: Sheet, scene: Scene, neckline: str) -> Tones:
    """Draw shoulders in cloth, with folds and a shadow; the neckline runs from left to right."""
    cloth, style = scene.tones("cloth"), scene.style
    data = (
        f"{neckline} C 62 88 78 98 82 112 C 92 130 92 170 92 260 L -92 260 "
        "C -92 170 -92 130 -82 112 C -78 98 -62 88 -31 86 Z"
    )
    fill = sheet.gradient(cloth.base, cloth.shade) if style.soft else cloth.base
    sheet.path(data, fill, line=cloth.line, width=style.line)
    with sheet.clipped(data):
        sheet.path(
            "M -100 80 L -56 90 C -50 130 -60 160 -44 260 L -100 260 Z",
            cloth.shade,
            opacity=style.shading,
            side=scene.light,
        )
    for side in (-1, 1):
        fold = "M 62 132 Q 58 160 62 200 M 56 150 Q 50 142 44 140"
        sheet.path(fold, line=cloth.line, width=1.0, opacity=0.7, side=side)
    return cloth


def _draw_shirt(sheet: Sheet, scene: Scene) -> None:
    cloth, trim, width = scene.tones("cloth"), scene.tones("trim"), scene.style.line
    _base(sheet, scene, "M -30 86 L 0 108 L 30 86")
    if scene.rng("tie").random() < 0.6:
        sheet.path(
            "M -6 104 L 6 104 L 5 114 L 11 170 L 0 184 L -11 170 L -5 114 Z",
            trim.base,
            line=trim.line,
            width=width,
        )
        sheet.path("M -6 114 L 6 114", line=trim.line, width=1.0)
    else:
        sheet.path("M 0 108 L 0 260", line=cloth.line, width=1.2)
        for y in (122, 146, 170):
            sheet.ellipse((4, y), (1.8, 1.8), cloth.light, line=cloth.line, width=0.8)
    for side in (-1, 1):
        sheet.path(
            "M 18 76 L 34 88 L 26 114 L 1 104 Z",
            cloth.light,
            line=cloth.line,
            width=width,
            side=side,
        )


def _draw_sailor(sheet: Sheet, scene: Scene) -> None:
    trim, accent, width = scene.tones("trim"), scene.tones("accent"), scene.style.line
    _base(sheet, scene, "M -28 84 L 0 128 L 28 84")
    for side in (-1, 1):
        sheet.path(
            "M 18 78 C 34 82 58 86 66 98 C 64 118 34 126 0 146 L 0 126 Z",
            trim.base,
            line=trim.line,
            width=width,
            side=side,
        )
        sheet.path("M 58 98 C 54 112 30 119 3 135", line="#f6f6f8", width=2.0, side=side)
    for side in (-1, 1):
        sheet.path(
            "M 0 140 C 10 126 28 124 30 134 C 32 150 26 158 0 146 Z",
            accent.base,
            line=accent.line,
            width=width,
            side=side,
        )
        sheet.path(
            "M 1 146 L 14 182 L 4 178 Z", accent.shade, line=accent.line, width=width, side=side
        )
    sheet.ellipse((0, 143), (5, 6), accent.base, line=accent.line, width=width)


def _draw_tee(sheet: Sheet, scene: Scene) -> None:
    trim, width = scene.tones("trim"), scene.style.line
    _base(sheet, scene, "M -32 86 C -20 106 20 106 32 86")
    collar = "M -32 86 C -20 106 20 106 32 86 L 28 83 C 18 99 -18 99 -28 83 Z"
    sheet.path(collar, trim.base, line=trim.line, width=width)
    if scene.rng("print").random() < 0.5:
        for y in (132, 156, 180):
            sheet.path(f"M -52 {y} Q 0 {y + 8} 52 {y}", line=trim.base, width=8, opacity=0.9)


def _draw_hoodie(sheet: Sheet, scene: Scene) -> None:
    cloth, trim, width = scene.tones("cloth"), scene.tones("trim"), scene.style.line
    _base(sheet, scene, "M -30 84 Q 0 112 30 84")
    for side in (-1, 1):
        sheet.path(
            "M 15 74 C 40 68 62 82 58 96 C 46 110 20 112 0 118 C 14 104 24 92 15 74 Z",
            cloth.base,
            line=cloth.line,
            width=width,
            side=side,
        )
        sheet.path("M 12 114 Q 15 130 11 146", line=trim.base, width=2.6, side=side)
    sheet.path("M 0 118 L 0 260", line=cloth.line, width=1.4)


def _draw_straps(sheet: Sheet, scene: Scene) -> None:
    cloth, width = scene.tones("cloth"), scene.style.line
    skin = scene.tones("skin")
    sheet.path(_SHOULDERS, skin.base, line=skin.line, width=width)
    sheet.path("M -15 60 L -16 82 L 16 82 L 15 60 Z", skin.base)
    sheet.path("M -26 90 Q -14 90 -5 94 M 26 90 Q 14 90 5 94", line=skin.line, width=1.0)
    for side in (-1, 1):
        sheet.path(
            "M 38 88 L 46 90 L 50 140 L 40 140 Z",
            cloth.shade,
            line=cloth.line,
            width=width,
            side=side,
        )
    top = "M -64 138 C -40 124 -16 128 0 140 C 16 128 40 124 64 138 L 70 260 L -70 260 Z"
    sheet.path(top, cloth.base, line=cloth.line, width=width)


def _draw_kimono(sheet: Sheet, scene: Scene) -> None:
    cloth, trim, width = scene.tones("cloth"), scene.tones("trim"), scene.style.line
    _base(sheet, scene, "M -34 86 L 0 140 L 34 86")
    for side, tones in ((1, trim), (-1, trim)):
        sheet.path(
            "M 18 74 L 34 82 C 26 108 6 134 -26 168 L -36 156 C -8 130 12 104 18 74 Z",
            tones.base,
            line=tones.line,
            width=width,
            side=side,
        )
    rng = scene.rng("print")
    for x, y in ((-60, 130), (58, 124), (50, 168), (-52, 186), (70, 150)):
        size = 4 + 3 * rng.random()
        for place in range(5):
            with sheet.moved(x, y, turn=72 * place):
                sheet.ellipse((0, -size * 0.7), (size * 0.45, size * 0.6), cloth.light)


_TOPS = {
    "shirt": _draw_shirt,
    "sailor": _draw_sailor,
    "tee": _draw_tee,
    "hoodie": _draw_hoodie,
    "straps": _draw_straps,
    "kimono": _draw_kimono,
}
