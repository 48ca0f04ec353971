"""Pictures that are seen in a mirror, too."""

import pytest
import torch

from zokusei.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from zokusei.images.preprocess import Preprocess
from zokusei.labels import LabelSpace
from zokusei.models import create_model
from zokusei.models.second_look import Face
from zokusei.tags import TagSet

NAMES = ["blue_eyes", "red_eyes", "hat"]
LOOK = {"tags": ["red_eyes"], "first": 32, "size": 32}


def make_labels():
    return LabelSpace.from_targets(TagSet.from_names(NAMES), torch.ones(2, 3, dtype=torch.bool))


def make_model(name="gap", **settings):
    torch.manual_seed(0)
    model = create_model(name, make_labels(), backbone="test_efficientnet", **settings).eval()
    for weight in model.head.parameters():  # those of a new head are next to none
        torch.nn.init.normal_(weight, std=0.3)
    return model


@torch.no_grad()
def test_a_tag_has_the_mean_of_both_probabilities():
    both, one = make_model(mirror=True), make_model()
    images = torch.randn(4, 3, 64, 64)
    expected = (one(images).sigmoid() + one(images.flip(3)).sigmoid()) / 2
    torch.testing.assert_close(both(images).sigmoid(), expected)
    assert not torch.allclose(one(images), one(images.flip(3)), atol=1e-2)


@torch.no_grad()
@pytest.mark.parametrize("settings", [{}, {"one_of": [NAMES[:2]]}, {"second_look": LOOK}])
def test_a_picture_and_its_mirror_image_have_the_same_tags(settings):
    model = make_model("add_gcn", mirror=True, **settings)
    if model.second_look is not None:  # its finder may see another face in a mirror
        model.second_look.find_face = lambda it: Face(*torch.full((4, len(it)), 0.5))
    images = torch.randn(4, 3, 64, 64)
    torch.testing.assert_close(model(images), model(images.flip(3)), atol=1e-5, rtol=1e-5)


def test_training_looks_once():
    both, one = make_model(mirror=True).train(), make_model().train()
    images, found = torch.randn(4, 3, 64, 64), []
    for model in (both, one):
        torch.manual_seed(1)  # of what is dropped
        found.append(model(images))
    torch.testing.assert_close(*found)


@torch.no_grad()
def test_the_vector_of_a_caption_goes_both_ways():
    both, one = (make_model("capgcn", caption_width=5, mirror=it) for it in (True, False))
    images, vectors = torch.randn(2, 3, 64, 64), torch.randn(2, 5)
    expected = (one(images, vectors).sigmoid() + one(images.flip(3), vectors).sigmoid()) / 2
    torch.testing.assert_close(both(images, vectors).sigmoid(), expected)
    torch.testing.assert_close(both.explain(images, vectors)["logits"], both(images, vectors))


@torch.no_grad()
def test_it_is_kept_with_the_model(tmp_path):
    model = make_model(mirror=True)
    preprocess = Preprocess(64, "squash", (0.5,) * 3, (0.5,) * 3)
    save_checkpoint(tmp_path / "model", Checkpoint(model, make_labels(), preprocess))
    images = torch.randn(2, 3, 64, 64)
    loaded = load_checkpoint(tmp_path / "model").model.eval()
    torch.testing.assert_close(loaded(images), model(images))
