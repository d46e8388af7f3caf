"""Values as text for people."""

import math
from collections.abc import Mapping
from typing import Any

from dfdetect.metrics.estimates import DASH


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
    """The text with "?" for what UTF-8 cannot hold: file names that are not UTF-8 contain surrogates."""
    return text.encode(errors="replace").decode()


def short(value: Any) -> str:
    """A value with at most four digits, unless it is whole."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def clock(seconds: float) -> str:
    """A time in a video, cut to tenths, such as "0:37.2" or "1:02:05"."""
    # Rounded first: 10 times (3.4 - 3) is a little less than 4.
    whole, tenth = divmod(int(round(10 * seconds, 6)), 10)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    if hours:
        return f"{hours}:{minutes:02}:{rest:02}"
    return f"{minutes}:{rest:02}.{tenth}"


def decimals(value: Any) -> str:
    """Four decimals, or three digits below 0.001; a dash if the value is missing or NaN."""
    if value is None or math.isnan(float(value)):
        return DASH
    number = float(value)
    return f"{number:.4f}" if number == 0 or abs(number) >= 1e-3 else f"{number:.2e}"


def shown_score(p_fake: float, threshold: float) -> str:
    """A score with 3 decimals, or with more where 3 would show it on the wrong side of the threshold.

    A score above 0 is not shown as 0 either, nor one below 1 as 1.

    Args:
        p_fake: 0 to 1.
        threshold: a score from here on is called fake.
    """
    texts = (f"{p_fake:.{digits}f}" for digits in range(3, 17))
    same = (
        text
        for text in texts
        if (float(text) >= threshold) == (p_fake >= threshold)
        and (float(text) not in (0, 1) or p_fake in (0, 1))
    )
    return next(same, repr(p_fake))
