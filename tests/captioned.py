"""Small pictures with captions, in the form of Flickr8k, that tests make for themselves."""

from pathlib import Path

import numpy as np
import torch

from conftest import Silent
from pictures import COLOURS, SHAPES, write_picture
from zokusei.caption_checkpoint import CaptionCheckpoint, save_caption_checkpoint
from zokusei.captioner_config import CaptionerConfig
from zokusei.captioning.model import CaptionModel
from zokusei.captioning.vocabulary import Vocabulary
from zokusei.config_file import load_config
from zokusei.images.preprocess import Preprocess
from zokusei.training.captioner import train_captioner

TINY = [
    "model.backbone=test_efficientnet", "model.weights=none", "model.embedding=8",
    "model.hidden=8", "model.attention=8", "preprocess.size=64", "data.min_count=1",
    "train.epochs=2", "train.batch_size=4", "train.captions=2", "train.workers=1",
    "train.beam=2",
]  # fmt: skip


def write_captioned(folder: Path, count: int = 14, size: int = 64) -> Path:
    """Write pictures with five captions each; the last two are validation, the two before tests."""
    (folder / "Images").mkdir(parents=True)
    rng, lines, names = np.random.default_rng(0), [], []
    for index in range(count):
        colour, shape = list(COLOURS)[index % 3], SHAPES[index // 3 % 2]
        names.append(f"{index:03}.png")
        write_picture(folder / "Images" / names[-1], colour, shape, rng, size)
        sentences = [f"A {colour} {shape} .", f"there is a {colour} {shape}", f"one {shape}",
                     f"the {shape} is {colour}", f"a {shape} , {colour} , on grey"]  # fmt: skip
        lines += [f"{names[-1]}#{i}\t{text}" for i, text in enumerate(sentences)]
    (folder / "Flickr8k.token.txt").write_text("\n".join(lines) + "\n")
    parts = {"train": names[:-4], "test": names[-4:-2], "dev": names[-2:]}
    for split, own in parts.items():
        (folder / f"Flickr_8k.{split}Images.txt").write_text("\n".join(own) + "\n")
    return folder


def write_captioner(folder: Path, seed: int = 0, size: int = 64) -> Path:
    """Write a captioner without training: what it says depends on the picture all the same."""
    torch.manual_seed(seed)
    vocabulary = Vocabulary(
        ("a", "red", "blue", "circle", "square", "green", "there", "is", "on", "grey")
    )
    model = CaptionModel(len(vocabulary), "test_efficientnet", embedding=6, hidden=5, attention=4)
    torch.nn.init.normal_(model.head.word.weight, std=2.0)
    preprocess = Preprocess(size, "pad", (0.5,) * 3, (0.5,) * 3)
    save_caption_checkpoint(folder, CaptionCheckpoint(model.eval(), vocabulary, preprocess))
    return folder


def settings(corpus, cache, *more):
    given = [f"data.path={corpus}", f"train.annotations={cache}", *TINY, *more]
    return load_config(None, given, kind=CaptionerConfig)


def train(config, folder, reporter=None, told=None):
    from contextlib import nullcontext

    return train_captioner(
        config, folder, reporter or Silent(), (told if told is not None else []).append,
        lambda description, total: nullcontext(lambda count: None),
    )  # fmt: skip
