"""The one function that cuts a face out; extraction and prediction both call it."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from face_extraction.images import check_rgb, resize
from face_extraction.manifest import Box
from face_extraction.settings import CropSpec

__all__ = ["CropSpec", "crop_face", "crop_side"]


def crop_side(box: Box, spec: CropSpec) -> int:
    """Side of the square cut out around `box`, in pixels of the frame."""
    return max(1, round(box.longer_side * (1 + spec.margin)))


def crop_face(
    rgb: NDArray[np.uint8], box: Box, spec: CropSpec, landmarks: NDArray[np.float64] | None = None
) -> NDArray[np.uint8]:
    """Cut a square around the centre of `box` and scale it.

    Beyond the frame's edge the picture is mirrored. A black border would mark faces near the edge, and a
    model could learn it instead of the face.

    Args:
        rgb: the upright frame, uint8 of shape (height, width, 3).
        box: the face in it.
        spec: size, margin and alignment.
        landmarks: (5, 2) or (68, 2) points of the face in dlib's order; needed to align.

    Returns:
        uint8 of shape (spec.size, spec.size, 3).

    Raises:
        TypeError: `rgb` is not an array of uint8.
        ValueError: `rgb` has another shape, or `spec.align` is set without landmarks.
    """
    rgb = check_rgb(rgb)
    side = crop_side(box, spec)
    centre = ((box.left + box.right) / 2, (box.top + box.bottom) / 2)
    if not spec.align:
        return resize(_window(rgb, centre, side), spec.size)
    if landmarks is None:
        raise ValueError("landmarks are needed to align a crop. Received: None")
    # At any angle the corners of the turned square must lie in the window.
    window = _window(rgb, centre, math.ceil(side * math.sqrt(2)) + 2)
    middle = (window.shape[0] - 1) / 2
    turn = cv2.getRotationMatrix2D((middle, middle), _eye_angle(landmarks), 1.0)
    turned = np.asarray(
        cv2.warpAffine(window, turn, window.shape[1::-1], flags=cv2.INTER_LINEAR), dtype=np.uint8
    )
    start = (window.shape[0] - side) // 2
    return resize(turned[start : start + side, start : start + side], spec.size)


def _window(rgb: NDArray[np.uint8], centre: tuple[float, float], side: int) -> NDArray[np.uint8]:
    """The square of `side` pixels around `centre` (x, y), mirrored beyond the frame."""
    rows = _mirrored(round(centre[1] - side / 2), side, rgb.shape[0])
    columns = _mirrored(round(centre[0] - side / 2), side, rgb.shape[1])
    return rgb[rows][:, columns].copy()  # A view would keep the whole frame in memory.


def _mirrored(start: int, count: int, length: int) -> "slice | NDArray[np.int64]":
    """Indices start..start+count-1 into an axis of `length`, mirrored at both ends."""
    if start >= 0 and start + count <= length:  # A slice is faster to take.
        return slice(start, start + count)
    period = max(1, 2 * (length - 1))
    index = np.abs(np.arange(start, start + count)) % period
    return np.minimum(index, period - index) if length > 1 else np.zeros(count, dtype=np.int64)


def _eye_angle(landmarks: NDArray[np.float64]) -> float:
    """Degrees by which the line from the picture's left eye to its right eye falls."""
    left, right = (
        (landmarks[2:4], landmarks[0:2]) if len(landmarks) == 5 else (landmarks[36:42], landmarks[42:48])
    )
    across, down = right.mean(axis=0) - left.mean(axis=0)
    return math.degrees(math.atan2(down, across))
