"""Scores as they are shown."""

import pytest

from dfdetect.render.text import shown_score


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
    ],
)
def test_a_score_is_not_rounded_over_its_threshold(p_fake, threshold, shown):
    text = shown_score(p_fake, threshold)
    assert text.startswith(shown)
    assert (float(text) >= threshold) == (p_fake >= threshold)
