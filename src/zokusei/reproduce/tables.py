"""Means with intervals."""

import math
import statistics
from collections.abc import Sequence

# Two-sided 95 % quantiles of Student's t for 1, 2, ... degrees of freedom.
STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)


def show_interval(value: float, low: float, high: float, sign: str = "") -> str:
    """Write a figure with its interval; of a difference, with `+` as the sign.

    >>> show_interval(21.86, 20.6, 23.2), show_interval(0.5, -1.0, 2.0, "+")
    ('21.9 (20.6 to 23.2)', '+0.5 (-1.0 to +2.0)')
    """
    return f"{value:{sign}.1f} ({low:{sign}.1f} to {high:{sign}.1f})"


def describe(values: Sequence[float], sign: str = "") -> str:
    """Give the mean and, with more than one value, half the 95 % interval.

    >>> describe([70.0]), describe([69.0, 70.0, 71.0]), describe([2.0], "+")
    ('70.0', '70.0 ± 2.5', '+2.0')
    """
    mean = statistics.fmean(values)
    if len(values) < 2:
        return f"{mean:{sign}.1f}"
    # With more values than the list has quantiles its last one is a little too wide.
    quantile = STUDENT[min(len(values) - 2, len(STUDENT) - 1)]
    half = quantile * statistics.stdev(values) / math.sqrt(len(values))
    return f"{mean:{sign}.1f} ± {half:.1f}"
