"""Every pixel brighter or darker by the same number of levels."""

import numpy as np

from dfdetect.stress.pictures import either_way, mapped
from dfdetect.stress.registry import Rgb, Rng, register


@register(
    "brightness",
    "Brightness",
    "Every pixel brighter or darker by the same number of levels.",
    unit="{} levels",
    severities=(8, 20, 35, 50, 70),
)
def brightness(picture: Rgb, levels: float, rng: Rng) -> Rgb:
    """Add or subtract."""
    return mapped(picture, np.arange(256) + either_way(rng) * levels)
