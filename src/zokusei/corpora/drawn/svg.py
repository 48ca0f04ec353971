"""A sheet of paper: shapes become SVG text, and marks say where an attribute can be seen."""

import math
from collections.abc import Iterator
from contextlib import contextmanager

PAPER = 256.0
"""Width and height of the drawing in its own units, whatever its size in pixels."""

_Matrix = tuple[float, float, float, float, float, float]


class Sheet:
    """Collects shapes, drawn in order, each over the ones before it.

    All coordinates are rounded to two decimals, so that the text is the same everywhere.

    >>> sheet = Sheet()
    >>> with sheet.moved(128, 100, scale=2):
    ...     sheet.path("M 0 0 L 10.001 0 L 0 5 Z", fill="#ff0000")
    ...     sheet.mark("red_hair", (1, 1))
    ...     sheet.mark("halo", (0, -90))
    >>> sheet.visible()
    {'red_hair'}
    """

    def __init__(self) -> None:
        self._shapes: list[str] = []
        self._definitions: list[str] = []
        self._frames: list[_Matrix] = [(1.0, 0.0, 0.0, 1.0, 0.0, 0.0)]
        self._marks: dict[str, list[bool]] = {}

    def path(
        self,
        data: str,
        fill: str = "none",
        *,
        line: str = "none",
        width: float = 0.0,
        opacity: float = 1.0,
        side: float = 1,
    ) -> None:
        """Draw a path.

        Args:
            data: SVG path of absolute M, L, C, Q and Z, all parts separated by spaces.
            fill: colour or gradient.
            line: colour of the outline.
            width: width of the outline.
            opacity: of the whole shape.
            side: factor on every x; -1 draws the mirrored shape.
        """
        self._add(f'path d="{written(data, side)}"', fill, line, width, opacity)

    def ellipse(
        self,
        centre: tuple[float, float],
        radii: tuple[float, float],
        fill: str = "none",
        *,
        line: str = "none",
        width: float = 0.0,
        opacity: float = 1.0,
    ) -> None:
        """Draw an ellipse with its axes along x and y."""
        (x, y), (rx, ry) = centre, radii
        shape = f'ellipse cx="{x:.2f}" cy="{y:.2f}" rx="{rx:.2f}" ry="{ry:.2f}"'
        self._add(shape, fill, line, width, opacity)

    def gradient(self, *stops: str, level: bool = False) -> str:
        """Define an even gradient, from top to bottom or from left to right, and name it."""
        name = f"g{len(self._definitions)}"
        last = len(stops) - 1
        colours = "".join(
            f'<stop offset="{place / last:.2f}" stop-color="{colour}"/>'
            for place, colour in enumerate(stops)
        )
        end = 'x2="1" y2="0"' if level else 'x2="0" y2="1"'
        self._definitions.append(
            f'<linearGradient id="{name}" x1="0" y1="0" {end}>{colours}</linearGradient>'
        )
        return f"url(#{name})"

    @contextmanager
    def clipped(self, data: str, side: float = 1) -> Iterator[None]:
        """Show what is drawn inside only where the path is."""
        name = f"c{len(self._definitions)}"
        self._definitions.append(
            f'<clipPath id="{name}"><path d="{written(data, side)}"/></clipPath>'
        )
        self._shapes.append(f'<g clip-path="url(#{name})">')
        yield
        self._shapes.append("</g>")

    @contextmanager
    def moved(
        self,
        x: float = 0.0,
        y: float = 0.0,
        *,
        scale: float = 1.0,
        turn: float = 0.0,
        mirrored: bool = False,
    ) -> Iterator[None]:
        """Draw in a frame whose origin is (x, y), turned by `turn` degrees, then scaled."""
        wide = -scale if mirrored else scale
        self._shapes.append(
            f'<g transform="translate({x:.2f} {y:.2f}) rotate({turn:.2f}) '
            f'scale({wide:.3f} {scale:.3f})">'
        )
        cosine, sine = math.cos(math.radians(turn)), math.sin(math.radians(turn))
        a, b, c, d = cosine * wide, sine * wide, -sine * scale, cosine * scale
        p, q, r, s, e, f = self._frames[-1]
        self._frames.append(
            (
                *(p * a + r * b, q * a + s * b, p * c + r * d, q * c + s * d),
                *(p * x + r * y + e, q * x + s * y + f),
            )
        )
        yield
        self._frames.pop()
        self._shapes.append("</g>")

    def mark(self, tag: str, *points: tuple[float, float]) -> None:
        """Say that what is at these points of the present frame shows the attribute."""
        a, b, c, d, e, f = self._frames[-1]
        seen = self._marks.setdefault(tag, [])
        for x, y in points:
            across, down = a * x + c * y + e, b * x + d * y + f
            seen.append(0 < across < PAPER and 0 < down < PAPER)

    def visible(self) -> set[str]:
        """Give the attributes of which at least half of the marks lie on the paper."""
        return {tag for tag, seen in self._marks.items() if 2 * sum(seen) >= len(seen)}

    def svg(self) -> str:
        """Give the drawing as SVG text."""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {PAPER:.0f} {PAPER:.0f}">'
            f"<defs>{''.join(self._definitions)}</defs>{''.join(self._shapes)}</svg>"
        )

    def _add(self, shape: str, fill: str, line: str, width: float, opacity: float) -> None:
        if opacity <= 0:
            return
        text = f'<{shape} fill="{fill}"'
        if line != "none" and width > 0:
            text += (
                f' stroke="{line}" stroke-width="{width:.2f}"'
                ' stroke-linejoin="round" stroke-linecap="round"'
            )
        if opacity < 1:
            text += f' opacity="{opacity:.2f}"'
        self._shapes.append(text + "/>")


def written(data: str, side: float = 1) -> str:
    """Write a path with every number rounded and every x multiplied by `side`.

    >>> written("M 1 2 L 3.14159 4", side=-1)
    'M -1.00 2.00 L -3.14 4.00'
    """
    parts = []
    across = True
    for part in data.split():
        if part.isalpha():
            parts.append(part)
            across = True
        else:
            number = float(part) * side if across else float(part)
            parts.append(f"{number:.2f}")
            across = not across
    return " ".join(parts)
