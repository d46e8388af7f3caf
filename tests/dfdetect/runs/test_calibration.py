"""Calibration and cuts: what they promise on the scores that they were chosen on."""

import json
from dataclasses import asdict

import numpy as np
import pytest

from dfdetect.runs.calibration import (
    Calibration,
    choose_cuts,
    fit_platt,
    read_calibration,
    write_calibration,
)
from face_extraction.errors import InputError


def make(**changes):
    values = {"slope": 2.0, "intercept": 1.0, "lower": 0.3, "upper": 0.6, "origin": "a", "cannot": "b"}
    return Calibration(**{**values, **changes})


def test_scores_are_moved_on_the_logit_and_keep_their_order():
    scores = make().apply([0.0, 0.5, 0.8, 1.0])
    np.testing.assert_allclose(scores[1:3], 1 / (1 + np.exp([-1, -2 * np.log(4) - 1])))
    assert np.all(np.diff(scores) > 0)
    assert scores[0] > 0
    assert scores[-1] < 1


def test_grades_change_at_the_cuts():
    grades = [make().grade(p) for p in (0.0, 0.29, 0.3, 0.59, 0.6, 1.0)]
    assert grades == ["little", "little", "uncertain", "uncertain", "substantial", "substantial"]


@pytest.mark.parametrize(
    "changes", [{"slope": 0}, {"slope": float("nan")}, {"lower": 0.7}, {"upper": 1.1}, {"lower": -0.1}]
)
def test_what_is_no_calibration_is_refused(changes, tmp_path):
    with pytest.raises(ValueError, match="Received: slope="):
        make(**changes)


def test_it_is_read_as_it_was_written(tmp_path):
    assert read_calibration(tmp_path) is None
    write_calibration(tmp_path, make())
    assert read_calibration(tmp_path) == make()


@pytest.mark.parametrize(
    "values", [{}, {**asdict(make()), "slope": -1.0}, {**asdict(make()), "lower": "low"}]
)
def test_a_file_that_holds_none_is_named(values, tmp_path):
    (tmp_path / "calibration.json").write_text(json.dumps(values))
    with pytest.raises(InputError, match=r"calibration\.json: not a calibration"):
        read_calibration(tmp_path)


def test_platt_finds_the_map_that_scores_were_drawn_by():
    rng = np.random.default_rng(0)
    logit = rng.normal(0, 2, 20_000)
    labels = rng.random(20_000) < 1 / (1 + np.exp(-(0.5 * logit - 1)))
    slope, intercept = fit_platt(1 / (1 + np.exp(-logit)), labels.astype(int))
    assert slope == pytest.approx(0.5, abs=0.03)
    assert intercept == pytest.approx(-1, abs=0.06)


def test_platt_refuses_scores_that_are_the_wrong_way_round():
    with pytest.raises(InputError, match="fakes do not score higher than reals"):
        fit_platt([0.1, 0.2, 0.8, 0.9], [1, 1, 0, 0])


@pytest.mark.parametrize("count", [1, 19, 20, 100, 221])
@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_cuts_keep_what_they_promise(count, shift):
    rng = np.random.default_rng(count)
    reals, fakes = rng.uniform(0, 0.7, count), rng.uniform(0, 0.7, count) + shift
    lower, upper = choose_cuts([*reals, *fakes], [0] * count + [1] * count)
    assert np.mean(reals >= upper) <= 0.05
    assert np.mean(fakes < lower) <= 0.10
    assert lower <= upper


def test_ties_among_the_reals_do_not_break_the_promise():
    _, upper = choose_cuts([0.5] * 20 + [0.9] * 20, [0] * 20 + [1] * 20)
    assert upper > 0.5


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
    found = make(lower=0.0, reals=NINE).corrected(highest, count)
    assert found == pytest.approx(expected)


def test_the_correction_never_pulls_below_the_lower_cut_and_needs_reals():
    assert make(lower=0.3, reals=NINE).corrected(0.95, 100) == 0.3
    assert make(lower=0.3, reals=NINE).corrected(0.2, 100) == 0.2
    assert make().corrected(0.95, 100) == 0.95


def test_false_alarms_of_crowds_stay_rare():
    """Of photos of ten real faces at most 5 % are called substantial; uncorrected it is 1 - .95^10 = 40 %."""
    rng = np.random.default_rng(0)
    reals = np.sort(rng.random(999))
    calibration = make(lower=0.1, upper=float(np.quantile(reals, 0.95)), reals=tuple(reals.tolist()))
    highest = rng.random((2000, 10)).max(axis=1)
    assert np.mean(highest >= calibration.upper) > 0.35
    alarms = np.mean([calibration.corrected(float(one), 10) >= calibration.upper for one in highest])
    assert 0.03 < alarms < 0.065
