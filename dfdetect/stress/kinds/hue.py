"""All hues turned round the colour circle."""

import cv2
import numpy as np

from dfdetect.fakes.colours import whole
from dfdetect.stress.pictures import either_way
from dfdetect.stress.registry import Rgb, Rng, register


@register(
    "hue",
    "Hue",
    "All hues turned round the colour circle.",
    unit="{} degrees",
    severities=(4, 8, 15, 30, 60),
)
def hue(picture: Rgb, degrees: float, rng: Rng) -> Rgb:
    """Turn the hues either way."""
    hsv = cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2HSV)
    hsv[:, :, 0] = (hsv[:, :, 0] + either_way(rng) * degrees) % 360
    return whole(255 * cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB))
