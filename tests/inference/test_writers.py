"""What is written is read back as it was, by readers that are not ours."""

import csv
import json
import os
import re
import xml.dom.minidom
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from corpora.test_export import TAG
from zokusei.corpora import open_corpus
from zokusei.errors import ConfigError, DataError
from zokusei.inference.done import Row
from zokusei.inference.tagger import Tags
from zokusei.inference.writers import SIDECARS, TABLES, create_writers, parse_formats
from zokusei.tag_text import PRESETS
from zokusei.tags import Tag, TagSet

KNOWN = TagSet(
    (Tag("1girl"), Tag("skadi_(arknights)", 4), Tag("2b_(nier:automata)", 4), Tag("d:"), Tag("^_^"),
     Tag("touhou", 3), Tag("general", 9), Tag('don\'t_say_"lazy"'), Tag("\\m/"))
)  # fmt: skip
ANY = st.lists(st.sampled_from(KNOWN.names) | TAG, unique=True, max_size=6)
NAMES = ANY.map(lambda names: [name for name in names if name != "general"])  # no rating
WORD = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters=","), min_size=1)
CAPTION = st.lists(WORD, min_size=1, max_size=4, unique_by=str.lower)
BEHIND = st.sampled_from(["", "\n", "\r\n", "\nsecond line, smile\n", "\n\n\n"])
MODES = st.sampled_from(["append", "prepend", "merge", "replace"])


def writer(name):
    return create_writers([name], KNOWN).sidecars[0]


def compose(name, tags, before=None, existing="skip"):
    return writer(name).compose(Tags("a.png", tuple(tags), {}), before, existing)


def kohya_reads(data):
    """Read as kohya's trainer does: the first line, which must be there, parted at commas."""
    lines = data.decode("utf-8").splitlines(keepends=True)
    assert lines, "the trainer asserts on a file without any byte"
    return [part.strip() for part in lines[0].strip().split(",") if part.strip()]


def as_people_write(tag):
    faces = "0_0 (o)_(o) +_+ +_- ._. <o>_<o> <|>_<|> =_= >_< 3_3 6_9 >_o @_@ ^_^ o_o u_u x_x |_|"
    return tag if tag in [*faces.split(), "||_||"] else tag.replace("_", " ")


@given(NAMES)
def test_kohya_reads_our_tags(names):
    assert kohya_reads(compose("kohya", names)) == [as_people_write(name) for name in names]
    assert compose("kohya", names).endswith(b"\n")
    assert compose("kohya", names).count(b"\n") == 1


@given(NAMES)
def test_a_prompt_reads_our_tags(names):
    """Unescaped parentheses are weights; a backslash stands for the sign behind it."""
    text = compose("a1111", names).decode().rstrip("\n")
    assert not re.search(r"(?<!\\)(?:\\\\)*[()]", text)
    parts = [re.sub(r"\\(.)", r"\1", part) for part in text.split(", ")] if text else []
    assert parts == [as_people_write(name) for name in names]
    assert compose("a1111", names)


@given(NAMES)
def test_a_booru_reads_our_tags(names):
    assert compose("booru", names).decode().split() == names


def hydrus_reads(line):
    """Part namespace and tag as Hydrus does: at the first colon, an empty namespace is none."""
    line = line.strip().lower()
    namespace, colon, tag = line.partition(":")
    return (namespace, tag) if colon else ("", line)


@given(ANY)
def test_hydrus_reads_our_tags_with_their_namespaces(names):
    spaces = {3: "series", 4: "character", 9: "rating"}
    lines = compose("hydrus", names).decode().splitlines() if names else []
    expected = []
    for name in names:
        category = next((tag.category for tag in KNOWN if tag.name == name), 0)
        expected.append((spaces.get(category, ""), as_people_write(name).lower()))
    assert [hydrus_reads(line) for line in lines] == expected


@pytest.mark.parametrize(("preset", "tag"), [
    ("kohya", "a,b"), ("kohya", "two__lines"), ("booru", "a b"), ("hydrus", "a__b"),
    ("a1111", "_a"), ("kohya", "a\nb"),
])  # fmt: skip
def test_a_tag_that_would_be_read_as_another_is_refused(preset, tag):
    with pytest.raises(DataError, match="would be read as another"):
        compose(preset, [tag])


@given(NAMES, CAPTION, BEHIND, st.sampled_from(["", "\ufeff"]))
def test_append_and_prepend_change_no_byte_of_what_people_wrote(names, words, behind, mark):
    line = ", ".join(words)
    before = f"{mark}{line}{behind}".encode()
    for mode in ("append", "prepend"):
        after = compose("kohya", names, before, mode)
        if after is None:
            continue
        text = after.decode().removeprefix(mark)
        first = re.match(r"[^\r\n]*", text)[0]
        assert text[len(first) :] == (behind or "\n")
        own = first.removeprefix(f"{line}, ") if mode == "append" else first.removesuffix(line)
        assert own != first
        added = [part for part in own.split(", ") if part]
        assert added == [
            as_people_write(name) for name in names
            if name.lower() not in {spelling(word) for word in words}
        ]  # fmt: skip
        assert compose("kohya", names, after, mode) is None


@given(
    NAMES, st.sampled_from(["", "\ufeff"]), st.text("aB_,: \t\r\n\\(", max_size=12),
    st.sampled_from(list(PRESETS)), st.sampled_from(["append", "prepend"]),
)  # fmt: skip
@example(["smile"], "", "creator:me\r\ntitle:x\r\n\r\n", "hydrus", "append")
@example(["smile"], "", "a, b , \nsecond", "kohya", "append")
@example(["smile"], "", "", "hydrus", "append")
@example(["smile"], "", ",", "booru", "append")
@example(["smile"], "", "B,\ta", "booru", "append")
@example(["smile"], "", "a\ta", "booru", "prepend")
@example(["smile"], "", "\\\\( \\(", "booru", "append")
def test_whatever_is_there_stays_byte_for_byte(names, mark, text, preset, mode):
    before = f"{mark}{text}".encode()
    if preset == "booru" and is_sentence(re.match(r"[^\r\n]*", text)[0]):
        with pytest.raises(DataError, match="is a sentence, or has commas"):
            compose(preset, names, before, mode)
        return
    after = compose(preset, names, before, mode)
    if after is None:
        assert before, "a file without any byte is none that trainers take"
        return
    new = after.decode().removeprefix(mark)
    line = text if preset == "hydrus" else re.match(r"[^\r\n]*", text)[0]
    behind = text[len(line) :]
    if mode == "append":
        assert new.startswith(line)
        assert new.endswith(behind)
    else:
        assert new.rstrip("\n").endswith(text.rstrip("\n"))
        assert text in new
    # Read again, there are the old words and beside them whatever is new.
    words = PRESETS[preset].split(line)
    first = new if preset == "hydrus" else re.match(r"[^\r\n]*", new)[0]
    read = PRESETS[preset].split(first)
    assert (read[: len(words)] if mode == "append" else read[len(read) - len(words) :]) == words
    assert compose(preset, names, after, mode) is None


def is_sentence(line):
    words = [re.sub(r"\\([\\()])", r"\1", word.lower()) for word in line.split()]
    return any(word.endswith(",") for word in words) or len(set(words)) < len(words)


@pytest.mark.parametrize("mode", ["append", "prepend", "merge"])
@pytest.mark.parametrize("there", [b"the girl in the red dress\n", b"long hair, red dress"])
def test_words_that_blanks_do_not_part_are_left_and_named(there, mode):
    with pytest.raises(DataError, match="add to it with --write kohya"):
        compose("booru", ["smile"], there, mode)
    assert compose("booru", ["smile"], there, "replace") == b"smile\n"
    assert compose("booru", ["smile"], b"long_hair red_dress", mode)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_caption_without_any_byte_becomes_one_that_trainers_read(preset):
    assert compose(preset, [], b"", "append") == b"\n"
    assert compose(preset, [], b"\n", "append") is None
    assert compose(preset, ["smile"], b"", "append").strip() == b"smile"
    assert compose(preset, [], b"", "skip") is None


@pytest.mark.parametrize("mode", ["append", "prepend", "merge"])
def test_a_caption_that_a_crash_left_full_of_zeros_is_named(mode):
    with pytest.raises(DataError, match=r"caption of a\.png holds zero bytes"):
        compose("kohya", ["smile"], bytes(40), mode)
    assert compose("kohya", ["smile"], bytes(40), "replace") == b"smile\n"


def spelling(word):
    return "_".join(re.sub(r"\\([\\()])", r"\1", word).split()).lower()


@given(NAMES, NAMES, MODES, st.sampled_from(SIDECARS))
def test_doing_it_again_changes_nothing(old, new, mode, form):
    first = compose(form, old)
    once = compose(form, new, first, mode)
    twice = compose(form, new, once or first, mode)
    assert twice is None or twice == (once or first)


@given(NAMES, NAMES, st.sampled_from(list(PRESETS)))
def test_merge_has_each_tag_once_and_the_old_ones_first(old, new, preset):
    merged = compose(preset, new, compose(preset, old), "merge") or compose(preset, old)
    kept = [name.lower() for name in old]
    expected = [*old, *(name for name in new if name.lower() not in kept)]
    assert merged.rstrip(b"\n") == compose(preset, expected).rstrip(b"\n")


@pytest.mark.parametrize(
    ("preset", "before", "after"),
    [
        ("hydrus", b"creator:someone\ntitle:foo\n", b"creator:someone\ntitle:foo\nlong hair\n"),
        (
            "a1111",
            b"(smile:1.2), (red hat, blue hat:1.3)",
            b"(smile:1.2), (red hat, blue hat:1.3), long hair",
        ),
        ("kohya", b"my_trigger, Long_Hair, long hair\nmore", b"my_trigger, Long_Hair\nmore"),
        ("kohya", b"", b"long hair\n"),
    ],
)
def test_merge_keeps_words_as_people_wrote_them(preset, before, after):
    assert compose(preset, ["long_hair"], before, "merge") == after


@pytest.mark.parametrize(
    "there",
    ["(long hair:1.2)", "((long hair))", "[long_hair]", "(long hair:0.97)", "LONG hair", "(a b, "
     "long hair:.9)"],
)  # fmt: skip
def test_a_tag_with_a_weight_is_there(there):
    before = f"my words, {there}".encode()
    assert compose("a1111", ["long_hair"], before, "append") is None
    after = compose("a1111", ["long_hair", "skadi_(arknights)"], before, "append")
    assert after == before + rb", skadi \(arknights\)"
    assert compose("a1111", ["skadi_(arknights)"], after, "append") is None
    # Some do not escape parentheses.
    plain = b"nier (series), :)"
    assert compose("a1111", ["nier_(series)", ":)"], plain, "append") is None
    # Elsewhere parentheses are a part of the tag.
    assert compose("kohya", ["d_(x)"], b"d", "append") == b"d, d (x)\n"


def test_ratings_are_told_to_hydrus_and_are_no_words_of_a_caption():
    tags = TagSet((Tag("smile"), Tag("sensitive", 9)))
    found = Tags("a.png", ("smile", "sensitive"), {"smile": 0.9, "sensitive": 0.4})
    names = ["kohya", "a1111", "booru", "hydrus", "xmp"]
    written = {
        name: sidecar.compose(found, None, "skip")
        for name, sidecar in zip(names, create_writers(names, tags).sidecars, strict=True)
    }
    assert written["hydrus"] == b"smile\nrating:sensitive\n"
    assert keywords(written.pop("xmp")) == ["smile"]
    assert {written[name].strip() for name in ("kohya", "a1111", "booru")} == {b"smile"}


@pytest.mark.parametrize("form", SIDECARS)
def test_skip_leaves_what_is_there(form):
    assert compose(form, ["smile"], b"whatever \xff", "skip") is None


def test_a_caption_that_is_no_utf8_is_left_and_named():
    with pytest.raises(DataError, match="not UTF-8 at byte 2"):
        compose("kohya", ["smile"], b"ab\xff", "append")


@given(NAMES, st.lists(st.floats(0, 1, width=32), min_size=9, max_size=9))
def test_json_is_what_the_command_prints_and_keeps_other_members(names, scores):
    tags = Tags(os.fsdecode(b"\xff.png"), tuple(names), dict(zip(KNOWN.names, scores, strict=True)))
    first = writer("json").compose(tags, None, "skip")
    assert json.loads(first) == tags.to_dict() | {"tags": names}
    before = json.dumps({"note": "mine", "tags": ["mine"]}).encode()
    merged = json.loads(writer("json").compose(tags, before, "append"))
    assert merged["note"] == "mine"
    assert merged["tags"] == list(dict.fromkeys(["mine", *names]))
    assert json.loads(writer("json").compose(tags, before, "prepend"))["tags"][-1] == "mine"
    for other in (b"[1]", b'{"tags": "long_hair smile"}'):
        with pytest.raises(DataError, match="move it away"):
            writer("json").compose(tags, other, "append")


@pytest.mark.parametrize("mode", ["append", "prepend", "merge"])
def test_what_json_holds_already_is_changed_by_merge_alone(mode):
    tags = Tags("new.png", ("smile",), {"smile": 0.9, "hat": 0.1})
    before = {"id": 3, "tags": ["hat"], "path": "old.png", "scores": {"hat": 1.0}}
    after = json.loads(writer("json").compose(tags, json.dumps(before).encode(), mode))
    assert sorted(after["tags"]) == ["hat", "smile"]
    assert after["id"] == 3
    new = mode == "merge"
    assert after["path"] == ("new.png" if new else "old.png")
    assert after["scores"] == {"smile": 0.9, "hat": 0.1 if new else 1.0}


@pytest.mark.parametrize("mode", ["append", "prepend", "merge"])
def test_objects_hold_a_tag_once_however_it_is_written(mode):
    before = FOREIGN.replace(b"my words", b"Long_Hair")
    assert compose("xmp", ["long_hair"], before, mode) is None
    assert sorted(keywords(compose("xmp", ["long_hair", "smile"], before, mode))) == [
        "Long_Hair", "smile"
    ]  # fmt: skip
    old = json.dumps({"tags": ["long hair"]}).encode()
    tags = Tags("a.png", ("long_hair", "smile"), {})
    after = json.loads(writer("json").compose(tags, old, mode))["tags"]
    assert sorted(after) == ["long hair", "smile"]


@pytest.mark.parametrize(("preset", "before", "names", "new"), [
    ("a1111", "((long hair, smile):1.2), solo", "long_hair smile solo hat", ", hat"),
    ("a1111", "[long hair|short hair]", "long_hair short_hair hat", ", hat"),
    ("a1111", r"skadi \(arknights\)", "skadi_(arknights) skadi", ", skadi"),
    ("a1111", ")" * 50_000 + "a, " + ":1)" * 20_000 + "b", "hat", ", hat"),  # and in no time
    ("kohya", "chara ||| blue eyes, |_|", "blue_eyes chara |_| hat", ", hat"),
    # Tags of two namespaces are two; one without may be any of them.
    ("hydrus", "series:skadi (arknights)\ncreator:smile\n:d:\nhat",
     "skadi_(arknights) smile d: hat", "\ncharacter:skadi (arknights)\nsmile"),
])  # fmt: skip
def test_what_stands_between_separators_in_other_ways_is_there(preset, before, names, new):
    after = compose(preset, names.split(), before.encode(), "append")
    assert after.decode().rstrip("\n") == before + new


def keywords(packet):
    """Read with another parser than the one that wrote."""
    document = xml.dom.minidom.parseString(packet)
    rdf, dc = "http://www.w3.org/1999/02/22-rdf-syntax-ns#", "http://purl.org/dc/elements/1.1/"
    (subject,) = document.getElementsByTagNameNS(dc, "subject")
    return [item.firstChild.data for item in subject.getElementsByTagNameNS(rdf, "li")]


FOREIGN = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:darktable="http://darktable.sf.net/">
 <!-- kept -->
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmp:Rating="4" darktable:xmp_version="5"/>
  <rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/">
   <dc:title><rdf:Alt><rdf:li xml:lang="x-default">Täglich &amp; schön</rdf:li></rdf:Alt></dc:title>
   <dc:subject><rdf:Bag><rdf:li>my words</rdf:li></rdf:Bag></dc:subject>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>
""".encode()


@given(NAMES.filter(bool))
def test_xmp_holds_keywords_and_keeps_what_others_wrote(names):
    words = [as_people_write(name) for name in names]
    assert keywords(compose("xmp", names)) == words
    for mode, expected in (
        ("append", ["my words", *words]), ("merge", ["my words", *words]),
        ("prepend", [*words, "my words"]), ("replace", words),
    ):  # fmt: skip
        packet = compose("xmp", names, FOREIGN, mode)
        assert keywords(packet) == expected
        text = packet.decode()
        for kept in ('xmp:Rating="4"', 'darktable:xmp_version="5"', "Täglich &amp; schön",
                     "<!-- kept -->", 'xml:lang="x-default"'):  # fmt: skip
            assert kept in text
        assert text.startswith(FOREIGN.decode()[:50])
        assert text.endswith('</x:xmpmeta>\n<?xpacket end="w"?>\n')


@pytest.mark.parametrize(("before", "behind"), [
    ('<?xml version="1.0"?>\n<?xpacket begin="\ufeff"?>\n', '\n<?xpacket end="w"?>'),
    ("<!-- one --><!-- two -->", "<!-- three -->"),
    ("", "\n<!-- > -- -->".replace(" -- ", " - ")),
])  # fmt: skip
@pytest.mark.parametrize("inside", ["", "<!-- first -->", "<?note?>"])
def test_xmp_keeps_what_stands_around_it_once(before, behind, inside):
    packet = compose("xmp", ["hat"]).decode().partition("\n")[2].strip()
    start = packet.index(">") + 1
    packet = f"{before}{packet[:start]}{inside}{packet[start:]}{behind}".encode()
    changed = compose("xmp", ["smile"], packet, "append")
    assert keywords(changed) == ["hat", "smile"]
    text = changed.decode()
    assert text.startswith(before)
    assert text.endswith(behind)
    for part in ("<?xml", "<?xpacket begin", "<?xpacket end", "<!-- first", "<!-- three", "<?note"):
        assert text.count(part) == packet.decode().count(part)


@pytest.mark.parametrize("packet", [
    b"no xml", b"<a/>", FOREIGN.decode().encode("utf-16"),
    b"<?xml version='1.0' encoding='latin-1'?><x/>",
    b'<!DOCTYPE x [<!ENTITY a "b">]><x:xmpmeta xmlns:x="adobe:ns:meta/"/>',
])  # fmt: skip
def test_what_is_no_xmp_is_left_and_named(packet):
    with pytest.raises(DataError, match=r"XMP of a\.png"):
        compose("xmp", ["smile"], packet, "append")


PATHS = st.text(st.characters(exclude_characters="\0/", exclude_categories=["Cs"]), min_size=1)
SCORES = st.lists(st.floats(0, 1, width=32), min_size=len(KNOWN), max_size=len(KNOWN))
ROWS = st.lists(
    st.builds(
        lambda path, names, scores: Row(f"art/{path}", path, tuple(names), scores, (40, 30)),
        PATHS.filter(lambda name: name not in (".", "..")), NAMES, SCORES,
    ),
    max_size=4, unique_by=lambda row: row.path,
)  # fmt: skip


def write_table(name, rows, folder):
    (table,) = create_writers([name], KNOWN).tables
    for row in rows:
        table.check(row)
    table.write(folder / table.file_name, lambda: iter(rows))
    return folder / table.file_name


@given(ROWS)
@example([Row("art/a\rb", "a\rb", ("d:",), [0.0] * len(KNOWN), (40, 30))])
@settings(max_examples=25)
def test_tables_hold_what_was_found(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("tables")
    lines = write_table("jsonl", rows, folder).read_bytes().decode().split("\n")
    assert lines.pop() == ""
    for line, row in zip(lines, rows, strict=True):
        scores = dict(zip(KNOWN.names, row.scores, strict=True))
        rated = {"rating": "general"} if "general" in row.names else {}
        record = {"path": row.path, "tags": list(row.names), "scores": scores, **rated}
        assert json.loads(line) == record

    with write_table("csv", rows, folder).open(encoding="utf-8", newline="") as file:
        read = list(csv.DictReader(file))
    assert [(line["file"], line["tags"], line["rating"]) for line in read] == [
        (row.relative, ", ".join(row.names), "general" if "general" in row.names else "")
        for row in rows
    ]

    read = pq.read_table(write_table("parquet", rows, folder)).to_pylist()
    for line, row in zip(read, rows, strict=True):
        assert (line["path"], line["tags"]) == (row.path, list(row.names))
        assert line["scores"] == dict(zip(KNOWN.names, row.scores, strict=True))
        assert line["rating"] == ("general" if "general" in row.names else None)

    document = json.loads(write_table("coco", rows, folder).read_text(encoding="utf-8"))
    names = {category["id"]: category["name"] for category in document["categories"]}
    assert len(set(names.values())) == len(names)
    for image, row in zip(document["images"], rows, strict=True):
        assert (image["file_name"], image["width"], image["height"]) == (row.relative, 40, 30)
        notes = [note for note in document["annotations"] if note["image_id"] == image["id"]]
        assert [names[note["category_id"]] for note in notes] == list(row.names) == image["tags"]
        for note in notes:
            name = names[note["category_id"]]
            score = row.scores[KNOWN.index(name)] if name in KNOWN else None
            assert note.get("score") == score

    metadata = {
        row.path: {"tags": ", ".join(map(as_people_write, row.names)), "image_size": [40, 30]}
        for row in rows
    }
    text = write_table("kohya-json", rows, folder).read_bytes().decode()
    assert text == json.dumps(metadata, indent=4, ensure_ascii=False)

    text = write_table("kohya-jsonl", rows, folder).read_bytes().decode()
    assert text == "".join(
        json.dumps({"image_path": path, "caption": found["tags"], "image_size": [40, 30]},
                   ensure_ascii=False) + "\n"
        for path, found in metadata.items()
    )  # fmt: skip


def test_metadata_for_kohya_has_captions_and_no_ratings(tmp_path):
    row = Row("a.png", "a.png", ("d:", "general"), [0.5] * len(KNOWN), (2, 3), "a hat on a cat")
    read = json.loads(write_table("kohya-json", [row], tmp_path).read_text())
    assert read == {"a.png": {"caption": "a hat on a cat", "tags": "d:", "image_size": [2, 3]}}


@pytest.mark.parametrize(
    ("options", "caption"),
    [({}, "d:, ^_^"), ({"rated": True}, "d:, general, ^_^"),
     ({"caption_first": True}, "a hat  on a cat, d:, ^_^")],
)  # fmt: skip
def test_lines_for_kohya_have_what_captions_have(tmp_path, options, caption):
    (table,) = create_writers(["kohya-jsonl"], KNOWN, **options).tables
    said, names = "a hat, on a cat", ("d:", "general", "^_^")
    row = Row("a.png", "a.png", names, [0.5] * len(KNOWN), (2, 3), said)
    table.write(tmp_path / "a", lambda: iter([row]))
    (line,) = (tmp_path / "a").read_text().splitlines()
    found = json.loads(line)
    assert found["caption"].split(", ") == [" ".join(part.split()) for part in caption.split(", ")]


@pytest.mark.parametrize(
    ("name", "separator", "wanted"),
    [("kohya", ", ", "a girl sitting, smile\n"), ("a1111", ", ", "a girl sitting, smile"),
     ("kohya", ";", "a girl sitting;smile\n"), ("booru", ", ", "a_girl_sitting smile\n"),
     ("hydrus", ", ", "a girl sitting\nsmile\n")],
)  # fmt: skip
def test_a_caption_comes_first_in_every_kind_of_text(name, separator, wanted):
    (sidecar,) = create_writers([name], KNOWN, separator=separator, caption_first=True).sidecars
    said = "a girl, sitting" if separator == ", " else "a girl; sitting"
    found = Tags("a.png", ("smile",), {}, caption=said)
    written = sidecar.compose(found, None, "skip")
    assert written == wanted.encode()
    assert sidecar.compose(found, written, "append") is None


def test_captions_have_the_rating_where_that_is_asked_for():
    found = Tags("a.png", ("general", "smile"), {})
    for name, wanted in (("kohya", b"general, smile\n"), ("booru", b"general smile\n"),
                         ("hydrus", b"rating:general\nsmile\n")):  # fmt: skip
        (sidecar,) = create_writers([name], KNOWN, rated=True).sidecars
        assert sidecar.compose(found, None, "skip") == wanted


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("kohya", "smile;long hair\n"), ("a1111", "smile;long hair"), ("booru", "smile long_hair\n")],
)
def test_tags_of_a_caption_may_have_another_sign_between_them(name, wanted):
    (sidecar,) = create_writers([name], KNOWN, separator=";").sidecars
    found = Tags("a.png", ("smile", "long_hair"), {})
    written = sidecar.compose(found, None, "skip")
    assert written == wanted.encode()
    assert sidecar.compose(found, written, "append") is None
    with pytest.raises(DataError, match="cannot be written"):
        sidecar.compose(Tags("a.png", ("a;b c", "a b"), {}), None, "replace")


@pytest.mark.parametrize("form", ["csv", "coco"])
def test_our_own_importer_reads_tables_as_they_are(tmp_path, corpus, form):
    rows = [
        Row(f"art/{name}", name, tags, [0.5] * len(KNOWN), (32, 32))
        for name, tags in (("000.png", ("1girl", "^_^")), ("001.png", ("skadi_(arknights)",)))
    ]
    read = open_corpus(write_table(form, rows, tmp_path), images=corpus)
    assert {record.path: list(record.tags) for record in read.records} == {
        row.relative: list(row.names) for row in rows
    }
    assert not read.problems, read.problems.summary()


@pytest.mark.parametrize("form", ["csv", "parquet", "coco", "kohya-json", "kohya-jsonl"])
def test_a_name_that_is_no_text_is_refused_where_it_cannot_be_said(tmp_path, form):
    name = os.fsdecode(b"\xff.png")
    with pytest.raises(DataError, match="no UTF-8"):
        write_table(form, [Row(name, name, (), [0.5] * len(KNOWN), (1, 1))], tmp_path)


def test_memory_holds_a_part_of_a_table(tmp_path, monkeypatch):
    """Parquet is written in groups, which read back as one table."""
    import zokusei.inference.writers.tables as tables

    monkeypatch.setattr(tables, "_VALUES", 2 * len(KNOWN))
    rows = [Row(f"{n}.png", f"{n}.png", ("1girl",), [n / 8] * len(KNOWN)) for n in range(7)]
    path = write_table("parquet", rows, tmp_path)
    assert pq.ParquetFile(path).num_row_groups == 4
    assert [line["scores"]["d:"] for line in pq.read_table(path).to_pylist()] == [
        row.scores[0] for row in rows
    ]


def test_parquet_of_many_tags_is_read_by_their_names_and_takes_no_memory_for_each(
    tmp_path, monkeypatch
):
    """Each column of each group is described in memory until the end: there must be few."""
    import zokusei.inference.writers.tables as tables

    many = TagSet.from_names([f"tag_{number}" for number in range(1500)])
    monkeypatch.setattr(tables, "_VALUES", len(many))
    (table,) = create_writers(["parquet"], many).tables
    scores = [[((row + column) % 97) / 97 for column in range(1500)] for row in range(60)]
    held = []

    def rows():
        for number, values in enumerate(scores):
            held.append(resident_bytes())
            yield Row(f"{number}.png", f"{number}.png", ("tag_3",), values)

    path = tmp_path / table.file_name
    table.write(path, rows)
    file = pq.ParquetFile(path)
    assert file.num_row_groups == 60
    assert file.metadata.num_columns == 3
    assert held[-1] - held[10] < 15 << 20, "a column a tag takes 60 MB for these groups"
    read = file.read()
    names = json.loads(read.schema.metadata[b"tags"])
    assert names == list(many.names)
    for line, values in zip(read.to_pylist(), scores, strict=True):
        assert line["scores"] == pytest.approx(values)


def resident_bytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize(("text", "says"), [
    ("kohia", "did you mean 'kohya'"), ("", "no format"), ("csv,csv", "twice"),
    ("kohya,a1111", "the same file"),
])  # fmt: skip
def test_formats_are_checked(text, says):
    with pytest.raises(ConfigError, match=says):
        parse_formats(text)


@pytest.mark.parametrize("form", ["json", "xmp"])
def test_no_two_formats_write_one_file(form):
    assert parse_formats(f"hydrus,{form}") == ["hydrus", form]
    with pytest.raises(ConfigError, match=f"hydrus and {form} write the same file"):
        parse_formats(f"hydrus,{form}", f".{form}")


def test_every_format_is_built():
    writers = create_writers([*SIDECARS, *TABLES], KNOWN, extension=".caption")
    names = [sidecar.path_for(Path("b.c.png")).name for sidecar in writers.sidecars]
    assert names == [
        "b.c.caption", "b.c.caption", "b.c.caption", "b.c.png.caption", "b.c.png.json",
        "b.c.png.xmp",
    ]  # fmt: skip
    assert len(writers.tables) == len(TABLES)
