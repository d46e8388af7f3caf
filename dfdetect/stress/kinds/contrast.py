"""Less contrast around the mean level."""

import numpy as np

from dfdetect.stress.pictures import mapped
from dfdetect.stress.registry import Rgb, Rng, register


@register(
    "contrast",
    "Low contrast",
    "Less contrast around the mean level.",
    unit="{} % of the contrast",
    severities=(80, 60, 45, 30, 18),
)
def contrast(picture: Rgb, percent: float, rng: Rng) -> Rgb:
    """Draw all levels towards the mean."""
    mean = float(picture.mean())
    return mapped(picture, mean + percent / 100 * (np.arange(256) - mean))
