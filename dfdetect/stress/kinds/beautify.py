"""Smoothed skin, after Tomasi & Manduchi 1998."""

import cv2
import numpy as np

from dfdetect.stress.registry import Rgb, Rng, register


@register(
    "beautify",
    "Beauty filter",
    "Skin smoothed and edges kept, as beauty filters do it (bilateral filter).",
    unit="{} levels",
    severities=(10, 20, 35, 55, 80),
)
def beautify(picture: Rgb, levels: float, rng: Rng) -> Rgb:
    """Smooth what differs by fewer levels than about these."""
    reach = max(3, round(0.04 * picture.shape[1])) | 1
    return np.asarray(cv2.bilateralFilter(picture, reach, levels, reach), np.uint8)
