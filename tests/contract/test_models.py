"""What every registered model must do; a new one is tested here unasked."""

import copy
import dataclasses
import re
from pathlib import Path

import pytest
import torch
from torch import nn

import zokusei.models
from zokusei.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from zokusei.errors import ConfigError, ModelError
from zokusei.export.graph import write_onnx
from zokusei.images.preprocess import Preprocess
from zokusei.labels import LabelSpace
from zokusei.losses import binary_cross_entropy
from zokusei.models import OneOf, create_model, list_models, needs_captions, needs_embeddings
from zokusei.tags import TagSet

BACKBONE = "test_efficientnet"
CLASSES = 7  # a prime that no width of a network has, so that class axes can be told by it
MODELS = list_models()
WIDTH = 5  # of a caption's vector
BACKBONE_FEATURES = 256  # of test_efficientnet


def create_labels(num_classes=CLASSES, seed=0):
    generator = torch.Generator().manual_seed(seed)
    targets = torch.rand(40, num_classes, generator=generator) < 0.3
    tags = TagSet.from_names([f"tag_{index}" for index in range(num_classes)])
    # Twelve numbers a tag: no axis of them can be taken for the classes.
    vectors = torch.randn(num_classes, 12, generator=generator)
    return LabelSpace.from_targets(tags, targets).with_embeddings(vectors)


def create(name, labels=None, seed=0, **options):
    torch.manual_seed(seed)
    if needs_captions(name):
        options["caption_width"] = WIDTH
    return create_model(name, labels or create_labels(), backbone=BACKBONE, **options)


def pictures(count, *size, seed=1):
    return torch.randn(count, 3, *(size or (64, 64)), generator=torch.Generator().manual_seed(seed))


def given(model, images):
    """What a model reads: the pictures, and made-up vectors of their captions where it needs them.

    A picture's vector follows from its own pixels, so that it goes with the picture.
    """
    if not model.head.needs_captions:
        return (images,)
    return images, images.flatten(1)[:, :WIDTH]


@pytest.fixture(params=MODELS)
def name(request):
    return request.param


@pytest.mark.parametrize("size", [(64, 64), (32, 32), (96, 64), (33, 71)])
def test_any_picture_size_gives_finite_logits(name, size):
    model = create(name).eval()
    logits = model(*given(model, pictures(2, *size)))
    assert logits.shape == (2, CLASSES)
    assert logits.isfinite().all()


@pytest.mark.parametrize("num_classes", [1, 2, 3, 1000])
def test_any_number_of_classes(name, num_classes):
    model = create(name, create_labels(num_classes))
    for mode in (model.eval(), model.train()):
        logits = mode(*given(model, pictures(2, 32, 32)))
        assert logits.shape == (2, num_classes)
        assert logits.isfinite().all()


def test_counts_of_many_tags_are_kept_in_little_room(tmp_path):
    tags = TagSet.from_names([f"tag_{index}" for index in range(3000)])
    generator = torch.Generator().manual_seed(0)
    targets = torch.rand(200, 3000, generator=generator) < 0.002
    labels = LabelSpace.from_targets(tags, targets, torch.rand(200, 3000) < 0.9)
    preprocess = Preprocess(32, "pad", (0.5,) * 3, (0.5,) * 3)
    save_checkpoint(
        tmp_path / "model", Checkpoint(create("gap", labels).eval(), labels, preprocess)
    )
    assert (tmp_path / "model" / "config.json").stat().st_size < 10_000
    loaded = load_checkpoint(tmp_path / "model").labels
    assert torch.equal(loaded.cooccurrence, labels.cooccurrence)
    assert torch.equal(loaded.judged, labels.judged)
    assert loaded.num_pictures == 200


@pytest.mark.slow
def test_ten_thousand_classes(name):
    model = create(name, create_labels(10_000)).eval()
    assert model(*given(model, pictures(1, 32, 32))).isfinite().all()


def test_gradients_reach_every_parameter(name):
    model = create(name).train()
    targets = (torch.arange(4 * CLASSES) % 2).view(4, CLASSES).float()
    # Maps of 4 x 4: where there is one position to look at, attention has nothing to learn.
    binary_cross_entropy(model(*given(model, pictures(4, 128, 128))), targets).backward()
    without = [
        key
        for key, parameter in model.named_parameters()
        if parameter.grad is None or not parameter.grad.abs().sum() > 0
    ]
    assert without == []


def test_gradients_of_the_head_in_double_precision(name):
    model = create(name).eval()
    head = model.head.double()
    features = torch.rand(2, model.backbone.num_features, 2, 3).double().requires_grad_()
    # Fast: along one random direction, since every channel by itself would take minutes.
    inputs = (features, torch.randn(2, WIDTH).double().requires_grad_())
    inputs = inputs if head.needs_captions else inputs[:1]
    assert torch.autograd.gradcheck(head, inputs, fast_mode=True)


def test_tags_that_exclude_each_other_compete_in_every_model(name, tmp_path):
    group = ["tag_4", "tag_1", "tag_6"]
    labels, preprocess = create_labels(), Preprocess(32, "pad", (0.5,) * 3, (0.5,) * 3)
    plain, model = create(name, labels).eval(), create(name, labels, one_of=[group]).eval()
    inputs = given(plain, pictures(2, 32, 32))
    with torch.inference_mode():
        apart, found = plain(*inputs), model(*inputs)
        assert torch.equal(model.explain(*inputs)["logits"], found)
    assert torch.equal(found, OneOf([group], labels.tags.names)(apart))
    assert not torch.equal(found, apart)
    if not needs_captions(name):  # its captioner is kept in the same folder, and tested with it
        save_checkpoint(tmp_path / "model", Checkpoint(model, labels, preprocess))
        loaded = load_checkpoint(tmp_path / "model").model
        with torch.inference_mode():
            assert torch.equal(loaded(*inputs), found)


def test_a_batch_of_one_trains(name):
    model = create(name).train()
    model(*given(model, pictures(1))).sum().backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())


def test_evaluation_is_deterministic_and_independent_of_the_batch(name):
    model = create(name).eval()
    batch = pictures(5)
    with torch.inference_mode():
        together = model(*given(model, batch))
        assert torch.equal(together, model(*given(model, batch)))
        alone = torch.cat([model(*given(model, picture[None])) for picture in batch])
    torch.testing.assert_close(alone, together, rtol=1e-4, atol=1e-5)


def test_explain_begins_with_the_logits_of_forward(name):
    model = create(name).eval()
    batch = pictures(3, 64, 96)
    explained = model.explain(*given(model, batch))
    torch.testing.assert_close(explained["logits"], model(*given(model, batch)))
    maps = explained["activation_maps"]
    assert maps.shape[:2] == (3, CLASSES)
    assert maps.shape[2:] == model.backbone(batch).shape[2:]


# What these know of a position depends on where it is.
PLACED = ("query2label",)


def test_maps_turn_with_the_picture(name):
    """Rows and columns, and classes and pictures, are where they belong: all four differ."""
    head = create(name).eval().head
    generator = torch.Generator().manual_seed(3)
    features = torch.rand(3, BACKBONE_FEATURES, 4, 6, generator=generator)
    captions = (torch.rand(3, WIDTH, generator=generator),) if head.needs_captions else ()
    maps = head.explain(features, *captions)["activation_maps"]
    assert maps.shape == (3, CLASSES, 4, 6)
    assert (maps.flatten(2).std(2) > 0).all()
    assert (maps[:, 0] - maps[:, 1]).abs().max() > 0
    for row in range(3):
        own = (part[row : row + 1] for part in (features, *captions))
        torch.testing.assert_close(head.explain(*own)["activation_maps"][0], maps[row])
    if name not in PLACED:
        turned = head.explain(features.mT.contiguous(), *captions)["activation_maps"]
        torch.testing.assert_close(turned.mT, maps, rtol=1e-4, atol=1e-5)


def test_permuting_the_classes_permutes_the_logits(name):
    model = create(name).eval()
    order = torch.tensor([3, 0, 6, 2, 5, 1, 4])
    permuted = copy.deepcopy(model)
    for tensor in [*permuted.head.parameters(), *permuted.head.buffers()]:
        for axis, length in enumerate(tensor.shape):
            if length == CLASSES:
                tensor.data = tensor.data.index_select(axis, order)
    batch = pictures(3)
    inputs = given(model, batch)
    torch.testing.assert_close(permuted(*inputs), model(*inputs)[:, order])


def test_a_checkpoint_gives_the_same_model_back(name, tmp_path):
    labels = create_labels()
    model = create(name, labels).eval()
    preprocess = Preprocess(64, "pad", (0.5,) * 3, (0.5,) * 3)
    save_checkpoint(tmp_path / "model", Checkpoint(model, labels, preprocess))
    loaded = load_checkpoint(tmp_path / "model")
    batch = pictures(2)
    assert torch.equal(loaded.model(*given(model, batch)), model(*given(model, batch)))
    assert loaded.tags == labels.tags
    assert torch.equal(loaded.labels.cooccurrence, labels.cooccurrence)
    if model.head.needs_embeddings:
        assert torch.equal(loaded.labels.embeddings, labels.embeddings)
    assert loaded.preprocess == preprocess


def test_the_exported_graph_computes_the_same(name):
    model = create(name).eval()
    example = given(model, pictures(2))
    batch = torch.export.Dim("batch", min=1, max=64)
    shapes = ({0: batch}, {0: batch})[: len(example)]
    exported = torch.export.export(model, example, dynamic_shapes=shapes).module()
    for count in (1, 5):
        other = pictures(count, seed=count)
        inputs = given(model, other)
        torch.testing.assert_close(exported(*inputs), model(*inputs), rtol=1e-4, atol=1e-5)


# Writing a graph takes seconds: one always, the others among the slow tests.
QUICK = ("add_gcn", "capgcn")
WRITTEN = [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in MODELS]


@pytest.mark.parametrize("name", WRITTEN)
def test_the_onnx_file_computes_the_same(name, tmp_path):
    import onnxruntime

    model = create(name).eval()
    preprocess = Preprocess(64, "pad", (0.5, 0.4, 0.3), (0.2, 0.3, 0.4))
    if needs_captions(name):
        with pytest.raises(ModelError, match="pictures alone"):
            write_onnx(tmp_path / "model.onnx", model, preprocess)
        return
    write_onnx(tmp_path / "model.onnx", model, preprocess)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    for count in (1, 5):
        generator = torch.Generator().manual_seed(count)
        images = torch.randint(0, 256, (count, 3, 64, 64), generator=generator, dtype=torch.uint8)
        wanted = model(preprocess.normalize(images))
        given = images.flip(1).permute(0, 2, 3, 1).float().numpy()
        probs, logits = map(torch.from_numpy, session.run(["output", "logits"], {"input": given}))
        torch.testing.assert_close(logits, wanted, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(probs, wanted.sigmoid(), rtol=1e-4, atol=1e-5)


def test_an_unknown_option_is_refused_with_the_nearest(name):
    with pytest.raises(ConfigError, match=r"no option 'zzz'"):
        create(name, zzz=1)


def test_the_backbone_and_the_head_share_nothing(name):
    model = create(name)
    body = {id(p) for p in model.backbone.parameters()}
    head = {id(p) for p in model.head.parameters()}
    assert not body & head
    assert len(body | head) == len(list(model.parameters()))


@pytest.mark.slow
def test_it_overfits_32_pictures(name):
    from zokusei.metrics import compute_metrics

    batch = pictures(32, seed=5)
    targets = torch.rand(32, CLASSES, generator=torch.Generator().manual_seed(2)) < 0.4
    model = create(name).train()
    # A rate that suits transformers as well, which have no warm-up here.
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for _ in range(150):
        optimizer.zero_grad()
        loss = binary_cross_entropy(model(*given(model, batch)), targets.float())
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 10.0)
        optimizer.step()
        if float(loss.detach()) < 1e-3:
            break
    with torch.no_grad():
        probs = model(*given(model, batch)).sigmoid()
    assert compute_metrics(probs, targets).map == 1.0


def test_a_head_that_explains_nothing_cannot_be_built():
    from zokusei.models import Head

    class Mute(Head):
        pass

    with pytest.raises(TypeError, match="explain"):
        Mute()


def test_label_embeddings_that_are_missing_are_asked_for():
    needing = [name for name in MODELS if needs_embeddings(name)]
    assert {"ml_gcn", "ssgrl"} <= set(needing)
    bare = dataclasses.replace(create_labels(), embeddings=None)
    for name in MODELS:
        if name in needing:
            with pytest.raises(ConfigError, match=r"starts from label embeddings.*glove"):
                create(name, bare)
        else:
            create(name, bare)


def test_caption_vectors_that_are_missing_are_asked_for():
    needing = [name for name in MODELS if needs_captions(name)]
    assert "capgcn" in needing
    for name in MODELS:
        model, batch = create(name).eval(), pictures(2)
        if name in needing:
            with pytest.raises(ConfigError, match="caption_width"):
                create_model(name, create_labels(), backbone=BACKBONE)
            with pytest.raises(ModelError, match="got none"):
                model(batch)
            with pytest.raises(ModelError, match=f"have {WIDTH + 1} numbers, the model reads"):
                model(batch, torch.zeros(2, WIDTH + 1))
        else:
            with pytest.raises(ModelError, match="reads no caption vector"):
                model(batch, torch.zeros(2, WIDTH))


def test_every_file_with_the_decorator_is_known():
    folder = Path(zokusei.models.__file__).parent
    text = "".join(path.read_text() for path in folder.glob("*.py"))
    assert sorted(re.findall(r'^@register_model\("(\w+)"\)', text, re.MULTILINE)) == MODELS


def test_an_unknown_model_is_refused_with_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'add_gcn'"):
        create("addgcn")
