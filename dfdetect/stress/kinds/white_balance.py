"""Red raised and blue lowered, or the reverse."""

import numpy as np

from dfdetect.stress.pictures import either_way, mapped
from dfdetect.stress.registry import Rgb, Rng, register


@register(
    "white_balance",
    "White balance",
    "Red raised and blue lowered, or the reverse.",
    unit="{} %",
    severities=(4, 8, 15, 25, 40),
)
def white_balance(picture: Rgb, percent: float, rng: Rng) -> Rgb:
    """Multiply red and divide blue, or the reverse."""
    gain = (1 + percent / 100) ** either_way(rng)
    return mapped(picture, np.arange(256)[:, None] * np.array([gain, 1, 1 / gain]))
