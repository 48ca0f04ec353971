"""A trained model as one folder: weights, arguments, tags, preprocessing, figures, card.

```
model.safetensors   weights, and how often tags occur and meet (`labels.`)
config.json         model name and arguments, format version, provenance
tags.csv            the WD v3 columns plus each tag's threshold
preprocess.json     size, fit, mean, standard deviation
metrics.json        figures on validation data
captioner/          of a model that reads captions: the captioner that writes them
README.md           the model card
```
Nothing in it is a pickle, and nothing outside it is needed to use the model.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from zokusei.caption_source import CaptionSource
from zokusei.errors import CheckpointError
from zokusei.files import write_json, write_text
from zokusei.images.preprocess import Preprocess
from zokusei.labels import LabelSpace
from zokusei.model_folder import (
    FORMAT_VERSION,
    TAGGER,
    describe_metrics,
    find_model_folder,
    read_config,
    reading,
    write_model_folder,
)
from zokusei.model_weights import halve, load_exactly, write_weights
from zokusei.models import Classifier, create_model
from zokusei.tags import TagSet

# Where a head that starts from label embeddings keeps them (`Head.needs_embeddings`).
_EMBEDDINGS = "head.label_embeddings"
_LABELS = "labels."


@dataclass(frozen=True)
class Checkpoint:
    """What a folder holds.

    Attributes:
        model: in evaluation mode.
        labels: the tags with their statistics.
        preprocess: how a picture becomes the model's input.
        metrics: figures on validation data, rates in per cent.
        provenance: how it was made: version, commit, seed, configuration.
        captions: where a model that reads captions has them from.
    """

    model: Classifier
    labels: LabelSpace
    preprocess: Preprocess
    metrics: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    captions: CaptionSource | None = None

    @property
    def tags(self) -> TagSet:
        """Names, categories and thresholds, in the order of the logits."""
        return self.labels.tags


def save_checkpoint(folder: Path | str, checkpoint: Checkpoint, *, half: bool = False) -> None:
    """Write the folder beside its place and move it there, so that it is never half there.

    Args:
        folder: its place.
        checkpoint: what is written.
        half: weights in half precision, for a model that is to be given away and not trained on.
    """
    write_model_folder(folder, lambda fresh: _write_files(fresh, checkpoint, half))


def load_checkpoint(folder: Path | str) -> Checkpoint:
    """Read a checkpoint folder, or the `model` folder of a run.

    Raises:
        CheckpointError: it is missing, incomplete, damaged, of another version, or holds another
            captioner than the one the model learnt with.
    """
    folder = find_model_folder(folder)
    config = read_config(folder, TAGGER)
    if "runtime" in config:
        raise CheckpointError(
            f"{folder} is a model exported to {config['runtime']}, which gives tags and nothing "
            "else; give the run it was made from"
        )
    if "training_pictures" not in config:
        raise CheckpointError(
            f"{folder} keeps how often tags meet in config.json, as early versions of zokusei did; "
            "train it again"
        )
    with reading(folder):
        tags = TagSet.load(folder / "tags.csv")
        weights = load_file(folder / "model.safetensors")
        counts = {name: weights.pop(name) for name in list(weights) if name.startswith(_LABELS)}
        labels = LabelSpace.from_tensors(tags, counts, config["training_pictures"])
        if _EMBEDDINGS in weights:
            labels = labels.with_embeddings(weights[_EMBEDDINGS])
        model = create_model(config["model"], labels, **config["arguments"])
        preprocess = Preprocess.load(folder / "preprocess.json")
        metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        provenance = config["provenance"]
    load_exactly(model, weights, folder)
    about = config.get("captions")
    captions = CaptionSource.load(folder, about) if about else None
    return Checkpoint(model.eval(), labels, preprocess, metrics, provenance, captions)


def _write_files(folder: Path, checkpoint: Checkpoint, half: bool) -> None:
    model = checkpoint.model
    config = {
        "format_version": FORMAT_VERSION,
        "model": model.name,
        "arguments": model.arguments,
        "training_pictures": checkpoint.labels.num_pictures,
        "provenance": checkpoint.provenance,
    }
    if checkpoint.captions is not None:
        config["captions"] = checkpoint.captions.save(folder)
    weights = halve(model) if half else model.state_dict()
    write_weights(folder, {**weights, **checkpoint.labels.to_tensors()})
    write_json(folder / "config.json", config)
    checkpoint.tags.save(folder / "tags.csv")
    checkpoint.preprocess.save(folder / "preprocess.json")
    write_json(folder / "metrics.json", checkpoint.metrics)
    write_text(folder / "README.md", _model_card(checkpoint))


def _model_card(checkpoint: Checkpoint) -> str:
    arguments = ", ".join(f"{name}={value!r}" for name, value in checkpoint.model.arguments.items())
    about = "\n".join(f"- {name}: {value}" for name, value in checkpoint.provenance.items())
    preprocess, source = checkpoint.preprocess, checkpoint.captions
    if source is not None:
        about += f"\n- captions: written by the model in `captioner`, read as `{source.reading}`"
        about += "" if source.control == "none" else f", replaced: `{source.control}`"
    return f"""# {checkpoint.provenance.get("name", checkpoint.model.name)}

A multi-label tagger for anime illustrations with {len(checkpoint.tags)} tags, trained with zokusei.

- model: `{checkpoint.model.name}` ({arguments})
- input: {preprocess.size} x {preprocess.size} pixels, fit: {preprocess.fit}
- tags and the threshold of each: `tags.csv`
{about}

Use it: `zokusei tag PICTURE --model FOLDER`, or in Python
`next(zokusei.inference.Tagger.load(FOLDER).tag([PICTURE]))`.

Figures on the validation split, rates in per cent (thresholds were found on the same pictures, so
that only the figures of a test split say what to expect):

{describe_metrics(checkpoint.metrics)}
"""
