"""What several kinds of disturbance do with a picture."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dfdetect.stress.registry import Rgb, Rng


def whole(values: NDArray[Any]) -> Rgb:
    """Real numbers as pixels: rounded, and cut off at black and white."""
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)


def mapped(picture: Rgb, levels: NDArray[Any]) -> Rgb:
    """The picture with each level 0..255 replaced.

    Args:
        picture: uint8 of shape (H, W, 3).
        levels: the new levels, of shape (256,) for all channels or (256, 3) for each.
    """
    table = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
    table = np.broadcast_to(table[:, None], (256, 3)) if table.ndim == 1 else table
    return np.asarray(cv2.LUT(picture, np.ascontiguousarray(table[:, None])), np.uint8)


def moved(picture: Rgb, matrix: NDArray[Any]) -> Rgb:
    """The picture moved by an affine matrix; what comes from outside mirrors the inside."""
    size = (picture.shape[1], picture.shape[0])
    done = cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(done, np.uint8)


def shrunk_and_enlarged(small: Rgb, shape: tuple[int, ...]) -> Rgb:
    """A shrunk picture at its former size, as a player shows it."""
    return np.asarray(cv2.resize(small, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR), np.uint8)


def shrunk(picture: Rgb, share: float) -> Rgb:
    """The picture with sides of this share, 8 pixels or more, by area."""
    height, width = (max(8, round(share * side)) for side in picture.shape[:2])
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def either_way(rng: Rng) -> int:
    """1 or -1."""
    return int(rng.choice((1, -1)))
