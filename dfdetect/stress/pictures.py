"""Operations on pictures that several kinds of disturbance share."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dfdetect.fakes.colours import whole
from dfdetect.stress.registry import Rgb, Rng


def mapped(picture: Rgb, levels: NDArray[Any]) -> Rgb:
    """The picture with each level 0..255 replaced.

    Args:
        picture: uint8 of shape (H, W, 3).
        levels: the new levels, of shape (256,) for all channels or (256, 3) for each.
    """
    table = whole(levels)
    table = np.broadcast_to(table[:, None], (256, 3)) if table.ndim == 1 else table
    return np.asarray(cv2.LUT(picture, np.ascontiguousarray(table[:, None])), np.uint8)


def lit(picture: Rgb, gain: NDArray[Any]) -> Rgb:
    """The picture with each pixel's levels multiplied by `gain`, of shape (H, W)."""
    return whole(picture * gain[:, :, None])


def along(picture: Rgb, angle: float) -> NDArray[np.float64]:
    """How far each pixel lies from the middle in the direction of `angle` (radians), as a share of the side.

    Returns:
        Shape (H, W); from -.5 to .5 at an angle of 0, further at others.
    """
    height, width = picture.shape[:2]
    across, down = np.linspace(-0.5, 0.5, width)[None], np.linspace(-0.5, 0.5, height)[:, None]
    return np.asarray(across * np.cos(angle) + down * np.sin(angle))


def either_way(rng: Rng) -> int:
    """1 or -1."""
    return int(rng.choice((1, -1)))
