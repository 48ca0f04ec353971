"""The caption's votes against a loop and scikit-learn, everything else against ADD-GCN."""

import math

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from zokusei.labels import LabelSpace
from zokusei.models.add_gcn import ADDGCN
from zokusei.models.capgcn_votes import CapGCNVotes, fit_votes
from zokusei.tags import TagSet

CLASSES, CHANNELS, WIDTH = 3, 5, 6


def create():
    """The variant and ADD-GCN, with the same weights."""
    torch.manual_seed(0)
    labels = LabelSpace.from_targets(
        TagSet.from_names(["hat", "shoes", "smile"]), torch.ones(2, CLASSES).bool()
    )
    ours = CapGCNVotes(CHANNELS, labels, hidden=4, caption_width=WIDTH)
    theirs = ADDGCN(CHANNELS, labels, hidden=4, attention="mean")
    theirs.load_state_dict({k: v for k, v in ours.state_dict().items() if "vote" not in k})
    return ours.eval(), theirs.eval()


def given():
    generator = torch.Generator().manual_seed(1)
    features = torch.randn(4, CHANNELS, 2, 3, generator=generator)
    return features, torch.randn(4, WIDTH, generator=generator)


def pictures(count=200):
    """Vectors of unlike scales, labels that depend on them, some of which nobody looked for."""
    generator = torch.Generator().manual_seed(2)
    vectors = torch.randn(count, WIDTH, generator=generator) * torch.arange(1, WIDTH + 1) + 3
    noise = torch.randn(count, CLASSES, generator=generator)
    targets = vectors[:, :CLASSES] + 2 * noise > torch.tensor([3.0, 5.0, 8.0])
    return vectors, targets, torch.rand(count, CLASSES, generator=generator) < 0.8


def test_it_is_add_gcn_until_votes_count():
    ours, theirs = create()
    features, captions = given()
    torch.testing.assert_close(ours(features, captions), theirs(features))
    ours.learn_captions(*pictures())
    torch.testing.assert_close(ours(features, captions), theirs(features))
    ours.vote_share.fill_(0.3)
    assert not torch.allclose(ours(features, captions), theirs(features))


@pytest.mark.parametrize("share", [1.0, 0.3])
def test_votes_raise_logits_by_what_the_caption_tells_beyond_the_share_of_pictures(share):
    ours, theirs = create()
    vectors, targets, known = pictures()
    ours.learn_captions(vectors, targets, known)
    ours.vote_share.fill_(share)
    weight, bias = fit_votes(vectors, targets, known, 0.02)
    features, captions = given()
    before, parts = theirs(features), ours.explain(features, captions)
    for picture in range(4):
        for label in range(CLASSES):
            has, looked = targets[known[:, label], label].sum().item(), known[:, label].sum().item()
            vote = bias[label].item() - math.log((has + 1) / (looked - has + 1))
            for place in range(WIDTH):
                vote += weight[label, place].item() * captions[picture, place].item()
            assert ours.vote(captions)[picture, label].item() == pytest.approx(vote, abs=1e-4)
            vote *= share
            expected = before[picture, label].item() + vote
            assert parts["logits"][picture, label].item() == pytest.approx(expected, abs=1e-4)
            assert parts["caption_logits"][picture, label].item() == pytest.approx(vote, abs=1e-4)


@pytest.mark.parametrize("penalty", [0.001, 0.02, 0.5])
def test_votes_are_the_regression_that_scikit_learn_finds(penalty):
    vectors, targets, known = pictures()
    weight, bias = fit_votes(vectors, targets, known, penalty)
    standard = ((vectors - vectors.mean(0)) / vectors.std(0, correction=0)).numpy()
    for label in range(CLASSES):
        rows = known[:, label].numpy()
        # Its loss is half of the squares, and C times the sum of all pictures and of two more.
        theirs = LogisticRegression(C=1 / (2 * penalty * len(known)), tol=1e-8, max_iter=999)
        seen = np.concatenate([standard[rows], np.zeros((2, WIDTH))])
        theirs.fit(seen, np.append(targets[:, label].numpy()[rows], [True, False]))
        found = theirs.decision_function(standard)
        ours = (vectors @ weight[label] + bias[label]).numpy()
        np.testing.assert_allclose(ours, found, atol=0.02, rtol=1e-3)


def test_captions_that_say_nothing_do_not_vote():
    ours, theirs = create()
    _, targets, known = pictures()
    # Nobody looked for one, every picture has another; of the third there are few.
    known[:, 0], targets[:, 1] = False, True
    targets[2:, 2] = False
    for nothing in (torch.zeros(len(targets), WIDTH), torch.full((len(targets), WIDTH), 7.0)):
        ours.learn_captions(nothing, targets, known)
        ours.vote_share.fill_(1.0)
        features, _ = given()
        captions = nothing[: len(features)]
        logits = ours(features, captions)
        torch.testing.assert_close(logits, theirs(features), atol=1e-3, rtol=0)


def test_a_class_that_few_pictures_were_looked_at_for_votes_little():
    generator = torch.Generator().manual_seed(3)
    vectors = torch.randn(2000, 64, generator=generator)
    targets = torch.rand(2000, 1, generator=generator) < 0.3  # by lot: nothing can be told
    votes = []
    for count in (40, 2000):
        known = torch.zeros(2000, 1, dtype=torch.bool)
        known[:count] = True
        weight, _ = fit_votes(vectors, targets, known, 0.02)
        votes.append((vectors @ weight[0]).std().item())
    assert votes[0] < 2 * votes[1] < 1
