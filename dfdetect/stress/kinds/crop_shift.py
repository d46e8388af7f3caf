"""A crop beside the face."""

import numpy as np

from dfdetect.fakes.warps import shift_rgb
from dfdetect.stress.registry import Rgb, Rng, register


@register(
    "crop_shift",
    "Shifted crop",
    "The crop shifted to one side; what comes in from outside mirrors the inside.",
    unit="{} % of the side",
    severities=(2, 5, 9, 14, 20),
)
def crop_shift(picture: Rgb, percent: float, rng: Rng) -> Rgb:
    """Shift in any direction."""
    angle = rng.uniform(0, 2 * np.pi)
    across, down = (percent / 100 * picture.shape[1] * part for part in (np.cos(angle), np.sin(angle)))
    return shift_rgb(picture, np.array([[1, 0, across], [0, 1, down]]))
