"""Fitting a calibration: it finds the map that labels were drawn by, and chooses on other groups."""

import numpy as np
import pytest

from dfdetect.metrics.calibrating import Calibration
from dfdetect.metrics.calibration_fitting import calibrate, fit_isotonic, fit_platt, fit_temperature
from dfdetect.metrics.estimates import compute_metrics
from dfdetect.predictions import Predictions
from face_extraction.manifest import FaceSample


def expit(x):
    return 1 / (1 + np.exp(-np.asarray(x, float)))


def drawn(count, slope, intercept, seed=0):
    """Raw scores, and labels drawn by the map that calibrates them."""
    rng = np.random.default_rng(seed)
    logit = rng.normal(0, 2, count)
    labels = (rng.random(count) < expit(slope * logit + intercept)).astype(int)
    return expit(logit), labels


def predictions(p_fake, labels, split="val", each=2):
    samples = [
        FaceSample(f"{row}.png", int(label), split, f"{split}-{row // each}")
        for row, label in enumerate(labels)
    ]
    return Predictions(samples, np.asarray(p_fake, float))


@pytest.mark.parametrize(("slope", "intercept"), [(0.5, -1.0), (2.0, 0.0)])
def test_platt_finds_the_map_that_labels_were_drawn_by(slope, intercept):
    found = fit_platt(*drawn(20_000, slope, intercept))
    assert found.slope == pytest.approx(slope, rel=0.05)
    assert found.intercept == pytest.approx(intercept, abs=0.06)


def test_temperature_finds_the_slope_alone():
    found = fit_temperature(*drawn(20_000, 0.5, 0.0))
    assert found.slope == pytest.approx(0.5, abs=0.03)
    assert found.intercept == 0


def test_isotonic_finds_the_share_of_fakes_of_each_step():
    p, labels = np.repeat([0.1, 0.3, 0.9], 10), [0] * 9 + [1] + [1, 0] * 5 + [1] * 8 + [0] * 2
    np.testing.assert_allclose(fit_isotonic(p, labels).apply([0.1, 0.3, 0.9]), [0.1, 0.5, 0.8])


@pytest.mark.parametrize("fit", [fit_platt, fit_temperature, fit_isotonic])
def test_scores_that_are_the_wrong_way_round_give_no_map(fit):
    assert fit([0.1, 0.2, 0.8, 0.9], [1, 1, 0, 0]) is None


@pytest.mark.parametrize("fit", [fit_platt, fit_temperature])
def test_scores_that_part_the_classes_wholly_give_a_finite_map(fit):
    """Platt's targets for 2 fakes are 3/4: the map passes near it."""
    found = fit([0.1, 0.1, 0.9, 0.9], [0, 0, 1, 1])
    assert found.apply(0.9) == pytest.approx(0.75, abs=0.01)


def test_the_method_is_chosen_by_log_loss_on_other_groups():
    val, test = predictions(*drawn(1500, 0.5, -1.5)), predictions(*drawn(3000, 0.5, -1.5, seed=1), "test")
    found = calibrate(val, test, origin="drawn")
    assert found.method == min(found.log_loss, key=found.log_loss.get) == "platt"
    assert set(found.log_loss) == {"temperature", "platt", "isotonic"}
    assert found.prevalence == val.labels.mean()
    assert found.tested_on == "3,000 files of the test split"
    assert found.before.value > 0.15
    assert found.after.value < 0.03
    # The map that was drawn by is found again: what is left of the error is chance.
    assert found.after.value < found.after.ideal.high < found.before.value
    assert found.before.ideal is None  # no page shows it
    expected = compute_metrics(test, threshold=0.5).estimates["ece"]
    assert found.before.value == pytest.approx(expected.value)
    assert (found.before.low, found.before.high) == pytest.approx((expected.low, expected.high))


def test_isotonic_is_chosen_where_the_map_is_a_step():
    rng = np.random.default_rng(0)
    p = rng.random(1500)
    labels = (rng.random(1500) < np.where(p > 0.9, 0.95, 0.3)).astype(int)
    assert calibrate(predictions(p, labels), None, origin="drawn").method == "isotonic"


def test_isotonic_is_not_tried_on_few_files():
    found = calibrate(predictions(*drawn(400, 0.5, 0.0)), None, origin="drawn")
    assert set(found.log_loss) == {"temperature", "platt"}


def test_groups_keep_together_when_the_method_is_chosen(monkeypatch):
    """Each group's two files share one score: a fit that saw one of them would know the other."""
    seen = []
    rng = np.random.default_rng(0)
    labels = np.repeat(rng.integers(0, 2, 60), 2)
    p = np.repeat(np.round(rng.random(60), 6), 2)

    def watched(scores, truth):
        seen.append(set(np.asarray(scores).tolist()))
        return fit_platt(scores, truth) or Calibration()

    monkeypatch.setattr("dfdetect.metrics.calibration_fitting.METHODS", {"platt": watched})
    calibrate(predictions(p, labels), None, origin="drawn")
    *folds, _ = seen
    assert len(folds) == 5
    assert sum(60 - len(scores) for scores in folds) == 60  # each group is left out once, whole


def test_too_few_groups_choose_the_simplest_and_one_class_none():
    few = predictions([0.2, 0.3, 0.7, 0.8], [0, 0, 1, 1])
    found = calibrate(few, None, origin="drawn")
    assert (found.method, found.log_loss, found.test) == ("temperature", {}, None)
    assert calibrate(predictions([0.2, 0.3], [0, 0]), None, origin="drawn") is None
    assert calibrate(predictions([0.8, 0.2] * 9, [0, 1] * 9), None, origin="drawn") is None


def test_many_equal_scores_at_a_cut_lie_on_its_safe_side():
    """All but 4 reals have one score, and all but 4 fakes: cuts a digit off would misjudge a class whole."""
    p = np.concatenate([[1e-12] * 196, np.linspace(0.1, 0.2, 4), np.linspace(0.6, 0.9, 4), [1 - 1e-12] * 196])
    labels = np.repeat([0, 1], 200)
    found = calibrate(predictions(p, labels), predictions(p, labels, "test"), origin="drawn")
    wrong = found.wrong(found.apply(p))
    assert (wrong[0][:200].sum(), wrong[1][200:].sum()) == (4, 0)
    assert (found.rates().reals_called, found.rates().fakes_little) == (4 / 200, 0)


def test_large_splits_keep_some_scores_of_the_whole_range():
    p, labels = drawn(2400, 1, 0)
    found = calibrate(predictions(p, labels), None, origin="drawn")
    assert len(found.val.reals) == len(found.val.fakes) == 1000
    assert found.val.reals[0] == found.apply(p[labels == 0]).min()
    assert found.val.fakes[-1] == found.apply(p[labels == 1]).max()
