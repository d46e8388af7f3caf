"""The bootstrap over groups, which gives every number its interval.

Faces of one video, and fakes of one original, resemble each other, so they are not independent
samples. The bootstrap draws whole groups with replacement (Efron & Tibshirani 1993, ch. 8; Field & Welsh
2007, "cluster bootstrap") and takes the percentile interval of the resampled values, expanded for the number
of groups.

With few groups the plain interval is too narrow: of G groups, resamples show (G - 1) / G of the variance,
and their quantiles are those of a normal distribution where Student's belongs. The expanded interval
(Hesterberg 2015, "What teachers should know about the bootstrap", The American Statistician 69) takes
quantiles further out. In simulations with 8 groups the plain interval of the AUC held the truth in 87 % of
cases, the expanded one in 92 %; with 50 groups both do so in 95 %.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dfdetect.metrics.measures import MEASURES, Array

COVERAGE = 0.95
FEWEST_UNITS = 6
"""The fewest groups for an interval. If each group lies above the truth as often as below, all of 5 groups
lie on one side of it in 6 % of cases, and no interval between them can hold it in 95 %."""


@dataclass(frozen=True)
class Units:
    """How many groups stand behind a number.

    Attributes:
        reals: groups with reals.
        fakes: groups with fakes.
        every: groups.
    """

    reals: int
    fakes: int
    every: int

    @classmethod
    def of(cls, labels: NDArray[np.int64], groups: NDArray[np.int64]) -> "Units":
        """Count them, from labels 0 or 1 and group numbers, both of shape (n,)."""
        reals, fakes = (len(np.unique(groups[labels == label])) for label in (0, 1))
        return cls(reals, fakes, len(np.unique(groups)))

    def behind(self, metric: str) -> int:
        """The groups that a metric of `MEASURES` rests on; of the rarer class if it compares the classes."""
        if MEASURES[metric].both:
            return min(self.reals, self.fakes)
        return self.fakes if metric == "recall" else self.every


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


def percentile_interval(values: Array, units: int) -> tuple[float, float]:
    """The 95 % interval of a metric from its resampled values: the percentile interval, expanded.

    Args:
        values: shape (resamples,); NaN values, for which the metric was not defined, are left out.
        units: how many groups the metric rests on; of its rarer class if it compares the classes.

    Returns:
        The two ends; both NaN (not estimable) if there are fewer than `FEWEST_UNITS` groups, if no value is
        left, or if all are the same: a bootstrap cannot tell how far a perfect score is from perfect.
    """
    defined = values[~np.isnan(values)]
    if units < FEWEST_UNITS or defined.size == 0 or np.ptp(defined) == 0:
        return float("nan"), float("nan")
    tail = expanded_tail(units)
    low, high = np.quantile(defined, [tail, 1 - tail])
    return float(low), float(high)


def expanded_tail(units: int) -> float:
    """The share of resampled values beyond each end of the expanded 95 % interval.

    Args:
        units: the number of groups, at least 2.
    """
    from scipy.stats import norm, t

    return float(norm.sf(t.ppf((1 + COVERAGE) / 2, units - 1) * math.sqrt(units / (units - 1))))


def student_p(z: float, units: int) -> float:
    """A two-sided p-value for few groups: Student's, by the reverse of `expanded_tail`.

    It is no lower than the chance that all groups lie on one side.

    Args:
        z: how many standard errors of the resampled values lie between the value and 0, at least 0.
        units: the number of groups, at least 2.
    """
    from scipy.stats import t

    p = 2 * t.sf(z * math.sqrt((units - 1) / units), units - 1)
    return float(max(p, 2.0 ** (1 - units)))
