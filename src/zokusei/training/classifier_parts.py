"""The parts of a classifier's training: labels, what is seen of a picture, model, loaders."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor

from zokusei.caption_source import CaptionSource
from zokusei.config import Config, ModelConfig
from zokusei.data.augment import create_augment
from zokusei.data.loader import Loader, PictureStore
from zokusei.data.manifest import Manifest
from zokusei.data.row_file import Counting
from zokusei.embeddings import embed_tags
from zokusei.errors import ConfigError
from zokusei.images.preprocess import Preprocess
from zokusei.labels import LabelSpace
from zokusei.models import (
    Classifier,
    backbone_statistics,
    create_model,
    find_groups,
    find_tags,
    freeze_batch_norm,
    freeze_stages,
    needs_embeddings,
)
from zokusei.models.depthwise import quicken_depthwise
from zokusei.models.second_look import load_face_finder
from zokusei.training.caption_features import copy_encoder
from zokusei.training.prepare import refuse_uneven_batch


@dataclass(frozen=True)
class ClassifierParts:
    """What a training is made of.

    Attributes:
        labels: the tags, with how often training pictures have them.
        word_notes: what there is to say of the tags' vectors.
        flip_refused: tags that name a side, for which no picture is mirrored.
        preprocess: what the model sees of a picture.
        model: what learns.
        train_loader: batches of the training split.
        val_loader: batches of the validation split.
    """

    labels: LabelSpace
    word_notes: list[str]
    flip_refused: list[str]
    preprocess: Preprocess
    model: Classifier
    train_loader: Loader
    val_loader: Loader


def create_parts(
    config: Config,
    manifest: Manifest,
    accelerator: Accelerator,
    source: CaptionSource | None,
    counting: Counting,
) -> ClassifierParts:
    """Build everything that is trained, read and judged.

    Args:
        config: settled, with size and epochs.
        manifest: all splits.
        accelerator: devices, precision and processes.
        source: where a model that reads captions has them from.
        counting: shows how far they are written.

    Raises:
        ConfigError: a setting is impossible with these tags, this backbone or so many processes.
    """
    train, val = manifest.select("train"), manifest.select("val")
    targets, known = (
        torch.from_numpy(values) for values in (train.compute_targets(), train.compute_known())
    )
    flip_refused = [tag.name for tag in manifest.tags if tag.has_side]
    if config.model.mirror and flip_refused:
        raise ConfigError(
            f"{flip_refused[0]!r} names a side, which a mirror changes; leave out model.mirror"
        )
    labels, word_notes = _embed(
        LabelSpace.from_targets(manifest.tags, targets, known), config.model
    )
    preprocess = _create_preprocess(config, source)
    torch.manual_seed(config.train.seed)
    model = _prepare_model(_create_model(config, labels, preprocess, source), config, preprocess)
    loaders = _Loaders(config, preprocess, accelerator, source, counting)
    return ClassifierParts(
        labels,
        word_notes,
        flip_refused,
        preprocess,
        model,
        loaders.create_train(train, 0.0 if flip_refused else config.augment.flip),
        loaders.create_val(val),
    )


def _embed(labels: LabelSpace, config: ModelConfig) -> tuple[LabelSpace, list[str]]:
    """Give the tags a vector each where the model wants them, and what there is to say of it."""
    if config.embeddings is None:
        return labels, []  # a model that cannot do without them says so
    if not needs_embeddings(config.name):
        raise ConfigError(
            f"model.embeddings = {config.embeddings!r}, but {config.name!r} uses none; leave it out"
        )
    found = embed_tags(labels.tags.names, config.embeddings, config.embeddings_unknown)
    return labels.with_embeddings(found.vectors), found.describe()


def _create_preprocess(config: Config, source: CaptionSource | None) -> Preprocess:
    model, chosen = config.model, config.preprocess
    assert chosen.size is not None, "prepare_run settles the size"
    if model.weights == "captioner":
        assert source is not None, "load_source refuses these weights elsewhere"
        own = source.checkpoint.preprocess
        return dataclasses.replace(own, size=chosen.size, fit=chosen.fit)
    mean, std = backbone_statistics(model.backbone, model.weights)
    return Preprocess(size=chosen.size, fit=chosen.fit, mean=mean, std=std)


def _create_model(
    config: Config, labels: LabelSpace, preprocess: Preprocess, source: CaptionSource | None
) -> Classifier:
    chosen, options = config.model, dict(config.model.options)
    weights = chosen.weights
    if source is not None:
        options["caption_width"] = source.width
        weights = "none" if weights == "captioner" else weights
    model = create_model(
        chosen.name,
        labels,
        backbone=chosen.backbone,
        weights=weights,
        one_of=find_groups(chosen.one_of, labels.tags.names),
        second_look=_describe_second_look(config, labels, preprocess),
        mirror=chosen.mirror,
        **options,
    )
    if model.second_look is not None:
        load_face_finder(model.second_look.finder)
    if source is not None and chosen.weights == "captioner":
        copy_encoder(source, model.backbone)
    return model


def _describe_second_look(
    config: Config, labels: LabelSpace, preprocess: Preprocess
) -> dict[str, Any] | None:
    """Give the arguments of `SecondLook` where tags are named for one."""
    if not config.model.second_look:
        return None
    whole, face = config.preprocess.size, config.augment.size
    assert whole is not None, "prepare_run settles both"
    assert face is not None, "prepare_run settles both"
    tags = find_tags(config.model.second_look, labels.tags.names, "second_look")
    seen = {"mean": list(preprocess.mean), "std": list(preprocess.std)}
    return {"tags": tags, "first": whole // 2, "size": face, **seen}


def _prepare_model(model: Classifier, config: Config, preprocess: Preprocess) -> Classifier:
    """See that a model can see its pictures, freeze what stays, and lay it out for speed."""
    # The layout that convolutions on processors and tensor cores work in.
    model = model.to(memory_format=torch.channels_last)
    closer = model.second_look
    for size in (preprocess.size if closer is None else closer.first, config.augment.size):
        assert size is not None, "prepare_run settles both"
        model.backbone.check_size(size)
    freeze_stages(model.backbone, config.model.freeze)
    if config.train.freeze_batch_norm:
        freeze_batch_norm(model.backbone)
    quicken_depthwise(model)
    return model


@dataclass(frozen=True)
class _Loaders:
    """What the loaders of both splits share."""

    config: Config
    preprocess: Preprocess
    accelerator: Accelerator
    source: CaptionSource | None
    counting: Counting

    def create_train(self, manifest: Manifest, flip: float) -> Loader:
        config, augment, size = self.config, self.config.augment, self.config.augment.size
        assert size is not None, "prepare_run settles the size"
        world = self.accelerator.num_processes
        refuse_uneven_batch(config.train.batch_size, world)
        decoded = size if augment.crop == "none" else round(size * augment.margin)
        return Loader(
            manifest,
            self._create_store(manifest, dataclasses.replace(self.preprocess, size=decoded)),
            batch_size=config.train.batch_size,
            augment=create_augment(
                augment.crop,
                size,
                scale=augment.scale,
                ratio=augment.ratio,
                flip=flip,
                trivial=augment.trivial,
                erase=augment.erase,
                shrink=augment.shrink,
                jitter=augment.jitter,
            ),
            shuffle=True,
            seed=config.train.seed,
            rank=self.accelerator.process_index,
            world=world,
            caption_features=self._open_captions(manifest),
            repeat=config.data.repeat,
            collage=augment.collage,
        )

    def create_val(self, manifest: Manifest) -> Loader:
        return Loader(
            manifest,
            self._create_store(manifest, self.preprocess),
            batch_size=self.config.train.batch_size * 2,
            rank=self.accelerator.process_index,
            world=self.accelerator.num_processes,
            caption_features=self._open_captions(manifest),
        )

    def _open_captions(self, manifest: Manifest) -> Tensor | None:
        if self.source is None:
            return None
        device = self.accelerator.device
        return self.source.open_table(manifest, counting=self.counting, device=device)

    def _create_store(self, manifest: Manifest, preprocess: Preprocess) -> PictureStore:
        train = self.config.train
        return PictureStore(
            manifest.paths,
            preprocess,
            # Training pictures outnumber the others by far; half each would be as good a rule.
            cache_bytes=train.cache_gib * 2**30,
            workers=train.workers,
        )
