"""Saved as a WebP picture."""

import cv2

from dfdetect.fakes.codecs import coded
from dfdetect.stress.registry import Rgb, Rng, register


@register(
    "webp",
    "WebP",
    "Saved as a WebP picture.",
    unit="quality {}",
    severities=(90, 70, 50, 30, 10),
)
def webp(picture: Rgb, quality: float, rng: Rng) -> Rgb:
    """Encode and decode."""
    return coded(picture, ".webp", (cv2.IMWRITE_WEBP_QUALITY, int(quality)))
