r"""Tags as text, as people, prompts and other programs write them; the one place that knows how.

| preset | between tags | underscores | parentheses | read by |
|---|---|---|---|---|
| `kohya` | `, ` | spaces | as they are | kohya's trainers, taggui |
| `a1111` | `, ` | spaces | `\(` `\)` | prompts of the web UI, BDTM |
| `booru` | space | kept | as they are | boorus, search boxes |
| `hydrus` | line break | spaces | as they are | Hydrus sidecars, with namespaces |
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from zokusei.errors import DataError

FACES = frozenset(
    "0_0 (o)_(o) +_+ +_- ._. <o>_<o> <|>_<|> =_= >_< 3_3 6_9 >_o @_@ ^_^ o_o u_u x_x |_| "
    "||_||".split()
)
"""Faces made of signs, whose underscore is no space."""

COMMA = ", "
"""Between tags, as most programs write them."""

_ESCAPED = re.compile(r"([\\()])")
_UNESCAPED = re.compile(r"\\([\\()])")
_NAMESPACED = {"artist": "creator", "copyright": "series"}
_HYDRUS_CATEGORIES = ("artist", "copyright", "character", "meta", "rating")


def parse_tags(text: str) -> list[str]:
    r"""Read comma-separated tags as they are written for people or for prompts.

    Spaces inside a tag become underscores and escaped parentheses lose their backslash, so that
    every habit of writing gives Danbooru's names. Repeated tags count once.

    >>> parse_tags("long hair, skadi \\(arknights\\), smile,, long_hair")
    ['long_hair', 'skadi_(arknights)', 'smile']
    """
    tags = dict.fromkeys("_".join(part.split()) for part in text.replace("\n", ",").split(","))
    return [tag.replace("\\(", "(").replace("\\)", ")") for tag in tags if tag]


def write_tag(tag: str) -> str:
    """Give a tag as people write it.

    >>> write_tag("long_hair"), write_tag("^_^")
    ('long hair', '^_^')
    """
    return tag if tag in FACES else tag.replace("_", " ")


def to_key(text: str) -> str:
    """Give what all ways of writing one tag have in common.

    >>> to_key("Long  hair") == to_key("long_hair")
    True
    """
    return "_".join(text.split()).lower()


def keep_new(tags: Iterable[str], there: Iterable[str]) -> list[str]:
    """Give the tags that are not there, in whatever way those are written.

    >>> keep_new(["long hair", "smile"], ["Long_hair"])
    ['smile']
    """
    known = set(map(to_key, there))
    return [tag for tag in tags if to_key(tag) not in known]


def as_one_tag(caption: str, separator: str = COMMA) -> str:
    """Give a sentence as one tag that text formats write like others, without what parts tags.

    Commas go in any case: where blanks part tags, words that end with one are taken for a list
    with commas.

    >>> as_one_tag("a girl, sitting"), as_one_tag("a girl, sitting", " "), as_one_tag("a;b", ";")
    ('a_girl_sitting', 'a_girl_sitting', 'a_b')
    """
    for sign in {",", separator.strip()} - {""}:
        caption = caption.replace(sign, " ")
    return "_".join(caption.split())


@dataclass(frozen=True)
class TagText:
    r"""One way of writing tags into a text file.

    Attributes:
        name: of the preset.
        separator: between two tags.
        spaces: whether underscores become spaces, but for those of faces.
        escape: whether backslashes and parentheses get a backslash.
        namespaces: whether categories stand before tags as Hydrus has them.
        end: behind the last tag.
        whole_name: whether the file of `a.png` is `a.png.txt` and not `a.txt`.
        ratings: whether a picture's rating stands among its tags.

    >>> a1111 = PRESETS["a1111"]
    >>> a1111.write(["long_hair", "skadi_(arknights)"])
    'long hair, skadi \\(arknights\\)'
    >>> a1111.read("long hair, skadi \\(arknights\\)")
    ['long_hair', 'skadi_(arknights)']
    """

    name: str
    separator: str
    spaces: bool = True
    escape: bool = False
    namespaces: bool = False
    end: str = ""
    whole_name: bool = False
    ratings: bool = False

    def write(self, tags: Iterable[str], categories: Mapping[str, str] | None = None) -> str:
        """Write tags in their order.

        Args:
            tags: names as Danbooru has them.
            categories: category of each name, for namespaces; general where it is missing.

        Raises:
            DataError: a tag would not be read as itself, since it holds a separator.
        """
        tags, categories = list(tags), categories or {}
        for tag in tags:
            if self.read(self.write_one(tag, categories.get(tag, ""))) != [tag]:
                raise DataError(
                    f"the tag {tag!r} cannot be written with the preset {self.name}: it would be "
                    "read as another; choose another preset, or replace it in a rules file"
                )
        written = (self.write_one(tag, categories.get(tag, "")) for tag in tags)
        # No tag at all is an empty line: kohya's reader refuses a file without any byte.
        return self.separator.join(written) + (self.end if tags else "\n")

    def write_one(self, tag: str, category: str = "") -> str:
        """Write one tag, without looking whether it can be read."""
        text = write_tag(tag) if self.spaces else tag
        if self.escape:
            text = _ESCAPED.sub(r"\\\1", text)
        return write_namespace(text, category) if self.namespaces else text

    def split(self, text: str) -> list[str]:
        """Give the pieces between separators as they stand, but for the space around them."""
        pieces = text.split() if self.separator == " " else text.split(self.separator.strip(" "))
        return [piece.strip() for piece in pieces if piece.strip()]

    def read_one(self, piece: str) -> str:
        """Give the name that a piece stands for."""
        if self.namespaces:
            piece = read_namespace(piece)
        if self.escape:
            piece = unescape(piece)
        return "_".join(piece.split()) if self.spaces else piece

    def read(self, text: str) -> list[str]:
        """Give the tags that were written, each once."""
        return list(dict.fromkeys(self.read_one(piece) for piece in self.split(text)))

    def path_for(self, picture: Path, ending: str) -> Path:
        """Name the file beside a picture.

        >>> PRESETS["hydrus"].path_for(Path("a.b.png"), ".txt").name
        'a.b.png.txt'
        >>> PRESETS["kohya"].path_for(Path("a.b.png"), ".txt").name
        'a.b.txt'
        """
        name = picture.name if self.whole_name else picture.stem
        return picture.with_name(name + ending)


def unescape(text: str) -> str:
    r"""Take the backslashes of a prompt away.

    >>> unescape("skadi \\(arknights\\)")
    'skadi (arknights)'
    """
    return _UNESCAPED.sub(r"\1", text)


def write_namespace(text: str, category: str) -> str:
    """Put Hydrus's namespace before a tag.

    Hydrus takes what stands before the first colon for a namespace; a tag without one that holds a
    colon gets another in front, so that it keeps its own.

    >>> write_namespace("skadi (arknights)", "character"), write_namespace("d:", "general")
    ('character:skadi (arknights)', ':d:')
    """
    if category in _HYDRUS_CATEGORIES:
        return f"{_NAMESPACED.get(category, category)}:{text}"
    return f":{text}" if ":" in text else text


def read_namespace(text: str) -> str:
    """Undo `write_namespace`.

    >>> read_namespace("character:skadi"), read_namespace(":d:"), read_namespace("smile")
    ('skadi', 'd:', 'smile')
    """
    return text[len(find_namespace(text)) :]


def find_namespace(text: str) -> str:
    """Give the namespace that `write_namespace` may have put before a tag, with its colon.

    >>> [find_namespace(text) for text in ("character:skadi", ":d:", "2b (nier:automata)")]
    ['character:', ':', '']
    """
    before, colon, _ = text.partition(":")
    known = {"", *(_NAMESPACED.get(name, name) for name in _HYDRUS_CATEGORIES)}
    return before + colon if colon and before in known else ""


PRESETS: Mapping[str, TagText] = {
    text.name: text
    for text in (
        TagText("kohya", COMMA, end="\n"),
        TagText("a1111", COMMA, escape=True),
        TagText("booru", " ", spaces=False, end="\n"),
        TagText("hydrus", "\n", namespaces=True, end="\n", whole_name=True, ratings=True),
    )
}
"""Ways of writing by name."""
