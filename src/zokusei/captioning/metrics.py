"""Figures of captions that were written freely: BLEU by sacrebleu, and CIDEr-D.

Captions and references are parted into words in the same way (`split_words`: lower case, no
punctuation), as the captioning field does, and sacrebleu parts nothing again (`tok:none` in its
signature). No word of a reference is replaced: one that the model does not know counts against it.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zokusei.captioning.vocabulary import split_words
from zokusei.errors import DataError, MissingExtraError

ORDERS = 4
_SIGMA = 6.0

_Counts = Counter[tuple[str, ...]]


@dataclass(frozen=True)
class CaptionMetrics:
    """Figures in per cent.

    Attributes:
        bleu: BLEU-1 to BLEU-4, of all pictures together.
        cider: 100 times CIDEr-D.
        signature: sacrebleu's, of BLEU-4.
    """

    bleu: tuple[float, ...]
    cider: float
    signature: str

    def as_row(self) -> dict[str, float]:
        """Give the figures by the names of their columns."""
        row = {f"bleu{order}": value for order, value in enumerate(self.bleu, start=1)}
        return {**row, "cider": self.cider}


def compute_caption_metrics(
    captions: Sequence[str], references: Sequence[Sequence[str]]
) -> CaptionMetrics:
    """Judge one caption a picture.

    Args:
        captions: what the model says.
        references: what people say of each picture, at least one sentence.

    Raises:
        DataError: there is no picture, or one without a reference.
        MissingExtraError: sacrebleu is not installed.

    >>> compute_caption_metrics(["a dog runs"], [["A dog runs .", "a dog"]]).bleu[0]
    100.0
    """
    said, wanted = _part(captions, references)
    streams = _as_streams(wanted)
    bleu_class = _import_bleu()
    scores, signature = [], ""
    for order in range(1, ORDERS + 1):
        bleu = bleu_class(max_ngram_order=order, tokenize="none", smooth_method="none", force=True)
        # sacrebleu's product of precisions can end a rounding above 100.
        scores.append(min(float(bleu.corpus_score(said, streams).score), 100.0))
        signature = str(bleu.get_signature())
    cider = 100 * float(compute_cider_each(captions, references).mean())
    return CaptionMetrics(tuple(scores), cider, signature)


def count_bleu_matches(
    captions: Sequence[str], references: Sequence[Sequence[str]]
) -> NDArray[np.int64]:
    """Give what BLEU is made of, for each picture by itself: the sum over pictures makes the BLEU.

    Returns:
        pictures x 10: matches and n-grams of the four orders, then the caption's length and that of
        the nearest reference.
    """
    said, wanted = _part(captions, references)
    bleu = _import_bleu()(tokenize="none", smooth_method="none", effective_order=True)
    rows = []
    for caption, sentences in zip(said, wanted, strict=True):
        score = bleu.sentence_score(caption, sentences)
        rows.append([*score.counts, *score.totals, score.sys_len, score.ref_len])
    return np.array(rows, dtype=np.int64)


def compute_bleu(matches: NDArray[np.int64]) -> list[float]:
    """Give BLEU-1 to BLEU-4 in per cent of the sum of some rows of `count_bleu_matches`.

    >>> compute_bleu(count_bleu_matches(["a dog runs"], [["a dog sat"]]).sum(0))[0]
    66.66...
    """
    counts, totals = matches[:ORDERS].tolist(), matches[ORDERS : 2 * ORDERS].tolist()
    lengths = [int(length) for length in matches[2 * ORDERS :]]
    bleu_class = _import_bleu()
    return [
        float(
            bleu_class.compute_bleu(
                counts, totals, *lengths, smooth_method="none", max_ngram_order=order
            ).score
        )
        for order in range(1, ORDERS + 1)
    ]


def compute_cider_each(
    captions: Sequence[str], references: Sequence[Sequence[str]]
) -> NDArray[np.float64]:
    r"""Give CIDEr-D of each picture, from 0 to 10; the corpus's is the mean.

    .. math:: \frac{10}{4\,m} \sum_{n=1}^{4} \sum_{j=1}^{m} e^{-(l - l_j)^2 / 2\sigma^2}
        \frac{\min(g^n, g_j^n) \cdot g_j^n}{\|g^n\|\,\|g_j^n\|}

    (Vedantam et al. 2015, eq. 4) with sigma 6, m references, l words, and g the counts of n-grams
    times the logarithm of N pictures over those with a reference that has the n-gram. Counts are
    not divided by the sentence's, and words are not stemmed, as in the released code.
    """
    said, wanted = _part(captions, references)
    sentences = [[_count_ngrams(sentence) for sentence in group] for group in wanted]
    seen: _Counts = Counter()
    for group in sentences:
        seen.update(set().union(*group))
    pictures = math.log(len(said))

    def weigh(counts: _Counts) -> list[dict[tuple[str, ...], float]]:
        vectors: list[dict[tuple[str, ...], float]] = [{} for _ in range(ORDERS)]
        for ngram, count in counts.items():
            rarity = pictures - math.log(max(seen[ngram], 1))
            vectors[len(ngram) - 1][ngram] = count * rarity
        return vectors

    scores = []
    for caption, texts, group in zip(said, wanted, sentences, strict=True):
        own, length = weigh(_count_ngrams(caption)), len(caption.split())
        found = 0.0
        for text, counts in zip(texts, group, strict=True):
            alike = sum(map(_compare, own, weigh(counts)))
            found += alike * math.exp(-((length - len(text.split())) ** 2) / (2 * _SIGMA**2))
        scores.append(10 * found / ORDERS / len(texts))
    return np.array(scores)


def _compare(own: dict[tuple[str, ...], float], other: dict[tuple[str, ...], float]) -> float:
    """Cosine of two vectors, of which the first counts no more than the second has."""
    product = sum(
        min(value, other.get(key, 0.0)) * other.get(key, 0.0) for key, value in own.items()
    )
    norms = [math.sqrt(sum(value * value for value in vector.values())) for vector in (own, other)]
    return product / (norms[0] * norms[1]) if min(norms) > 0 else 0.0


def _count_ngrams(sentence: str) -> _Counts:
    words = sentence.split()
    return Counter(
        tuple(words[start : start + order])
        for order in range(1, ORDERS + 1)
        for start in range(len(words) - order + 1)
    )


def _part(
    captions: Sequence[str], references: Sequence[Sequence[str]]
) -> tuple[list[str], list[list[str]]]:
    """Write sentences as their words with single blanks; references without a word fall out."""
    if len(captions) != len(references) or not captions:
        raise DataError(
            f"{len(captions)} captions and references of {len(references)} pictures cannot be "
            "compared; give one caption a picture"
        )
    said = [" ".join(split_words(caption)) for caption in captions]
    wanted = [
        [text for text in (" ".join(split_words(one)) for one in group) if text]
        for group in references
    ]
    for index, group in enumerate(wanted):
        if not group:
            raise DataError(f"picture {index} has no reference to be compared with")
    return said, wanted


def _as_streams(wanted: list[list[str]]) -> list[list[str | None]]:
    """Give sacrebleu's form, one list a reference; pictures may have different numbers of them."""
    most = max(map(len, wanted))
    return [
        [group[index] if index < len(group) else None for group in wanted] for index in range(most)
    ]


def _import_bleu() -> Any:
    try:
        from sacrebleu.metrics import BLEU
    except ImportError as error:
        raise MissingExtraError("sacrebleu", "train", "judging captions") from error
    return BLEU
