"""Means with intervals."""

import math
import statistics
from collections.abc import Sequence

# Two-sided 95 % quantiles of Student's t for 1, 2, ... degrees of freedom.
STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)


def describe(values: Sequence[float]) -> str:
    """Give the mean and, with more than one value, half the 95 % interval.

    >>> describe([70.0]), describe([69.0, 70.0, 71.0])
    ('70.0', '70.0 ± 2.5')
    """
    mean = statistics.fmean(values)
    if len(values) < 2:
        return f"{mean:.1f}"
    # With more values than the list has quantiles its last one is a little too wide.
    quantile = STUDENT[min(len(values) - 2, len(STUDENT) - 1)]
    half = quantile * statistics.stdev(values) / math.sqrt(len(values))
    return f"{mean:.1f} ± {half:.1f}"
