"""Metrics: plain tensors in, figures out; unknown entries contribute to none."""

from zokusei.metrics.legacy import compute_legacy_metrics
from zokusei.metrics.multilabel import MultiLabelMetrics, Rates, compute_metrics
from zokusei.metrics.ranking import compute_average_precision, find_best_thresholds

__all__ = [
    "MultiLabelMetrics",
    "Rates",
    "compute_average_precision",
    "compute_legacy_metrics",
    "compute_metrics",
    "find_best_thresholds",
]
