"""Attributes that are a part of their own: what draws each, and when."""

from collections.abc import Callable, Mapping

from zokusei.corpora.drawn.scene import Scene
from zokusei.corpora.drawn.svg import Sheet

Draw = Callable[[Sheet, Scene], None]


def draw_parts(sheet: Sheet, scene: Scene, parts: Mapping[str, Draw]) -> None:
    """Draw those of some attributes that the figure has, in order, each as a part that shows it."""
    for name, draw in parts.items():
        if scene.has(name):
            with sheet.part(name, name):
                draw(sheet, scene)
