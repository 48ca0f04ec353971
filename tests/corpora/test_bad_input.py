"""What is wrong with a corpus is counted and named with file and line, and the rest goes on."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora.danbooru_files import JPEG
from zokusei.corpora import Problems, TagRules, import_corpus, open_corpus
from zokusei.corpora.lines import read_json_lines
from zokusei.corpora.pictures import refuse_path
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
