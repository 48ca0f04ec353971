"""BLEU and CIDEr against formulas written out by hand, and what must hold for any captions."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zokusei.captioning.metrics import (
    compute_bleu,
    compute_caption_metrics,
    compute_cider_each,
    count_bleu_matches,
)
from zokusei.errors import DataError

CAPTIONS = ["a dog runs in the grass", "two men in a red boat", "a a a a"]
REFERENCES = [
    ["A dog runs through grass .", "The brown dog is running in the grass ."],
    ["Two men sit in a red boat", "two people on a boat", "men in a boat on the water"],
    ["a girl jumps", "a child on a a trampoline"],
]


def words(text):
    return text.lower().replace(".", "").split()


def ngrams(sentence, n):
    return [tuple(sentence[i : i + n]) for i in range(len(sentence) - n + 1)]


def bleu_by_hand(captions, references, order):
    logs, said_length, wanted_length = 0.0, 0, 0
    for caption, group in zip(captions, references, strict=True):
        said_length += len(words(caption))
        wanted_length += min(
            (abs(len(words(r)) - len(words(caption))), len(words(r))) for r in group
        )[1]
    for n in range(1, order + 1):
        right = total = 0
        for caption, group in zip(captions, references, strict=True):
            said = ngrams(words(caption), n)
            total += len(said)
            for gram in set(said):
                right += min(said.count(gram), max(ngrams(words(r), n).count(gram) for r in group))
        logs += math.log(right / total) / order
    brevity = min(1.0, math.exp(1 - wanted_length / said_length))
    return 100 * brevity * math.exp(logs)


def cider_by_hand(captions, references):
    scores = []
    for caption, group in zip(captions, references, strict=True):
        score = 0.0
        for n in range(1, 5):

            def weight(gram, n=n):
                holding = sum(any(gram in ngrams(words(r), n) for r in g) for g in references)
                return math.log(len(captions) / max(1, holding))

            said = ngrams(words(caption), n)
            for text in group:
                wanted = ngrams(words(text), n)
                dot = sum(
                    min(said.count(g), wanted.count(g)) * wanted.count(g) * weight(g) ** 2
                    for g in set(said)
                )
                norm = math.sqrt(sum((said.count(g) * weight(g)) ** 2 for g in set(said)))
                norm *= math.sqrt(sum((wanted.count(g) * weight(g)) ** 2 for g in set(wanted)))
                length = len(words(caption)) - len(words(text))
                if norm:
                    score += dot / norm * math.exp(-(length**2) / 72) / len(group) / 4
        scores.append(10 * score)
    return scores


def test_bleu_against_the_formula():
    found = compute_caption_metrics(CAPTIONS, REFERENCES)
    for order in (1, 2, 3, 4):
        wanted = bleu_by_hand(CAPTIONS, REFERENCES, order)
        assert found.bleu[order - 1] == pytest.approx(wanted)
    assert "tok:none" in found.signature
    assert "smooth:none" in found.signature
    assert list(found.as_row()) == ["bleu1", "bleu2", "bleu3", "bleu4", "cider"]


def test_bleu_of_summed_counts_is_that_of_the_corpus():
    matches = count_bleu_matches(CAPTIONS, REFERENCES)
    assert compute_bleu(matches.sum(0)) == pytest.approx(
        compute_caption_metrics(CAPTIONS, REFERENCES).bleu
    )
    twice = compute_caption_metrics([*CAPTIONS, CAPTIONS[0]], [*REFERENCES, REFERENCES[0]])
    assert compute_bleu(matches[[0, 1, 2, 0]].sum(0)) == pytest.approx(twice.bleu)


def test_cider_against_the_formula():
    found = compute_cider_each(CAPTIONS, REFERENCES)
    assert found.tolist() == pytest.approx(cider_by_hand(CAPTIONS, REFERENCES))
    assert found[0] > 0


def test_a_reference_itself_is_the_best_caption():
    captions = [group[0] for group in REFERENCES]
    single = [[caption] for caption in captions]
    found = compute_caption_metrics(captions, single)
    assert found.bleu[0] == pytest.approx(100)
    assert compute_cider_each(captions[:2], single[:2]).tolist() == pytest.approx([10, 10])


SENTENCES = st.lists(
    st.sampled_from("a dog cat runs sits on the grass".split()), min_size=1, max_size=8
)


@given(
    st.lists(
        st.tuples(SENTENCES, st.lists(SENTENCES, min_size=1, max_size=3)), min_size=1, max_size=4
    )
)
def test_figures_stay_in_their_ranges(pictures):
    captions = [" ".join(said) for said, _ in pictures]
    references = [[" ".join(text) for text in texts] for _, texts in pictures]
    found = compute_caption_metrics(captions, references)
    assert all(0 <= value <= 100 for value in found.bleu)
    each = compute_cider_each(captions, references)
    assert ((each >= 0) & (each <= 10 + 1e-9)).all()
    assert found.cider == pytest.approx(100 * each.mean())
    shuffled = np.random.default_rng(0).permutation(len(captions))
    again = compute_cider_each([captions[i] for i in shuffled], [references[i] for i in shuffled])
    assert again.tolist() == pytest.approx(each[shuffled].tolist())
    assert each.tolist() == pytest.approx(cider_by_hand(captions, references))


@pytest.mark.parametrize(
    ("captions", "references"), [([], []), (["a"], []), (["a"], [[]]), (["a"], [[" . "]])]
)
def test_what_cannot_be_judged_is_refused(captions, references):
    with pytest.raises(DataError):
        compute_caption_metrics(captions, references)


def test_an_empty_caption_is_judged_as_nothing_right():
    found = compute_caption_metrics(["", "a dog"], [["a dog"], ["a dog"]])
    assert found.bleu[0] < 100
    assert found.cider >= 0
