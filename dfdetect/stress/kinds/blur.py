"""Blurred evenly, as out of focus."""

import cv2
import numpy as np

from dfdetect.stress.registry import Rgb, Rng, register


@register(
    "blur",
    "Defocus",
    "Blurred evenly, as out of focus.",
    unit="{} % of the side",
    severities=(0.5, 1, 1.5, 2.5, 4),
)
def blur(picture: Rgb, percent: float, rng: Rng) -> Rgb:
    """A Gaussian of this deviation."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), percent / 100 * picture.shape[1]), np.uint8)
