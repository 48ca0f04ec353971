"""Captioning: words, the model that writes them, the search for the best of them, and figures."""

from zokusei.captioning.beam import Generated, generate
from zokusei.captioning.model import CaptionModel, Decoded
from zokusei.captioning.vocabulary import Vocabulary, split_words

__all__ = ["CaptionModel", "Decoded", "Generated", "Vocabulary", "generate", "split_words"]
