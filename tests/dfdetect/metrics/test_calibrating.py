"""Calibration, cuts and error rates: what they promise, by hand-computed values and by simulation."""

import msgspec
import numpy as np
import pytest

from dfdetect.metrics.calibrating import (
    LEAST,
    Calibration,
    Held,
    calibrate,
    exact_interval,
    fit_isotonic,
    fit_platt,
    fit_temperature,
)
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


def held(reals=(), fakes=(), groups=0):
    return Held(reals=tuple(reals), fakes=tuple(fakes), real_groups=groups, fake_groups=groups)


def test_scores_are_moved_on_the_logit_and_keep_their_order():
    scores = Calibration(method="platt", slope=2, intercept=1).apply([0.0, 0.5, 0.8, 1.0])
    np.testing.assert_allclose(scores[1:3], expit([1, 2 * np.log(4) + 1]))
    assert np.all(np.diff(scores) > 0)
    assert scores[0] > 0
    assert scores[-1] < 1


def test_isotonic_is_linear_between_its_knots_and_flat_beyond():
    known = Calibration(method="isotonic", knots=((0.2, 0.4, 0.8), (0.0, 0.5, 1.0)))
    np.testing.assert_allclose(known.apply([0.1, 0.3, 0.5, 0.9]), [LEAST, 0.25, 0.625, 1 - LEAST])


def test_none_leaves_scores_as_they_are():
    np.testing.assert_equal(Calibration().apply([0.0, 0.3, 1.0]), [0.0, 0.3, 1.0])
    np.testing.assert_allclose(Calibration(method="platt").apply([0.1, 0.3, 0.9]), [0.1, 0.3, 0.9])


@pytest.mark.parametrize(
    "changes",
    [
        {"slope": 0.0},
        {"slope": float("nan")},
        {"method": "isotonic"},
        {"method": "isotonic", "knots": ((0.2, 0.1), (0.0, 1.0))},
        {"method": "isotonic", "knots": ((0.1, 0.2), (1.0, 0.0))},
        {"val": held([0.2, 0.1])},
        {"false_alarms": 1.1},
        {"cut": 1.5},
        {"cut": float("nan")},
    ],
)
def test_what_turns_the_order_round_or_leaves_its_range_is_refused(changes):
    with pytest.raises(ValueError, match="Received: slope="):
        Calibration(**changes)


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

    monkeypatch.setattr("dfdetect.metrics.calibrating.METHODS", {"platt": watched})
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


def test_large_splits_keep_some_scores_of_the_whole_range():
    p, labels = drawn(2400, 1, 0)
    found = calibrate(predictions(p, labels), None, origin="drawn")
    assert len(found.val.reals) == len(found.val.fakes) == 1000
    assert found.val.reals[0] == pytest.approx(found.apply(p[labels == 0]).min(), abs=1e-6)
    assert found.val.fakes[-1] == pytest.approx(found.apply(p[labels == 1]).max(), abs=1e-6)


TWENTY = tuple(n / 100 for n in range(1, 21))


@pytest.mark.parametrize(
    ("count", "false_alarms", "above"),
    [(18, 0.05, None), (19, 0.05, 0), (20, 0.05, 0), (20, 0.10, 1), (20, 0.20, 3), (9, 0.1, 0)],
)
def test_the_upper_cut_leaves_as_many_reals_above_as_the_bound_allows(count, false_alarms, above):
    """(above + 1) / (count + 1) <= false_alarms: of 20 reals and 10 %, 2 / 21 < .1 < 3 / 21."""
    known = Calibration(val=held(TWENTY[:count]), false_alarms=false_alarms)
    if above is None:
        assert known.upper == 1
    else:
        assert sum(score >= known.upper for score in TWENTY[:count]) == above


@pytest.mark.parametrize(
    ("count", "missed", "below"), [(8, 0.1, None), (9, 0.1, 0), (20, 0.1, 1), (20, 0.2, 3)]
)
def test_the_lower_cut_leaves_as_many_fakes_below_as_the_bound_allows(count, missed, below):
    known = Calibration(val=held(fakes=TWENTY[:count]), missed=missed)
    if below is None:
        assert known.lower == 0
    else:
        assert sum(score < known.lower for score in TWENTY[:count]) == below


def test_the_lower_cut_is_never_above_the_upper():
    known = Calibration(val=held(TWENTY, [0.9] * 20))
    assert known.lower == known.upper < 0.21


def test_the_bounds_hold_for_new_files():
    rng = np.random.default_rng(0)
    alarms, missed = [], []
    for _ in range(400):
        reals, fakes = np.sort(rng.random(59)), np.sort(rng.random(59) + 0.3)
        known = Calibration(val=held(reals.tolist(), fakes.tolist()))
        alarms.append(np.mean(rng.random(50) >= known.upper))
        missed.append(np.mean(rng.random(50) + 0.3 < known.lower))
    assert 0.04 < np.mean(alarms) < 0.056
    assert np.mean(missed) < 0.105


def test_ties_among_the_reals_do_not_break_the_promise():
    known = Calibration(val=held([0.5] * 20, [0.9] * 20))
    assert known.upper > 0.5


def test_levels_change_at_the_cuts_and_one_cut_leaves_nothing_between():
    known = Calibration(val=held(TWENTY, [0.05] + [0.1] * 19))
    assert [known.grade(p) for p in (0.0, known.lower, known.upper)] == ["little", "uncertain", "substantial"]
    one = known.with_cut(0.5, "a test")
    assert [one.grade(p) for p in (0.49, 0.5)] == ["little", "substantial"]
    assert one.origin == "a test"


def test_a_real_is_wrong_from_the_upper_cut_on_and_a_fake_below_the_lower():
    known = Calibration(val=held(TWENTY, [0.05] + [0.1] * 19))
    assert (known.lower, known.upper) == (0.1, np.nextafter(0.2, 1))
    scores = [0.0, np.nextafter(0.1, 0), 0.1, 0.2, known.upper, 1.0]
    assert known.grades(scores).tolist() == ["little"] * 2 + ["uncertain"] * 2 + ["substantial"] * 2
    wrong = known.wrong(scores)
    assert wrong[0].tolist() == [False] * 4 + [True] * 2
    assert wrong[1].tolist() == [True] * 2 + [False] * 4


NINE = tuple(n / 10 for n in range(1, 10))


@pytest.mark.parametrize(
    ("highest", "count", "expected"),
    [
        (0.95, 1, 0.95),  # alone: as it is
        (0.95, 2, 0.9),  # p = 1/10; 1 - .9^2 = .19 <= 2/10, which .9 has
        (0.95, 3, 0.8),  # 1 - .9^3 = .271 <= 3/10
        (0.95, 7, 0.5),  # 1 - .9^7 = .522 <= 6/10
        (0.75, 2, 0.5),  # p = 3/10; 1 - .7^2 = .51 <= 6/10
        (0.05, 5, 0.05),  # below all reals: it stays
    ],
)
def test_the_highest_of_several_is_corrected_for_their_number(highest, count, expected):
    assert Calibration(val=held(NINE)).corrected(highest, count) == pytest.approx(expected)


def test_the_correction_rests_on_groups_because_files_of_one_resemble_each_other():
    """Nine files of 4 groups: p = 1/5, and 1 - .8^2 = .36 = (1 + 4 k / 9) / 5 at k = 1.8, so two of nine."""
    assert Calibration(val=held(NINE, groups=4)).corrected(0.95, 2) == 0.8
    assert Calibration(val=held(NINE, groups=9)).corrected(0.95, 2) == 0.9


def test_the_correction_never_pulls_below_the_lower_cut_and_needs_reals():
    known = Calibration(val=held(NINE, [0.3] * 9))
    assert known.lower == 0.3
    assert known.corrected(0.95, 100) == 0.3
    assert known.corrected(0.2, 100) == 0.2
    assert Calibration().corrected(0.95, 100) == 0.95


def test_false_alarms_of_crowds_stay_rare():
    """Of photos of ten real faces at most 5 % are called substantial; uncorrected it is 1 - .95^10 = 40 %."""
    rng = np.random.default_rng(0)
    known = Calibration(val=held(np.sort(rng.random(999)).tolist()))
    highest = rng.random((2000, 10)).max(axis=1)
    assert np.mean(highest >= known.upper) > 0.35
    alarms = np.mean([known.corrected(float(one), 10) >= known.upper for one in highest])
    assert 0.03 < alarms < 0.065


def test_the_exact_interval_is_that_of_the_tables():
    """Clopper and Pearson: 0 of 10 reaches 1 - .025^(1/10), 5 of 10 is .187 to .813."""
    assert exact_interval(0.0, 10, 0.95) == (0.0, pytest.approx(1 - 0.025**0.1))
    assert exact_interval(0.5, 10, 0.95) == pytest.approx((0.1871, 0.8129), abs=1e-4)
    assert exact_interval(1.0, 10, 0.95) == (pytest.approx(0.025**0.1), 1.0)


def test_an_alarm_is_worth_what_bayes_says():
    """5 of 100 reals and 50 of 100 fakes are called: at 1 % of fakes .005 of .0545 alarms are right, 9 %."""
    test = held([0.1] * 95 + [0.9] * 5, [0.1] * 50 + [0.9] * 50, groups=100)
    known = Calibration(test=test, tested_on="a test").with_cut(0.5, "a test")
    worth = known.alarms(0.01)
    assert worth.right == pytest.approx(100 * 0.005 / 0.0545)
    assert known.alarms(0.5).right == pytest.approx(100 * 0.5 / 0.55)
    reals, fakes = exact_interval(0.05, 100, 0.975), exact_interval(0.5, 100, 0.975)
    assert worth.low == pytest.approx(100 * 0.01 * fakes[0] / (0.01 * fakes[0] + 0.99 * reals[1]))
    assert worth.high == pytest.approx(100 * 0.01 * fakes[1] / (0.01 * fakes[1] + 0.99 * reals[0]))
    assert (worth.reals_called, worth.fakes_called, worth.origin) == (0.05, 0.5, "a test")
    fewer = msgspec.structs.replace(known, test=msgspec.structs.replace(test, real_groups=20, fake_groups=20))
    assert fewer.alarms(0.01).low < worth.low
    assert known.with_cut(0.95, "a test").alarms(0.01) is None
    assert Calibration().alarms(0.01) is None


def test_the_rates_count_each_side_of_the_cuts():
    known = Calibration(test=held([0.1, 0.2, 0.6, 0.9], [0.1, 0.9, 0.9, 0.9])).with_cut(0.5, "a test")
    rates = known.rates()
    assert (rates.reals_called, rates.reals_little) == (0.5, 0.5)
    assert (rates.fakes_called, rates.fakes_little) == (0.75, 0.25)
