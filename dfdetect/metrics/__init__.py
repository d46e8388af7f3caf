"""Metrics: predictions in, numbers with 95 % intervals out. Pure NumPy."""

from dfdetect.metrics.estimates import (
    DASH,
    LEVELS,
    UNITS,
    Estimate,
    Metrics,
    choose_threshold,
    compute_metrics,
    useful_levels,
)
from dfdetect.metrics.measures import MEASURES

__all__ = [
    "DASH",
    "LEVELS",
    "MEASURES",
    "UNITS",
    "Estimate",
    "Metrics",
    "choose_threshold",
    "compute_metrics",
    "useful_levels",
]
