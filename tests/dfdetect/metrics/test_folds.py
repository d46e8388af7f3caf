"""Averages over folds, as computed by hand."""

import numpy as np
import pytest

from dfdetect.metrics.estimates import compute_metrics
from dfdetect.metrics.folds import Fold, summarise
from dfdetect.predictions import Predictions
from face_extraction.manifest import FaceSample


def fold(number, right, n=20, n_train=40):
    """A fold of `n` faces of which `right` are called right."""
    samples = [FaceSample(f"{i}.png", i % 2, "test", str(i)) for i in range(n)]
    scores = np.array([(s.label if i < right else 1 - s.label) * 0.8 + 0.1 for i, s in enumerate(samples)])
    return Fold(number, compute_metrics(Predictions(samples, scores), threshold=0.5, resamples=0), n_train, n)


def test_averages_and_the_corrected_interval_are_those_computed_by_hand():
    result = summarise([fold(1, 16), fold(2, 18), fold(3, 20)])
    accuracy = result.averages["accuracy"]
    assert accuracy.value == pytest.approx(0.9)
    # Accuracies .8, .9, 1: s = .1; Student's t with 2 degrees at .975 is 4.30265; n_test/n_train = 1/2.
    half = 4.30265 * 0.1 * np.sqrt(1 / 3 + 1 / 2)
    assert accuracy.value - accuracy.low == pytest.approx(half, rel=1e-4)
    assert accuracy.high == 1  # not 1.29
    assert result.averages["log_loss"].high > 1
    assert result.confusion == ((9.0, 1.0), (1.0, 9.0))
    # Of 15 called right 8 are real, of 17 there are 9; each class has 10.
    assert summarise([fold(1, 15), fold(2, 17)]).confusion == ((8.5, 1.5), (2.5, 7.5))


def test_folds_that_agree_tell_no_interval():
    accuracy = summarise([fold(1, 14), fold(2, 14), fold(3, 14)]).averages["accuracy"]
    assert str(accuracy) == "0.700 [–]"


def test_folds_of_unequal_size_and_an_interval_that_would_fall_below_zero():
    result = summarise([fold(1, 0), fold(2, 2), fold(3, 4, n_train=20)])
    accuracy = result.averages["accuracy"]
    # Accuracies 0, .1, .2: s = .1; n_test/n_train is 1/2, 1/2 and 1: 2/3 on average.
    assert accuracy.low == 0  # not -.33
    assert accuracy.high == pytest.approx(0.1 + 4.30265 * 0.1 * np.sqrt(1 / 3 + 2 / 3), rel=1e-4)
