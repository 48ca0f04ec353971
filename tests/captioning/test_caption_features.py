"""The vector of a caption: each reading against a loop."""

import numpy as np
import pytest
import torch

from zokusei.captioning.beam import generate
from zokusei.captioning.features import (
    READINGS,
    caption_width,
    compute_caption_features,
    compute_text_features,
)
from zokusei.captioning.model import CaptionModel
from zokusei.captioning.vocabulary import Vocabulary
from zokusei.errors import ConfigError

VOCABULARY = Vocabulary(("a", "girl", "with", "red", "hair", "smiles"))


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(3)
    built = CaptionModel(len(VOCABULARY), "test_efficientnet", embedding=6, hidden=5, attention=4)
    # Unequal words end captions of several lengths.
    torch.nn.init.normal_(built.head.word.weight, std=2.0)
    return built.double().eval()


@pytest.fixture(scope="module")
def found(model):
    generator = torch.Generator().manual_seed(1)
    width = model.backbone.num_features
    annotations = torch.randn(7, 9, width, generator=generator, dtype=torch.float64)
    written = generate(model, annotations, beam=2, max_length=6)
    assert len(set(written.lengths.tolist())) > 1
    return written


def by_hand(model, found, picture, reading):
    annotations = found.annotations[picture].numpy()
    length = int(found.lengths[picture])
    if reading == "encoder":
        return sum(annotations) / len(annotations)
    if reading == "hidden":
        return sum(found.hidden[picture, t].numpy() for t in range(length)) / length
    if reading == "text":
        table = model.head.embed.weight.detach().numpy()
        return sum(table[int(found.tokens[picture, t])] for t in range(length)) / length
    total = np.zeros(annotations.shape[1])
    for position, annotation in enumerate(annotations):
        looked = sum(float(found.alphas[picture, t, position]) for t in range(length))
        total += looked * annotation
    return total / len(annotations)


@pytest.mark.parametrize("reading", READINGS)
def test_a_reading_is_what_its_formula_says(model, found, reading):
    vectors = compute_caption_features(model, found, reading).detach()
    assert vectors.shape == (7, caption_width(model, reading))
    for picture in range(7):
        expected = torch.as_tensor(by_hand(model, found, picture, reading))
        torch.testing.assert_close(vectors[picture], expected)


def test_the_text_of_people_is_the_mean_of_its_known_words(model):
    captions = [["A girl with red hair .", "she smiles"], ["xyz"], []]
    vectors = compute_text_features(model, VOCABULARY, captions).detach()
    table = model.head.embed.weight.detach()
    words = ["a", "girl", "with", "red", "hair", "smiles"]
    expected = sum(table[VOCABULARY.encode(word)[1]] for word in words) / len(words)
    torch.testing.assert_close(vectors[0], expected)
    assert not vectors[1:].any()


def test_an_unknown_reading_is_refused_with_the_nearest(model):
    with pytest.raises(ConfigError, match="'atended' of a caption; did you mean 'attended'"):
        caption_width(model, "atended")
