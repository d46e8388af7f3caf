"""Means with an interval over groups."""

import numpy as np
from numpy.typing import ArrayLike

from dfdetect.metrics.bootstrap import draw_weights, percentile_interval
from dfdetect.metrics.estimates import BLOCK_CELLS, Estimate


def mean_estimate(values: ArrayLike, groups: ArrayLike, *, resamples: int = 1000, seed: int = 0) -> Estimate:
    """The mean of values and its 95 % interval, from a bootstrap over groups.

    Example:
        >>> print(mean_estimate([1.0, 0.0, 1.0, 1.0], [0, 0, 1, 2]))
        0.750 [0.500, 1.000]

    Args:
        values: one a face, of shape (n,); NaN values are left out.
        groups: whole numbers of the same shape: faces of one group are not independent.
        resamples: how many resamples.
        seed: of the resamples.

    Returns:
        NaN if no value is left; without an interval if fewer than `FEWEST_UNITS` groups are left, or all
        values are equal.
    """
    numbers, owners = np.asarray(values, np.float64), np.asarray(groups)
    defined = ~np.isnan(numbers)
    numbers = numbers[defined]
    if not numbers.size:
        return Estimate(float("nan"), float("nan"), float("nan"))
    _, places = np.unique(owners[defined], return_inverse=True)
    sums, counts = np.bincount(places, numbers), np.bincount(places)
    drawn = [np.empty(0)]
    if len(counts) > 1:
        blocks = draw_weights(len(counts), resamples, seed, max(1, BLOCK_CELLS // len(counts)))
        drawn += [(weights @ sums) / (weights @ counts) for weights in blocks]
    return Estimate(float(numbers.mean()), *percentile_interval(np.concatenate(drawn), len(counts)))
