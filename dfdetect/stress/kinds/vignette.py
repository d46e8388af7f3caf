"""Dark corners."""

import numpy as np

from dfdetect.stress.pictures import lit
from dfdetect.stress.registry import Rgb, Rng, register


@register(
    "vignette",
    "Dark corners",
    "Darker the farther from the middle, as with a lamp or a lens.",
    unit="{} % darker",
    severities=(15, 30, 45, 60, 75),
)
def vignette(picture: Rgb, percent: float, rng: Rng) -> Rgb:
    """Darken with the square of the distance from the middle; corners lose the whole share."""
    height, width = picture.shape[:2]
    across, down = np.linspace(-1, 1, width)[None], np.linspace(-1, 1, height)[:, None]
    return lit(picture, 1 - percent / 100 * (across**2 + down**2) / 2)
