"""Learning rates against values computed by hand."""

import math

import pytest

from dfdetect.recipe import SCHEDULES
from dfdetect.train.schedule import Schedule


def rate(name, step, warmup=0.1):
    return float(Schedule(name, 0.4, 100, warmup)(step))


def test_constant_rises_linearly_and_stays():
    assert rate("constant", 0) == pytest.approx(0.04)
    assert rate("constant", 4) == pytest.approx(0.2)
    assert [rate("constant", step) for step in (9, 50, 99)] == pytest.approx([0.4] * 3)
    assert rate("constant", 0, warmup=0) == pytest.approx(0.4)


def test_cosine_falls_to_zero_over_what_the_warm_up_leaves():
    assert rate("cosine", 4) == pytest.approx(0.2)  # in the warm-up, as the constant rate
    assert rate("cosine", 9) == pytest.approx(0.4, rel=1e-3)
    assert rate("cosine", 55) == pytest.approx(0.2, rel=1e-5)  # half of the 90 steps after the 10
    assert rate("cosine", 100) == pytest.approx(0.0, abs=1e-7)
    assert rate("cosine", 25, warmup=0) == pytest.approx(0.2 * (1 + math.cos(math.pi / 4)), rel=1e-5)


def test_one_cycle_rises_for_three_tenths_then_falls():
    assert rate("one-cycle", 0) == pytest.approx(0.4 / 25, rel=1e-5)
    assert rate("one-cycle", 15) == pytest.approx((0.4 + 0.4 / 25) / 2, rel=1e-4)
    assert rate("one-cycle", 30) == pytest.approx(0.4, rel=1e-4)
    assert rate("one-cycle", 100) == pytest.approx(0.4 / 1e4, rel=1e-2)


@pytest.mark.parametrize("name", SCHEDULES)
def test_rates_stay_above_zero_before_the_end(name):
    assert all(0 < rate(name, step) <= 0.4 + 1e-6 for step in range(100))


def test_config_makes_the_same_schedule():
    old = Schedule("one-cycle", 0.1, 10, 0.2)
    assert float(Schedule.from_config(old.get_config())(3)) == float(old(3))
