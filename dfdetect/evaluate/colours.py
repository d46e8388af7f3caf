"""Colours as people see them."""

import cv2
import numpy as np
from numpy.typing import NDArray


def lab(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """CIELAB under daylight (D65) of a picture in sRGB.

    Args:
        rgb: uint8 of shape (H, W, 3).

    Returns:
        float32 of the same shape: L* from 0 to 100, a* and b*.
    """
    return np.asarray(cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)
