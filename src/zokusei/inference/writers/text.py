"""Captions: a text file beside each picture."""

import re
from collections.abc import Mapping, Set
from pathlib import Path

from zokusei.errors import DataError
from zokusei.inference.tagger import Tags
from zokusei.tag_text import TagText, as_one_tag, find_namespace, to_key, unescape
from zokusei.tags import CATEGORIES, RATING

# What prompts put around a tag to make it count more or less. A tag's own parentheses are escaped
# there, though not by everybody.
# Read backwards, so that no place but the end is looked at.
_WEIGHED = re.compile(r"(?:[)\]](?:\s*\d+\.?\d*-?\s*:)?(?!\\))+")
_KEEPS = "|||"


def _take_weight_off(piece: str) -> str:
    found = _WEIGHED.match(piece[::-1])
    return piece[: len(piece) - (found.end() if found else 0)].lstrip("([")


class TextSidecar:
    r"""Writes tags as one of the presets has them, and leaves what people wrote.

    Args:
        text: how tags are written.
        ending: of the file.
        categories: category of each tag.
        caption_first: whether the caption, without commas, stands before the tags.

    >>> from zokusei.tag_text import PRESETS
    >>> sidecar = TextSidecar(PRESETS["kohya"], ".txt", {})
    >>> tags = Tags("a.png", ("smile", "long_hair"), {})
    >>> sidecar.compose(tags, b"my words, Smile\nsecond line", "append")
    b'my words, Smile, long hair\nsecond line'
    """

    def __init__(
        self,
        text: TagText,
        ending: str,
        categories: Mapping[str, str],
        *,
        caption_first: bool = False,
    ) -> None:
        self.text, self._ending, self._categories = text, ending, categories
        self._caption_first = caption_first

    def path_for(self, picture: Path) -> Path:
        """Name the file beside a picture."""
        return self.text.path_for(picture, self._ending)

    def compose(self, tags: Tags, before: bytes | None, existing: str) -> bytes | None:
        """Give the content of the file; None where it is to stay.

        `append` and `prepend` put new tags behind or before the words that are there, on the first
        line, which is all that trainers read, and change no other byte. `merge` writes the line
        anew: each word that is there once, as it stands, then new tags. A tag that is there
        already, in whatever way it is written, is not new.

        Raises:
            DataError: the file is no UTF-8, holds zero bytes, or words with blanks in them where
                blanks part tags; or a tag cannot be written in this way.
        """
        names_now = tuple(
            name
            for name in tags.names
            if self.text.ratings or self._categories.get(name) != CATEGORIES[RATING]
        )
        if self._caption_first and tags.caption:
            # One more tag to those who read the file.
            names_now = (as_one_tag(tags.caption, self.text.separator), *names_now)
        if before is None or existing == "replace":
            return self.text.write(names_now, self._categories).encode()
        if existing == "skip":
            return None
        try:
            whole = before.decode("utf-8")
        except UnicodeDecodeError as error:
            raise DataError(
                f"the caption of {tags.path} is not UTF-8 at byte {error.start}; save it as UTF-8"
            ) from error
        if "\0" in whole:
            raise DataError(
                f"the caption of {tags.path} holds zero bytes, as a crash leaves them; bring it "
                "back from a copy, remove it, or give --existing replace"
            )
        line, rest = self._first_line(whole)
        pieces = self.text.split(line.lstrip("\ufeff"))
        there = {self._key(piece) for piece in pieces}
        has_commas = any(piece.endswith(",") for piece in pieces)
        if self.text.separator == " " and (has_commas or len(there) < len(pieces)):
            raise DataError(
                f"the caption of {tags.path} is a sentence, or has commas between its tags, which "
                "this format would take apart; add to it with --write kohya, or give --existing "
                "replace"
            )
        there |= {self._key(part) for piece in pieces for part in self._find_parts(piece)}
        new = [tag for tag in names_now if self._is_new(tag, there)]
        own = self.text.write(new, self._categories).removesuffix(self.text.end) if new else ""
        if existing == "merge":
            return (self._merge(pieces, own) + rest or "\n").encode()
        if not new:
            # A file without any byte is one that kohya's reader refuses.
            return None if before else b"\n"
        return (self._join(line, own, existing) + rest).encode()

    def _merge(self, pieces: list[str], own: str) -> str:
        """Put what people wrote, as they wrote it and each once, before what is new."""
        kept: dict[str, str] = {}
        for piece in pieces:
            kept.setdefault(self._key(piece), piece)
        line = self.text.separator.join([*kept.values(), *([own] if own else [])])
        return f"{line}\n" if line and self.text.separator == "\n" else line

    def _first_line(self, whole: str) -> tuple[str, str]:
        """Part the line that is read from what is behind it, the line break included."""
        if self.text.separator == "\n":
            return whole, ""
        line = re.match(r"[^\r\n]*", whole)
        assert line is not None, "it may match nothing"
        return line[0], whole[line.end() :] or self.text.end

    def _find_parts(self, piece: str) -> list[str]:
        """Give the tags that stand between two separators in some other way.

        Those are weighted, or in turns (`[one|other]`), in prompts; kohya's trainer keeps what
        stands before `|||` in its place.
        """
        if not self.text.escape:
            return piece.split(_KEEPS) if self.text.separator != "\n" else []
        parts = [piece, *re.split(r"\|+", piece)]
        return [_take_weight_off(part.strip()) for part in parts]

    def _key(self, piece: str) -> str:
        """Give what two ways of writing one tag have in common.

        In Hydrus tags of two namespaces are two, and one without may be any of them.
        """
        if self.text.namespaces and (space := find_namespace(piece)) != ":":
            return space + to_key(self.text.read_one(piece))
        return to_key(unescape(self.text.read_one(piece)))

    def _is_new(self, tag: str, there: Set[str]) -> bool:
        if to_key(tag) in there:
            return False
        written = self.text.write_one(tag, self._categories.get(tag, ""))
        return not self.text.namespaces or self._key(written) not in there

    def _join(self, line: str, own: str, existing: str) -> str:
        """Put new tags before or behind what is there, of which every byte stays."""
        separator = self.text.separator
        mark = "\ufeff" if line.startswith("\ufeff") else ""
        line = line.removeprefix(mark)
        if separator == "\n":
            gap = "" if existing == "prepend" or line.endswith("\n") or not line else "\n"
            own = f"{own}\n"
        elif not line.strip():
            gap = ""
        elif existing == "prepend" or not line.rstrip().endswith(separator.strip(" ")):
            gap = separator
        else:
            # A separator that stands at the end already is not doubled.
            gap = "" if line[-1].isspace() else " "
        return f"{mark}{own}{gap}{line}" if existing == "prepend" else f"{mark}{line}{gap}{own}"
