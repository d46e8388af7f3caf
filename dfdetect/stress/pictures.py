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


def either_way(rng: Rng) -> int:
    """1 or -1."""
    return int(rng.choice((1, -1)))
