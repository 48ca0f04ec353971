"""A sheet of paper: shapes become SVG text twice, once to look at and once to know what is where.

The second text, the *truth*, draws every shape in the number of the part it belongs to, without
smoothing, gradients or shadows. What is left of a part's number in the rendered truth is what can
be seen of it: parts that are covered, or lie beside the paper, have none.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache

PAPER = 256.0
"""Width and height of the drawing in its own units, whatever its size in pixels."""

OPAQUE = 0.6
"""The opacity from which on a shape hides what lies under it."""

_MANNER = ' fill="none" stroke-linejoin="round" stroke-linecap="round"'
"""What holds for every shape that says nothing else: said once, it need not be read again."""


class Sheet:
    """Collects shapes, drawn in order, each over the ones before it.

    All coordinates are rounded to two decimals, so that the text is the same everywhere.

    Attributes:
        parts: part to the tags it shows, in the order of their numbers, which begin with 1.

    >>> sheet = Sheet()
    >>> with sheet.part("fringe", "red_hair"), sheet.moved(128, 100, scale=2):
    ...     sheet.path("M 0 0 L 10.001 0 L 0 5 Z", fill="#ff0000")
    >>> sheet.parts
    {'fringe': {'red_hair'}}
    >>> "#ff0000" in sheet.svg(256), "#000001" in sheet.truth(128)
    (True, True)
    """

    def __init__(self) -> None:
        self.parts: dict[str, set[str]] = {}
        self._shapes: list[str] = []
        self._owned: list[str] = []
        self._definitions: list[str] = []
        self._clips: list[str] = []
        self._part = 0
        self._quiet = False

    @contextmanager
    def part(self, name: str, *tags: str) -> Iterator[None]:
        """Let everything drawn inside belong to a part; of nested parts the innermost counts."""
        self.parts.setdefault(name, set()).update(tags)
        outer, self._part = self._part, list(self.parts).index(name) + 1
        yield
        self._part = outer

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
            opacity: of fill and outline. What can be looked through hides nothing, and belongs
                to no part.
            side: factor on every x; -1 draws the mirrored shape.
        """
        self._add(f'path d="{written(data, side)}"', (fill, line), width, opacity)

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
        self._add(shape, (fill, line), width, opacity)

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
    def clipped(self, data: str, side: float = 1, *, owned: bool = False) -> Iterator[None]:
        """Show what is drawn inside only where the path is.

        Args:
            data: the path.
            side: factor on every x.
            owned: whether what is drawn inside belongs to its part. Mostly it is the shading of
                a shape that does already, and to clip the truth for it takes time.
        """
        name = f"c{len(self._clips)}"
        self._clips.append(f'<clipPath id="{name}"><path d="{written(data, side)}"/></clipPath>')
        quiet, self._quiet = self._quiet, self._quiet or not owned
        texts = (self._shapes, self._owned) if owned else (self._shapes,)
        for text in texts:
            text.append(f'<g clip-path="url(#{name})">')
        yield
        for text in texts:
            text.append("</g>")
        self._quiet = quiet

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
        start = (
            f'<g transform="translate({x:.2f} {y:.2f}) rotate({turn:.2f}) '
            f'scale({wide:.3f} {scale:.3f})">'
        )
        self._shapes.append(start)
        self._owned.append(start)
        yield
        self._shapes.append("</g>")
        self._owned.append("</g>")

    def svg(self, size: int) -> str:
        """Give the drawing as SVG text of a width and height in pixels."""
        return _document(size, self._definitions + self._clips, self._shapes, _MANNER)

    def truth(self, size: int) -> str:
        """Give the SVG text in which every pixel's colour, as a number, is that of its part."""
        return _document(size, self._clips, self._owned, f'{_MANNER} shape-rendering="crispEdges"')

    def _add(self, shape: str, paints: tuple[str, str], width: float, opacity: float) -> None:
        if opacity <= 0:
            return
        fill, line = paints
        filled, lined = fill != "none", line != "none" and width > 0
        text = owned = f"<{shape}"
        number = f"#{self._part:06x}"
        if filled:
            text += f' fill="{fill}"'
            owned += f' fill="{number}"'
            if opacity < 1:
                # On fill and outline apart: a group's opacity costs a layer of its own.
                text += f' fill-opacity="{opacity:.2f}"'
        if lined:
            text += f' stroke="{line}" stroke-width="{width:.2f}"'
            owned += f' stroke="{number}" stroke-width="{width:.2f}"'
            if opacity < 1:
                text += f' stroke-opacity="{opacity:.2f}"'
        self._shapes.append(text + "/>")
        if not self._quiet and opacity >= OPAQUE:
            self._owned.append(owned + "/>")


def _document(size: int, definitions: Sequence[str], shapes: Sequence[str], manner: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size}" height="{size}" '
        f'viewBox="0 0 {PAPER:.0f} {PAPER:.0f}"{manner}>'
        f"<defs>{''.join(definitions)}</defs>{''.join(shapes)}</svg>"
    )


@lru_cache(maxsize=4096)
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
