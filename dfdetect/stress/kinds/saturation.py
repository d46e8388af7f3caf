"""Less colour, down to grey."""

import cv2
import numpy as np

from dfdetect.stress.registry import Rgb, Rng, register


@register(
    "saturation",
    "Pale colours",
    "Less colour, down to grey.",
    unit="{} % of the colour",
    severities=(75, 50, 30, 15, 0),
)
def saturation(picture: Rgb, percent: float, rng: Rng) -> Rgb:
    """Mix with the grey picture."""
    grey = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return np.asarray(cv2.addWeighted(picture, percent / 100, grey, 1 - percent / 100, 0), np.uint8)
