"""The parts of a captioner's training: pictures encoded or decoded, model, loader."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor

from zokusei.caption_checkpoint import CaptionCheckpoint, load_caption_checkpoint
from zokusei.captioner_config import CaptionerConfig
from zokusei.captioning.model import CaptionModel
from zokusei.captioning.vocabulary import Vocabulary
from zokusei.data.augment import create_augment
from zokusei.data.loader import PictureStore
from zokusei.data.manifest import Manifest
from zokusei.data.row_file import Counting, cache_folder
from zokusei.errors import ConfigError
from zokusei.images.preprocess import Preprocess
from zokusei.models.backbone import (
    backbone_statistics,
    freeze_batch_norm,
    freeze_stages,
    load_backbone_weights,
)
from zokusei.models.depthwise import quicken_depthwise
from zokusei.training.annotations import Annotations, open_annotations
from zokusei.training.captioner_data import (
    CaptionLoader,
    EncodedSource,
    ImageSource,
    Source,
    encode_captions,
    find_mirrorable,
)
from zokusei.training.prepare import refuse_uneven_batch

# Pictures are decoded a little larger than they are cropped.
_MARGIN = 8 / 7


@dataclass(frozen=True)
class CaptionParts:
    """What a training is made of.

    Attributes:
        model: what learns.
        teacher: the model of `start`, as it was, where pairs are compared.
        vocabulary: its words.
        preprocess: what it sees of a picture.
        loader: batches of the training split.
        judged: pictures of the validation split.
        references: their captions.
    """

    model: CaptionModel
    teacher: CaptionModel | None
    vocabulary: Vocabulary
    preprocess: Preprocess
    loader: CaptionLoader
    judged: Source
    references: list[list[str]]

    @property
    def unreadable(self) -> list[str]:
        """Pictures that could not be read, with the reason."""
        sources = [self.loader.source, self.judged]
        if self.loader.photographs is not None:
            sources.append(self.loader.photographs)
        return sorted({reason for s in sources for reason in s.unreadable.values()})

    def read_judged(self, rows: list[int]) -> Tensor:
        """Give pictures of the validation split as they are."""
        return self.judged.read(rows, np.zeros(len(rows), dtype=bool), None)

    def close(self) -> None:
        """End the decoding threads."""
        for source in (self.loader.source, self.judged):
            if isinstance(source, ImageSource):
                source.store.close()


def create_parts(
    config: CaptionerConfig, manifest: Manifest, accelerator: Accelerator, counting: Counting
) -> CaptionParts:
    """Build everything that is trained, read and judged.

    Raises:
        ConfigError: the model is not that of `start`, or the batch cannot be shared.
        CheckpointError: `start` cannot be read.
    """
    world = accelerator.num_processes
    refuse_uneven_batch(config.train.batch_size, world)
    train, val = manifest.select("train"), manifest.select("val")
    start = None if config.start is None else load_caption_checkpoint(config.start)
    vocabulary = start.vocabulary if start else _count_words(train, config)
    model, preprocess = create_captioner(config, len(vocabulary), start)
    sources = _Sources(config, model, preprocess, accelerator.device, counting)
    teacher, photographs = None, None
    if start is not None and config.pairs.compares:
        teacher = start.model.to(accelerator.device).requires_grad_(requires_grad=False)
        paths = [Path(config.pairs.photographs) / path for path in train.column("path")]
        photographs = sources.encode(teacher, paths)
    captions = train.column("captions")
    loader = CaptionLoader(
        encode_captions(captions, vocabulary, config.data.max_words),
        sources.create(train.paths, is_trained=True),
        mirrorable=find_mirrorable(captions),
        photographs=photographs,
        batch_size=config.train.batch_size,
        per_picture=config.train.captions,
        flip=config.augment.flip,
        seed=config.train.seed,
        rank=accelerator.process_index,
        world=world,
    )
    judged = sources.create(val.paths, is_trained=False)
    return CaptionParts(
        model, teacher, vocabulary, preprocess, loader, judged, val.column("captions")
    )


@dataclass(frozen=True)
class _Sources:
    """Makes sources of pictures, as the encoder is frozen or not."""

    config: CaptionerConfig
    model: CaptionModel
    preprocess: Preprocess
    device: torch.device
    counting: Counting

    def create(self, paths: list[Path], *, is_trained: bool) -> Source:
        """Give annotations where the encoder stays as it is, and images where it learns."""
        train, crop = self.config.train, self.config.augment.crop
        if self.config.model.freeze == "all":
            return self.encode(self.model, paths, is_trained=is_trained)
        size = self.preprocess.size
        crops = is_trained and crop < 1
        decoded = Preprocess(
            round(size * _MARGIN) if crops else size,
            self.preprocess.fit,
            self.preprocess.mean,
            self.preprocess.std,
        )
        store = PictureStore(
            paths, decoded, cache_bytes=train.cache_gib * 2**30, workers=train.workers
        )
        augment = create_augment("random_resized_crop", size, scale=(crop, 1.0), flip=0.0)
        return ImageSource(store, self.preprocess, augment if crops else None)

    def encode(
        self, model: CaptionModel, paths: list[Path], *, is_trained: bool = True
    ) -> EncodedSource:
        """Give the annotations of a frozen encoder, mirrored pictures too where they are used."""
        # Evaluation mode for its batch norms; the writer is not asked.
        model.to(self.device).to(memory_format=torch.channels_last).eval()
        sets = [False, True] if is_trained and self.config.augment.flip > 0 else [False]
        found = [
            open_set(
                self.config,
                model,
                paths,
                self.preprocess,
                self.counting,
                self.device,
                mirrored=mirrored,
            )
            for mirrored in sets
        ]
        return EncodedSource(*found)


def open_set(
    config: CaptionerConfig,
    model: CaptionModel,
    paths: list[Path],
    preprocess: Preprocess,
    counting: Counting,
    device: torch.device,
    *,
    mirrored: bool = False,
) -> Annotations:
    """Give the annotations of pictures, from where the settings keep them."""
    folder = (
        Path(config.train.annotations) if config.train.annotations else cache_folder("annotations")
    )
    return open_annotations(
        model,
        paths,
        preprocess,
        folder,
        counting=counting,
        mirrored=mirrored,
        workers=config.train.workers,
        device=device,
    )


def _count_words(train: Manifest, config: CaptionerConfig) -> Vocabulary:
    captions = (text for texts in train.column("captions") for text in texts)
    return Vocabulary.from_captions(captions, min_count=config.data.min_count)


def create_captioner(
    config: CaptionerConfig, num_words: int, start: CaptionCheckpoint | None
) -> tuple[CaptionModel, Preprocess]:
    """Build the model with its first weights, and say what it sees."""
    chosen = config.model
    torch.manual_seed(config.train.seed)
    model = CaptionModel(
        num_words,
        chosen.backbone,
        embedding=chosen.embedding,
        hidden=chosen.hidden,
        attention=chosen.attention,
        gate=chosen.gate,
        dropout=chosen.dropout,
    )
    size, fit = config.preprocess.size, config.preprocess.fit
    if start is None:
        load_backbone_weights(model.backbone, chosen.backbone, chosen.weights)
        mean, std = backbone_statistics(chosen.backbone, chosen.weights)
        preprocess = Preprocess(size, fit, mean, std)
    else:
        seen = {"size": size, "fit": fit}
        _refuse_other("model", model.arguments, start.model.arguments, config)
        _refuse_other("preprocess", seen, start.preprocess.to_dict(), config)
        model.load_state_dict(start.model.state_dict())
        preprocess = start.preprocess
    # The layout that convolutions on processors and tensor cores work in.
    model = model.to(memory_format=torch.channels_last)
    freeze_batch_norm(model.backbone)
    if chosen.freeze == "all":
        model.backbone.requires_grad_(requires_grad=False)
    else:
        freeze_stages(model.backbone, chosen.freeze)
    quicken_depthwise(model.backbone)
    model.backbone.check_size(size)
    with torch.no_grad():
        positions = model.eval().encode(torch.zeros(1, 3, size, size)).shape[1]
    if positions < 2:
        raise ConfigError(
            f"{chosen.backbone} at {size} px sees the picture as one position, which leaves "
            "nothing to choose between; take a larger preprocess.size or another backbone"
        )
    return model, preprocess


def _refuse_other(
    section: str, asked: Mapping[str, object], given: Mapping[str, object], config: CaptionerConfig
) -> None:
    """See that a model can take the weights of `start`; dropout is no weight."""
    for name, value in asked.items():
        if name != "dropout" and given[name] != value:
            raise ConfigError(
                f"{config.start} has {section}.{name} = {given[name]!r}, not {value!r}; "
                "set it alike"
            )
