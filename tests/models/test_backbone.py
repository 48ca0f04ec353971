"""Backbones, and whether their packaged weights are what they say."""

import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import save_file
from sklearn.datasets import load_sample_image
from timm.data import ImageNetInfo
from torch import nn

from zokusei.errors import ConfigError, ModelError
from zokusei.images.preprocess import Preprocess
from zokusei.models import (
    PACKAGED,
    Backbone,
    backbone_statistics,
    create_model,
    freeze_batch_norm,
    load_packaged_weights,
)
from zokusei.models.backbone import load_backbone_weights

SMALL = "test_efficientnet"


@pytest.mark.parametrize(
    ("name", "photograph", "kind"),
    [
        *((name, "china.jpg", "palace") for name in PACKAGED),
        # A dahlia, which ImageNet does not have.
        ("tf_efficientnet_lite0", "flower.jpg", "daisy"),
        ("tf_efficientnet_lite1", "flower.jpg", "daisy"),
    ],
)
def test_packaged_weights_know_what_is_in_a_photograph(name, photograph, kind):
    model = timm.create_model(name, pretrained=False).eval()
    weights = load_packaged_weights(name)
    model.load_state_dict(dict(zip(model.state_dict(), weights, strict=True)))
    preprocess = Preprocess(224, "crop", *backbone_statistics(name, "auto"))
    image = preprocess(Image.fromarray(load_sample_image(photograph)))
    with torch.inference_mode():
        best = int(model(image[None]).argmax())
    assert ImageNetInfo().index_to_description(best) == kind
    # The same weights inside of our own backbone give the same features.
    ours = Backbone(name).eval()
    load_backbone_weights(ours, name, "auto")
    torch.testing.assert_close(ours(image[None]), model.forward_features(image[None]))


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_weights_from_a_file(tmp_path, suffix):
    source = timm.create_model(SMALL, pretrained=False)
    path = tmp_path / f"weights{suffix}"
    weights = {name: tensor.clone() for name, tensor in source.state_dict().items()}
    if suffix == ".pth":
        torch.save({"state_dict": weights}, path)
    else:
        save_file(weights, path)
    backbone = Backbone(SMALL)
    load_backbone_weights(backbone, SMALL, str(path))
    for name, tensor in backbone.body.state_dict().items():
        assert torch.equal(tensor, weights[name])


def test_weights_that_do_not_fit_are_refused(tmp_path):
    weights = dict(timm.create_model(SMALL, pretrained=False).state_dict())
    first = next(iter(weights))
    save_file({**weights, first: torch.zeros(1)}, tmp_path / "shape.safetensors")
    with pytest.raises(ModelError, match="has shape"):
        load_backbone_weights(Backbone(SMALL), SMALL, str(tmp_path / "shape.safetensors"))
    del weights[first]
    save_file(weights, tmp_path / "less.safetensors")
    with pytest.raises(ModelError, match=f"lack '{first}'"):
        load_backbone_weights(Backbone(SMALL), SMALL, str(tmp_path / "less.safetensors"))


def test_a_pickle_with_code_in_it_is_not_run(tmp_path):
    class Evil:
        def __reduce__(self):
            return (print, ("run",))

    torch.save({"weights": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(ModelError, match="more than tensors"):
        load_backbone_weights(Backbone(SMALL), SMALL, str(tmp_path / "evil.pth"))


@pytest.mark.parametrize("name", ["missing.safetensors", "broken.safetensors", "broken.pth"])
def test_files_that_hold_no_weights_are_refused(tmp_path, name):
    if name.startswith("broken"):
        (tmp_path / name).write_bytes(b"not weights at all")
    with pytest.raises(ModelError, match=name):
        load_backbone_weights(Backbone(SMALL), SMALL, str(tmp_path / name))


def test_an_unknown_backbone_is_refused_with_the_nearest():
    with pytest.raises(ModelError, match="did you mean 'resnet101'"):
        Backbone("resnet_101")


def test_a_transformer_gives_no_map():
    with pytest.raises(ModelError, match="not a map"):
        Backbone("test_vit")(torch.zeros(1, 3, 160, 160))


def test_frozen_batch_norm_stays_as_it_was_loaded():
    from zokusei.labels import LabelSpace
    from zokusei.tags import TagSet

    labels = LabelSpace.from_targets(TagSet.from_names(["a"]), torch.ones(1, 1).bool())
    model = create_model("gap", labels, backbone=SMALL, dropout=0.0)
    freeze_batch_norm(model)
    model.train()
    norms = [m for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    before = [norm.running_mean.clone() for norm in norms]
    pictures = torch.randn(4, 3, 64, 64)
    together = model(pictures)
    assert norms
    assert all(torch.equal(n.running_mean, b) for n, b in zip(norms, before, strict=True))
    torch.testing.assert_close(together[:1], model(pictures[:1]))


@pytest.mark.slow
def test_resnet_101_at_448_is_the_same_code():
    from zokusei.labels import LabelSpace
    from zokusei.tags import TagSet

    tags = TagSet.from_names([f"t{i}" for i in range(100)])
    labels = LabelSpace.from_targets(tags, torch.ones(1, 100).bool())
    for name in ("gap", "gmp", "add_gcn"):
        model = create_model(name, labels, backbone="resnet101").eval()
        with torch.inference_mode():
            explained = model.explain(torch.zeros(1, 3, 448, 448))
        assert explained["logits"].shape == (1, 100)
        assert explained["activation_maps"].shape == (1, 100, 14, 14)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_frozen_stages_are_not_touched_by_training(count):
    from zokusei.labels import LabelSpace
    from zokusei.models import freeze_stages
    from zokusei.tags import TagSet
    from zokusei.training.optimizers import create_optimizer

    labels = LabelSpace.from_targets(TagSet.from_names(["a"]), torch.ones(1, 1).bool())
    model = create_model("gap", labels, backbone=SMALL)
    freeze_stages(model.backbone, count)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    optimizer = create_optimizer(model, "adamw", lr=0.01, weight_decay=0.1)
    model.train()
    for _ in range(2):
        optimizer.zero_grad()
        model(torch.randn(4, 3, 64, 64)).square().sum().backward()
        optimizer.step()
    kept = {
        name for name, tensor in model.state_dict().items() if torch.equal(tensor, before[name])
    }
    stages = [("body.conv_stem.", "body.bn1."), ("body.blocks.0.",), ("body.blocks.1.",)]
    frozen = tuple(f"backbone.{part}" for stage in stages[:count] for part in stage)
    assert kept == {name for name in before if count and name.startswith(frozen)}


def test_more_stages_than_there_are_cannot_be_frozen():
    from zokusei.models import freeze_stages

    with pytest.raises(ConfigError, match="6 stages"):
        freeze_stages(Backbone(SMALL), 9)


def test_maps_with_channels_last_are_refused():
    with pytest.raises(ModelError, match="maps of swin_tiny_patch4_window7_224 have channels last"):
        Backbone("swin_tiny_patch4_window7_224")


@pytest.mark.parametrize(("name", "size", "message"), [
    ("test_vit", 160, r"gives \(1, \d+, \d+\), not a map"),
    ("test_vit", 163, "takes no pictures of 163 px"),
])  # fmt: skip
def test_what_gives_no_map_is_refused_before_anything_is_trained(name, size, message):
    backbone = Backbone(name)
    with pytest.raises(ModelError, match=message):
        backbone.check_size(size)
    assert backbone.training


def test_checking_a_size_changes_nothing():
    backbone = Backbone(SMALL)
    before = {key: value.clone() for key, value in backbone.state_dict().items()}
    backbone.check_size(40)
    assert backbone.training
    assert all(torch.equal(value, before[key]) for key, value in backbone.state_dict().items())
