"""The shapes of a body: tubes along joints, the torso, skirts."""

import math
from collections.abc import Sequence
from itertools import pairwise

from zokusei.corpora.drawn.pose import ARMS, CROTCH, HIP, WAIST, Point, Pose


def tube(points: Sequence[Point], widths: Sequence[float], cap: float = 0.0) -> str:
    """Give the outline of a limb: a smooth strip about a line.

    Args:
        points: the line, of at least two points.
        widths: half the strip's width at each of them.
        cap: how far its beginning bulges, as a share of its width there.

    >>> tube([(0, 0), (0, 10)], [2, 2]).startswith("M -2.0 0.0 C")
    True
    """
    left, right = [], []
    for place, (x, y) in enumerate(points):
        before, after = points[max(place - 1, 0)], points[min(place + 1, len(points) - 1)]
        across, down = after[0] - before[0], after[1] - before[1]
        length = math.hypot(across, down)
        step = (-down / length * widths[place], across / length * widths[place])
        left.append((x + step[0], y + step[1]))
        right.append((x - step[0], y - step[1]))
    (x, y), end, start = left[0], right[-1], right[::-1]
    # A quarter turn to the left of the line's direction leads from its middle to `left`.
    back = ((points[0][1] - y) * cap * 2.2, (x - points[0][0]) * cap * 2.2)
    closed = (
        f"C {right[0][0] + back[0]} {right[0][1] + back[1]} {x + back[0]} {y + back[1]} {x} {y}"
        if cap
        else ""
    )
    return f"M {x} {y} {_smooth(left)} L {end[0]} {end[1]} {_smooth(start)} {closed} Z"


def _smooth(points: Sequence[Point]) -> str:
    """Give a curve through points (Catmull and Rom's spline), without its start."""
    parts = []
    for place in range(len(points) - 1):
        zero, one = points[max(place - 1, 0)], points[place]
        two, three = points[place + 1], points[min(place + 2, len(points) - 1)]
        parts.append(
            f"C {one[0] + (two[0] - zero[0]) / 6} {one[1] + (two[1] - zero[1]) / 6} "
            f"{two[0] - (three[0] - one[0]) / 6} {two[1] - (three[1] - one[1]) / 6} "
            f"{two[0]} {two[1]}"
        )
    return " ".join(parts)


def shaded(points: Sequence[Point], widths: Sequence[float]) -> str:
    """Give the outer side of a right limb, where shade falls: a strip within its outline."""
    moved = [(x + 0.45 * width, y) for (x, y), width in zip(points, widths, strict=True)]
    return tube(moved, [width * 0.5 for width in widths])


def taper(first: float, last: float, count: int) -> list[float]:
    """Give widths that go evenly from one to another.

    >>> taper(4, 2, 3)
    [4.0, 3.0, 2.0]
    """
    return [first + (last - first) * place / (count - 1) for place in range(count)]


def along(points: Sequence[Point], start: float, end: float) -> list[Point]:
    """Give the part of a bent line between two shares of its length, with its bends.

    >>> along([(0, 0), (10, 0), (10, 10)], 0.25, 0.75)
    [(5.0, 0.0), (10, 0), (10.0, 5.0)]
    """
    lengths = [math.dist(one, two) for one, two in pairwise(points)]
    total, done = sum(lengths), 0.0
    inside: list[Point] = []
    for place, length in enumerate(lengths):
        low, high = done / total, (done + length) / total
        for share in (start, end):
            if low <= share <= high and (share > low or place == 0):
                part = (share - low) / (high - low)
                one, two = points[place], points[place + 1]
                inside.append(
                    (one[0] + (two[0] - one[0]) * part, one[1] + (two[1] - one[1]) * part)
                )
        if start < high < end:
            inside.append(points[place + 1])
        done += length
    return inside


def arm(pose: Pose, side: int) -> tuple[Point, Point, Point]:
    """Give shoulder, elbow and hand of an arm, as a right arm."""
    return ARMS[dict(pose.arms)[side]]


def leg(pose: Pose, seated: bool) -> tuple[Point, Point, Point]:
    """Give hip, knee and ankle of a right leg."""
    if seated:
        return (19, 214), (37, 262), (80, 271)
    spread = pose.apart
    return (
        (20, CROTCH - 8),
        (20 + 3 * spread, CROTCH + pose.legs * 0.5),
        (18 + 7 * spread, CROTCH + pose.legs),
    )


def torso(neck: str, low: float, ease: float = 0.0) -> str:
    """Give the outline of what covers the body from the shoulders down to a height.

    Args:
        neck: path of the neckline, from the left to the right of the neck.
        low: where it ends.
        ease: how loosely it is cut.
    """
    waist, hip = 29 + ease, 41 + ease
    below = f"C {waist + 3} 186 {hip} 192 {hip} {HIP}" if low > WAIST else ""
    end = f"L {hip} {max(low, HIP)}" if low > WAIST else ""
    mirror = (
        f"L {-hip} {max(low, HIP)} L {-hip} {HIP} C {-hip} 192 {-waist - 3} 186 {-waist} {WAIST}"
    )
    back = mirror if low > WAIST else ""
    return (
        f"{neck} C 34 88 46 92 50 104 L {40 + ease * 0.6} 126 "
        f"C {35 + ease} 142 {waist} 152 {waist} {WAIST} {below} {end} "
        f"{back if back else f'L {-waist} {WAIST}'} "
        f"C {-waist} 152 {-35 - ease} 142 {-40 - ease * 0.6} 126 L -50 104 C -46 92 -34 88 -20 86 Z"
    )


def torso_shade(low: float, ease: float = 0.0) -> str:
    """Give the left side of a torso's outline, for its shadow."""
    waist, hip = 28 + ease, 40 + ease
    below = f"C {-waist - 3} 186 {-hip} 192 {-hip} {HIP} L {-hip} {low - 1}" if low > WAIST else ""
    inner = f"L {-hip * 0.3} {low - 1} " if low > WAIST else ""
    return (
        f"M -48 104 L {-39 - ease * 0.6} 126 C {-34 - ease} 142 {-waist} 152 {-waist} {WAIST} "
        f"{below} {inner}L -13 {WAIST} C -15 150 -24 124 -30 97 Z"
    )


def skirt(top: float, low: float, flare: float, waves: int = 6, half: float = 30.0) -> str:
    """Give the outline of a skirt whose hem runs in waves.

    Args:
        top: height of its waistband.
        low: height of its hem.
        flare: how much wider the hem is than the hips, on each side.
        waves: folds along the hem.
        half: half the width of the waistband.
    """
    wide = 42 + flare
    step = 2 * wide / waves
    hem = " ".join(
        f"Q {wide - step * (place + 0.5)} {low + 7} {wide - step * (place + 1)} {low}"
        for place in range(waves)
    )
    reach = top + (low - top) * 0.4
    return (
        f"M {-half} {top} L {half} {top} C {half + 10} {reach - 6} {wide - 6} {reach + 10} "
        f"{wide} {low} {hem} C {-wide + 6} {reach + 10} {-half - 10} {reach - 6} {-half} {top} Z"
    )


def skirt_shade(top: float, low: float, flare: float, half: float = 30.0) -> str:
    """Give the left side of a skirt's outline, for its shadow."""
    wide, reach = 42 + flare, top + (low - top) * 0.4
    return (
        f"M {-half + 1} {top + 2} C {-half - 8} {reach - 6} {-wide + 8} {reach + 10} "
        f"{-wide + 3} {low - 2} L {-wide * 0.4} {low - 2} L {-half * 0.4} {top + 2} Z"
    )


def folds(top: float, low: float, flare: float, count: int, half: float = 26.0) -> str:
    """Give the lines of a skirt's folds, from near its waistband to its hem."""
    wide = 42 + flare
    lines = []
    for place in range(1, count):
        share = place / count * 2 - 1
        lines.append(
            f"M {share * half * 1.15} {top + (low - top) * 0.25} L {share * wide} {low - 1}"
        )
    return " ".join(lines)
