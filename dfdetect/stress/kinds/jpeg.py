"""Saved as a JPEG, with colour at half the size."""

import cv2

from dfdetect.fakes.codecs import coded
from dfdetect.stress.registry import Rgb, Rng, register


@register(
    "jpeg",
    "JPEG",
    "Saved as a JPEG, with colour at half the size.",
    unit="quality {}",
    severities=(90, 70, 50, 30, 10),
)
def jpeg(picture: Rgb, quality: float, rng: Rng) -> Rgb:
    """Encode and decode."""
    return coded(picture, ".jpg", (cv2.IMWRITE_JPEG_QUALITY, int(quality)))
