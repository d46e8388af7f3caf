"""How far a face is turned aside."""

import math

import numpy as np

from dfdetect.evaluate.registry import Bands, Face, Points, register

PLACES = (30, 8, 36, 45, 48, 54)
"""Landmarks that a turn moves most: tip of the nose, chin, outer corners of the eyes and of the mouth."""
# The same places on a mean head: x points to the picture's right, y down, z away from the camera. The
# numbers are those of a widely used head of these six points. Its unit is free: the outer corners of the
# eyes are 450 apart.
HEAD = np.array(
    [(0, 0, 0), (0, 330, 65), (-225, -170, 135), (225, -170, 135), (-150, 150, 125), (150, 150, 125)], float
)


@register(
    "pose",
    "Turn (yaw)",
    "The angle by which the face is turned to either side, from six of the landmarks beside the manifest "
    "(python -m face_extraction landmarks finds them) and a mean head. The angle is rough, and dlib finds "
    "few faces that are turned far.",
    bands=Bands(unit="°", cuts=(15, 30), form=".0f"),
)
def pose(face: Face) -> float | None:
    """The size of the yaw in degrees; None without landmarks, or if they are no face's."""
    turn = yaw(face.points) if face.points is not None else None
    return None if turn is None else abs(turn)


def yaw(points: Points) -> float | None:
    """The angle by which a head is turned, from its landmarks.

    The head is fitted without perspective: the first step of POSIT (DeMenthon & Davis 1995, "Model-based
    object pose in 25 lines of code").

    Args:
        points: the 68 landmarks, of shape (68, 2).

    Returns:
        Degrees, -90 to 90; above 0 the face looks to the picture's right. None if the points lie in one
        place, or in one line along an edge of the picture.
    """
    model = np.hstack([HEAD, np.ones((len(HEAD), 1))])
    fitted, *_ = np.linalg.lstsq(model, points[list(PLACES)].astype(float), rcond=None)
    # The first two rows of the rotation, each times a scale of its own.
    scales = np.linalg.norm(fitted[:3], axis=0)
    if not np.all(scales):
        return None
    across, down = (fitted[:3] / scales).T
    away = np.cross(across, down)
    return math.degrees(math.atan2(-across[2], away[2]))
