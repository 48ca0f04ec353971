"""Beam search against every sentence there is, on a vocabulary small enough to write them all."""

import itertools

import pytest
import torch

from zokusei.captioning.beam import generate
from zokusei.captioning.model import CaptionModel
from zokusei.captioning.vocabulary import END, PAD, START
from zokusei.errors import ConfigError

WORDS = (4, 5)
STEPS = 4


@pytest.fixture
def model():
    torch.manual_seed(7)
    model = CaptionModel(
        4 + len(WORDS), "test_efficientnet", embedding=6, hidden=6, attention=6
    ).double().eval()  # fmt: skip
    for weight in model.head.parameters():  # far enough from indifference
        weight.data.mul_(10)
    model.head.word.bias.data[END] -= 1  # or every caption would have one word
    return model


def annotations_of(model, pictures, seed=0):
    generator = torch.Generator().manual_seed(seed)
    size = (pictures, 3, model.backbone.num_features)
    return torch.randn(size, generator=generator, dtype=torch.float64)


@torch.no_grad()
def probability(model, annotations, sentence):
    """Log-probability of numbers that follow the start, one step at a time."""
    head = model.head
    state, keys, total, word = (
        head.start(annotations[None], 1),
        head.key(annotations[None]),
        0.0,
        START,
    )
    for number in sentence:
        taken = head.step(torch.tensor([[word]]), state, annotations[None], keys)
        logits = head.predict(taken.embedded, taken.state.hidden, taken.context)
        total += float(logits.log_softmax(-1)[0, 0, number])
        state, word = taken.state, number
    return total


def every_sentence():
    for length in range(1, STEPS):
        for words in itertools.product(WORDS, repeat=length):
            yield (*words, END)


@pytest.mark.parametrize("penalty", [0.0, 0.7, 1.0])
def test_a_wide_beam_finds_the_best_of_all_sentences(model, penalty):
    annotations = annotations_of(model, 5)
    found = generate(model, annotations, beam=40, max_length=STEPS, length_penalty=penalty)
    lengths = set()
    for picture in range(5):
        totals = {s: probability(model, annotations[picture], s) for s in every_sentence()}
        best = max(totals, key=lambda s: totals[s] / len(s) ** penalty)
        length = int(found.lengths[picture])
        assert (*found.tokens[picture, :length].tolist(), END) == best
        assert float(found.scores[picture]) == pytest.approx(totals[best])
        assert bool(found.finished[picture])
        lengths.add(length)
    assert len(lengths) > 1


def test_a_beam_of_one_takes_the_likeliest_word_each_time(model):
    annotations = annotations_of(model, 4, seed=1)
    found = generate(model, annotations, max_length=STEPS)
    for picture in range(4):
        said = []
        while len(said) < STEPS and END not in said:
            choices = WORDS if not said else (*WORDS, END)
            said.append(
                max(choices, key=lambda w: probability(model, annotations[picture], (*said, w)))
            )
        words = [word for word in said if word != END]
        assert found.tokens[picture, : len(words)].tolist() == words
        assert float(found.scores[picture]) == pytest.approx(
            probability(model, annotations[picture], said)
        )


@pytest.mark.parametrize("beam", [1, 3, 16])
def test_where_no_beam_ends_the_best_beginning_is_given(model, beam):
    model.head.word.bias.data[END] = -1e4
    annotations = annotations_of(model, 3)
    found = generate(model, annotations, beam=beam, max_length=STEPS)
    assert not found.finished.any()
    assert found.lengths.tolist() == [STEPS] * 3
    for picture in range(3):
        sentences = itertools.product(WORDS, repeat=STEPS)
        best = max(probability(model, annotations[picture], s) for s in sentences)
        said = probability(model, annotations[picture], found.tokens[picture].tolist())
        assert float(found.scores[picture]) == pytest.approx(said)
        assert said == pytest.approx(best) if beam == 16 else said <= best + 1e-9


@pytest.mark.parametrize("beam", [1, 3])
@pytest.mark.parametrize("penalty", [0.0, 1.0])
def test_what_is_written_of_a_picture_depends_on_no_other(model, beam, penalty):
    annotations = annotations_of(model, 6, seed=2)
    settings = {"beam": beam, "max_length": 9, "length_penalty": penalty}
    together = generate(model, annotations, **settings)
    for picture in range(6):
        alone = generate(model, annotations[picture : picture + 1], **settings)
        length = int(alone.lengths[0])
        assert int(together.lengths[picture]) == length
        for name in ("tokens", "alphas", "hidden"):
            one = getattr(alone, name)[0]
            torch.testing.assert_close(getattr(together, name)[picture, :length], one[:length])
            assert not getattr(together, name)[picture, length:].any()


def test_maps_and_states_belong_to_the_words(model):
    annotations = annotations_of(model, 6, seed=4)
    found = generate(model, annotations, beam=4, max_length=6)
    steps = found.tokens.shape[1]
    assert found.alphas.shape == (6, steps, 3)
    assert found.hidden.shape == (6, steps, 6)
    assert found.annotations is annotations
    tokens = torch.cat([torch.full((6, 1), START), found.tokens, torch.zeros(6, 1).long()], 1)
    lengths = found.lengths[:, None]
    decoded = model(annotations, tokens[:, None], lengths)
    torch.testing.assert_close(decoded.alphas[:, 0], found.alphas)
    head = model.head
    state, keys = head.start(annotations, 1), head.key(annotations)
    for step in range(steps):
        state = head.step(tokens[:, step : step + 1], state, annotations, keys).state
        for picture in range(6):
            if step < int(found.lengths[picture]):
                torch.testing.assert_close(found.hidden[picture, step], state.hidden[picture, 0])
    assert (found.tokens == PAD).sum() == 6 * steps - int(found.lengths.sum())


@pytest.mark.parametrize(
    "wrong", [{"beam": 0}, {"max_length": 0}, {"length_penalty": -0.5}], ids=str
)
def test_impossible_searches_are_refused(model, wrong):
    with pytest.raises(ConfigError, match="at least"):
        generate(model, annotations_of(model, 1), **wrong)
