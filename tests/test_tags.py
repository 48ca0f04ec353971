import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zokusei.errors import DataError
from zokusei.tags import Tag, TagSet

AWKWARD = [
    'don\'t_say_"lazy"',
    "\\m/",
    "<|>_<|>",
    ":d",
    ";)",
    "^^^",
    "?",
    "2b_(nier:automata)",
    "null",
    "NA",
]


def test_awkward_names_survive_the_file(tmp_path):
    tags = TagSet(tuple(Tag(n, 4, i, i / 10) for i, n in enumerate(AWKWARD)))
    tags.save(tmp_path / "tags.csv")
    assert TagSet.load(tmp_path / "tags.csv") == tags


def test_the_file_begins_with_the_wd_columns_and_plain_line_ends(tmp_path):
    TagSet.from_names(["a", "b"]).save(tmp_path / "tags.csv")
    assert (tmp_path / "tags.csv").read_bytes() == (
        b"tag_id,name,category,count,threshold\n0,a,0,0,0.5\n1,b,0,0,0.5\n"
    )


def test_a_wd_list_without_thresholds_is_read(tmp_path):
    (tmp_path / "selected_tags.csv").write_text(
        "tag_id,name,category,count\n9999999,general,9,807858\n470575,1girl,0,4225150\n"
    )
    tags = TagSet.load(tmp_path / "selected_tags.csv")
    assert tags.names == ("general", "1girl")
    assert tags.tags[0].category == 9


@pytest.mark.parametrize(
    ("text", "says"),
    [("name,category\na,0\n", "count"), ("name,category,count\na,x,1\n", "line 2"),
     ("name,category,count\na,0,1\na,0,2\n", "unique")],
)  # fmt: skip
def test_a_damaged_list_is_refused(tmp_path, text, says):
    (tmp_path / "tags.csv").write_text(text)
    with pytest.raises(DataError, match=says):
        TagSet.load(tmp_path / "tags.csv")


@given(st.floats(0, 1, width=32))
def test_thresholds_come_back_as_the_single_precision_numbers_that_they_were(
    tmp_path_factory, value
):
    path = tmp_path_factory.mktemp("tags") / "tags.csv"
    TagSet((Tag("hat", threshold=value), Tag("bow", threshold=0.35))).save(path)
    assert np.float32(TagSet.load(path).tags[0].threshold) == np.float32(value)
    assert path.read_text().splitlines()[2].endswith(",0.35")


@given(st.lists(st.text(min_size=1), unique=True, max_size=20))
def test_index_and_name_are_inverse(names):
    tags = TagSet.from_names(names)
    assert [tags.index(name) for name in names] == list(range(len(names)))


def test_an_unknown_name_gets_a_hint():
    with pytest.raises(DataError, match="did you mean 'blue_hair'"):
        TagSet.from_names(["blue_hair", "smile"]).index("blue_hai")
