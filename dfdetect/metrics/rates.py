"""Shares of faces, such as the reals that are called fake, and how they differ between parts of the faces."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dfdetect.metrics.bootstrap import COVERAGE, draw_weights, percentile_interval
from dfdetect.metrics.estimates import BLOCK_CELLS, Estimate
from dfdetect.metrics.measures import Array

RESAMPLES = 1000
IN_A_TAIL = 10
"""Resamples beyond each end of an interval, at least, so that the ends do not rest on chance."""

Mask = NDArray[np.bool_]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Compared:
    """A part of the faces beside the rest.

    Attributes:
        rest: the share in the rest; NaN if it is empty.
        difference: the part's share minus that of the rest, and its interval.
    """

    rest: float
    difference: Estimate

    @property
    def differs(self) -> bool:
        """Whether the interval excludes 0; not if it is not estimable."""
        return self.difference.low > 0 or self.difference.high < 0


def share(hits: Mask, groups: Integers) -> Estimate:
    """The share of hits, with a 95 % interval by a bootstrap over groups.

    Args:
        hits: whether each face counts, shape (n,).
        groups: group numbers, shape (n,).

    Returns:
        NaN without faces. The interval is NaN with one group, or if all faces are alike.
    """
    if not len(hits):
        return Estimate(math.nan, math.nan, math.nan)
    sums, n_groups = _sums([hits, np.ones_like(hits)], groups)
    drawn = [
        each[:, 0] / each[:, 1]
        for weights in draw_weights(n_groups, RESAMPLES, 0, max(1, BLOCK_CELLS // n_groups))
        for each in [weights @ sums]
    ]
    return Estimate(float(hits.mean()), *percentile_interval(np.concatenate(drawn)))


def compare_with_rest(
    hits: Mask, groups: Integers, parts: Sequence[tuple[Mask, Mask]], coverage: float = COVERAGE
) -> list[Compared]:
    """The share of hits in each part minus that in its rest, on the same resamples of groups.

    Args:
        hits: whether each face counts, shape (n,).
        groups: group numbers, shape (n,).
        parts: of each part, which faces are in it and which in its rest, both of shape (n,).
        coverage: of the intervals. For m comparisons 1 - .05 / m makes them hold together with 95 %
            (Bonferroni).

    Returns:
        One for each part, in their order. An interval is NaN if one side is empty or the resamples do not
        vary.
    """
    if not parts:
        return []
    columns = [column for inside, rest in parts for column in (hits & inside, inside, hits & rest, rest)]
    sums, n_groups = _sums(columns, groups)
    tail = (1 - coverage) / 2
    resamples = max(RESAMPLES, math.ceil(IN_A_TAIL / tail))
    blocks = draw_weights(n_groups, resamples, 0, max(1, BLOCK_CELLS // n_groups))
    drawn = np.concatenate([_rates(weights @ sums) for weights in blocks])
    (points,) = _rates(np.ones((1, n_groups)) @ sums)
    return [
        Compared(
            float(points[1, part]),
            Estimate(
                float(points[0, part] - points[1, part]),
                *percentile_interval(drawn[:, 0, part] - drawn[:, 1, part], coverage),
            ),
        )
        for part in range(len(parts))
    ]


def _rates(sums: Array) -> Array:
    """From the sums of `compare_with_rest` to shares of shape (rows, 2, parts): the part's and the rest's."""
    cells = sums.reshape(len(sums), -1, 2, 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        shares: Array = cells[..., 0] / cells[..., 1]
    return shares.transpose(0, 2, 1)


def _sums(columns: Sequence[Mask], groups: Integers) -> tuple[Array, int]:
    """The sum of each column over each group, shape (groups, columns), and the number of groups."""
    _, numbers = np.unique(groups, return_inverse=True)
    n_groups = int(numbers.max()) + 1
    return np.stack([np.bincount(numbers, column, n_groups) for column in columns], axis=1), n_groups
