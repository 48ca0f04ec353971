import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpora.danbooru_files import new_post, old_post, write_copy
from zokusei.corpora import Problems
from zokusei.corpora.danbooru import is_danbooru, read_danbooru
from zokusei.corpora.danbooru_posts import IdSet
from zokusei.corpora.danbooru_subset import choose_quotas, choose_subset, read_exclusions
from zokusei.data.manifest import Manifest
from zokusei.errors import ConfigError, DataError


def test_a_dump_of_2020(tmp_path):
    posts = [
        old_post(263162, ["hat", "smile"]),
        old_post(1000001, ["hat"], parent_id="263162"),
        old_post(12, ["smile"], rating="q"),
        old_post(13, ["smile"], is_deleted=True),
    ]
    problems = Problems()
    records = list(read_danbooru(write_copy(tmp_path, posts), problems))
    assert [record.path for record in records] == [
        "512px/0162/263162.jpg",
        "512px/0001/1000001.jpg",
    ]
    assert [record.tags for record in records] == [["hat", "smile"], ["hat"]]
    assert {record.group for record in records} == {"263162"}
    assert {record.source for record in records} == {"danbooru:safe"}
    assert not problems


def test_variants_of_variants_are_one_group_in_whatever_order_they_come(tmp_path):
    posts = [
        new_post(14, ["hat"], parent_id=13),
        new_post(12, ["hat"], parent_id=11, is_deleted=True),
        new_post(13, ["hat"], parent_id=12),
        new_post(11, ["hat"]),
        new_post(9, ["hat"], parent_id=20),  # the parent came later
        new_post(20, ["hat"]),
        new_post(30, ["hat"], parent_id=31), new_post(31, ["hat"], parent_id=30),  # in a circle
        new_post(40, ["hat"], parent_id=1 << 40),  # no post
        '{"parent_id": 5, "id": "no number"}',
        '{"parent_id": 5, "id"',
    ]  # fmt: skip
    root = write_copy(tmp_path, posts, name="posts000000000000.json")
    groups = {"14": "11", "13": "11", "11": "11", "9": "9", "20": "9", "30": "30", "31": "30",
              "40": "40"}  # fmt: skip
    problems = Problems()
    records = list(read_danbooru(root, problems))
    assert {Path(record.path).stem: record.group for record in records} == groups
    assert len(problems) == 2  # each bad line is told once
    subset = choose_subset(root, Problems(), classes=1, pictures=8, labels_per_picture=1)
    found = {Path(record.path).stem: record.group for record in subset.records}
    assert found == groups  # as `--like` finds them, which reads the posts in another way


@pytest.mark.parametrize("first", ["", "   ", '{"id": 5, "rati', "\ufeff"])
def test_a_damaged_first_line_hides_no_dump(tmp_path, first):
    posts = [first + json.dumps(new_post(5, ["hat"])) if first == "\ufeff" else first,
             new_post(5, ["hat"])]  # fmt: skip
    root = write_copy(tmp_path, posts, name="posts000000000000.json")
    assert is_danbooru(root)
    (root / "metadata/posts000000000000.json").write_text('{"images": [' + "1, " * 10**6)
    assert not is_danbooru(root)


def test_other_files_beside_the_pictures_do_not_count(tmp_path):
    root = write_copy(tmp_path, [new_post(5, ["hat"])], name="posts000000000000.json")
    (root / "512px/0004").mkdir()
    (root / "512px/0004/4.txt").write_text("hat")  # as `zokusei tag` writes captions
    (root / "512px/0005/5.txt").write_text("hat")
    assert [record.path for record in read_danbooru(root, Problems())] == ["512px/0005/5.jpg"]


def test_a_dump_of_2023_with_its_new_ratings(tmp_path):
    posts = [new_post(5, ["hat"], "g"), new_post(6, ["hat"], "s"), new_post(7, ["hat"], "e")]
    root = write_copy(tmp_path, posts, name="posts000000000000.json")
    assert [r.path for r in read_danbooru(root, Problems())] == ["512px/0005/5.jpg"]
    both = read_danbooru(root, Problems(), ratings=("general", "sensitive"))
    assert [record.source for record in both] == ["danbooru:general", "danbooru:sensitive"]


def test_an_s_that_may_mean_either_is_asked_for(tmp_path):
    root = write_copy(tmp_path, [new_post(6, ["hat"], "s")], name="posts000000000000.json")
    with pytest.raises(ConfigError, match="--rating-scheme"):
        list(read_danbooru(root, Problems()))
    assert len(list(read_danbooru(root, Problems(), scheme="old"))) == 1
    assert len(list(read_danbooru(root, Problems(), scheme="new"))) == 0
    with pytest.raises(ConfigError, match="write the word"):
        list(read_danbooru(root, Problems(), scheme="new", ratings=("s",)))
    with pytest.raises(ConfigError, match=r"data import .* --rating-scheme old\|new"):
        list(read_danbooru(root, Problems()))
    other = write_copy(tmp_path / "g", [new_post(6, ["hat"], "g")])
    with pytest.raises(ConfigError, match="rated g"):
        list(read_danbooru(other, Problems(), scheme="old"))


def test_what_cannot_be_used_is_named_with_its_line(tmp_path):
    posts = [
        old_post(1, ["hat"]),
        json.dumps(old_post(2, ["hat"]))[:200],
        old_post(1, ["smile"]),
        old_post(3, ["hat"], file_ext="../../jpg"),
        {"id": "4", "rating": "s"},
        "[]",
        old_post(5, ["hat"], rating=None),
        old_post(6, [None]),
        old_post(1001, ["hat"]),
        old_post(99, ["hat"]),
    ]
    root, problems = write_copy(tmp_path, posts, pictures=[1]), Problems()
    assert [record.tags for record in read_danbooru(root, problems)] == [["hat"]]
    lines = {problem.line: problem.what for problem in problems if problem.lost}
    assert sorted(lines) == [2, 3, 4, 5, 6, 7, 8, 9]
    assert "listed twice" in lines[3]
    assert "1001.jpg does not exist" in lines[9]
    # A copy of some folders only is no mistake: that is said once.
    assert [p.what for p in problems if not p.lost] == [
        "1 posts lie in folders that this copy does not hold"
    ]


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """Posts with tags of falling frequency, among them such that are no attributes."""
    rng = np.random.default_rng(0)
    posts = []
    for number in range(1, 1201):
        tags = [f"tag_{i}" for i in range(30) if rng.random() < 0.6 / (1 + i / 8)]
        tags += ["1girl", "highres", "large_breasts"]
        posts.append(old_post(number, tags, rating="sq"[number % 2]))
    there = [post for post in range(1, 1201) if post % 40 >= 2]
    return write_copy(tmp_path_factory.mktemp("danbooru"), posts, pictures=there)


def test_a_subset_is_what_a_loop_over_the_posts_says(copy):
    subset = choose_subset(copy, Problems(), classes=20, pictures=200, labels_per_picture=5.0,
                           excluded=read_exclusions())  # fmt: skip
    text = (copy / "metadata/2020000000000000.json").read_text()
    posts = [json.loads(line) for line in text.splitlines()]
    safe = {int(p["id"]): [t["name"] for t in p["tags"]] for p in posts if p["rating"] == "s"}
    counts = {f"tag_{i}": sum(f"tag_{i}" in tags for tags in safe.values()) for i in range(30)}
    expected = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:20]
    assert [(tag.name, tag.count) for tag in subset.tags] == expected
    classes = {name for name, _ in expected}
    for record in subset.records:
        number = int(Path(record.path).stem)
        assert record.tags == [name for name in safe[number] if name in classes]
        assert (copy / record.path).is_file()
    assert len({record.path for record in subset.records}) == 200
    mean = np.mean([len(record.tags) for record in subset.records])
    assert mean == pytest.approx(subset.labels_per_picture)
    assert mean == pytest.approx(5.0, abs=0.02)
    assert subset.ratings == ["safe"]


def test_another_seed_draws_other_pictures_and_the_same_seed_the_same(copy):
    def draw(seed):
        subset = choose_subset(copy, Problems(), classes=20, pictures=100, seed=seed,
                               labels_per_picture=5.0, excluded=read_exclusions())  # fmt: skip
        return {record.path for record in subset.records}

    assert draw(1) == draw(1)
    assert len(draw(2**64)) == 100
    assert len(draw(1) & draw(2)) < 50


@settings(max_examples=30)
@given(
    st.lists(st.integers(0, 500), min_size=3, max_size=20),
    st.floats(0.05, 0.95),
    st.floats(0.1, 0.9),
)
def test_quotas_hit_number_and_mean_and_take_no_more_than_there_is(counts, share, place):
    histogram = np.array([7, *counts], dtype=np.int64)
    there = histogram.copy()
    there[0] = 0
    count = int(share * there.sum())
    labels = np.repeat(np.arange(len(there)), there)
    if count < 20:
        return
    low, high = labels[:count].mean(), labels[-count:].mean()
    mean = low + place * (high - low)
    try:
        quotas = choose_quotas(histogram, count, mean)
    except DataError:
        # Only at the ends of what is possible, which no finite tilt reaches.
        assert min(mean - low, high - mean) < 0.01
        return
    assert quotas.sum() == count
    assert (quotas <= there).all()
    assert (quotas @ np.arange(len(there))) / count == pytest.approx(mean, abs=0.3)


def test_a_mean_or_number_out_of_reach_is_refused():
    with pytest.raises(DataError, match="only 1"):
        choose_quotas(np.array([0, 50, 50]), 40, 6.3)
    with pytest.raises(DataError, match="100 pictures have one"):
        choose_quotas(np.array([500, 50, 50]), 101, 1.5)


@given(st.lists(st.integers(0, 100_000)), st.lists(st.integers(0, 100_000)))
def test_a_set_of_numbers_is_a_set(added, asked):
    ids, expected = IdSet(), set()
    for number in added:
        assert ids.add(number) == (number not in expected)
        expected.add(number)
    assert ids.find(np.array(asked, dtype=np.int64)).tolist() == [n in expected for n in asked]


def test_the_command_and_the_list_it_writes(zokusei, copy, tmp_path):
    settings = ["--classes", 20, "--pictures", 160, "--labels", 5]
    code, out, err = zokusei("data", "danbooru", copy, "--out", tmp_path / "a", *settings)
    assert (code, out) == (0, "")
    assert "mean labels: 5.0" in err
    assert "tag_0" in err
    assert "1girl" not in err
    code, _, err = zokusei(
        "data", "danbooru", copy, "--out", tmp_path / "b", "--like", tmp_path / "a"
    )
    assert code == 0, err
    for name in ("tags.csv", "pictures.csv", "excluded.txt"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    facts, again = (json.loads((tmp_path / n / "subset.json").read_text()) for n in "ab")
    assert again == {**facts, "like": str(tmp_path / "a")}
    code, _, err = zokusei(
        "data", "danbooru", copy, "--out", tmp_path / "a/.", "--like", tmp_path / "a"
    )
    assert (code, "would write over the list" in err) == (2, True)

    first, second = (Manifest.load(tmp_path / name / "manifest.parquet") for name in "ab")
    for column in ("path", "tags", "split", "group"):
        assert first.column(column) == second.column(column)
    splits = first.column("split")
    assert splits.count("test") == pytest.approx(40, abs=3)
    assert 0 < splits.count("val") < 25
    # What the list names and another copy lacks is too much to be silent about.
    (copy / "512px" / "none").mkdir()
    list_ = tmp_path / "a" / "pictures.csv"
    list_.write_text(list_.read_text() + "".join(f"{n},train\n" for n in range(9000, 9100)))
    code, _, err = zokusei(
        "data", "danbooru", copy, "--out", tmp_path / "c", "--like", tmp_path / "a"
    )
    assert code == 3
    assert "post 9000 of the list is not in the metadata" in err


def test_a_list_is_repeated_with_its_own_settings(zokusei, copy, tmp_path):
    settings = ["--classes", 20, "--pictures", 100, "--labels", 5, "--seed", 7]
    (tmp_path / "excluded.txt").write_text("tag_0\n*girl*\n")
    code, _, err = zokusei("data", "danbooru", copy, "--out", tmp_path / "a", *settings,
                           "--exclude", tmp_path / "excluded.txt")  # fmt: skip
    assert code == 0, err
    command = ["data", "danbooru", copy, "--out", tmp_path / "b", "--like", tmp_path / "a"]
    code, _, err = zokusei(*command, "--classes", 100, "--rating-scheme", "old")
    assert (code, "leave out --classes, --rating-scheme" in err) == (2, True)
    assert not (tmp_path / "b").exists()
    assert zokusei(*command)[0] == 0
    assert (tmp_path / "b" / "excluded.txt").read_text() == "tag_0\n*girl*\n"
    assert json.loads((tmp_path / "b" / "subset.json").read_text())["seed"] == 7
    for name, text in (("subset.json", "[]"), ("subset.json", "{"), ("excluded.txt", None)):
        file = tmp_path / "a" / name
        file.write_text(text) if text else file.unlink()
        code, _, err = zokusei(*command)
        assert (code, name in err) == (2, True)
        if text:
            file.write_text("{}")


def test_why_there_is_nothing_to_choose_from_is_said(zokusei, tmp_path):
    posts = [old_post(1, ["hat"]), old_post(1, ["hat"]), "[]"]
    root = write_copy(tmp_path / "copy", posts)
    code, _, err = zokusei("data", "danbooru", root, "--out", tmp_path / "a", "--classes", 9)
    assert code == 2
    assert "post 1 is listed twice" in err
    (tmp_path / "list").mkdir()
    for name, text in {
        "tags.csv": "name,category,count\nhat,0,1\n",
        "excluded.txt": "",
        "pictures.csv": "id,split\n5,train\n",
        "subset.json": "{}",
    }.items():
        (tmp_path / "list" / name).write_text(text)  # fmt: skip
    code, _, err = zokusei("data", "danbooru", root, "--out", tmp_path / "a", "--like",
                           tmp_path / "list")  # fmt: skip
    assert code == 2
    assert "post 5 of the list is not in the metadata" in err


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--rating-scheme", "newer"], "is old or new, not 'newer'"),
        (["--ratings", "saef"], "have no 'saef'"),
        (["--rating-scheme", "old", "--ratings", "safe, general"], "the old ratings have no"),
    ],
)
def test_ratings_are_checked_before_anything_is_read(zokusei, tmp_path, options, says):
    gone = tmp_path / "gone"
    for command in (["import", gone, tmp_path / "m.parquet"], ["danbooru", gone, "--out", gone]):
        code, _, err = zokusei("data", *command, *options)
        assert (code, says in err) == (2, True), err
