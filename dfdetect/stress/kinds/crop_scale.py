"""A crop closer to the face."""

import cv2

from dfdetect.fakes.warps import shift_rgb
from dfdetect.stress.registry import Rgb, Rng, register


@register(
    "crop_scale",
    "Tighter crop",
    "The crop cut closer, so that it shows less around the face.",
    unit="{} times closer",
    severities=(1.05, 1.12, 1.22, 1.35, 1.55),
)
def crop_scale(picture: Rgb, zoom: float, rng: Rng) -> Rgb:
    """Zoom into the middle."""
    height, width = picture.shape[:2]
    return shift_rgb(picture, cv2.getRotationMatrix2D((width / 2, height / 2), 0, zoom))
