"""The bootstrap over groups: what it draws, what its intervals cover, where it has none."""

import math
import time

import numpy as np
import pytest
from scipy.stats import norm

from dfdetect.metrics.bootstrap import Units, draw_weights, expanded_tail, percentile_interval, student_p
from dfdetect.metrics.estimates import Estimate, compute_metrics
from dfdetect.metrics.means import mean_estimate
from dfdetect.predictions import Predictions
from face_extraction.manifest import FaceSample


def grouped(rng: np.random.Generator, n_groups: int, size: int, apart: bool = False) -> Predictions:
    """Faces whose score is a fair guess of their group: 60 % of the groups are right, all their faces so.

    With `apart`, each face claims to be its own group.
    """
    samples, scores = [], []
    for group in range(n_groups):
        label = group % 2
        right = rng.random() < 0.6
        for face in range(size):
            name = f"{group}-{face}"
            samples.append(FaceSample(name, label, "test", name if apart else str(group)))
            scores.append(rng.uniform(0.5, 1) if right == (label == 1) else rng.uniform(0, 0.5))
    return Predictions(samples, np.array(scores))


def accuracy(predictions: Predictions, resamples: int = 200) -> Estimate:
    return compute_metrics(predictions, threshold=0.5, resamples=resamples).estimates["accuracy"]


def test_each_resample_draws_as_many_groups_as_there_are() -> None:
    blocks = list(draw_weights(7, 10, seed=1, rows=4))
    assert [block.shape for block in blocks] == [(4, 7), (4, 7), (2, 7)]
    assert np.all(np.concatenate(blocks).sum(axis=1) == 7)


def test_draws_are_uniform_and_depend_on_the_seed_alone() -> None:
    draws = [np.concatenate(list(draw_weights(5, 4000, seed=3, rows=rows))) for rows in (1, 64, 4000)]
    np.testing.assert_array_equal(draws[0], draws[1])
    np.testing.assert_array_equal(draws[0], draws[2])
    np.testing.assert_allclose(draws[0].mean(axis=0), 1.0, atol=0.08)
    # A multinomial count of 5 draws among 5 has the variance 5 * 1/5 * 4/5.
    np.testing.assert_allclose(draws[0].var(axis=0), 0.8, atol=0.08)
    assert not np.array_equal(draws[0], next(draw_weights(5, 4000, seed=4, rows=4000)))


def test_interval_is_the_middle_95_percent_without_undefined_values() -> None:
    values = np.append(np.linspace(0, 1, 1001), [np.nan] * 500)
    assert percentile_interval(values, 10**6) == pytest.approx((0.025, 0.975), abs=1e-5)


def test_the_interval_of_few_groups_reaches_further_out():
    """Of 8 groups Student's quantile is 2.3646, times the root of 8 / 7 2.5279: .57 % lie beyond it."""
    assert expanded_tail(8) == pytest.approx(0.005737, abs=1e-6)
    values = np.linspace(0, 1, 1001)
    assert percentile_interval(values, 8) == pytest.approx((0.005737, 1 - 0.005737), abs=1e-6)
    assert percentile_interval(values, 6) < percentile_interval(values, 8) < percentile_interval(values, 60)


def test_intervals_of_eight_groups_cover_the_mean_they_were_drawn_around():
    """The plain percentile interval covered it in 87 % of 400 cases."""
    rng, covered = np.random.default_rng(0), 0
    for seed in range(400):
        found = mean_estimate(rng.normal(0, 1, 8), np.arange(8), seed=seed)
        covered += found.low <= 0 <= found.high
    assert 0.92 <= covered / 400 <= 0.975


def test_p_values_of_few_groups_are_those_of_the_intervals():
    """Where 0 lies at an end of the 95 % interval, p is .05."""
    for units in (6, 8, 20, 1000):
        assert student_p(norm.isf(expanded_tail(units)), units) == pytest.approx(0.05)
    # All 8 groups lie on one side by chance in 2 / 2^8 of cases, however alike they are.
    assert student_p(100, 8) == 1 / 128


def test_a_metric_rests_on_the_groups_of_the_classes_that_it_counts():
    found = Units.of(np.array([0, 0, 0, 1, 1, 1]), np.array([0, 1, 2, 2, 3, 3]))
    assert found == Units(reals=3, fakes=2, every=4)
    assert [found.behind(name) for name in ("auc", "precision", "recall", "accuracy")] == [2, 2, 2, 4]


def test_five_groups_have_values_and_no_interval():
    five, six = (mean_estimate(np.arange(count) / count, np.arange(count)) for count in (5, 6))
    assert five.value == pytest.approx(0.4)
    assert math.isnan(five.low)
    assert six.low < six.value < six.high


@pytest.mark.parametrize("values", [[], [math.nan], [1.0, 1.0, 1.0]])
def test_an_interval_without_spread_is_not_estimable(values: list[float]) -> None:
    assert all(math.isnan(end) for end in percentile_interval(np.array(values), 60))


def test_group_intervals_cover_the_truth_and_face_intervals_do_not() -> None:
    rng = np.random.default_rng(0)
    covered = {False: 0, True: 0}
    for _ in range(100):
        seed = int(rng.integers(2**31))
        for apart in covered:
            estimate = accuracy(grouped(np.random.default_rng(seed), 40, 20, apart))
            covered[apart] += estimate.low <= 0.6 <= estimate.high
    assert 86 <= covered[False] <= 100
    assert covered[True] < 50


def test_faces_of_one_group_widen_the_interval_like_the_fewer_units_they_are() -> None:
    groups, faces = (accuracy(grouped(np.random.default_rng(5), 60, 16, apart)) for apart in (False, True))
    ratio = (groups.high - groups.low) / (faces.high - faces.low)
    assert groups.value == faces.value
    assert ratio == pytest.approx(math.sqrt(16), rel=0.2)


def test_the_interval_of_a_mean_is_the_binomial_one() -> None:
    estimate = accuracy(grouped(np.random.default_rng(2), 400, 1), resamples=2000)
    half = 1.96 * math.sqrt(estimate.value * (1 - estimate.value) / 400)
    assert estimate.low == pytest.approx(estimate.value - half, abs=0.01)
    assert estimate.high == pytest.approx(estimate.value + half, abs=0.01)


def test_the_seed_decides_the_interval() -> None:
    predictions = grouped(np.random.default_rng(1), 20, 3)
    first, again, other = (
        compute_metrics(predictions, threshold=0.5, resamples=50, seed=seed) for seed in (0, 0, 1)
    )
    assert first.to_dict() == again.to_dict()
    assert first.estimates["auc"] != other.estimates["auc"]
    assert first.estimates["auc"].value == other.estimates["auc"].value


def test_one_group_has_values_and_no_intervals() -> None:
    samples = [FaceSample(str(index), index % 2, "test", "one") for index in range(10)]
    metrics = compute_metrics(Predictions(samples, np.linspace(0.05, 0.95, 10)), threshold=0.5)
    assert metrics.n_groups == 1
    for estimate in metrics.estimates.values():
        assert not math.isnan(estimate.value)
        assert math.isnan(estimate.low)
        assert math.isnan(estimate.high)


def test_a_class_of_one_group_has_no_interval_where_the_classes_are_compared() -> None:
    samples = [FaceSample(f"r{index}", 0, "test", "one real") for index in range(4)]
    samples += [FaceSample(f"f{index}", 1, "test", f"fake {index}") for index in range(6)]
    scores = np.array([0.1, 0.6, 0.3, 0.4, 0.2, 0.7, 0.8, 0.9, 0.9, 0.9])
    estimates = compute_metrics(Predictions(samples, scores), threshold=0.5).estimates
    assert math.isnan(estimates["auc"].low)
    assert not math.isnan(estimates["accuracy"].low)


def test_resamples_of_one_class_are_left_out() -> None:
    # Twelve groups, six of each class: one resample in 2,048 holds one class only.
    samples = [FaceSample(str(index), index // 6, "test", str(index)) for index in range(12)]
    scores = np.array([0.2, 0.6] * 3 + [0.4, 0.8] * 3)
    metrics = compute_metrics(Predictions(samples, scores), threshold=0.5, resamples=20_000)
    estimate = metrics.estimates["auc"]
    assert estimate.value == 0.75
    assert 0 <= estimate.low < 0.75 < estimate.high <= 1


@pytest.mark.slow
def test_a_hundred_thousand_faces_take_seconds() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 100_000)
    samples = [FaceSample(str(i), int(labels[i]), "test", str(i % 5000)) for i in range(len(labels))]
    predictions = Predictions(samples, rng.random(len(labels)))
    start = time.monotonic()
    compute_metrics(predictions, threshold=0.5)
    assert time.monotonic() - start < 30
