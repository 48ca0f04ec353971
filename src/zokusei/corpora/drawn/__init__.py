"""The drawn corpus: anime characters from code, with labels true by construction.

A scene is sampled from seed and index (`scene`), every part of it becomes SVG shapes, each of
which marks where its attribute can be seen (`hair`, `eyes`, ...), and the sheet is rendered
(`render`). A label is what was drawn and not covered, and lies on the paper.
"""

from zokusei.corpora.drawn.attributes import DRAWN_TAGS
from zokusei.corpora.drawn.folder import write_drawn_corpus
from zokusei.corpora.drawn.picture import Drawing, draw

__all__ = ["DRAWN_TAGS", "Drawing", "draw", "write_drawn_corpus"]
