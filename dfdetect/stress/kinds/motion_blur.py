"""Blurred along a line, as a moving head."""

import cv2
import numpy as np

from dfdetect.fakes.disturb import line_kernel
from dfdetect.stress.registry import Rgb, Rng, register


@register(
    "motion_blur",
    "Motion blur",
    "Blurred along a line, as a moving head.",
    unit="{} % of the side",
    severities=(2, 4, 7, 11, 16),
)
def motion_blur(picture: Rgb, percent: float, rng: Rng) -> Rgb:
    """The mean along a line of this length, in any direction."""
    kernel = line_kernel(max(2, round(percent / 100 * picture.shape[1])), rng.uniform(0, np.pi))
    return np.asarray(cv2.filter2D(picture, -1, kernel, borderType=cv2.BORDER_REFLECT_101), np.uint8)
