"""The drawn corpus: anime characters from code, with labels true by construction.

A scene is sampled from seed and index (`scene`): the attributes of one real post (`life`), a
style, a pose. Every part of it becomes SVG shapes that know which part they belong to, drawn from
back to front (`render`) and given the surface of the style (`finish`). What is left of a part when
all is drawn is what can be seen: from that come labels, boxes (`picture`) and captions
(`captions`). `stream` draws while a model trains; it alone needs torch.
"""

from zokusei.corpora.drawn.attributes import DRAWN_TAGS
from zokusei.corpora.drawn.folder import write_drawn_corpus
from zokusei.corpora.drawn.picture import Drawing, draw

__all__ = ["DRAWN_TAGS", "Drawing", "draw", "write_drawn_corpus"]
