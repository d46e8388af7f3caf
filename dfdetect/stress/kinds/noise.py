"""Independent noise in each pixel and channel."""

import numpy as np

from dfdetect.fakes.colours import whole
from dfdetect.stress.registry import Rgb, Rng, register


@register(
    "noise",
    "Noise",
    "Independent noise in each pixel and channel.",
    unit="deviation {}",
    severities=(2, 5, 10, 20, 40),
)
def noise(picture: Rgb, deviation: float, rng: Rng) -> Rgb:
    """Gaussian noise, in levels of 256."""
    return whole(picture + np.float32(deviation) * rng.standard_normal(picture.shape, dtype=np.float32))
