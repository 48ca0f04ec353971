"""XMP: keywords as photo programs read them, in `dc:subject` of a sidecar."""

import io
import re
from collections.abc import Set
from pathlib import Path
from xml.etree import ElementTree as Xml

from zokusei.errors import DataError
from zokusei.inference.tagger import Tags
from zokusei.tag_text import keep_new, write_tag

_META = "adobe:ns:meta/"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_DC = "http://purl.org/dc/elements/1.1/"
_SPACES = {"x": _META, "rdf": _RDF, "dc": _DC}

_EMPTY = (
    f'<x:xmpmeta xmlns:x="{_META}"><rdf:RDF xmlns:rdf="{_RDF}">'
    '<rdf:Description rdf:about=""/></rdf:RDF></x:xmpmeta>'
)
# What XML 1.0 cannot say, escaped or not.
_IMPOSSIBLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class XmpSidecar:
    """Writes `NAME.EXT.xmp`, and keeps all that other programs put into it.

    Keywords have spaces for underscores, as people search for them.

    Args:
        left_out: tags that are no keywords: ratings.

    >>> sidecar = XmpSidecar()
    >>> packet = sidecar.compose(Tags("a.png", ("long_hair",), {}), None, "skip")
    >>> read_keywords(packet)
    ['long hair']
    """

    def __init__(self, left_out: Set[str] = frozenset()) -> None:
        self._left_out = left_out

    def path_for(self, picture: Path) -> Path:
        """Name the file beside a picture."""
        return picture.with_name(f"{picture.name}.xmp")

    def compose(self, tags: Tags, before: bytes | None, existing: str) -> bytes | None:
        """Give the content of the file; None where it is to stay.

        `replace` replaces the keywords and nothing else.

        Raises:
            DataError: the file is no XMP, or a tag cannot be said in XML.
        """
        if before is not None and existing == "skip":
            return None
        new = [write_tag(name) for name in tags.names if name not in self._left_out]
        for word in new:
            if _IMPOSSIBLE.search(word) or word != word.strip() or "\r" in word:
                raise DataError(
                    f"the tag {word!r} cannot be said in XML; replace it in a rules file"
                )
        root = _parse(before or _EMPTY.encode(), tags.path)
        rdf = root if root.tag == f"{{{_RDF}}}RDF" else root.find(f"{{{_RDF}}}RDF")
        if rdf is None:
            raise DataError(f"the XMP of {tags.path} holds no rdf:RDF; remove it")
        old = _words(rdf)
        if existing == "replace":
            words = new
        elif existing == "prepend":
            words = [*keep_new(new, old), *old]
        else:
            words = [*old, *keep_new(new, old)]
        words = list(dict.fromkeys(words))
        if before is not None and words == old:
            return None
        _put(rdf, words)
        prolog, epilog = _around(before) if before else ('<?xml version="1.0"?>\n', "\n")
        return f"{prolog}{Xml.tostring(root, encoding='unicode')}{epilog}".encode()


def read_keywords(packet: bytes) -> list[str]:
    """Give the keywords of an XMP packet, in order.

    Raises:
        DataError: it is no XMP.
    """
    return _words(_parse(packet, "the packet"))


def _parse(packet: bytes, path: str) -> Xml.Element:
    declared = re.match(rb"[^>]*?encoding=.([\w-]+)", packet)
    try:
        packet.decode()
        utf8 = declared is None or declared[1].lower() in (b"utf-8", b"utf8", b"us-ascii")
    except UnicodeDecodeError:
        utf8 = False
    if not utf8:
        raise DataError(f"the XMP of {path} is not UTF-8; save it as UTF-8, or remove it")
    if b"<!DOCTYPE" in packet or b"<!ENTITY" in packet:
        # Entities can grow without bound, and XMP has none.
        raise DataError(f"the XMP of {path} declares entities, which XMP does not; remove it")
    try:
        # Prefixes are kept as they are: some programs know them and not what they stand for.
        for _, (prefix, uri) in Xml.iterparse(io.BytesIO(packet), events=("start-ns",)):
            if prefix and not re.fullmatch(r"ns\d+|xml", prefix):
                Xml.register_namespace(prefix, uri)
        for prefix, uri in _SPACES.items():
            Xml.register_namespace(prefix, uri)
        keep_all = Xml.TreeBuilder(insert_comments=True, insert_pis=True)
        return Xml.fromstring(packet, Xml.XMLParser(target=keep_all))
    except (Xml.ParseError, ValueError) as error:
        raise DataError(f"the XMP of {path} cannot be read: {error}; remove it") from error


def _around(packet: bytes) -> tuple[str, str]:
    """Give what stands before and behind the root element: declarations, padding, comments."""
    # No part may reach over its own end, or all between two of them would count as one.
    aside = r"(?:\s|\ufeff|<\?(?:(?!\?>).)*\?>|<!--(?:(?!-->).)*-->)*"
    text = packet.decode()
    before = re.match(aside, text, re.DOTALL)
    behind = re.search(rf"(?<=>){aside}\Z", text, re.DOTALL)
    assert before is not None, "it may match nothing"
    assert behind is not None, "it may match nothing"
    return before[0], behind[0]


def _words(root: Xml.Element) -> list[str]:
    return [item.text or "" for item in root.iterfind(f".//{{{_DC}}}subject/*/{{{_RDF}}}li")]


def _put(rdf: Xml.Element, words: list[str]) -> None:
    descriptions = rdf.findall(f"{{{_RDF}}}Description")
    for description in descriptions:
        for subject in description.findall(f"{{{_DC}}}subject"):
            description.remove(subject)
    if not descriptions:
        descriptions = [Xml.SubElement(rdf, f"{{{_RDF}}}Description", {f"{{{_RDF}}}about": ""})]
    bag = Xml.SubElement(Xml.SubElement(descriptions[0], f"{{{_DC}}}subject"), f"{{{_RDF}}}Bag")
    for word in words:
        Xml.SubElement(bag, f"{{{_RDF}}}li").text = word
