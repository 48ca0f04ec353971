import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zokusei.captioning.vocabulary import SPECIALS, UNKNOWN, Vocabulary, split_words
from zokusei.errors import CheckpointError, DataError

CAPTIONS = ["A dog runs .", "The dog's ball, a red one", "a dog"]


def test_words_are_counted_and_ordered():
    vocabulary = Vocabulary.from_captions(CAPTIONS, min_count=1)
    assert vocabulary.words[:2] == ("a", "dog")
    assert "dog's" in vocabulary.words
    assert len(vocabulary) == len(vocabulary.words) + len(SPECIALS)
    assert Vocabulary.from_captions(CAPTIONS, min_count=2).words == ("a", "dog")
    assert Vocabulary.from_captions(CAPTIONS, min_count=2).encode("a cat")[2] == UNKNOWN


@given(st.text(max_size=40))
def test_words_survive_being_numbered(text):
    words = split_words(text)
    if words:
        vocabulary = Vocabulary.from_captions([text])
        assert vocabulary.decode(vocabulary.encode(text)) == " ".join(words)
        assert split_words(" ".join(words)) == words


def test_saved_and_read_back(tmp_path):
    vocabulary = Vocabulary.from_captions([*CAPTIONS, "犬が走る"])
    vocabulary.save(tmp_path / "v.json")
    again = Vocabulary.load(tmp_path / "v.json")
    assert again == vocabulary
    assert again.digest == vocabulary.digest
    assert Vocabulary(vocabulary.words[::-1]).digest != vocabulary.digest


@pytest.mark.parametrize(
    "content", ["", "[]", '{"words": ["a", "a"]}', '{"words": "ab"}', '{"words": [1]}']
)
def test_files_that_are_no_vocabulary_are_refused(tmp_path, content):
    (tmp_path / "v.json").write_text(content)
    with pytest.raises(CheckpointError, match=r"v\.json"):
        Vocabulary.load(tmp_path / "v.json")


def test_a_vocabulary_without_words_is_refused():
    with pytest.raises(DataError, match="min_count"):
        Vocabulary.from_captions(["a dog"], min_count=2)
    assert json.dumps(SPECIALS)
