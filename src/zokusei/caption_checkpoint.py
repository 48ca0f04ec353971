"""A trained captioner as one folder: weights in half precision, words, preprocessing, card.

```
model.safetensors   weights, float16; statistics of batch norms as they are
config.json         model arguments, format version, which vocabulary it is, provenance
vocabulary.json     the words, in the order of their numbers
preprocess.json     size, fit, mean, standard deviation
metrics.json        figures on validation data
README.md           the model card
```
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from zokusei.captioning.beam import MAX_LENGTH
from zokusei.captioning.model import CaptionModel
from zokusei.captioning.vocabulary import Vocabulary
from zokusei.errors import CheckpointError
from zokusei.files import write_json, write_text
from zokusei.images.preprocess import Preprocess
from zokusei.model_folder import (
    FORMAT_VERSION,
    describe_metrics,
    find_model_folder,
    read_config,
    reading,
    write_model_folder,
)
from zokusei.model_weights import halve, load_exactly, write_weights

KIND = "captioner"


@dataclass(frozen=True)
class CaptionCheckpoint:
    """What a folder holds.

    Attributes:
        model: in evaluation mode.
        vocabulary: its words.
        preprocess: how a picture becomes the model's input.
        metrics: figures on validation data, in per cent.
        provenance: how it was made: version, commit, seed.
        max_words: of the captions that it learnt from; longer ones it does not write.
    """

    model: CaptionModel
    vocabulary: Vocabulary
    preprocess: Preprocess
    metrics: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    max_words: int = MAX_LENGTH


def save_caption_checkpoint(folder: Path | str, checkpoint: CaptionCheckpoint) -> None:
    """Write the folder beside its place and move it there, so that it is never half there."""
    write_model_folder(folder, lambda fresh: _write_files(fresh, checkpoint))


def load_caption_checkpoint(folder: Path | str) -> CaptionCheckpoint:
    """Read a captioner's folder, the `model` folder of a run, or `base`, the packaged one.

    Raises:
        CheckpointError: it is missing, incomplete, damaged, of another version, of something else
            than a captioner, or with the words of another.
    """
    folder = find_model_folder(folder, KIND)
    config = read_config(folder, KIND)
    vocabulary = Vocabulary.load(folder / "vocabulary.json")
    with reading(folder):
        if vocabulary.digest != config["vocabulary"]:
            raise CheckpointError(
                f"{folder}: vocabulary.json ({len(vocabulary.words)} words) is of another model; "
                "put its own back"
            )
        weights = load_file(folder / "model.safetensors")
        model = CaptionModel(**config["arguments"])
        preprocess = Preprocess.load(folder / "preprocess.json")
        metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        provenance = config["provenance"]
        max_words = int(config.get("max_words", MAX_LENGTH))  # before it was written down
    load_exactly(model, weights, folder)
    return CaptionCheckpoint(model.eval(), vocabulary, preprocess, metrics, provenance, max_words)


def _write_files(folder: Path, checkpoint: CaptionCheckpoint) -> None:
    model = checkpoint.model
    config = {
        "format_version": FORMAT_VERSION,
        "kind": KIND,
        "arguments": model.arguments,
        "vocabulary": checkpoint.vocabulary.digest,
        "max_words": checkpoint.max_words,
        "provenance": checkpoint.provenance,
    }
    write_weights(folder, halve(model))
    write_json(folder / "config.json", config)
    checkpoint.vocabulary.save(folder / "vocabulary.json")
    checkpoint.preprocess.save(folder / "preprocess.json")
    write_json(folder / "metrics.json", checkpoint.metrics)
    write_text(folder / "README.md", _model_card(checkpoint))


def _model_card(checkpoint: CaptionCheckpoint) -> str:
    arguments = ", ".join(f"{name}={value!r}" for name, value in checkpoint.model.arguments.items())
    about = "\n".join(f"- {name}: {value}" for name, value in checkpoint.provenance.items())
    preprocess = checkpoint.preprocess
    return f"""# {checkpoint.provenance.get("name", KIND)}

A captioner (Show, Attend and Tell), trained with zokusei.

- words: {len(checkpoint.vocabulary.words)}
- model: {arguments}
- input: {preprocess.size} x {preprocess.size} pixels, fit: {preprocess.fit}
{about}

Use it: `zokusei caption PICTURE --model FOLDER`, or in Python
`next(zokusei.inference.Captioner.load(FOLDER).caption([PICTURE]))`.

Figures of captions that were written freely, on the validation split that chose the epoch, in per
cent:

{describe_metrics(checkpoint.metrics)}
"""
