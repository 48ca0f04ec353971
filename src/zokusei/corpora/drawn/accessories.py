"""What is worn on the face and the ears."""

from zokusei.corpora.drawn.chance import between, pick
from zokusei.corpora.drawn.eyes import patched_side
from zokusei.corpora.drawn.face import BLACK, WHITE
from zokusei.corpora.drawn.palette import Hsl
from zokusei.corpora.drawn.parts import draw_parts
from zokusei.corpora.drawn.scene import Scene
from zokusei.corpora.drawn.svg import Sheet


def draw_facewear(sheet: Sheet, scene: Scene) -> None:
    """Draw glasses, sunglasses or an eyepatch."""
    draw_parts(
        sheet,
        scene,
        {
            "eyepatch": _draw_eyepatch,
            "glasses": _draw_glasses,
            "sunglasses": _draw_sunglasses,
        },
    )


def draw_earrings(sheet: Sheet, scene: Scene) -> None:
    """Draw an earring before the hair on each side."""
    if not scene.has("earrings"):
        return
    rng, width = scene.rng("earrings"), max(1.2, scene.style.line * 0.9)
    kind = pick(rng, ("drop", "hoop", "star", "tassel"))
    tones = scene.mix(
        pick(
            rng,
            (Hsl(46, 0.85, 0.56), Hsl(220, 0.15, 0.85), Hsl(355, 0.8, 0.5), Hsl(205, 0.8, 0.55)),
        )
    )
    for side in (-1, 1):
        with sheet.part("earrings", "earrings"), sheet.moved(side * 55, 27, mirrored=side < 0):
            if kind == "hoop":
                sheet.ellipse((0, 10), (8, 9.5), line=tones.line, width=5.2)
                sheet.ellipse((0, 10), (8, 9.5), line=tones.base, width=3.0)
            elif kind == "star":
                star = "M 0 0 L 3 7 L 11 7 L 5 12 L 8 20 L 0 15 L -8 20 L -5 12 L -11 7 L -3 7 Z"
                sheet.path(star, tones.base, line=tones.line, width=width)
            elif kind == "tassel":
                sheet.path(
                    "M -5 8 L 5 8 L 8 28 L -8 28 Z", tones.base, line=tones.line, width=width
                )
                sheet.ellipse((0, 4), (5, 5), tones.light, line=tones.line, width=width)
            else:
                sheet.ellipse((0, 2), (3.2, 3.2), tones.light, line=tones.line, width=width)
                drop = "M 0 5 C 8 14 9 24 0 25 C -9 24 -8 14 0 5 Z"
                sheet.path(drop, tones.base, line=tones.line, width=width)
                sheet.path("M -3 16 Q -3 20 -1 22", line=tones.light, width=1.4)


def _draw_sunglasses(sheet: Sheet, scene: Scene) -> None:
    """Draw dark lenses: pushed up into the hair, or low on the nose below the eyes."""
    rng, shift = scene.rng("sunglasses"), scene.pose.turn * 4
    frame = pick(rng, (BLACK, Hsl(355, 0.7, 0.45).hex(), Hsl(40, 0.5, 0.5).hex(), "#f2f2f4"))
    lens = pick(rng, (Hsl(230, 0.2, 0.14), Hsl(265, 0.3, 0.25), Hsl(25, 0.5, 0.25))).hex()
    crowded = scene.has("hat", "hairband", "crown", "maid_headdress", "headphones")
    y = 26.0 if crowded else -40.0
    high = 8.0 if crowded else 12.0
    with sheet.moved(shift * (0.4 if not crowded else 1.0), y):
        for side in (-1, 1):
            shape = (
                f"M 4 {-high} Q 22 {-high - 3} 42 {-high + 1} C 43 {high} 32 {high + 5} "
                f"24 {high + 4} C 12 {high + 4} 4 {high - 2} 4 {-high} Z"
            )
            sheet.path(shape, lens, line=frame, width=3.0, side=side)
            sheet.path(
                f"M 12 {high - 3} L 22 {-high + 3}", line=WHITE, width=2.6, opacity=0.7, side=side
            )
            sheet.path(f"M 42 {-high + 2} L 55 {-high - 2}", line=frame, width=3.0, side=side)
        sheet.path(f"M -5 {-high + 2} Q 0 {-high - 2} 5 {-high + 2}", line=frame, width=3.0)


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
        sheet.path(f"M -5 {low - 4} Q 0 {low - 8} 5 {low - 4}", line=colour, width=width)


def _draw_eyepatch(sheet: Sheet, scene: Scene) -> None:
    """Draw a patch over the eye that `patched_side` names."""
    rng, side = scene.rng("eyepatch"), patched_side(scene)
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
