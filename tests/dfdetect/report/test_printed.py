"""Printed numbers: what they may have been before they were rounded."""

import pytest

from dfdetect.report.formula import check
from dfdetect.report.printed import Interval, Printed
from face_extraction.errors import InputError


@pytest.mark.parametrize(
    ("text", "fits", "does_not"),
    [
        ("0.5771", (0.5771, 0.57705, 0.57711, 0.57719), (0.57721, 0.57699, 0.578)),
        ("95.78%", (0.95775, 0.9578, 0.95789), (0.95769, 0.95791)),
        ("52%", (0.511, 0.529), (0.509, 0.531)),
        ("10,000", (10_000,), (10_001, 9_999)),
        ("2.51E-05", (2.5126450824282805e-05,), (2.521e-05,)),
        ("1736.", (1736,), (1736.1,)),
        ("1615.33333333", (4846 / 3,), (1615.4,)),
        ("3-4", (2.5, 3.7, 4.5), (4.87, 2.4)),
        ("0.4962500035762787", (0.49625,), (0.4963,)),  # single precision
    ],
)
def test_what_some_rounding_explains(text, fits, does_not):
    printed = Printed(text, "somewhere").interval
    assert all(printed.meets(Interval.exactly(value)) for value in fits)
    assert not any(printed.meets(Interval.exactly(value)) for value in does_not)


def test_what_is_no_number_is_refused_with_its_place():
    with pytest.raises(InputError, match="table 1: 'n/a'; accepted: a number as printed"):
        Printed("n/a", "table 1")


def numbers(**texts):
    return {name: Printed(text, "").interval for name, text in texts.items()}


def test_claims_hold_when_some_rounding_makes_them_true():
    known = numbers(a="0.50", b="0.33", c="1.5", zero="0")
    assert check("a == b + 0.17", known, "")[0]
    assert check("a / b == c", known, "")[0]  # .50 / .33 = 1.515
    assert not check("a - b == 0.3", known, "")[0]
    assert check("a > b", known, "")[0]
    assert not check("b > a", known, "")[0]
    assert check("b * 2 < c", known, "")[0]


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("a", "accepted: two sides"),
        ("a ==", "accepted: two sides"),
        ("a == __import__('os')", "accepted: two sides"),
        ("a == 1 == 1", "accepted: two sides"),
        ("a == other", "unknown number 'other'"),
        ("a / zero == 1", "divides by zero, which may be 0"),
    ],
)
def test_other_claims_are_refused(formula, message):
    with pytest.raises(InputError, match=message):
        check(formula, numbers(a="0.5", zero="0"), "experiment.toml")
