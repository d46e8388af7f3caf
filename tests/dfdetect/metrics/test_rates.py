"""Shares and their differences, counted by hand."""

import math

import numpy as np
import pytest

from dfdetect.metrics.rates import compare_with_rest, share


def test_a_share_is_counted_and_its_interval_comes_from_groups():
    hits = np.array([True, False, False, False, True, False, False, False])
    alone, paired = share(hits, np.arange(8)), share(hits, np.array([0, 0, 1, 1, 0, 0, 1, 1]))
    assert (alone.value, paired.value) == (0.25, 0.25)
    assert 0 <= alone.low < 0.25 < alone.high <= 1
    assert (paired.low, paired.high) == (0, 0.5)  # two groups: only either, or both


def test_a_share_without_faces_or_without_variation_is_not_estimable():
    empty = share(np.zeros(0, bool), np.zeros(0, int))
    assert math.isnan(empty.value)
    none = share(np.zeros(5, bool), np.arange(5))
    assert none.value == 0
    assert math.isnan(none.low)


@pytest.fixture
def faces():
    """200 faces of 100 groups: of the first half 60 hits, of the second 20."""
    hits = np.zeros(200, bool)
    hits[:60] = hits[100:120] = True
    hits[:100], hits[100:] = np.roll(hits[:100], 7), np.roll(hits[100:], 31)
    first = np.arange(200) < 100
    return hits, np.arange(200) % 100, first


def test_a_part_is_compared_with_its_rest(faces):
    hits, groups, first = faces
    (one, other) = compare_with_rest(hits, groups, [(first, ~first), (~first, first)])
    assert (one.rest, one.difference.value) == (0.2, pytest.approx(0.4))
    assert one.differs
    assert one.difference.low == pytest.approx(-other.difference.high)  # the same resamples
    # Both halves hold the same groups, so the standard error is that of the groups' differences.
    differences = hits[:100].astype(float) - hits[100:]
    error = differences.std() / 10
    assert one.difference.low == pytest.approx(0.4 - 1.96 * error, abs=0.02)


def test_correction_widens_and_what_does_not_differ_is_not_marked(faces):
    hits, groups, first = faces
    plain = compare_with_rest(hits, groups, [(first, ~first)])[0].difference
    corrected = compare_with_rest(hits, groups, [(first, ~first)], coverage=1 - 0.05 / 40)[0].difference
    assert corrected.low < plain.low
    assert corrected.high > plain.high
    even = np.arange(200) % 2 == 0
    assert not compare_with_rest(hits, groups, [(even, ~even)])[0].differs


def test_a_part_without_rest_is_not_estimable(faces):
    hits, groups, first = faces
    (whole,) = compare_with_rest(hits, groups, [(first | True, first & False)])
    assert math.isnan(whole.rest)
    assert not whole.differs
    assert compare_with_rest(hits, groups, []) == []
