"""Preparing a captioner's training: captions imported, pictures encoded, parts built."""

from collections.abc import Callable
from pathlib import Path

import torch

from zokusei.caption_checkpoint import load_caption_checkpoint
from zokusei.caption_source import CaptionSource
from zokusei.captioner_config import CaptionerConfig
from zokusei.captioning.beam import generate
from zokusei.captioning.vocabulary import split_words
from zokusei.config_file import load_config
from zokusei.corpora import Problems, import_corpus
from zokusei.data.manifest import Manifest
from zokusei.data.row_file import Counting
from zokusei.data.splits import count_splits, split_manifest
from zokusei.errors import ConfigError, DataError
from zokusei.training.captioner_parts import create_captioner, open_set
from zokusei.training.prepare import (
    HOW,
    Run,
    compute_as_asked,
    refuse_another_run,
    refuse_other_files,
)

_AT_ONCE = 50


def prepare_captioner(
    config: CaptionerConfig,
    folder: Path,
    tell: Callable[[str], None],
    counting: Counting,
    device: torch.device,
) -> Run[CaptionerConfig]:
    """Import the captions, or have them written of the photographs; nothing is written yet.

    Raises:
        ConfigError: the folder holds something else, or settings contradict each other.
        DataError: the corpus cannot be used.
    """
    path = folder / "config.yaml"
    if path.exists():
        settled = load_config(path, kind=CaptionerConfig)
        refuse_another_run(config, settled, folder, elsewhere=HOW)
        settled = compute_as_asked(settled, config)
        manifest = Manifest.load(folder / "manifest.parquet")
        return Run(settled, manifest, Problems(), is_new=False)
    refuse_other_files(folder)
    _check(config)
    manifest, problems = _import(config, tell)
    if config.pairs.target == "generated":
        manifest = _write_targets(config, manifest, counting, device)
        tell("training captions are what the model of start says of the photographs")
    counts = count_splits(manifest)
    shares = ", ".join(f"{count} {split}" for split, count in counts.items())
    tell(f"{len(manifest)} pictures with captions ({shares})")
    if problems:
        tell(problems.summary())
    return Run(config, manifest, problems, is_new=True)


def digest_start(config: CaptionerConfig) -> str | None:
    """Tell the captioner that a training starts from from every other, where it does from one."""
    if config.start is None:
        return None
    return CaptionSource(load_caption_checkpoint(config.start)).digest


def _check(config: CaptionerConfig) -> None:
    """Refuse settings that would do nothing or contradict each other."""
    pairs, crop = config.pairs, config.augment.crop
    uses_pairs = pairs.target == "generated" or pairs.compares
    if not config.data.path:
        raise ConfigError("data.path is empty; give a corpus or a manifest with captions")
    if uses_pairs and not (pairs.photographs and config.start):
        raise ConfigError(
            "pairs need pairs.photographs=FOLDER and start=RUN, the captioner of photographs"
        )
    if pairs.photographs and not uses_pairs:
        raise ConfigError(
            "pairs.photographs is given, but nothing uses it; set pairs.target=generated, "
            "pairs.words, pairs.attention or pairs.annotations, or leave it out"
        )
    if crop < 1 and config.model.freeze == "all":
        raise ConfigError(
            f"augment.crop = {crop} needs an encoder that sees every picture anew; set "
            "model.freeze to a number of stages, or augment.crop=1"
        )
    if pairs.annotations and config.model.freeze == "all":
        raise ConfigError(
            "pairs.annotations moves the encoder, which model.freeze=all keeps as it is; set "
            "model.freeze to a number of stages, or pairs.annotations=0"
        )
    for name in ("attention", "annotations"):
        if crop < 1 and getattr(pairs, name):
            raise ConfigError(
                f"augment.crop = {crop} moves what pairs.{name} compares by its place; leave one "
                "out"
            )


def _import(config: CaptionerConfig, tell: Callable[[str], None]) -> tuple[Manifest, Problems]:
    data = config.data
    manifest, problems = import_corpus(data.path, images=data.images)
    usable = [
        any(1 <= len(split_words(text)) <= data.max_words for text in texts or ())
        for texts in manifest.column("captions")
    ]
    if not any(usable):
        raise DataError(
            f"{data.path}: none of the {len(manifest)} pictures has a caption of 1 to "
            f"{data.max_words} words (data.max_words)"
        )
    if not all(usable):
        tell(f"{usable.count(False)} pictures without a usable caption are left out")
        manifest = Manifest(manifest.table.filter(usable), manifest.tags, manifest.root)
    named = [bool(split) for split in manifest.column("split")]
    if any(named) and not all(named):
        # By lot they would come into the official test split, and no figure could be compared.
        tell(f"{named.count(False)} pictures that the corpus's own splits do not name are left out")
        manifest = Manifest(manifest.table.filter(named), manifest.tags, manifest.root)
    manifest = split_manifest(manifest, val=data.val, test=data.test, seed=data.split_seed)
    counts = count_splits(manifest)
    for split in ("train", "val"):
        if not counts[split]:
            raise DataError(
                f"{data.path}: no picture is left for the split {split!r}; it names {counts}, and "
                f"data.val = {data.val:g} takes that share of what is not named or of training"
            )
    if config.pairs.photographs:
        folder = Path(config.pairs.photographs)
        missing = [p for p in manifest.column("path") if not (folder / p).is_file()]
        if missing:
            raise DataError(
                f"{folder} lacks the photographs of {len(missing)} pictures, first {missing[0]}; "
                "they must have the same relative paths"
            )
    return manifest, problems


def _write_targets(
    config: CaptionerConfig, manifest: Manifest, counting: Counting, device: torch.device
) -> Manifest:
    """Replace the training captions by what the model of `start` says of the photographs."""
    assert config.start is not None, "settings were checked"
    start = load_caption_checkpoint(config.start)
    rows = [i for i, split in enumerate(manifest.column("split")) if split == "train"]
    names = manifest.column("path")
    paths = [Path(config.pairs.photographs) / names[row] for row in rows]
    _, preprocess = create_captioner(config, len(start.vocabulary), start)
    model = start.model.to(device).to(memory_format=torch.channels_last)
    annotations = open_set(config, model, paths, preprocess, counting, device)
    captions = manifest.column("captions")
    with counting("writing captions", len(rows)) as progress:
        for begin in range(0, len(rows), _AT_ONCE):
            asked = range(begin, min(begin + _AT_ONCE, len(rows)))
            found = generate(
                model,
                annotations.read(asked).to(device),
                beam=config.pairs.beam,
                max_length=config.data.max_words,
            )
            for position, numbers in zip(asked, found.tokens.tolist(), strict=True):
                if position not in annotations.unreadable:
                    captions[rows[position]] = [start.vocabulary.decode(numbers)]
            progress(len(asked))
    return manifest.with_column("captions", captions)
