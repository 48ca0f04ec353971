"""What a tagger says, in the words of programs that ask other taggers.

Both are older than this project, and clients of each take them as they are.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from zokusei.errors import ImageError
from zokusei.inference.tagger import Tags
from zokusei.tags import RATING, TagSet

_LETTERS = {"general": "g", "sensitive": "s", "questionable": "q", "explicit": "e"}


def to_interrogation(found: Tags, tags: TagSet, threshold: float | None) -> dict[str, Any]:
    """Answer as the tagger of the A1111 web UI: ratings apart, and all of them.

    Args:
        found: in a picture.
        tags: of the model.
        threshold: tags are given from this probability on; None: those that the tagger gives.

    >>> from zokusei.tags import Tag
    >>> tags = TagSet((Tag("smile"), Tag("hat"), Tag("general", RATING)))
    >>> found = Tags("", ("hat",), {"smile": 0.25, "hat": 0.75, "general": 0.5})
    >>> to_interrogation(found, tags, None)
    {'caption': {'tag': {'hat': 0.75}, 'rating': {'general': 0.5}}}
    """
    ratings = {tag.name: found.scores[tag.name] for tag in tags if tag.category == RATING}
    names = found.names
    if threshold is not None:
        names = tuple(name for name in rank(found.scores) if found.scores[name] >= threshold)
    given = {name: found.scores[name] for name in names if name not in ratings}
    return {"caption": {"tag": given, "rating": ratings}}


def to_evaluation(found: Tags, tags: TagSet, threshold: float, limit: int) -> dict[str, float]:
    """Answer as Danbooru's autotagger: ratings stand among the tags, by their letters.

    Args:
        found: in a picture.
        tags: of the model.
        threshold: of all tags, whatever their own.
        limit: at most so many, the most probable.

    >>> from zokusei.tags import Tag
    >>> tags = TagSet((Tag("smile"), Tag("hat"), Tag("general", RATING)))
    >>> found = Tags("", ("hat",), {"smile": 0.25, "hat": 0.75, "general": 0.5})
    >>> to_evaluation(found, tags, 0.1, 2)
    {'hat': 0.75, 'rating:g': 0.5}
    """
    ratings = {tag.name: write_rating(tag.name) for tag in tags if tag.category == RATING}
    names = [name for name in rank(found.scores) if found.scores[name] >= threshold]
    return {ratings.get(name, name): found.scores[name] for name in names[:limit]}


def write_rating(name: str) -> str:
    """Give a rating as Danbooru's autotagger does.

    Danbooru's `s` was *safe* before it was *sensitive*, and so `safe` has no letter.

    >>> write_rating("questionable"), write_rating("rating:explicit"), write_rating("safe")
    ('rating:q', 'rating:e', 'rating:safe')
    """
    bare = name.removeprefix("rating:")
    return f"rating:{_LETTERS.get(bare, bare)}"


def rank(scores: Mapping[str, float]) -> list[str]:
    """Give the names, the most probable first, and equal ones as they stand.

    >>> rank({"smile": 0.25, "hat": 0.75})
    ['hat', 'smile']
    """
    return sorted(scores, key=lambda name: -scores[name])


def decode_base64(text: str) -> bytes:
    """Read a picture file from base64, alone or as a `data:` address.

    Raises:
        ImageError: it is empty or something else.

    >>> decode_base64("data:image/png;base64,aGFp"), decode_base64("aGFp")
    (b'hai', b'hai')
    """
    body = text
    if text.startswith("data:"):
        head, _, body = text.partition(",")
        if not head.endswith(";base64"):
            raise ImageError(f"the picture is a data: address without base64 ({head[:60]!r})")
    body = "".join(body.split())  # some break the lines
    if not body:
        raise ImageError("the picture is empty; send the bytes of its file as base64")
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error as error:
        raise ImageError(
            f"the picture is no base64 ({error}; begins with {body[:20]!r}); send the bytes of its "
            "file as base64, alone or as a data: address"
        ) from error
