"""Values as text for people."""

import math
from collections.abc import Mapping
from typing import Any

from dfdetect.metrics.estimates import DASH


def plural(count: int, noun: str) -> str:
    """Such as "1 face" and "2,000 faces"."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def show(value: Any) -> str:
    """A value of a recipe or an environment."""
    if value is None or value == "" or value == {} or value == []:
        return DASH
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return DASH if math.isnan(value) else f"{value:.6g}"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {show(item)}" for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(show(item) for item in value)
    return encodable(str(value))


def encodable(text: str) -> str:
    """The text with "?" for what UTF-8 cannot hold: a file name that is not UTF-8 arrives with surrogates."""
    return text.encode(errors="replace").decode()


def short(value: Any) -> str:
    """A value with four digits at most, if it is not whole."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def decimals(value: Any) -> str:
    """Four decimals, three digits of what is smaller than 0.001, and a dash for what is missing or NaN."""
    if value is None or math.isnan(float(value)):
        return DASH
    number = float(value)
    return f"{number:.4f}" if number == 0 or abs(number) >= 1e-3 else f"{number:.2e}"


def shown_score(p_fake: float, threshold: float) -> str:
    """A score with 3 decimals, or as many more as bring it to its own side of the threshold.

    Args:
        p_fake: 0 to 1.
        threshold: from here on a score is called fake.
    """
    texts = (f"{p_fake:.{digits}f}" for digits in range(3, 17))
    same = (text for text in texts if (float(text) >= threshold) == (p_fake >= threshold))
    return next(same, repr(p_fake))
