"""Another person's face, warped onto the landmarks and blended in: a face swap by graphics."""

import cv2
import numpy as np

from dfdetect.fakes.colours import coarsen, transfer_colours
from dfdetect.fakes.masks import BROWS, JAW, blend, eye_distance, fill_hulls, raised_brows, soften
from dfdetect.fakes.registry import Face, Fake, Mask, Points, Rgb, Rng, register
from dfdetect.fakes.warps import landmark_map, warp_rgb

_POISSON = 0.2
"""Share of the swaps that are blended by gradients, which takes ten times as long."""


@register(
    "swap",
    "Another person's face, warped onto the landmarks, matched in colour and blended in.",
    "Roessler et al. 2019, FaceForensics++, arXiv 1901.08971, section 3.1 (FaceSwap); Li et al. 2020, Face "
    "X-ray, arXiv 1912.13458, section 4 (donor nearest in landmarks); Perez et al. 2003 (Poisson blending)",
    needs_donor=True,
)
def swap(picture: Rgb, points: Points, rng: Rng, donor: Face | None = None) -> Fake:
    """Put the donor's face into the picture.

    Raises:
        ValueError: no donor.
    """
    if donor is None:
        raise ValueError("a swap needs a donor. Received: None")
    height, width = picture.shape[:2]
    scale = eye_distance(points)
    hard = _hull(picture, points, rng)
    source = warp_rgb(donor.picture, landmark_map(height, width, _guides(points), _guides(donor.points)))
    source = transfer_colours(source, picture, hard, rng.uniform(0.6, 1.0))
    if rng.random() < 0.5:
        source = coarsen(source, rng.uniform(0.4, 0.9))
    if rng.random() < _POISSON:
        cloned = _poisson(picture, source, hard)
        if cloned is not None:
            return cloned
    return blend(picture, source, soften(hard, rng, scale))


def _hull(picture: Rgb, points: Points, rng: Rng) -> Mask:
    """The face's hull, drawn in a little from the jaw, with the brows raised or not."""
    shaped = raised_brows(points, rng.uniform(0.0, 0.8))
    middle = points.mean(axis=0)
    shaped[JAW] = middle + (shaped[JAW] - middle) * rng.uniform(0.85, 1.0)
    return fill_hulls(picture.shape, [shaped])


def _guides(points: Points) -> Points:
    """The landmarks and the raised brows, so that the forehead is part of the warp."""
    return np.concatenate([points, raised_brows(points, 1.0)[BROWS]]).astype(np.float32)


def _poisson(picture: Rgb, source: Rgb, hard: Mask) -> Fake | None:
    """The source blended by gradients; None where the hull reaches the edge of the picture."""
    inside = (hard > 0.5).astype(np.uint8) * 255
    inside[:2], inside[-2:], inside[:, :2], inside[:, -2:] = 0, 0, 0, 0
    left, top, width, height = cv2.boundingRect(inside)
    if width < 8 or height < 8:
        return None
    cloned = cv2.seamlessClone(
        source, picture, inside.copy(), (left + width // 2, top + height // 2), cv2.NORMAL_CLONE
    )
    # OpenCV writes into the mask that it is given (hence the copy), and changes pixels outside the hull by a
    # level or so, within its bounding rectangle.
    return Fake(np.where(inside[:, :, None] > 0, cloned, picture), (inside > 0).astype(np.float32))
