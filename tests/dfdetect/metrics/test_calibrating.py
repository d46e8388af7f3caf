"""Calibrated scores, cuts and error rates: what they promise, by hand-computed values and by simulation."""

import msgspec
import numpy as np
import pytest

from dfdetect.metrics.calibrating import LEAST, Calibration, Held, exact_interval


def expit(x):
    return 1 / (1 + np.exp(-np.asarray(x, float)))


TWENTY = tuple(n / 100 for n in range(1, 21))


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
