"""A face blended with a changed copy of itself: only the marks of blending tell it from the real one."""

import numpy as np

from dfdetect.fakes.colours import change_sharpness, shift_colours
from dfdetect.fakes.masks import blend, eye_distance, face_mask, soften
from dfdetect.fakes.registry import Face, Fake, Points, Rgb, Rng, register
from dfdetect.fakes.warps import elastic_map, offset_matrix, shift_mask, shift_rgb, warp_mask

_RATIOS = (0.25, 0.5, 0.75, 1, 1, 1)


@register(
    "self_blend",
    "The face itself, differently coloured, sharpened and moved, blended over itself.",
    "Shiohara & Yamasaki 2022, Detecting Deepfakes with Self-Blended Images, arXiv 2204.08376, section 3",
)
def self_blend(picture: Rgb, points: Points, rng: Rng, donor: Face | None = None) -> Fake:
    """Blend a changed copy of the face over the face.

    The paper changes either the copy or the picture below it. Here only the copy changes, because a
    picture that differs from the real one outside the mask gives itself away without a blending edge;
    the copy becomes both blurrier and sharper than the picture instead.
    """
    height, width = picture.shape[:2]
    scale = eye_distance(points)
    source = change_sharpness(shift_colours(picture, rng), rng)
    mask = face_mask(picture.shape, points, rng)
    matrix = offset_matrix(height, width, rng)
    source = shift_rgb(source, matrix)
    mask = warp_mask(shift_mask(mask, matrix), elastic_map(height, width, rng, 0.08 * scale))
    return blend(picture, source, soften(mask, rng, scale) * np.float32(rng.choice(_RATIOS)))
