"""Random choices that use nothing of a generator but `random`: its numbers never change.

Python promises the same numbers in every version only for `random.random`.
"""

import random
from collections.abc import Sequence
from typing import TypeVar

_T = TypeVar("_T")


def pick(rng: random.Random, options: Sequence[_T]) -> _T:
    """Choose one of several.

    >>> pick(random.Random(0), ["only"])
    'only'
    """
    return options[int(rng.random() * len(options))]


def between(rng: random.Random, low: float, high: float) -> float:
    """Choose a number between two others.

    >>> 2 <= between(random.Random(0), 2, 3) < 3
    True
    """
    return low + (high - low) * rng.random()
