"""The measures, against closed forms and points set by hand."""

import numpy as np
import pytest
from scipy.linalg import sqrtm

from dfdetect.fakes.gan.quality import coverage, frechet, measure
from face_extraction.errors import InputError


def samples(mean, covariance, count=40, seed=0):
    """Samples whose mean and covariance are exactly these."""
    drawn = np.random.default_rng(seed).normal(size=(count, len(mean)))
    drawn -= drawn.mean(axis=0)
    whitened = drawn @ np.linalg.inv(np.linalg.cholesky(np.cov(drawn, rowvar=False)).T)
    return whitened @ np.linalg.cholesky(covariance).T + mean


def test_gaussians_along_the_axes():
    """|m1 - m2|^2 and the squared differences of the deviations."""
    one = samples([0, 0, 1], np.diag([1.0, 4.0, 9.0]))
    other = samples([3, 0, 1], np.diag([4.0, 4.0, 1.0]), count=60, seed=1)
    assert frechet(one, other) == pytest.approx(9 + 1 + 0 + 4)


def test_gaussians_in_any_direction():
    """With the root of the product taken by scipy."""
    rng = np.random.default_rng(2)
    first, second = (each @ each.T + np.eye(4) for each in rng.normal(size=(2, 4, 4)))
    means = rng.normal(size=(2, 4))
    expected = np.square(means[0] - means[1]).sum() + np.trace(
        first + second - 2 * sqrtm(first @ second).real
    )
    assert frechet(samples(means[0], first), samples(means[1], second, seed=3)) == pytest.approx(expected)


def test_fewer_samples_than_features():
    one = np.random.default_rng(0).normal(size=(5, 50))
    assert frechet(one, one) == pytest.approx(0, abs=1e-9)
    assert frechet(one, one + 2) == pytest.approx(4 * 50)


# On a line. The third nearest of 0 and of 3 is 3 steps away, of 1 and of 2 two.
LINE = np.array([[0.0], [1.0], [2.0], [3.0]])


def test_a_ball_reaches_to_the_third_neighbour():
    for point, inside in ((-3.0, True), (-3.1, False), (6.0, True), (6.1, False), (1.5, True)):
        assert coverage(LINE, np.array([[point]])) == inside


def test_precision_and_recall_by_hand():
    # Five reals; of the generated four are near their first four, one is far from all.
    real = np.array([[0.0], [1.0], [2.0], [3.0], [100.0]])
    fake = np.array([[0.1], [1.1], [2.1], [3.1], [-50.0]])
    quality = measure(real, fake)
    # The ball of 100 reaches 99 to 1.0, and so covers 3.1 and 2.1 too, but not -50.
    assert quality.precision == pytest.approx(0.8)
    # The ball of -50 reaches 52.1 to 2.1 and covers the reals but 100.
    assert quality.recall == pytest.approx(0.8)


def test_copies_of_one_face_are_precise_and_recall_nothing():
    rng = np.random.default_rng(0)
    real = rng.normal(size=(50, 3))
    fake = real[:1] + rng.normal(size=(50, 3)) * 1e-3
    quality = measure(real, fake)
    assert quality.precision == 1
    assert quality.recall <= 0.02


def test_too_few_faces_are_refused():
    with pytest.raises(InputError, match="4 real and 9 generated faces to measure; accepted: 5 or more"):
        measure(np.zeros((4, 2)), np.zeros((9, 2)))
