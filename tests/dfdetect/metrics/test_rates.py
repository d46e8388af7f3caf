"""Shares and their differences, counted by hand and against published values."""

import math

import numpy as np
import pytest

from dfdetect.metrics.means import mean_estimate
from dfdetect.metrics.rates import compare_with_rest, share_estimate, units_of, wilson


def two(first, n_first, second, n_second, *, groups=None, coverage=0.95):
    """Compare `first` hits of `n_first` faces with `second` of `n_second`."""
    hits = np.zeros(n_first + n_second, bool)
    hits[:first] = hits[n_first : n_first + second] = True
    inside = np.arange(len(hits)) < n_first
    groups = np.arange(len(hits)) if groups is None else groups
    return compare_with_rest(hits, groups, inside, ~inside, coverage)


def test_a_share_of_none_and_of_all_is_not_known_exactly():
    """0 of 10 by Wilson: 0 to z^2 / (10 + z^2)."""
    z2 = 1.959964**2
    none, groups = np.zeros(10, bool), np.arange(10)
    found = share_estimate(none, groups)
    assert (found.value, found.low) == (0, 0)
    assert found.high == pytest.approx(z2 / (10 + z2))
    turned = share_estimate(~none, groups)
    assert (turned.value, turned.high) == (1, 1)
    assert turned.low == pytest.approx(10 / (10 + z2))
    # Five groups of two count as five.
    assert share_estimate(none, groups // 2).high == pytest.approx(z2 / (5 + z2))
    assert math.isnan(share_estimate(none, np.zeros(10, int)).high)
    # So does a share between them of too few groups for a bootstrap: half of 2 by Wilson is .0945 to .9055.
    half = share_estimate(np.array([True, False]), np.arange(2))
    assert (half.low, half.high) == pytest.approx((0.0945, 0.9055), abs=1e-4)
    some = none.copy()
    some[:3] = True
    assert share_estimate(some, groups) == mean_estimate(some, groups)
    assert math.isnan(share_estimate(none[:0], groups[:0]).value)


# The examples of Newcombe (1998), table II, method 10.
@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [
        ((56, 70, 48, 80), 0.0524, 0.3339),
        ((9, 10, 3, 10), 0.1705, 0.8090),
        ((5, 56, 0, 29), -0.0381, 0.1926),
        ((0, 10, 0, 20), -0.1611, 0.2775),
        ((10, 10, 0, 10), 0.6075, 1.0),
    ],
)
def test_the_published_intervals_of_a_difference(counts, low, high):
    found = two(*counts).difference
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-4)


def test_a_part_is_compared_with_its_rest():
    found = two(60, 100, 20, 100)
    assert (found.rest, found.difference.value) == (0.2, pytest.approx(0.4))
    assert found.differs
    turned = two(20, 100, 60, 100).difference
    assert (turned.low, turned.high) == pytest.approx((-found.difference.high, -found.difference.low))
    assert not two(20, 100, 22, 100).differs


def test_groups_are_the_units():
    """Ten times the faces of the same groups tell no more."""
    once = two(6, 10, 2, 10)
    ten_times = two(60, 100, 20, 100, groups=np.arange(200) // 10)
    assert ten_times.difference.low == pytest.approx(once.difference.low)
    assert not ten_times.differs


def test_a_group_with_most_of_the_faces_counts_as_little_more_than_one():
    assert units_of(np.array([4, 4, 7, 7, 9, 9])) == 3
    # Sizes 8, 1 and 1: 10^2 / (64 + 1 + 1).
    assert units_of(np.array([0] * 8 + [1, 2])) == pytest.approx(100 / 66)
    # 20 groups on either side, all hits in one large group: one person, not a property.
    groups = np.concatenate([np.repeat(0, 381), np.arange(1, 20), np.arange(20, 420)])
    found = two(381, 400, 0, 400, groups=groups)
    low, _ = wilson(381 / 400, 400**2 / (381**2 + 19))
    _, high = wilson(0, 400)
    gap = 381 / 400
    assert found.difference.low == pytest.approx(gap - math.hypot(gap - low, high))
    assert found.difference.low < 0.3


def test_correction_widens_and_a_part_without_a_hit_is_not_taken_as_exact():
    plain, corrected = two(0, 180, 23, 1000), two(0, 180, 23, 1000, coverage=1 - 0.05 / 28)
    assert corrected.difference.low < plain.difference.low
    assert corrected.difference.high > plain.difference.high
    assert not corrected.differs


def test_wilson_at_no_hit_is_known_in_closed_form():
    low, high = wilson(0.0, 20)
    z2 = 1.959964**2
    assert (low, high) == pytest.approx((0, z2 / (20 + z2)), abs=1e-6)
