"""Eyes and eyebrows: the layers that make a face anime.

From back to front: the white, the iris from dark above to light below, the pupil, the shade
of the lid, two or three highlights, the lower lashes, and the thick upper lash line.
"""

from dataclasses import dataclass

from zokusei.corpora.drawn.chance import between
from zokusei.corpora.drawn.face import WHITE, frowning
from zokusei.corpora.drawn.palette import Hsl
from zokusei.corpora.drawn.scene import Scene
from zokusei.corpora.drawn.svg import Sheet

_DOWN = 11.0
"""How far the middle of the eyes lies below that of the head."""


@dataclass(frozen=True)
class _Eye:
    """One open eye: half its width and height, and the height of its inner and outer corner."""

    side: int
    across: float
    wide: float
    high: float
    inner: float
    outer: float

    @property
    def lid(self) -> str:
        """The curve of the upper lid from the inner corner."""
        wide, high = self.wide, self.high
        return f"C {-wide * 0.75} {-high * 1.02} {wide * 0.5} {-high * 1.12} {wide} {self.outer}"


def _eyes(scene: Scene) -> tuple[list[_Eye], list[_Eye]]:
    """Give the eyes that are open and those that are closed; a covered one is neither."""
    open_: list[_Eye] = []
    closed: list[_Eye] = []
    winking = 1 if scene.rng("wink").random() < 0.5 else -1
    for side in (-1, 1):
        if side == patched_side(scene):
            continue
        # Of a turned head the eye on the far side is narrower and nearer to the nose.
        far = max(0.0, scene.pose.turn * side)
        eye = _Eye(
            side=side,
            across=side * (22.5 - 1.5 * far),
            wide=scene.style.eye_width * scene.eye_size * (1 - 0.09 * far),
            high=scene.style.eye_height * scene.eye_size,
            inner=2 + scene.slant * 0.4,
            outer=-1 - scene.slant,
        )
        shut = scene.has("closed_eyes") or (scene.has("one_eye_closed") and side == winking)
        (closed if shut else open_).append(eye)
    return open_, closed


def patched_side(scene: Scene) -> int:
    """Give the side of the eye that is under an eyepatch, 0 without one."""
    if not scene.has("eyepatch"):
        return 0
    return 1 if scene.rng("patch side").random() < 0.5 else -1


def hidden_side(scene: Scene) -> int:
    """Give the side of the eye that hair hangs over, 0 without it."""
    if not scene.has("hair_over_one_eye"):
        return 0
    return 1 if scene.rng("hidden side").random() < 0.5 else -1


def draw_eyes(sheet: Sheet, scene: Scene) -> None:
    """Draw both eyes, open, closed or behind a patch."""
    open_, closed = _eyes(scene)
    for eye in open_:
        with sheet.part("eyes"), sheet.moved(eye.across, _DOWN):
            _draw_open(sheet, scene, eye)
    lid = scene.one_of(("closed_eyes", "one_eye_closed"))
    for eye in closed:
        with sheet.part("lids", lid), sheet.moved(eye.across, _DOWN):
            _draw_closed(sheet, scene, eye.side, eye.wide)
    with sheet.part("eyes"):
        draw_lashes(sheet, scene)


def draw_lashes(sheet: Sheet, scene: Scene, opacity: float = 1.0) -> None:
    """Draw the upper lashes of the open eyes; a second time, faintly, over the fringe."""
    lash = _lash_colour(scene)
    for eye in _eyes(scene)[0]:
        if opacity < 1 and eye.side == hidden_side(scene):
            continue
        wide, high, inner, outer = eye.wide, eye.high, eye.inner, eye.outer
        thick = 3.2 + 0.3 * scene.style.line
        with sheet.moved(eye.across, _DOWN):
            sheet.path(
                f"M {-wide * 1.04} {inner + 1} {eye.lid} L {wide * 1.24} {outer - 4} "
                f"L {wide * 1.06} {outer - 6} C {wide * 0.5} {-high * 1.1 - thick} "
                f"{-wide * 0.7} {-high * 1.02 - thick} {-wide * 1.04} {inner + 1} Z",
                lash,
                line=lash,
                width=0.8,
                opacity=opacity,
                side=eye.side,
            )


def _lash_colour(scene: Scene) -> str:
    hair, ink = scene.colours["hair"], scene.style.ink
    return Hsl(hair.hue, 0.35 * (1 - ink), 0.1 + 0.1 * (1 - ink)).hex()


def _draw_closed(sheet: Sheet, scene: Scene, side: int, wide: float) -> None:
    """Draw the lid as an arc: bent up when happy, down when calm."""
    rng, lash = scene.rng("lid"), _lash_colour(scene)
    happy = scene.has("smile") and rng.random() < 0.7
    if happy:
        arc = f"M {-wide} 6 C {-wide * 0.6} -5 {wide * 0.6} -6 {wide * 1.05} 5"
    else:
        arc = f"M {-wide} 1 C {-wide * 0.5} 9 {wide * 0.5} 9 {wide * 1.05} 0"
    sheet.path(arc, line=lash, width=2.8, side=side)
    if not happy:
        for x in (0.45, 0.8):
            flick = f"M {wide * x} {6 - 4 * x} L {wide * (x + 0.2)} {10 - 3.5 * x}"
            sheet.path(flick, line=lash, width=1.5, side=side)


def _draw_open(sheet: Sheet, scene: Scene, eye: _Eye) -> None:
    wide, high, inner, outer, side = eye.wide, eye.high, eye.inner, eye.outer, eye.side
    shape = (
        f"M {-wide} {inner} {eye.lid} C {wide * 0.95} {high * 0.62} {wide * 0.55} {high} 0 {high} "
        f"C {-wide * 0.55} {high} {-wide * 0.9} {high * 0.6} {-wide} {inner} Z"
    )
    sheet.path(shape, "#fbfbff", side=side)
    with sheet.clipped(shape, side, owned=True):
        with sheet.part("irises", scene.eye_colour):
            _draw_iris(sheet, scene, wide, high)
        sheet.path(
            f"M {-wide - 2} {inner} {eye.lid} L {wide} {outer + 5} C {wide * 0.5} {-high * 0.6} "
            f"{-wide * 0.6} {-high * 0.5} {-wide} {inner + 4} Z",
            Hsl(250, 0.4, 0.2).hex(),
            opacity=0.28,
            side=side,
        )
    with sheet.part("irises", scene.eye_colour):
        _draw_highlights(sheet, scene, wide, high)
    sheet.path(
        f"M {-wide * 0.25} {high} Q {wide * 0.5} {high * 1.02} {wide * 0.8} {high * 0.55}",
        line=_lash_colour(scene),
        width=1.0,
        opacity=0.8,
        side=side,
    )
    crease = f"M {-wide * 0.6} {-high - 3} Q {wide * 0.1} {-high * 1.35 - 2} {wide * 0.8} {-high}"
    sheet.path(crease, line=scene.tones("skin").line, width=0.9, opacity=0.6, side=side)


def _draw_iris(sheet: Sheet, scene: Scene, wide: float, high: float) -> None:
    eye, colour = scene.tones("eye"), scene.colours["eye"]
    gaze = scene.pose.turn * 1.2
    radii = (wide * 0.7, high * 0.88)
    fill = sheet.gradient(eye.deep, eye.base, eye.light)
    sheet.ellipse((gaze, 0.5), radii, fill, line=eye.deep, width=1.4)
    dark = colour.with_light(colour.lightness * 0.3).hex()
    sheet.ellipse((gaze, 0.0), (wide * 0.3, high * 0.42), dark)
    sheet.ellipse((gaze, high * 0.62), (wide * 0.42, high * 0.16), eye.light, opacity=0.7)


def _draw_highlights(sheet: Sheet, scene: Scene, wide: float, high: float) -> None:
    """Draw what the light leaves in an eye: on the same side in both."""
    rng, gaze = scene.rng("highlight"), scene.pose.turn * 1.2
    size = between(rng, 0.9, 1.2)
    at = scene.light * wide * 0.3
    sheet.ellipse((gaze + at, -high * 0.36), (wide * 0.25 * size, high * 0.25 * size), WHITE)
    sheet.ellipse((gaze - at, high * 0.36), (wide * 0.13, high * 0.12), WHITE, opacity=0.9)


def draw_brows(sheet: Sheet, scene: Scene) -> None:
    """Draw the eyebrows, which in anime are seen even through the hair."""
    rng, hair = scene.rng("brow"), scene.tones("hair")
    tilt = between(rng, -1.0, 1.5)
    if scene.has("tears"):
        tilt = 4.0
    elif frowning(scene):
        tilt = -4.5
    height = -14 - (scene.style.eye_height - 14)
    colour = hair.line if scene.colours["hair"].lightness < 0.85 else hair.deep
    for side in (-1, 1):
        with sheet.part("brows"), sheet.moved(side * 23, height):
            sheet.path(
                f"M -9 {2.2 - tilt} Q 1 -3.5 11 {1 + tilt * 0.6} Q 1 -1 -9 {2.2 - tilt} Z",
                colour,
                line=colour,
                width=1.0,
                opacity=0.72,
                side=side,
            )
