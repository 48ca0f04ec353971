"""Caption features: what a captioner makes of a picture as one vector, in four readings.

The paper feeds the semantic features of a captioner into its graph and does not say which tensor of
the captioner they are (*GCN-based multi-modal multi-label attribute classification in anime
illustration using domain-specific semantic features*, 2023, eq. 2). Each reading is one answer.

Its M, which the captioner is given, is that of the classifier as it is written. That one changes
with every step, and no captioner has learnt to read it: here M is what the captioner's own frozen
encoder makes of the picture.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from zokusei.captioning.beam import Generated
from zokusei.captioning.model import CaptionModel
from zokusei.captioning.vocabulary import UNKNOWN, Vocabulary
from zokusei.errors import ConfigError, suggest

READINGS = ("encoder", "attended", "hidden", "text")


def caption_width(model: CaptionModel, reading: str) -> int:
    """Say how long the vectors of a reading are.

    Raises:
        ConfigError: there is no such reading.

    >>> model = CaptionModel(9, "test_efficientnet", embedding=8, hidden=12, attention=8)
    >>> caption_width(model, "hidden"), caption_width(model, "text")
    (12, 8)
    """
    check_reading(reading)
    widths = {
        "hidden": int(model.arguments["hidden"]),
        "text": int(model.arguments["embedding"]),
    }
    return widths.get(reading, model.backbone.num_features)


def compute_caption_features(
    model: CaptionModel, found: Generated, reading: str
) -> Float[Tensor, "pictures width"]:
    r"""Give the vector of each caption that was written.

    With annotations a_1 ... a_L, the look alpha_t and the state h_t at each of T words y_t:

    - `encoder`: the mean annotation, :math:`\frac{1}{L} \sum_i a_i`. The words play no part in it,
      so that two captioners with one frozen encoder give the same.
    - `attended`: the mean of the annotations weighed by all looks at them,
      :math:`\frac{1}{L} \sum_i \big(\sum_t \alpha_{ti}\big) a_i`, the only reading that is a map
      of H x W x D as the paper writes M_cap. It grows with the length of the caption.
    - `hidden`: the mean state, :math:`\frac{1}{T} \sum_t h_t`.
    - `text`: the mean of the captioner's own word vectors, :math:`\frac{1}{T} \sum_t E y_t`; what
      was said and nothing else.

    Args:
        model: the captioner that wrote them.
        found: of `generate`.
        reading: one of the four.

    Raises:
        ConfigError: there is no such reading.
    """
    check_reading(reading)
    if reading == "encoder":
        return compute_encoder_features(found.annotations)
    if reading == "attended":
        looks = found.alphas.sum(1)  # pictures x positions
        positions = looks.shape[1]
        return (looks[:, None] @ found.annotations).squeeze(1) / positions
    lengths = found.lengths.clamp(min=1)[:, None]
    if reading == "hidden":
        return found.hidden.sum(1) / lengths
    # What fills a caption up has a vector of zeros.
    said: Tensor = model.head.embed(found.tokens)
    return said.sum(1) / lengths


def compute_encoder_features(
    annotations: Float[Tensor, "pictures positions width"],
) -> Float[Tensor, "pictures width"]:
    """Give the `encoder` reading, for which no caption has to be written."""
    return annotations.mean(1)


def compute_text_features(
    model: CaptionModel, vocabulary: Vocabulary, captions: Sequence[Sequence[str]]
) -> Float[Tensor, "pictures width"]:
    """Give the `text` reading of captions that people wrote: the mean over all words of a picture.

    Words that the captioner does not know are left out; a picture without a known word gets zeros.

    Args:
        model: the captioner.
        vocabulary: its words.
        captions: of each picture.
    """
    rows = []
    for texts in captions:
        numbers = [n for text in texts for n in vocabulary.encode(text)[1:-1] if n != UNKNOWN]
        vectors = model.head.embed.weight[numbers]
        rows.append(vectors.mean(0) if numbers else vectors.new_zeros(vectors.shape[1]))
    return torch.stack(rows)


def check_reading(reading: str) -> None:
    """Refuse what is no reading.

    Raises:
        ConfigError: it is none.
    """
    if reading not in READINGS:
        raise ConfigError(f"unknown reading {reading!r} of a caption{suggest(reading, READINGS)}")
