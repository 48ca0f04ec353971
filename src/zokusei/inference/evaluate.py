"""Judging a run: scores of a split, the figures of the field, and a table per tag."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor

from zokusei.checkpoint import Checkpoint, load_checkpoint
from zokusei.config_file import load_config
from zokusei.data.loader import Loader, PictureStore
from zokusei.data.manifest import SPLITS, Manifest
from zokusei.data.row_file import Counting, no_counting
from zokusei.data.splits import select_split
from zokusei.errors import ConfigError, DataError
from zokusei.evaluation import compute_scores
from zokusei.files import write_json, write_whole
from zokusei.inference.backends.torch import choose_device
from zokusei.inference.model_hash import hash_model
from zokusei.metrics import MultiLabelMetrics, compute_metrics
from zokusei.results import RATES
from zokusei.run_folder import read_environment, read_log


def evaluate_run(
    run: Path | str,
    *,
    split: str = "test",
    manifest: Path | str | None = None,
    name: str | None = None,
    mirror: bool | None = None,
    batch_size: int = 64,
    device: str = "auto",
    counting: Counting = no_counting,
) -> dict[str, Any]:
    """Judge a run's model and leave the figures in its folder.

    In `scores-NAME.parquet` a picture that could not be read has NaN for every tag.

    Args:
        run: the run folder.
        split: `train`, `val` or `test`.
        manifest: pictures to judge on; the run's own by default. Tags that the model does not
            know are ignored, tags that the manifest does not have are unknown. Of one that was
            never divided all pictures are taken.
        name: of the judgement and its files; the split by default, of another manifest its file's
            or its folder's name. Only the run's own pictures are called like a split.
        mirror: whether the model sees pictures in a mirror, too; by default as it was made. Another
            way than that has a name of its own.
        batch_size: pictures a pass.
        device: see `choose_device`.
        counting: shows how far it is.

    Returns:
        What `evaluation-NAME.json` holds: figures at 0.5 and at each tag's own threshold, in
        per cent, and one entry a tag; of another manifest also the tags that it has and the model
        has not (`ignored_tags`), and the other way round (`unjudged_tags`).

    Raises:
        ConfigError: the name is no name of a file, or is taken; or a mirror changes a tag.
        DataError: there is no picture in that split, or none that can be read.
        CheckpointError: the run has no finished model.
    """
    run = Path(run)
    name = _choose_name(split, manifest, name)
    checkpoint = load_checkpoint(run)
    _set_mirror(checkpoint, mirror, name, split)
    pictures = select_split(Manifest.load(manifest or run / "manifest.parquet"), split)
    if not len(pictures):
        raise DataError(f"the split {split!r} of {manifest or run} holds no picture")
    judged = _read_with(pictures, checkpoint)
    target = choose_device(device)
    preprocess = checkpoint.preprocess
    store = PictureStore(judged.paths, preprocess, cache_bytes=0, workers=2)
    source, captions = checkpoint.captions, None
    if source is not None:
        captions = source.open_table(judged, counting=counting, device=target)
    loader = Loader(judged, store, batch_size=batch_size, caption_features=captions)
    loader.known &= torch.tensor([tag in pictures.tags for tag in judged.tags.names])
    model = checkpoint.model.to(target).to(memory_format=torch.channels_last)
    with counting(f"evaluating {name}", len(judged)) as progress:
        scores, known = compute_scores(model, loader, preprocess, device=target, progress=progress)
    store.close()
    if len(store.unreadable) == len(judged):
        first = min(store.unreadable.values())
        raise DataError(f"none of the {len(judged)} pictures can be read; the first: {first}")
    described = _describe(checkpoint, scores, loader.targets, known)
    evaluation: dict[str, Any] = {"name": name, "split": split, **described}
    evaluation["model"] = hash_model(run)
    evaluation["mirror"] = checkpoint.model.mirror
    evaluation["manifest"] = str(Path(manifest).absolute()) if manifest else None
    evaluation["unjudged_tags"], evaluation["ignored_tags"] = _compare_tags(checkpoint, pictures)
    evaluation["unreadable"] = len(store.unreadable)
    evaluation["problems"] = sorted(store.unreadable.values())
    write_json(run / f"evaluation-{name}.json", evaluation)
    scores[sorted(store.unreadable)] = math.nan
    _write_scores(run / f"scores-{name}.parquet", judged, scores)
    return evaluation


def _set_mirror(checkpoint: Checkpoint, mirror: bool | None, name: str, split: str) -> None:
    """Let a model see pictures in a mirror, too, or not.

    Raises:
        ConfigError: a tag names a side, or the run's own judgement would be lost.
    """
    if mirror is None or mirror == checkpoint.model.mirror:
        return
    sided = [tag.name for tag in checkpoint.tags if tag.has_side]
    if mirror and sided:
        raise ConfigError(f"{sided[0]!r} names a side, which a mirror changes")
    if name == split:
        raise ConfigError(
            f"the model was made {'without' if mirror else 'with'} a mirror; give this judgement a "
            f"name of its own, since {name!r} is that of the model as it is"
        )
    checkpoint.model.mirror = mirror


def result_row(run: Path | str, evaluation: dict[str, Any]) -> dict[str, Any]:
    """Give an evaluated run as a row of `zokusei.results`.

    Its preset is backbone, size, optimiser, learning rate and the backbone's factor on it:
    `tf_efficientnet_lite0-112-adamw-0.002x0.5`.
    """
    run = Path(run)
    config = load_config(run / "config.yaml")
    optimizer = config.optimizer
    log = read_log(run / "metrics.jsonl")
    steps = [record["images_per_second"] for record in log if record["kind"] == "step"]
    seconds = max(record["seconds"] for record in log if record["kind"] == "epoch")
    environment = read_environment(run)
    return {
        **{name: value for name, value in evaluation["metrics"].items() if name in RATES},
        "experiment": config.name,
        "corpus": Path(config.data.path).stem,
        "split": evaluation["name"],
        "model": config.model.name,
        "preset": f"{config.model.backbone}-{config.preprocess.size}-{optimizer.name}"
        f"-{optimizer.lr:g}x{optimizer.backbone_lr_factor:g}",
        "seed": config.train.seed,
        "images_per_second": float(np.median(steps)),
        "seconds": seconds,
        "commit": environment["commit"],
        "config": config.name,
        "hardware": environment["hardware"],
    }


def _choose_name(split: str, manifest: Path | str | None, name: str | None) -> str:
    """Name a judgement so that no other pictures pass for the run's own.

    Raises:
        ConfigError: it cannot be called so.
    """
    if name is None and manifest is not None:
        path = Path(manifest).absolute()
        name = path.stem if path.stem != "manifest" else path.parent.name
    name = split if name is None else name
    if not name or Path(name).name != name:
        raise ConfigError(f"--name {name!r} must name a file, without a folder; give another")
    own = SPLITS if manifest is not None else [known for known in SPLITS if known != split]
    if name in own:
        whose = manifest if manifest is not None else f"the split {split!r}"
        raise ConfigError(
            f"a judgement of {whose} cannot be called {name!r}, which names the run's own split; "
            "give another --name"
        )
    return name


def _compare_tags(checkpoint: Checkpoint, pictures: Manifest) -> tuple[list[str], list[str]]:
    """Give the model's tags that the pictures lack, and the pictures' that the model lacks."""
    own, theirs = checkpoint.tags, pictures.tags
    lacking = [name for name in own.names if name not in theirs]
    return lacking, [name for name in theirs.names if name not in own]


def _read_with(pictures: Manifest, checkpoint: Checkpoint) -> Manifest:
    """Read the manifest with the model's tags, which are the columns of its scores."""
    if not any(name in pictures.tags for name in checkpoint.tags.names):
        raise DataError("the manifest and the model have no tag in common")
    return pictures.with_tags(checkpoint.tags)


def _describe(
    checkpoint: Checkpoint, scores: Tensor, targets: Tensor, known: Tensor
) -> dict[str, Any]:
    own = torch.tensor(checkpoint.tags.thresholds)
    plain = compute_metrics(scores, targets, known)
    tuned = compute_metrics(scores, targets, known, thresholds=own)
    positives = (targets & known).sum(0)
    seen = positives > 0
    prevalence = positives / known.sum(0).clamp(min=1)
    return {
        "pictures": len(targets),
        "metrics": plain.as_row(),
        "metrics_own_thresholds": tuned.as_row(),
        "chance_map": float(prevalence[seen].mean() * 100) if seen.any() else 0.0,
        "tags": _describe_tags(checkpoint, tuned, positives, known.sum(0)),
    }


def _describe_tags(
    checkpoint: Checkpoint, metrics: MultiLabelMetrics, positives: Tensor, known: Tensor
) -> list[dict[str, Any]]:
    columns = {
        "ap": metrics.ap,
        "precision": metrics.precision,
        "recall": metrics.recall,
        "f1": metrics.f1,
    }
    entries = []
    for index, tag in enumerate(checkpoint.tags):
        rates = {name: float(values[index]) * 100 for name, values in columns.items()}
        if not positives[index]:  # nothing was there to be found
            rates |= {"recall": math.nan, "f1": math.nan}
        entries.append(
            {
                "name": tag.name,
                "category": tag.category,
                "positives": int(positives[index]),
                "known": int(known[index]),
                **{name: None if math.isnan(rate) else rate for name, rate in rates.items()},
                "threshold": tag.threshold,
            }
        )
    return entries


def _write_scores(path: Path, manifest: Manifest, scores: Tensor) -> None:
    columns = {"path": pa.array(manifest.column("path"))}
    columns |= {
        name: pa.array(scores[:, index].numpy()) for index, name in enumerate(manifest.tags.names)
    }
    with write_whole(path) as temporary:
        # Hardly a number is there twice: a dictionary of them would come on top.
        pq.write_table(pa.table(columns), temporary, compression="zstd", use_dictionary=False)
