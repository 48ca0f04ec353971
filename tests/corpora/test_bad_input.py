"""What is wrong with a corpus is counted and named with file and line, and the rest goes on."""

import errno
import json
import os
import sqlite3
import tempfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora.danbooru_files import JPEG
from zokusei.corpora import Problems, TagRules, import_corpus, open_corpus
from zokusei.corpora.lines import read_json_lines
from zokusei.corpora.pictures import Seen, refuse_path
from zokusei.data.manifest import Box, Manifest, Record
from zokusei.errors import DataError

NAMES = st.sampled_from("abcdefgh")


@pytest.fixture
def folder(tmp_path):
    for name in ("a.png", "b.png", "c.png", "d.png"):
        (tmp_path / name).write_bytes(JPEG)
    return tmp_path


def read(path, **options):
    corpus = open_corpus(path, **options)
    return {record.path: record for record in corpus.records}, list(corpus.problems)


def test_a_table_with_everything_wrong(folder):
    table = folder / "labels.csv"
    table.write_bytes(
        b"\xef\xbb\xbffile,tags,unsure,split\n"
        b"a.png,hat smile,,train\n"
        b"gone.png,hat,,\n"
        b"a.png,hat,,\n"
        b"../a.png,hat,,\n"
        b"/etc/passwd,hat,,\n"
        b"b.png,\x8f\xce\x8a\xe7,,\n"
        b"c.png,hat smile,hat,\n"
        b"b.png,hat,,nowhere\n"
        b"C:\\a.png,hat,,\n"
        b"d.png,hat\n"
        b"d\x00.png,hat,,\n"
    )
    records, problems = read(table)
    assert {path: record.tags for path, record in records.items()} == {
        "a.png": ["hat", "smile"], "c.png": ["smile"], "b.png": ["hat"],
    }  # fmt: skip
    assert records["c.png"].known == ["smile"]
    assert {problem.file for problem in problems} == {str(table)}
    assert [p.line for p in problems if p.lost] == [3, 4, 5, 6, 7, 10, 11, 12]
    assert [(p.line, p.what.split(";")[0]) for p in problems if not p.lost] == [
        (8, "hat is listed as present and as unsure"),
        (9, "unknown split 'nowhere'"),
    ]


def test_json_lines_that_are_cut_off_or_of_another_encoding(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a": 1}\n\n{"a":\n"text"\n{"a": "\xff"}\n{"a": 2}\n{"a": 3')
    problems = Problems()
    assert list(read_json_lines(path, problems)) == [(1, {"a": 1}), (6, {"a": 2})]
    assert [problem.line for problem in problems] == [3, 4, 5, 7]
    path.write_text('{"a": 1}', encoding="utf-16")
    with pytest.raises(DataError, match="UTF-16"):
        list(read_json_lines(path, problems))
    path.write_text("[" * 100_000)
    assert list(read_json_lines(path, problems)) == []


def test_circles_of_links_are_named_and_walked_once(folder):
    (folder / "sub").mkdir()
    (folder / "sub" / "up").symlink_to(folder)
    (folder / "self.png").symlink_to("self.png")
    (folder / "dangling.png").symlink_to("nothing.png")
    for name in "abcd":
        (folder / f"{name}.txt").write_text("hat")
    records, problems = read(folder)
    assert sorted(records) == ["a.png", "b.png", "c.png", "d.png"]
    named = {problem.file.rsplit("/", 1)[1]: problem.what for problem in problems}
    assert sorted(named) == ["dangling.png", "self.png", "up"]


def test_tags_outside_the_vocabulary_are_named_once_with_their_count(folder):
    (folder / "v.txt").write_text("hat\n")
    (folder / "labels.csv").write_text("file,tags\na.png,hat bow\nb.png,bow\nc.png,tie\n")
    records, problems = read(folder / "labels.csv", vocabulary=folder / "v.txt")
    assert len(records) == 3
    assert [(p.file.split(", ")[1], p.what.split(", ")[0]) for p in problems] == [
        ("line 2", "bow is not in the vocabulary; 2 pictures"),
        ("line 4", "tie is not in the vocabulary; 1 picture"),
    ]


@given(st.lists(st.sampled_from(["..", ".", "a", "b.png", "C:", "", "\0"]), max_size=5))
def test_no_name_leads_out_of_the_folder(tmp_path_factory, parts):
    root = tmp_path_factory.getbasetemp()
    name = "/".join(parts)
    if not refuse_path(name, root):
        assert (root / name).resolve().is_relative_to(root.resolve())


def test_many_problems_leave_memory_and_come_back(tmp_path):
    problems = Problems()
    for number in range(20_000):
        problems.add("a.csv", "a row of some length that is not as it should be", number)
        problems.remark("日本.csv", "fine", None)
    assert (problems.lost, problems.remarks, len(problems)) == (20_000, 20_000, 40_000)
    assert [p.line for p in problems if p.lost] == list(range(20_000))
    assert "and 19995 more" in problems.summary()
    problems.save(tmp_path / "errors.jsonl")
    lines = (tmp_path / "errors.jsonl").read_text().splitlines()
    assert json.loads(lines[1]) == {"file": "日本.csv", "line": None, "problem": "fine",
                                    "lost": False}  # fmt: skip
    assert len(lines) == 40_000


@pytest.mark.parametrize(
    "row",
    [
        {"file": ["a.png"]}, {"split": ["train"]}, {"group": {}}, {"source": []},
        {"tags": {"a": 1}}, {"tags": [["hat"]]}, {"known": [{}]}, {"known": {"a": 1}},
        {"objects": {"bbox": [[10**400, 0, 0, 0]], "categories": ["hat"]}},
    ],
    ids=str,
)  # fmt: skip
def test_a_row_of_another_form_is_named_and_the_next_one_read(folder, row):
    rows = [{"file": "a.png", "tags": "hat", **row}, {"file": "b.png", "tags": "hat"}]
    table = folder / "labels.jsonl"
    table.write_text("".join(json.dumps(row) + "\n" for row in rows))
    records, problems = read(table)
    assert {path: record.tags for path, record in records.items()} == {"b.png": ["hat"]}
    assert [(problem.line, problem.lost) for problem in problems] == [(1, True)]


def test_a_cell_of_another_form_in_a_column_of_attributes(folder):
    rows = [
        {"file": "a.png", "hair": ["blonde"], "eyes": "red"},
        {"file": "b.png", "hair": "\ud800", "eyes": "red"},
        {"file": "c.png", "hair": "pink", "eyes": None},
    ]
    table = folder / "labels.jsonl"
    table.write_text("".join(json.dumps(row) + "\n" for row in rows))
    records, problems = read(table, columns={"hair": "{}_hair", "eyes": "{}_eyes"})
    assert {path: (r.tags, r.known) for path, r in records.items()} == {
        "c.png": (["pink_hair"], ["pink_hair"])
    }
    assert ["line 1" in p.where or "line 2" in p.where for p in problems] == [True, True]


def test_text_that_is_not_utf_8_is_left_out_and_the_rest_goes_on(zokusei, folder):
    (folder / "a.txt").write_text("hat")
    broken = os.fsdecode(b"\xff.png")
    (folder / broken).write_bytes(JPEG)
    (folder / broken).with_suffix(".txt").write_text("hat")
    records, problems = read(folder, format="folder")
    assert list(records) == ["a.png"]
    assert sum("is not UTF-8" in problem.what for problem in problems) == 1
    lines = [{"file": f"{name}.png", "tags": ["hat"]} for name in "abcd"]
    for line, (name, value) in zip(
        lines, [("tags", ["\ud800"]), ("caption", "\ud800"), ("known", ["\ud800"])], strict=False
    ):
        line[name] = value
    lines.append({"file": "\ud800.png", "tags": ["hat"]})
    (folder / "labels.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    command = ["data", "import", folder / "labels.jsonl", folder / "m.parquet", "--test", 0,
               "--val", 0]  # fmt: skip
    code, _, err = zokusei(*command)
    assert code == 3, err
    assert "4 of 5 could not be used" in err
    assert Manifest.load(folder / "m.parquet").column("path") == ["d.png"]


# Rules


@given(st.dictionaries(NAMES, NAMES), st.dictionaries(NAMES, st.lists(NAMES)), st.lists(NAMES))
def test_rules_do_what_following_them_by_hand_does(aliases, implications, tags):
    try:
        rules = TagRules(aliases, implications)
    except DataError:
        return  # a circle

    def rename(tag):
        while tag in aliases:
            tag = aliases[tag]
        return tag

    expected = {rename(tag) for tag in tags}
    while True:
        more = {rename(new) for old, news in implications.items() if rename(old) in expected
                for new in news} - expected  # fmt: skip
        if not more:
            break
        expected |= more
    applied = rules.apply(tags)
    assert set(applied) == expected
    assert len(applied) == len(expected)
    assert rules.apply(applied) == applied


def test_rules_as_files_in_every_habit_of_writing(tmp_path):
    (tmp_path / "a.csv").write_text("antecedent_name,consequent_name\nneko_ears,cat_ears\n")
    (tmp_path / "i.txt").write_text(
        "# what follows from what\nimply cat_ears -> animal_ears\ncat_ears\tears_of_a_cat\n"
        "create implication animal_ears -> ears\n"
    )
    rules = TagRules.load(tmp_path / "a.csv", tmp_path / "i.txt")
    assert rules.apply(["neko_ears"]) == ["cat_ears", "animal_ears", "ears_of_a_cat", "ears"]
    for text, says in [
        ("one two three\n", "line 1: .* is no rule"),
        ("a -> b\nb -> a\n", "circle: a -> b -> a"),
        ("a -> b\na -> c\n", "line 2: a is an alias of b and of c"),
    ]:
        (tmp_path / "bad.txt").write_text(text)
        with pytest.raises(DataError, match=says):
            TagRules.load(tmp_path / "bad.txt", None)
    with pytest.raises(DataError, match="in a circle"):
        TagRules({}, {"a": ["b"], "b": ["a"]})


def test_rules_rename_what_is_known_and_boxes_and_remark_contradictions():
    problems = Problems()
    rules = TagRules({"old": "new"}, {"new": ["more"]})
    record = Record("a.png", ["old"], known=["old", "more", "hat"], boxes=[Box("old", 1, 2, 3, 4)])
    ruled = rules.apply_to(record, problems)
    assert (ruled.tags, ruled.known) == (["new", "more"], ["new", "more", "hat"])
    assert ruled.boxes == [Box("new", 1, 2, 3, 4)]
    assert "more was looked for and not found" in problems.found[0][1]


# The command


def test_import_applies_rules_lists_errors_and_judges_the_share(zokusei, folder):
    (folder / "labels.csv").write_text(
        "file,tags\na.png,neko_ears\nb.png,hat\nc.png,hat\ngone.png,hat\n"
    )
    (folder / "a.txt").write_text("neko_ears -> cat_ears\n")
    (folder / "i.txt").write_text("cat_ears -> animal_ears\n")
    command = ["data", "import", folder / "labels.csv", folder / "m.parquet",
               "--aliases", folder / "a.txt", "--implications", folder / "i.txt"]  # fmt: skip
    code, out, err = zokusei(*command)
    assert (code, out) == (3, "")
    assert "1 of 4 could not be used (25.0 %), more than the 5 %" in err
    assert "labels.csv, line 5" in err
    errors = [json.loads(line) for line in (folder / "errors.jsonl").read_text().splitlines()]
    assert [(error["line"], error["lost"]) for error in errors] == [(5, True)]
    assert Manifest.load(folder / "m.parquet").column("tags")[0] == ["cat_ears", "animal_ears"]
    code, _, _ = zokusei(*command, "--max-lost", 25)
    assert code == 0
    # A manifest is imported like anything else, with other rules.
    (folder / "b.txt").write_text("hat -> bonnet\n")
    code, _, err = zokusei("data", "import", folder / "m.parquet", folder / "n.parquet",
                           "--aliases", folder / "b.txt")  # fmt: skip
    assert code == 0, err
    again, _ = import_corpus(folder / "n.parquet")
    assert again.column("tags")[1] == ["bonnet"]
    assert set(again.tags.names) == {"bonnet", "cat_ears", "animal_ears"}
    assert (folder / "errors.jsonl").read_text() == ""


def test_nothing_usable_is_one_message_and_leaves_no_manifest(zokusei, folder):
    (folder / "labels.csv").write_text("file,tags\ngone.png,hat\n")
    code, _, err = zokusei("data", "import", folder / "labels.csv", folder / "m.parquet")
    assert code == 2
    assert "line 2" in err
    assert not (folder / "m.parquet").exists()


@pytest.mark.parametrize("name", ["notes.txt", "notes.jsonl"])
@pytest.mark.parametrize("command", ["import", "export"])
def test_no_list_is_written_over_anything_else(zokusei, folder, command, name):
    notes = folder / name
    notes.write_text('{"file": "of my own"}\n')
    more = [folder / "m.parquet"] if command == "import" else [folder / "out", "--to", "coco"]
    code, _, err = zokusei("data", command, folder, *more, "--errors", notes)
    assert code == 2
    assert f"{name} is " in err
    assert "give a new file that ends in .jsonl" in err
    assert notes.read_text() == '{"file": "of my own"}\n'
    assert not any(path.exists() for path in more if path not in ("--to", "coco"))


def test_a_table_is_not_overwritten_by_its_manifest(zokusei, folder):
    table = folder / "labels.csv"
    table.write_text("file,tags\na.png,hat\nb.png,hat\nc.png,hat\n")
    code, _, err = zokusei("data", "import", table, table)
    assert (code, "ends in .parquet" in err) == (2, True)
    assert table.read_text().startswith("file,tags")


@pytest.mark.parametrize("kind", ["file", "database", "other"])
def test_a_full_temporary_disk_is_one_line(zokusei, folder, monkeypatch, kind):
    error = {
        "file": OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
        "database": sqlite3.OperationalError("database or disk is full"),
        "other": OSError(errno.EIO, os.strerror(errno.EIO)),
    }[kind]

    def fail(*_):
        raise error

    monkeypatch.setattr(Seen, "add", fail)
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    (folder / "labels.csv").write_text("file,tags\na.png,hat\n")
    command = ["data", "import", folder / "labels.csv", folder / "m.parquet"]
    if kind == "other":  # nobody knows what it means: the traceback stays
        with pytest.raises(OSError, match="Input/output"):
            zokusei(*command)
        return
    code, out, err = zokusei(*command)
    assert (code, out) == (2, "")
    assert f"temporary files lie in {folder}" in err
    assert "TMPDIR" in err
