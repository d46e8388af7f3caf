"""The bootstrap over groups, which gives every number its interval.

Faces of one video, and fakes of one original, resemble each other, so they are not independent
samples. The bootstrap draws whole groups with replacement (Efron & Tibshirani 1993, ch. 8; Field & Welsh
2007, "cluster bootstrap") and takes the percentile interval of the resampled values.
"""

from collections.abc import Iterator

import numpy as np

from dfdetect.metrics.measures import Array

COVERAGE = 0.95


def draw_weights(n_groups: int, resamples: int, seed: int, rows: int) -> Iterator[Array]:
    """Draw resamples of `n_groups` groups with replacement.

    Args:
        n_groups: the number of groups, and of draws in each resample.
        resamples: the number of resamples.
        seed: the same seed gives the same resamples, whatever `rows` is.
        rows: the largest number of resamples in a block.

    Yields:
        How often each group was drawn, shape (rows or fewer, n_groups).
    """
    generator = np.random.default_rng(seed)
    for start in range(0, resamples, rows):
        count = min(rows, resamples - start)
        drawn = generator.integers(n_groups, size=(count, n_groups))
        drawn += n_groups * np.arange(count)[:, None]
        times = np.bincount(drawn.ravel(), minlength=count * n_groups)
        yield times.reshape(count, n_groups).astype(np.float64)


def percentile_interval(values: Array) -> tuple[float, float]:
    """The interval that holds the middle 95 % of a metric's resampled values.

    Args:
        values: shape (resamples,); NaN values, for which the metric was not defined, are left out.

    Returns:
        The two ends; both NaN (not estimable) if no value is left, or if all are the same: a
        bootstrap cannot tell how far a perfect score is from perfect.
    """
    defined = values[~np.isnan(values)]
    if defined.size == 0 or np.ptp(defined) == 0:
        return float("nan"), float("nan")
    low, high = np.quantile(defined, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    return float(low), float(high)
