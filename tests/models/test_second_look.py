"""A second look: where it looks, what it says, and what it leaves alone."""

import pytest
import torch
from torch.nn import functional as F

from zokusei.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from zokusei.errors import ConfigError, ModelError
from zokusei.images.preprocess import Preprocess
from zokusei.labels import LabelSpace
from zokusei.models import create_model
from zokusei.models.second_look import (
    Face,
    FaceFinder,
    SecondLook,
    cut_out,
    load_face_finder,
    look_at,
    mix_logits,
)
from zokusei.tags import TagSet

HALVES = (0.5, 0.5, 0.5)
NAMES = ["blue_eyes", "red_eyes", "hat", "smile"]


def make_labels():
    return LabelSpace.from_targets(TagSet.from_names(NAMES), torch.ones(2, 4, dtype=torch.bool))


def make_model(**settings):
    torch.manual_seed(0)
    look = {"tags": ["red_eyes", "blue_eyes"], "first": 32, "size": 32}
    model = create_model(
        "gap", make_labels(), backbone="test_efficientnet", second_look=look, **settings
    ).eval()
    # Weights that say something: those of a new head are next to none.
    torch.nn.init.normal_(model.head.classifier.weight, std=0.5)
    load_face_finder(model.second_look.finder)
    return model


def test_half_the_size_is_the_mean_of_two_by_two():
    images = torch.rand(2, 3, 12, 12)
    torch.testing.assert_close(look_at(images, 6), F.avg_pool2d(images, 2))
    assert look_at(images, 12) is images


def test_the_square_lies_where_it_should():
    size = 200
    place = (torch.arange(size) + 0.5) / size
    # Red says where from the left, green where from the top.
    across, down = place.expand(size, -1), place[:, None].expand(-1, size)
    image = torch.stack([across, down, down])
    face = Face(*(torch.tensor([value]) for value in (0.5, 0.6, 0.2, 1.0)))
    cut = cut_out(image[None], face, 30, 1.5)[0]
    expected = (torch.arange(30) + 0.5) / 30 * 0.3
    torch.testing.assert_close(cut[0, 7], 0.35 + expected, atol=1e-5, rtol=0)
    # A tenth of the half that the margin adds higher, for the hair.
    torch.testing.assert_close(cut[1, :, 7], 0.6 - 0.01 - 0.15 + expected, atol=1e-5, rtol=0)


def test_beyond_the_border_it_is_as_at_the_border():
    image = torch.zeros(1, 3, 40, 40)
    image[..., :2] = 1
    face = Face(*(torch.tensor([value]) for value in (0.0, 0.5, 0.4, 1.0)))
    cut = cut_out(image, face, 20, 1.0)
    assert cut[..., :10].min() == 1


def test_probabilities_are_mixed_as_the_formula_says():
    first, second = 30 * torch.randn(2, 500, 4, dtype=torch.float64)
    share = torch.rand(500, 4, dtype=torch.float64) / 2
    expected = (1 - share) * first.sigmoid() + share * second.sigmoid()
    mixed = mix_logits(first, second, share)
    torch.testing.assert_close(mixed.sigmoid(), expected)
    assert mix_logits(first.float(), second.float(), share.float()).isfinite().all()
    assert torch.equal(mix_logits(first, second, torch.zeros_like(share)), first)


def test_other_tags_are_those_of_the_first_look():
    model = make_model()
    images = torch.rand(5, 3, 64, 64)
    with torch.inference_mode():
        both, first = model(images), model.classify(model.backbone(look_at(images, 32)))
        face = model.second_look.finder(images)
        second = model.classify(model.backbone(cut_out(images, face, 32, 1.5)))
    share = face.certainty[:, None] / 2
    expected = (1 - share) * first.sigmoid() + share * second.sigmoid()
    assert torch.equal(both[:, 2:], first[:, 2:])
    torch.testing.assert_close(both[:, :2].sigmoid(), expected[:, :2])
    assert not torch.allclose(both[:, :2], first[:, :2])
    torch.testing.assert_close(model.explain(images)["logits"], both)


def test_a_face_is_where_it_is_however_pictures_are_normalised():
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    looks = [
        SecondLook(["hat"], NAMES, first=32, size=32, **given).eval()
        for given in ({}, {"mean": mean, "std": std})
    ]
    pictures = torch.randint(0, 256, (3, 3, 64, 64), dtype=torch.uint8)
    for look in looks:
        load_face_finder(look.finder)
    plain, other = (
        look.find_face(Preprocess(64, "pad", *given).normalize(pictures))
        for look, given in zip(looks, ((HALVES, HALVES), (mean, std)), strict=True)
    )
    for one, two in zip(plain, other, strict=True):
        torch.testing.assert_close(one, two, atol=1e-4, rtol=1e-4)


def test_training_has_one_look_and_leaves_the_finder_alone():
    model = make_model().train()
    assert not any(module.training for module in model.second_look.modules())
    images = torch.rand(2, 3, 32, 32)
    model(images).sum().backward()
    assert all(weight.grad is None for weight in model.second_look.parameters())
    model.head.dropout.eval()
    model.backbone.eval()
    torch.testing.assert_close(model(images), model.classify(model.backbone(images)))


def test_a_checkpoint_brings_its_finder(tmp_path):
    model = make_model(one_of=[["blue_eyes", "red_eyes"]])
    save_checkpoint(
        tmp_path / "m", Checkpoint(model, make_labels(), Preprocess(64, "pad", HALVES, HALVES))
    )
    again = load_checkpoint(tmp_path / "m").model
    images = torch.rand(3, 3, 64, 64)
    assert torch.equal(again(images), model(images))


@pytest.mark.parametrize(
    ("look", "message"),
    [
        ({"tags": ["blue_eye"]}, "no tag 'blue_eye'.*blue_eyes"),
        ({"tags": []}, "has no tag"),
    ],
)
def test_an_unknown_tag_is_named(look, message):
    with pytest.raises(ConfigError, match=message):
        SecondLook(names=NAMES, first=32, size=32, **look)


def test_a_model_that_reads_captions_looks_once():
    look = {"tags": ["hat"], "first": 32, "size": 32}
    with pytest.raises(ConfigError, match="second_look"):
        create_model(
            "capgcn", make_labels(), backbone="test_efficientnet", second_look=look,
            caption_width=8,
        )  # fmt: skip


def test_a_damaged_finder_is_named(tmp_path, monkeypatch):
    from zokusei.models import second_look

    monkeypatch.setattr(second_look, "files", lambda package: tmp_path)
    with pytest.raises(ModelError, match="came without"):
        load_face_finder(FaceFinder())
    (tmp_path / "faces").mkdir()
    (tmp_path / "faces" / "model.safetensors").write_bytes(b"not one")
    with pytest.raises(ModelError, match="damaged"):
        load_face_finder(FaceFinder())


def eyes_of(drawing):
    return [box for tag, box in drawing.boxes.items() if tag.endswith("_eyes")][:1]


def test_the_finder_finds_drawn_faces():
    """Their eyes are where the corpus says they are."""
    from zokusei.corpora.drawn import draw

    size = 256
    drawings = [draw(index, seed=77, size=size) for index in range(24)]
    preprocess = Preprocess(size, "pad", HALVES, HALVES)
    pixels = torch.stack([torch.from_numpy(it.image.copy()).permute(2, 0, 1) for it in drawings])
    finder = FaceFinder().eval()
    load_face_finder(finder)
    with torch.inference_mode():
        face = finder(preprocess.normalize(pixels))
    hits = count = 0
    for row, drawing in enumerate(drawings):
        for left, top, right, bottom in eyes_of(drawing):
            count += 1
            across, down = face.x[row] - (left + right) / 2, face.y[row] - (top + bottom) / 2
            far = max(abs(across), abs(down))
            hits += bool(far < face.side[row] / 2 and face.certainty[row] > 0.5)
    assert count > 15
    assert hits / count > 0.85
