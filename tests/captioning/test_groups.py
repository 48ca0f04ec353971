"""Captions written in groups: the same as alone to the last bit, and as those of one batch."""

import pytest
import torch

from zokusei.captioning import groups
from zokusei.captioning.beam import Generated, generate
from zokusei.captioning.features import compute_caption_features
from zokusei.captioning.groups import GROUP, GroupWriter
from zokusei.captioning.model import CaptionModel
from zokusei.captioning.vocabulary import END


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(3)
    model = CaptionModel(40, "test_efficientnet", embedding=24, hidden=48, attention=16).eval()
    for weight in model.head.parameters():  # far enough from indifference
        weight.data.mul_(4)
    model.head.word.bias.data[END] += 2  # captions of many lengths
    return model


@pytest.fixture(scope="module")
def annotations(model):
    generator = torch.Generator().manual_seed(1)
    return torch.randn(2 * GROUP + 3, 6, model.backbone.num_features, generator=generator)


def read(found: Generated) -> list[tuple[list[int], torch.Tensor]]:
    states = found.hidden.sum(1)
    return list(zip(found.tokens.tolist(), states, strict=True))


@pytest.mark.parametrize("beam", [1, 3])
@pytest.mark.parametrize("penalty", [0.0, 1.0])
def test_a_picture_gets_the_same_whatever_comes_with_it(model, annotations, beam, penalty):
    writer = GroupWriter(model, beam=beam, max_length=9, length_penalty=penalty)
    together = [state for _, state in writer.write(annotations, read)]
    order = torch.randperm(len(annotations), generator=torch.Generator().manual_seed(2))
    mixed = [state for _, state in writer.write(annotations[order], read)]
    for place, picture in enumerate(order.tolist()):
        alone = writer.write(annotations[picture : picture + 1], read)
        assert len(alone) == 1
        assert torch.equal(alone[0][1], together[picture])
        assert torch.equal(mixed[place], together[picture])


@pytest.mark.parametrize("beam", [1, 3])
def test_captions_are_those_of_one_batch(model, annotations, beam):
    whole = generate(model, annotations, beam=beam, max_length=9)
    assert len(set(whole.lengths.tolist())) > 2
    found = GroupWriter(model, beam=beam, max_length=9).write(annotations, read)
    for picture, (tokens, state) in enumerate(found):
        length = int(whole.lengths[picture])
        assert tokens[:length] == whole.tokens[picture, :length].tolist()
        assert not any(tokens[length:])
        torch.testing.assert_close(state, whole.hidden[picture].sum(0))


def test_what_is_read_of_looks_does_not_depend_on_longer_captions_beside_it(model):
    # Of 49 places the last one is added up by other instructions, in blocks of words.
    generator = torch.Generator().manual_seed(5)
    annotations = torch.randn(24, 49, model.backbone.num_features, generator=generator)
    writer = GroupWriter(model, max_length=30)

    def attend(found):
        return list(compute_caption_features(model, found, "attended"))

    lengths = writer.write(annotations, lambda found: found.lengths.tolist())
    assert min(lengths) < 13 < max(lengths)
    together = writer.write(annotations, attend)
    for picture in range(len(annotations)):
        alone = writer.write(annotations[picture : picture + 1], attend)[0]
        assert torch.equal(alone, together[picture])


def test_groups_have_one_size_where_rows_are_computed_alike(model, annotations, monkeypatch):
    heights = []

    def watch(given, pictures, **search):
        heights.append(len(pictures))
        return generate(given, pictures, **search)

    monkeypatch.setattr(groups, "generate", watch)
    GroupWriter(model, max_length=4).write(annotations, read)
    assert set(heights) == {GROUP}


def test_each_picture_is_a_group_where_its_place_would_show(model, annotations, monkeypatch):
    heights = []

    def favour_the_last(given, pictures, **search):
        heights.append(len(pictures))
        found = generate(given, pictures, **search)
        if len(pictures) > 1:  # as a library that adds the last rows in another order
            found.hidden[-1, 0, 0] = torch.nextafter(found.hidden[-1, 0, 0], torch.tensor(9.0))
        return found

    monkeypatch.setattr(groups, "generate", favour_the_last)
    found = GroupWriter(model, max_length=4).write(annotations, read)
    assert heights == [GROUP] + [1] * len(annotations)
    assert len(found) == len(annotations)


def test_of_no_picture_nothing_is_written(model, annotations):
    assert GroupWriter(model, max_length=4).write(annotations[:0], read) == []
