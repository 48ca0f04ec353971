"""Skin below the chin: neck, torso, arms, hands and legs, with what covers hands and feet."""

from zokusei.corpora.drawn.chance import between, pick
from zokusei.corpora.drawn.limbs import along, arm, leg, shaded, taper, torso, tube
from zokusei.corpora.drawn.palette import NAMED_CLOTH, Tones
from zokusei.corpora.drawn.pose import RAISED, Point
from zokusei.corpora.drawn.scene import Scene
from zokusei.corpora.drawn.svg import Sheet

_NECK = (
    "M -14 36 C -13 60 -13 70 -20 78 C -30 86 -42 88 -50 100 L -44 130 L 44 130 L 50 100 "
    "C 42 88 30 86 20 78 C 13 70 13 60 14 36 Z"
)


def draw_skin(sheet: Sheet, scene: Scene) -> None:
    """Draw neck and torso, which clothes mostly cover."""
    skin, style = scene.tones("skin"), scene.style
    with sheet.part("skin"):
        sheet.path(torso("M -20 86 L 20 86", 226), skin.base, line=skin.line, width=style.line)
        sheet.path(_NECK, skin.base, line=skin.line, width=style.line)
        under_the_chin = "M -13 36 L -13.4 60 Q 2 74 13.4 58 L 13 36 Z"
        opacity = max(0.6, style.shading)
        sheet.path(under_the_chin, skin.shade, opacity=opacity, side=scene.light)
        bones = "M -24 90 Q -12 90 -5 94 M 24 90 Q 12 90 5 94"
        sheet.path(bones, line=skin.line, width=1.0, opacity=0.6)


def draw_legs(sheet: Sheet, scene: Scene) -> None:
    """Draw the legs, then socks, shoes or boots."""
    skin, style = scene.tones("skin"), scene.style
    seated = scene.has("sitting")
    points = leg(scene.pose, seated)
    widths = (23.0, 17.0, 12.0) if seated else (21.0, 14.5, 8.5)
    for side in (-1, 1):
        with sheet.part("legs", *scene.seat()):
            data = tube(points, widths)
            sheet.path(data, skin.base, line=skin.line, width=style.line, side=side)
            if side == -scene.light:
                dark = shaded(points, widths)
                sheet.path(dark, skin.shade, opacity=0.8 * style.shading, side=side)
        _draw_foot(sheet, scene, points, widths, side)


def _draw_foot(
    sheet: Sheet, scene: Scene, points: tuple[Point, ...], widths: tuple[float, ...], side: int
) -> None:
    rng, style, seated = scene.rng("feet"), scene.style, scene.has("sitting")
    shoe, sock = scene.tones("shoes"), scene.tones("trim")
    x, y = points[-1]
    high = between(rng, 0.5, 0.9)
    kind = pick(rng, ("bare", "socks", "long socks"))
    if scene.has("boots"):
        with sheet.part("boots", "boots"):
            shaft = along(points, 0.5 + high * 0.2, 1.0)
            data = tube(shaft, taper(widths[2] + 7.5, widths[2] + 4.0, len(shaft)))
            sheet.path(data, shoe.base, line=shoe.line, width=style.line, side=side)
            _draw_shoe(sheet, shoe, style.line, (x, y), side, seated, grow=1.25)
            rim = along(points, 0.5 + high * 0.2, 0.55 + high * 0.2)
            cuff = tube(rim, [widths[2] + 9] * len(rim))
            sheet.path(cuff, shoe.light, line=shoe.line, width=style.line, side=side)
        return
    with sheet.part("feet"):
        if kind != "bare":
            start = 0.82 if kind == "socks" else 0.42
            stocking = along(points, start, 1.0)
            above = 5.8 if start < 0.6 else 0.8
            wide = taper(widths[2] + above, widths[2] + 0.8, len(stocking))
            data = tube(stocking, wide)
            sheet.path(data, sock.base, line=sock.line, width=style.line, side=side)
        _draw_shoe(sheet, shoe, style.line, (x, y), side, seated, grow=1.0)


def _draw_shoe(
    sheet: Sheet, tones: Tones, line: float, at: Point, side: int, seated: bool, grow: float
) -> None:
    x, y = at
    if seated:
        sheet.ellipse((side * (x + 12), y + 1), (15 * grow, 9 * grow), tones.base, line=tones.line)
        return
    with sheet.moved(side * x, y, scale=grow, mirrored=side < 0):
        data = "M -9 -6 C -10 4 -12 12 -9 19 L 14 19 C 19 18 17 10 11 4 L 9 -6 Z"
        sheet.path(data, tones.base, line=tones.line, width=line)
        sheet.path("M -9 16 L 15 16", line=tones.line, width=line * 1.3)
        sheet.path("M -6 2 Q 0 6 8 1", line=tones.light, width=1.6, opacity=0.8)


def draw_arm(sheet: Sheet, scene: Scene, side: int, sleeve: "Sleeve | None") -> None:
    """Draw an arm with its sleeve, its glove and its hand."""
    skin, style = scene.tones("skin"), scene.style
    points = arm(scene.pose, side)
    with sheet.part("arms"):
        bare = tube(points, (12.5, 9.5, 6.5), cap=0.6)
        sheet.path(bare, skin.base, line=skin.line, width=style.line, side=side)
    _draw_hand(sheet, scene, points, side)
    if sleeve is not None:
        sleeve.draw(sheet, scene, points, side)


def raised(scene: Scene, side: int) -> bool:
    """Whether an arm comes before body and hair."""
    return dict(scene.pose.arms)[side] in RAISED


def _draw_hand(sheet: Sheet, scene: Scene, points: tuple[Point, ...], side: int) -> None:
    tones, style = scene.tones("skin"), scene.style
    glove = scene.one_of(("black_gloves", "white_gloves"))
    rng = scene.rng("gloves")
    if glove:
        tones = scene.mix(NAMED_CLOTH[glove.split("_")[0]].sample(rng))
    (ex, ey), (x, y) = points[1], points[2]
    length = max(((x - ex) ** 2 + (y - ey) ** 2) ** 0.5, 1.0)
    dx, dy = (x - ex) / length, (y - ey) / length
    with sheet.part("gloves", glove) if glove else sheet.part("hands"):
        if glove:
            start = between(rng, 0.55, 0.8)
            line = along(points, start, 1.0)
            data = tube(line, taper(9.8, 8.2, len(line)))
            sheet.path(data, tones.base, line=tones.line, width=style.line, side=side)
        palm = tube(
            [(x - dx * 4, y - dy * 4), (x + dx * 6, y + dy * 6), (x + dx * 15, y + dy * 15)],
            (7.2, 9.2, 5.4),
        )
        sheet.path(palm, tones.base, line=tones.line, width=style.line, side=side)
        tip = (x + dx * 16, y + dy * 16)
        root = (x + dx * 6, y + dy * 6)
        for shift in (-2.4, 1.6):
            sheet.path(
                f"M {tip[0] - dy * shift} {tip[1] + dx * shift} "
                f"L {root[0] - dy * shift} {root[1] + dx * shift}",
                line=tones.line,
                width=0.8,
                opacity=0.8,
                side=side,
            )
        thumb = tube([(x, y), (x + dx * 8 + dy * 8, y + dy * 8 - dx * 8)], (3.4, 2.6))
        sheet.path(thumb, tones.base, line=tones.line, width=style.line * 0.8, side=side)


class Sleeve:
    """What covers an arm from the shoulder on.

    Args:
        part: part it belongs to.
        tags: tags the part shows.
        tones: its cloth.
        reach: share of the arm that it covers.
        wide: half its width at the shoulder, and at its end.
        cuff: colours of its end, if that is another cloth.
    """

    def __init__(
        self,
        part: str,
        tags: tuple[str, ...],
        tones: Tones,
        reach: float,
        wide: tuple[float, float],
        cuff: Tones | None = None,
    ) -> None:
        self.part, self.tags, self.tones = part, tags, tones
        self.reach, self.wide, self.cuff = reach, wide, cuff

    def draw(self, sheet: Sheet, scene: Scene, points: tuple[Point, ...], side: int) -> None:
        """Draw the sleeve over an arm."""
        style, tones = scene.style, self.tones
        line = along(points, 0.0, self.reach)
        # It begins above the joint, so that shoulder and sleeve are one.
        (x, y), (ex, ey) = line[0], line[1]
        line[0] = (x - (ex - x) * 0.06, y - (ey - y) * 0.06)
        wide = taper(*self.wide, len(line))
        data = tube(line, wide, cap=0.6)
        with sheet.part(self.part, *self.tags):
            sheet.path(data, tones.base, line=tones.line, width=style.line, side=side)
            if side == -scene.light:
                sheet.path(shaded(line, wide), tones.shade, opacity=style.shading, side=side)
            elif len(line) > 2:
                bx, by = line[1]
                crease = f"M {bx - 8} {by - 2} Q {bx} {by + 3} {bx + 6} {by - 4}"
                sheet.path(crease, line=tones.line, width=1.0, opacity=0.8, side=side)
            if self.cuff is not None:
                end = along(points, max(self.reach - 0.07, 0.02), self.reach)
                band = tube(end, [self.wide[1] + 1.2] * len(end))
                sheet.path(band, self.cuff.base, line=self.cuff.line, width=style.line, side=side)
