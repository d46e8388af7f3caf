"""Changes, flips and the first break, against numbers computed by hand."""

import math

import numpy as np
import pytest

from dfdetect.metrics.bootstrap import draw_weights, expanded_tail
from dfdetect.metrics.calibrating import Calibration
from dfdetect.metrics.estimates import Estimate
from dfdetect.stress.measuring import RESAMPLES, Row, first_break, measure, measure_undisturbed
from face_extraction.manifest import FaceSample

SAMPLES = [FaceSample(f"{n}.png", n % 2, "test", f"g{n // 2}") for n in range(8)]
BEFORE = np.array([0.1, 0.9, 0.2, 0.8, 0.3, 0.7, 0.4, 0.6])
AFTER = np.array([0.1, 0.2, 0.2, 0.8, 0.9, 0.7, 0.4, 0.6])
CUTS = Calibration().with_cut(0.5, "a test")


def test_a_row_is_that_of_the_textbook():
    (row,) = measure(SAMPLES, BEFORE, {3.0: AFTER}, CUTS)
    assert (row.severity, row.n, row.n_groups) == (3.0, 8, 4)
    found = {name: each.value for name, each in row.estimates.items()}
    # Pairs of a fake and a real in the right order: .2 beats one, ties with one; the others beat three.
    assert found["auc"] == pytest.approx((1.5 + 3 + 3 + 3) / 16)
    assert found["auc_change"] == pytest.approx(10.5 / 16 - 1)
    assert (found["recall"], found["recall_change"]) == (0.75, -0.25)
    assert (found["missed"], found["missed_change"]) == (0.25, 0.25)
    assert (found["false_alarms"], found["false_alarms_change"]) == (0.25, 0.25)
    assert found["flips"] == 2 / 8


def test_changes_are_paired_on_the_same_resampled_groups():
    samples = [FaceSample(f"{n}.png", n % 2, "test", f"g{n // 2}") for n in range(16)]
    before, after = (np.tile(scores, 2) for scores in (BEFORE, AFTER))
    (row,) = measure(samples, before, {3.0: after}, CUTS)
    flips = np.array([1, 0, 1, 0] * 2) / 2  # by group
    losses = []
    for weights in draw_weights(8, RESAMPLES, 0, RESAMPLES):
        means = weights @ flips / weights.sum(axis=1)
        for times in weights.astype(int):
            rows = np.repeat(np.arange(16), np.repeat(times, 2))
            labels = rows % 2
            losses.append(_auc(after[rows], labels) - _auc(before[rows], labels))
    ends = [expanded_tail(8), 1 - expanded_tail(8)]
    low, high = np.quantile(losses, ends)
    change, flipped = row.estimates["auc_change"], row.estimates["flips"]
    assert (change.low, change.high) == pytest.approx((low, high))
    assert (flipped.low, flipped.high) == pytest.approx(tuple(np.quantile(means, ends)))


def _auc(scores, labels):
    real, fake = scores[labels == 0], scores[labels == 1]
    return np.mean((fake[:, None] > real) + 0.5 * (fake[:, None] == real))


def test_equal_scores_change_nothing():
    row = measure_undisturbed(SAMPLES, BEFORE, CUTS)
    assert row.severity == 0
    assert row.estimates["auc_change"].value == 0
    assert row.estimates["flips"].value == 0
    assert math.isnan(row.estimates["flips"].low)


def row(value, low, high, severity=1.0):
    return Row(severity, 10, 5, {"auc_change": Estimate(value, low, high)})


def test_what_breaks_first_is_the_largest_loss_at_the_mildest_step_with_any():
    rows = {
        "jpeg": [row(-0.01, -0.03, 0.01), row(-0.02, -0.04, -0.01, 2.0)],
        "blur": [row(0.0, math.nan, math.nan), row(-0.05, -0.09, -0.02, 7.0)],
        "flip": [row(-0.3, -0.7, 0.1)],
        "noise": [row(0.0, -0.1, 0.1), row(-0.5, -1.1, 0.1), row(-0.9, -0.95, -0.8)],
    }
    found = first_break(rows)
    assert (found.kind, found.row.severity) == ("blur", 7.0)
    assert first_break({"flip": rows["flip"]}) is None
    assert first_break({}) is None
