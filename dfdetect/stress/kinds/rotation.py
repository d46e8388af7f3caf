"""Turned in the plane; what comes in from outside mirrors the inside."""

import cv2

from dfdetect.fakes.warps import shift_rgb
from dfdetect.stress.pictures import either_way
from dfdetect.stress.registry import Rgb, Rng, register


@register(
    "rotation",
    "Tilted",
    "Turned in the plane; what comes in from outside mirrors the inside.",
    unit="{} degrees",
    severities=(3, 7, 13, 21, 32),
)
def rotation(picture: Rgb, degrees: float, rng: Rng) -> Rgb:
    """Turn either way round the middle."""
    height, width = picture.shape[:2]
    return shift_rgb(picture, cv2.getRotationMatrix2D((width / 2, height / 2), either_way(rng) * degrees, 1))
