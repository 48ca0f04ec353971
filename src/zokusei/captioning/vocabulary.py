"""The words a captioner knows: those that its training captions use often enough."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from zokusei.errors import CheckpointError, DataError
from zokusei.files import write_json

PAD, START, END, UNKNOWN = range(4)
"""Numbers of what is no word: filling, before the first, after the last, none of ours."""

SPECIALS = ("<pad>", "<start>", "<end>", "<unknown>")

# Letters and digits of any script; an apostrophe or a hyphen inside a word belongs to it.
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


def split_words(caption: str) -> list[str]:
    """Part a caption into words in lower case, without punctuation.

    >>> split_words("A dog's red-brown ball , in the grass .")
    ['a', "dog's", 'red-brown', 'ball', 'in', 'the', 'grass']
    """
    return _WORD.findall(caption.lower().replace("’", "'"))


@dataclass(frozen=True)
class Vocabulary:
    """Words with their numbers, the specials first.

    Attributes:
        words: without the specials, the most frequent first.

    >>> vocabulary = Vocabulary.from_captions(["A dog .", "A cat", "a dog runs"], min_count=2)
    >>> vocabulary.words
    ('a', 'dog')
    >>> vocabulary.encode("A dog runs")
    [1, 4, 5, 3, 2]
    >>> vocabulary.decode([4, 5, 2, 0])
    'a dog'
    """

    words: tuple[str, ...]

    @classmethod
    def from_captions(cls, captions: Iterable[str], *, min_count: int = 1) -> "Vocabulary":
        """Count words, and keep those that occur `min_count` times; equal ones by name.

        Args:
            captions: of the training split, and of no other.
            min_count: rarer words are unknown.

        Raises:
            DataError: no word is frequent enough.
        """
        counts = Counter(word for caption in captions for word in split_words(caption))
        kept = [word for word, count in counts.items() if count >= min_count]
        if not kept:
            raise DataError(
                f"none of the {len(counts)} different words of the training captions occurs "
                f"{min_count} times; lower data.min_count or give more captions"
            )
        return cls(tuple(sorted(kept, key=lambda word: (-counts[word], word))))

    def __len__(self) -> int:
        """Words and specials."""
        return len(SPECIALS) + len(self.words)

    def encode(self, caption: str) -> list[int]:
        """Give the numbers of a caption, between those of its start and its end."""
        numbers = [self._numbers.get(word, UNKNOWN) for word in split_words(caption)]
        return [START, *numbers, END]

    def decode(self, numbers: Iterable[int]) -> str:
        """Give the sentence up to its end."""
        return " ".join(self.name_words(numbers))

    def name_words(self, numbers: Iterable[int]) -> list[str]:
        """Give the words up to the end; filling and start are left out."""
        names = []
        for number in numbers:
            if number == END:
                break
            if number not in (PAD, START):
                names.append(self.names[number])
        return names

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What each number stands for."""
        return (*SPECIALS, *self.words)

    @cached_property
    def digest(self) -> str:
        """Tell this vocabulary from every other, the order of the words included."""
        return hashlib.sha256("\n".join(self.words).encode()).hexdigest()

    def save(self, path: Path | str) -> None:
        """Write the words as JSON."""
        write_json(path, {"words": list(self.words)})

    @classmethod
    def load(cls, path: Path | str) -> "Vocabulary":
        """Read what `save` wrote.

        Raises:
            CheckpointError: the file is missing or is no list of different words.
        """
        try:
            words = json.loads(Path(path).read_text(encoding="utf-8"))["words"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CheckpointError(f"{path} cannot be read as a vocabulary: {error}") from error
        if not _are_words(words):
            raise CheckpointError(f"{path} is no vocabulary: words must be different texts")
        return cls(tuple(words))

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {word: number for number, word in enumerate(self.words, start=len(SPECIALS))}


def _are_words(words: object) -> bool:
    if not isinstance(words, Sequence) or isinstance(words, str):
        return False
    return all(isinstance(word, str) and word for word in words) and len(set(words)) == len(words)
