"""Means over groups: the same as other metrics' bootstrap, and where there is no interval."""

import math

import numpy as np

from dfdetect.metrics.estimates import compute_metrics
from dfdetect.metrics.means import mean_estimate
from dfdetect.predictions import Predictions
from face_extraction.manifest import FaceSample


def test_the_mean_of_right_decisions_is_the_accuracy():
    rng = np.random.default_rng(0)
    labels, groups = rng.integers(0, 2, 60), rng.integers(0, 12, 60)
    scores = np.clip(labels * 0.4 + rng.uniform(0, 0.6, 60), 0, 1)
    samples = [FaceSample(f"{n}.png", int(labels[n]), "test", f"g{groups[n]}") for n in range(60)]
    predictions = Predictions(samples, scores)
    expected = compute_metrics(predictions, threshold=0.5).estimates["accuracy"]
    right = (scores >= 0.5) == (labels == 1)
    found = mean_estimate(right, predictions.groups)
    np.testing.assert_allclose([*vars(found).values()], [*vars(expected).values()])
    assert found.low < found.value < found.high


def test_values_of_one_group_count_as_one():
    """Copies of a face within its group make nothing surer."""
    values, groups = np.array([0.2, 0.9, 0.4, 0.5]), np.arange(4)
    once, often = mean_estimate(values, groups), mean_estimate(np.repeat(values, 5), np.repeat(groups, 5))
    np.testing.assert_allclose([*vars(often).values()], [*vars(once).values()])


def test_without_values_or_with_one_group_there_is_no_interval():
    assert math.isnan(mean_estimate([], []).value)
    assert math.isnan(mean_estimate([math.nan], [0]).value)
    one = mean_estimate([0.2, 0.4], [7, 7])
    assert math.isclose(one.value, 0.3)
    assert math.isnan(one.low)
    # A value that is not defined takes its group with it.
    left = mean_estimate([0.2, 0.4, math.nan], [7, 7, 8])
    assert math.isclose(left.value, 0.3)
    assert math.isnan(left.low)


def test_a_share_is_counted_and_its_interval_comes_from_groups():
    hits = np.array([True, False, False, False, True, False, False, False])
    hits = np.tile(hits, 2)
    alone, paired = mean_estimate(hits, np.arange(16)), mean_estimate(hits, np.arange(16) // 2)
    assert (alone.value, paired.value) == (0.25, 0.25)
    assert 0 <= alone.low < 0.25 < alone.high <= 1
    # Each second pair has one hit. Of 8 draws 0 are of these in .4 % of cases; .57 % lie beyond the end.
    assert (paired.low, paired.high) == (1 / 16, 7 / 16)


def test_a_share_without_faces_or_without_variation_is_not_estimable():
    empty = mean_estimate(np.zeros(0, bool), np.zeros(0, int))
    assert math.isnan(empty.value)
    none = mean_estimate(np.zeros(5, bool), np.arange(5))
    assert none.value == 0
    assert math.isnan(none.low)
