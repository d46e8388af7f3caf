"""A part of the face smoothed or painted over, as retouching and inpainting do."""

import cv2
import numpy as np

from dfdetect.fakes.colours import shift_colours
from dfdetect.fakes.masks import EYES, MOUTH, blend, eye_distance, face_mask, fill_hulls, soften
from dfdetect.fakes.registry import Face, Fake, Mask, Points, Rgb, Rng, register


@register(
    "smooth",
    "The face or a part of it, its skin smoothed away or painted over from around.",
    "Telea 2004, An Image Inpainting Technique Based on the Fast Marching Method; Tomasi & Manduchi 1998, "
    "Bilateral Filtering. Local edits are what detectors of whole faces miss: DF40 probes, arXiv 2605.24965",
)
def smooth(picture: Rgb, points: Points, rng: Rng, donor: Face | None = None) -> Fake:
    """Smooth the face, or paint patches of it over."""
    scale = eye_distance(points)
    if rng.random() < 0.6:
        mask = soften(face_mask(picture.shape, points, rng), rng, scale)
        return blend(picture, _smoothed(picture, rng, scale), mask)
    hole = _patches(picture, points, rng)
    filled = cv2.inpaint(
        picture, (hole > 0.5).astype(np.uint8), max(2, round(0.05 * scale)), cv2.INPAINT_TELEA
    )
    return blend(
        picture, np.asarray(filled, np.uint8), np.asarray(cv2.GaussianBlur(hole, (0, 0), 1.0), np.float32)
    )


def _smoothed(picture: Rgb, rng: Rng, scale: float) -> Rgb:
    """The picture without its fine structure, edges kept; at times a little off in colour."""
    reach, levels = max(1.5, 0.06 * scale), rng.uniform(25, 60)
    smoothed = np.asarray(cv2.bilateralFilter(picture, 9, levels, reach), np.uint8)
    if rng.random() < 0.5:
        smoothed = np.asarray(cv2.bilateralFilter(smoothed, 9, levels, reach), np.uint8)
    return shift_colours(smoothed, rng, 0.25) if rng.random() < 0.5 else smoothed


def _patches(picture: Rgb, points: Points, rng: Rng) -> Mask:
    """A few ellipses on the skin: wrinkles below the eyes and beside the mouth, cheeks, the forehead."""
    scale = eye_distance(points)
    below, corners = points[EYES].mean(axis=0), points[MOUTH].mean(axis=0)
    cheeks = [(points[i] + points[j]) / 2 for i, j in ((2, 31), (14, 35), (4, 48), (12, 54))]
    centres = [*cheeks, 2 * points[27] - points[29], (below + corners) / 2]
    chosen = rng.permutation(len(centres))[: rng.integers(1, 4)]
    mask = np.zeros(picture.shape[:2], np.uint8)
    for number in chosen:
        x, y = (round(float(value)) for value in centres[number])
        axes = tuple(round(float(value)) for value in scale * rng.uniform(0.12, 0.3, 2))
        cv2.ellipse(mask, (x, y), axes, float(rng.uniform(0, 180)), 0, 360, 255, -1)
    inside = fill_hulls(picture.shape, [points])
    return np.asarray(mask / 255 * inside, np.float32)
