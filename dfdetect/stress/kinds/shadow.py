"""A shadow across the face."""

import numpy as np

from dfdetect.stress.pictures import along, lit
from dfdetect.stress.registry import Rgb, Rng, register


@register(
    "shadow",
    "Shadow",
    "A soft-edged shadow over one half of the face.",
    unit="{} % darker",
    severities=(15, 30, 45, 60, 75),
)
def shadow(picture: Rgb, percent: float, rng: Rng) -> Rgb:
    """Darken what lies on one side of a line near the middle."""
    angle, offset = rng.uniform(0, 2 * np.pi), rng.uniform(-0.2, 0.2)
    # From a fifth to four fifths of the depth, the edge takes 3 % of the side.
    shaded = 1 / (1 + np.exp(-(along(picture, angle) - offset) / 0.01))
    return lit(picture, 1 - percent / 100 * shaded)
