"""Scores and times as they are shown."""

import pytest

from dfdetect.render.text import clock, shown_score


@pytest.mark.parametrize(
    ("p_fake", "threshold", "shown"),
    [
        (0.25, 0.5, "0.250"),
        (1.0, 0.5, "1.000"),
        (0.49999, 0.5, "0.49999"),  # "0.500" would be fake
        (0.50118, 0.50114, "0.5012"),  # "0.501" would be real
        (0.50112, 0.50114, "0.501"),
        (0.1 + 0.2, 0.1 + 0.2, "0.3000000000000000"),
        (1 / 3, 1 / 3, "0.333333333333333"),
        (0.99971, 0.5, "0.9997"),  # "1.000" would be certain
        (0.00012, 0.5, "0.0001"),
        (0.0, 0.5, "0.000"),
    ],
)
def test_a_score_is_not_rounded_over_its_threshold(p_fake, threshold, shown):
    text = shown_score(p_fake, threshold)
    assert text.startswith(shown)
    assert (float(text) >= threshold) == (p_fake >= threshold)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.0, "0:00.0"),
        (3.4, "0:03.4"),  # 10 * (3.4 - 3) is below 4
        (2.96, "0:02.9"),
        (59.99, "0:59.9"),
        (72.3, "1:12.3"),
        (3725.0, "1:02:05"),
    ],
)
def test_a_time_is_cut_to_tenths(seconds, shown):
    assert clock(seconds) == shown
