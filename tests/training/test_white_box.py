"""The White-box training: what moves what, what it is refused, and that it goes on after a kill."""

import json
import os
import shutil

import numpy as np
import pytest
import torch
import torchvision
from accelerate import Accelerator
from PIL import Image
from safetensors.torch import load_file, save_file

from conftest import Silent
from zokusei.config_file import load_config
from zokusei.errors import ConfigError, DataError, ModelError, ZokuseiError
from zokusei.run_folder import read_log
from zokusei.stylize import losses
from zokusei.stylize.guided_filter import guided_filter
from zokusei.stylize.superpixels import draw_superpixels
from zokusei.stylize.weights import load_generator
from zokusei.training.features import FeatureNetwork
from zokusei.training.white_box import WhiteBoxTraining, train_white_box
from zokusei.training.white_box_data import list_pictures, to_network
from zokusei.training.white_box_networks import WhiteBoxNetworks
from zokusei.white_box_config import WhiteBoxConfig

TINY = [
    "pictures.size=32", "pictures.val=2", "networks.width=4", "networks.blocks=1",
    "train.batch_size=4", "train.epoch_steps=3", "train.epochs=2", "train.workers=1",
    "loss.superpixel_count=20",
]  # fmt: skip


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("pairs")
    rng = np.random.default_rng(0)
    for name, step in (("photographs", 1), ("drawings", 8)):
        (root / name).mkdir()
        for index in range(9):
            pixels = rng.integers(0, 256, (40 // step, 40 // step, 3), dtype=np.uint8)
            Image.fromarray(pixels.repeat(step, 0).repeat(step, 1)).save(
                root / name / f"{index}.png"
            )
    return root


def settings(folders, *more):
    given = [f"pictures.{name}={folders / name}" for name in ("photographs", "drawings")]
    return load_config(None, [*given, *TINY, *more], kind=WhiteBoxConfig)


def train(config, folder, reporter=None):
    return train_white_box(config, folder, reporter or Silent(), lambda message: None)


def networks(seed=0):
    torch.manual_seed(seed)
    model = WhiteBoxNetworks(4, 1, critics=True)
    photographs, drawings = (torch.rand(2, 3, 32, 32) * 2 - 1 for _ in range(2))
    return model, model(photographs, drawings, torch.tensor([0.1, 0.6, 0.3]))


def reached(model):
    return {
        part: any(w.grad is not None and w.grad.abs().max() > 0 for w in module.parameters())
        for part, module in (("generator", model.generator), *model.critics.items())
    }


@pytest.mark.parametrize(
    ("loss", "wanted"),
    [
        ("critics", {"generator": False, "surface": True, "texture": True}),
        ("surface", {"generator": True, "surface": False, "texture": False}),
        ("texture", {"generator": True, "surface": False, "texture": False}),
    ],
)
def test_each_loss_moves_its_own_network_only(loss, wanted):
    model, found = networks()
    found[loss].backward()
    assert reached(model) == wanted
    assert all(weight.requires_grad for weight in model.parameters())


def test_the_critics_see_smooth_and_grey_pictures():
    torch.manual_seed(0)
    model = WhiteBoxNetworks(4, 1, critics=True).eval()
    photographs, drawings = (torch.rand(2, 3, 32, 32) * 2 - 1 for _ in range(2))
    grey = torch.tensor([0.1, 0.6, 0.3])
    found = model(photographs, drawings, grey)
    drawn = found["drawn"]
    surface = model.critics["surface"](losses.smooth_surface(drawn))
    texture = model.critics["texture"](losses.shift_to_grey(drawn, grey))
    torch.testing.assert_close(found["surface"], (surface - 1).square().mean())
    torch.testing.assert_close(found["texture"], (texture - 1).square().mean())
    real = [
        model.critics["surface"](losses.smooth_surface(drawings)),
        model.critics["texture"](losses.shift_to_grey(drawings, grey)),
    ]
    wanted = sum(
        0.5 * ((r - 1).square().mean() + f.square().mean())
        for r, f in zip(real, (surface, texture), strict=True)
    )
    torch.testing.assert_close(found["critics"], wanted)


def create_training(config, tmp_path):
    return WhiteBoxTraining(config, list_pictures(config, print), tmp_path, Accelerator())


def test_the_critics_learn_too(folders, tmp_path):
    training = create_training(settings(folders), tmp_path)
    batch = next(iter(training.loaders.train.batches(0)))
    training.compute_loss(training.model, batch).backward()
    training.close()
    for name, weight in training.model.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.abs().max() > 0, name


def test_the_parts_by_hand(folders, tmp_path):
    chosen = {"method": "selective_search", "count": 3, "colour": "mean", "power": 1.2}
    config = settings(
        folders, "pictures.size=48",
        *(f"loss.superpixel{name}={value}" for name, value in zip(
            ("s", "_count", "_colour", "_power"), chosen.values(), strict=True
        )),
    )  # fmt: skip
    training = create_training(config, tmp_path)
    for weight in training.model.generator.parameters():  # colours far enough apart for a median
        weight.data.mul_(2.5)
    # The drawings are the pictures with patches.
    batch = training.judged._replace(photographs=training.judged.drawings)
    parts, _, drawn = training._compute_parts(training.model, batch, torch.tensor([0.1, 0.6, 0.3]))
    training.close()
    photographs = batch.photographs.flip(1) / 127.5 - 1
    unfiltered = training.model.generator(photographs)
    wanted = guided_filter(photographs, unfiltered, radius=1, eps=0.01)
    torch.testing.assert_close(drawn, wanted)
    content = (training.features(wanted) - training.features(photographs)).abs().mean()
    torch.testing.assert_close(parts["content"], content)
    right = (wanted[..., 1:] - wanted[..., :-1]).square().mean()
    below = (wanted[..., 1:, :] - wanted[..., :-1, :]).square().mean()
    torch.testing.assert_close(parts["variation"], right + below)

    def structure(**given):
        patches = draw_superpixels(wanted, **given)
        return (training.features(wanted) - training.features(patches)).abs().mean().item()

    assert parts["structure"].item() == pytest.approx(structure(**chosen), rel=1e-4)
    for name in chosen:  # each of them matters here, so that none can have been left out
        others = {key: value for key, value in chosen.items() if key != name}
        assert structure(**others) != pytest.approx(structure(**chosen), rel=1e-3), name


def test_a_training_starts_from_the_weights_it_is_given(folders, tmp_path):
    given = train(settings(folders, "stage=pretrain", "train.epochs=1"), tmp_path / "pretrain")
    config = settings(folders, f"networks.start={given}", "optimizer.lr=1e-12", "train.seed=5")
    found = train(config, tmp_path / "run")
    start, end = load_generator(given).state_dict(), load_generator(found).state_dict()
    for name, weight in start.items():
        torch.testing.assert_close(end[name], weight, atol=1e-8, rtol=0)


def test_pretraining_learns_to_give_photographs_back(folders, tmp_path):
    config = settings(folders, "stage=pretrain", "train.epochs=3", "train.epoch_steps=25",
                      "networks.width=8", "optimizer.lr=0.005")  # fmt: skip
    weights = train(config, tmp_path / "run")
    records = [r for r in read_log(tmp_path / "run" / "metrics.jsonl") if r["kind"] == "epoch"]
    assert records[-1]["content"] < 0.8 * records[0]["content"]
    assert load_generator(weights).width == 8
    assert not (tmp_path / "run" / "drawings.parquet").exists()


def test_an_adversarial_run(folders, tmp_path):
    run = tmp_path / "run"
    train(settings(folders), run)
    records = [r for r in read_log(run / "metrics.jsonl") if r["kind"] == "epoch"]
    assert len(records) == 2
    config = settings(folders)
    for record in records:
        weights = losses.PRESETS[config.loss.preset]
        total = sum(getattr(weights, name) * record[name] for name in vars(weights))
        assert record["total"] == pytest.approx(total, rel=1e-5)
        assert np.isfinite(record["critics"])
    with Image.open(run / "samples" / "002.png") as sheet:
        assert sheet.size == (64, 64)
    assert set(json.loads((run / "environment.json").read_text())) >= {"commit", "versions"}
    before = (run / "generator.safetensors").stat().st_mtime_ns
    train(settings(folders), run)  # nothing is left to do
    assert (run / "generator.safetensors").stat().st_mtime_ns == before
    with pytest.raises(ConfigError, match=r"loss\.surface"):
        train(settings(folders, "loss.surface=2"), run)


class KilledError(Exception):
    pass


class KillAt(Silent):
    def __init__(self, steps):
        self.left = steps

    def step(self, loss, images_per_second):
        self.left -= 1
        if self.left < 0:
            raise KilledError


def test_settings_reach_what_they_are_about(folders, tmp_path):
    config = settings(folders, "optimizer.clip=0.5", "optimizer.beta1=0.3", "pictures.limit=4",
                      "networks.feature_scale=1.7")  # fmt: skip
    pictures = list_pictures(config, lambda message: None)
    assert {name: len(manifest) for name, manifest in pictures.items()} == {
        "photographs": 4 + 2, "drawings": 4 + 2,
    }  # fmt: skip
    accelerator = Accelerator()
    training = WhiteBoxTraining(config, pictures, tmp_path / "run", accelerator)
    loop = training.create_loop(Silent())
    assert loop.plain_optimizer.param_groups[0]["betas"] == (0.3, 0.99)
    assert loop.settings.clip == 0.5
    features = training.features(to_network(training.judged.photographs))
    assert float(features.abs().mean()) == pytest.approx(1.7, rel=1e-4)
    training.close()


def test_what_cannot_be_read_or_named_in_a_table_is_left_out_and_told(folders, tmp_path):
    photographs = shutil.copytree(folders / "photographs", tmp_path / "photographs")
    (photographs / os.fsdecode(b"caf\xe9.png")).write_bytes((photographs / "0.png").read_bytes())
    (photographs / "phone.heic").touch()
    told = []
    config = settings(folders, f"pictures.photographs={photographs}")
    pictures = list_pictures(config, told.append)
    assert len(pictures["photographs"]) == 9
    assert [("phone.heic" in line, "not UTF-8" in line) for line in sorted(told)] == [
        (False, True), (True, False),
    ]  # fmt: skip


def test_a_run_goes_on_with_less_memory(folders, tmp_path):
    train(settings(folders, "train.epochs=1", "stage=pretrain"), tmp_path / "run")
    config = settings(folders, "train.epochs=1", "stage=pretrain", "train.cache_gib=0.5")
    train(config, tmp_path / "run")
    with pytest.raises(ConfigError, match=r"train\.seed"):
        train(
            settings(folders, "train.epochs=1", "stage=pretrain", "train.seed=1"), tmp_path / "run"
        )


@pytest.mark.parametrize("steps", [2, 4])
def test_a_killed_training_ends_as_one_left_alone(folders, tmp_path, steps):
    config = settings(folders, "train.save_minutes=1e-9", "train.ema=0.9")
    train(config, tmp_path / "whole")
    with pytest.raises(KilledError):
        train(config, tmp_path / "killed", KillAt(steps))
    train(config, tmp_path / "killed")
    for name in ("generator.safetensors", "state.safetensors"):
        one, two = (load_file(tmp_path / run / name) for run in ("whole", "killed"))
        assert one.keys() == two.keys()
        for key in one:
            assert torch.equal(one[key], two[key]), f"{name}: {key}"
    names = [
        sorted(p.name for p in (tmp_path / r / "samples").iterdir()) for r in ("whole", "killed")
    ]
    assert names[0] == names[1] == ["001.png", "002.png"]


def test_a_loss_that_is_turned_off_counts_nothing(folders, tmp_path):
    names = ("surface", "texture", "structure", "content")
    train(settings(folders, *(f"loss.{name}=0" for name in names)), tmp_path / "run")
    for record in read_log(tmp_path / "run" / "metrics.jsonl"):
        if record["kind"] == "epoch":
            weight = losses.PRESETS["code"].variation
            assert record["total"] == pytest.approx(weight * record["variation"], rel=1e-5)


def test_an_unreadable_picture_is_left_out_and_named(folders, tmp_path):
    import shutil

    copy = tmp_path / "pairs"
    shutil.copytree(folders, copy)
    for path in (copy / "photographs").iterdir():
        if path.stem in "01":
            path.write_bytes(b"broken")
    told = []
    config = settings(copy, "stage=pretrain", "pictures.val=1", "train.seed=1")
    train_white_box(config, tmp_path / "run", Silent(), told.append)
    assert sum("not used:" in line for line in told) == 2


@pytest.mark.parametrize(
    ("more", "error", "message"),
    [
        (["pictures.photographs=''"], ConfigError, "pictures.photographs is empty"),
        (["pictures.drawings=gone"], DataError, "gone"),
        (["pictures.val=20"], DataError, "holds 9 pictures"),
        (["networks.start=gone.safetensors"], ModelError, "does not exist"),
        (["networks.features=gone.pth"], ModelError, "gone.pth"),
        (["stage=later"], ConfigError, "stage"),
        (["loss.preset=mine"], ConfigError, "preset"),
        (["train.epoch_step=3"], ConfigError, "did you mean 'train.epoch_steps'"),
    ],
)
def test_what_is_refused_leaves_no_folder(folders, tmp_path, more, error, message):
    with pytest.raises(ZokuseiError, match=message) as caught:
        train(settings(folders, *more), tmp_path / "run")
    assert isinstance(caught.value, error)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_weights_of_another_size_are_named(folders, tmp_path):
    start = train(settings(folders, "stage=pretrain", "train.epochs=1"), tmp_path / "run")
    with pytest.raises(ConfigError, match="width 4 with 1 blocks, not 8 with 1"):
        train(settings(folders, "networks.width=8", f"networks.start={start}"), tmp_path / "two")


def test_vgg19_is_compared_at_conv4_4(tmp_path):
    torch.manual_seed(0)
    whole = torchvision.models.vgg19(weights=None).features.eval()
    state = {f"features.{name}": tensor for name, tensor in whole.state_dict().items()}
    save_file(state, tmp_path / "vgg19.safetensors")
    network = FeatureNetwork(str(tmp_path / "vgg19.safetensors"))
    images = torch.rand(1, 3, 32, 32) * 2 - 1
    x = torchvision.transforms.functional.normalize(
        (images.flip(1) + 1) / 2, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    )
    convolutions = 0
    for layer in whole:
        x = layer(x)
        convolutions += isinstance(layer, torch.nn.Conv2d)
        if convolutions == 2 + 2 + 4 + 4:  # the fourth of the fourth block
            break
    found = network(images)
    assert found.shape == (1, 512, 4, 4)
    torch.testing.assert_close(found, x)
    del state["features.0.weight"]
    save_file(state, tmp_path / "vgg19.safetensors")
    with pytest.raises(ModelError, match="torchvision's VGG19"):
        FeatureNetwork(str(tmp_path / "vgg19.safetensors"))


def test_the_packaged_features_are_scaled_and_frozen():
    network = FeatureNetwork()
    images = torch.rand(2, 3, 64, 64) * 2 - 1
    network.fit_scale(images, 50.0)
    features = network(images)
    assert features.shape == (2, 40, 8, 8)
    assert float(features.abs().mean()) == pytest.approx(50, rel=1e-4)
    assert not any(weight.requires_grad for weight in network.parameters())
    torch.testing.assert_close(features[:1], network(images[:1]), atol=1e-3, rtol=1e-4)
