"""Shares of faces, such as the reals that are called fake, and how they differ between parts of the faces."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dfdetect.metrics.bootstrap import COVERAGE
from dfdetect.metrics.estimates import Estimate
from dfdetect.metrics.means import mean_estimate

Mask = NDArray[np.bool_]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Compared:
    """A part of the faces beside the rest.

    Attributes:
        rest: the share in the rest.
        difference: the part's share minus that of the rest, and its interval.
    """

    rest: float
    difference: Estimate

    @property
    def differs(self) -> bool:
        """Whether the interval excludes 0."""
        return self.difference.low > 0 or self.difference.high < 0


def compare_with_rest(
    hits: Mask, groups: Integers, inside: Mask, rest: Mask, coverage: float = COVERAGE
) -> Compared:
    """The share of hits in a part of the faces minus that in the rest.

    The interval joins Wilson's intervals of both shares (Newcombe 1998, "Interval estimation for the
    difference between independent proportions", method 10). It holds at shares of 0 and 1 too, where a
    bootstrap would count the part without a hit as known exactly. Its units are groups (`units_of`): as if
    all faces of a group were judged alike, so that it is rather too wide.

    Args:
        hits: whether each face counts, shape (n,).
        groups: group numbers, shape (n,).
        inside: which faces are in the part, at least one.
        rest: which are in its rest, at least one.
        coverage: of the interval. For m comparisons 1 - .05 / m makes all hold together with 95 %
            (Bonferroni).
    """
    first, second = (float(hits[part].mean()) for part in (inside, rest))
    (low, high), (rest_low, rest_high) = (
        wilson(share, units_of(groups[part]), coverage) for share, part in ((first, inside), (second, rest))
    )
    difference = Estimate(
        first - second,
        first - second - math.hypot(first - low, rest_high - second),
        first - second + math.hypot(high - first, second - rest_low),
    )
    return Compared(second, difference)


def share_estimate(hits: Mask, groups: Integers) -> Estimate:
    """A share and its 95 % interval, from a bootstrap over groups.

    At shares of 0 and 1 every resample is alike, and of a few groups there is no bootstrap interval; there it
    is Wilson's, with groups as units (`units_of`).

    Args:
        hits: whether each face counts, shape (n,).
        groups: group numbers, shape (n,).

    Returns:
        NaN of no faces; without an interval if all are of one group.
    """
    found = mean_estimate(hits, groups)
    if not math.isnan(found.low) or len(np.unique(groups)) < 2:
        return found
    low, high = wilson(found.value, units_of(groups))
    # Rounding must not leave the share itself out.
    return Estimate(found.value, min(low, found.value), max(high, found.value))


def units_of(groups: Integers) -> float:
    """As how many groups of equal size the groups count: (sum of sizes)^2 / sum of squared sizes.

    If all faces of a group are alike, a share varies as one of so many independent faces (Kish 1965, "Survey
    Sampling", section 8.2). A group with nearly all faces makes that little more than 1.

    Args:
        groups: group numbers, shape (n,), at least one.
    """
    _, sizes = np.unique(groups, return_counts=True)
    return float(sizes.sum() ** 2 / np.square(sizes).sum())


def wilson(share: float, units: float, coverage: float = COVERAGE) -> tuple[float, float]:
    """The interval of a share by the score test (Wilson 1927).

    Args:
        share: 0 to 1; `share * units` need not be whole.
        units: how many independent units; need not be whole.
        coverage: such as 0.95.
    """
    from scipy.stats import norm

    z = float(norm.ppf((1 + coverage) / 2))
    middle = (share + z * z / (2 * units)) / (1 + z * z / units)
    half = z * math.sqrt(share * (1 - share) / units + (z / (2 * units)) ** 2) / (1 + z * z / units)
    return middle - half, middle + half
