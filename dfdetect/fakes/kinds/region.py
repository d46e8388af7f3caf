"""Eyes or mouth alone, from a copy that moves them: what reenactment and lip synchronisation change."""

import cv2
import numpy as np

from dfdetect.fakes.colours import coarsen, shift_colours
from dfdetect.fakes.masks import BROWS, EYES, MOUTH, NOSE, blend, eye_distance, fill_hulls, soften
from dfdetect.fakes.registry import Face, Fake, Mask, Points, Rgb, Rng, register
from dfdetect.fakes.warps import Map, identity_map, warp_rgb

_PARTS = {
    "mouth": [[*MOUTH]],
    "mouth_and_chin": [[*MOUTH, *range(5, 12)]],
    "eyes": [[*EYES[:6], *BROWS[:5]], [*EYES[6:], *BROWS[5:]]],
    "nose_and_mouth": [[*NOSE, *MOUTH]],
}


@register(
    "region",
    "Eyes or mouth alone, from a copy whose features moved and whose colours are a little off.",
    "Chen et al. 2022, Self-supervised Learning of Adversarial Example (SLADD), arXiv 2203.12208: blending "
    "of facial parts; Prajwal et al. 2020 (Wav2Lip), arXiv 2008.10010: the mouth drawn anew",
)
def region(picture: Rgb, points: Points, rng: Rng, donor: Face | None = None) -> Fake:
    """Move the features of one part, change its colours and its sharpness, and blend it in."""
    scale = eye_distance(points)
    parts = _PARTS[str(rng.choice(list(_PARTS)))]
    mask = _wide(fill_hulls(picture.shape, [points[part] for part in parts]), points, rng)
    source = warp_rgb(picture, _moved(picture, points, parts, rng))
    source = shift_colours(source, rng, 0.5) if rng.random() < 0.7 else source
    source = coarsen(source, rng.uniform(0.3, 0.8)) if rng.random() < 0.7 else source
    return blend(picture, source, soften(mask, rng, 0.6 * scale))


def _wide(mask: Mask, points: Points, rng: Rng) -> Mask:
    """The mask, grown by a fifth to a half of the distance between the eyes."""
    reach = max(1, round(eye_distance(points) * rng.uniform(0.1, 0.25)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    return np.asarray(cv2.dilate(mask, kernel), np.float32)


def _moved(picture: Rgb, points: Points, parts: list[list[int]], rng: Rng) -> Map:
    """A map that stretches, shifts and skews each part about its middle, and nothing far from it."""
    height, width = picture.shape[:2]
    moved = identity_map(height, width)
    stretch = rng.uniform(0.8, 1.25, 2)
    skew = rng.uniform(-0.15, 0.15)
    for part in parts:
        middle = points[part].mean(axis=0)
        reach = max(4.0, float(np.ptp(points[part], axis=0).max()) * 0.6)
        shift = rng.normal(0, 0.04 * eye_distance(points), 2).astype(np.float32)
        x = np.arange(width, dtype=np.float32)[None] - middle[0]
        y = np.arange(height, dtype=np.float32)[:, None] - middle[1]
        near = np.exp(-(x**2) / (2 * reach**2)) * np.exp(-(y**2) / (2 * reach**2))
        moved[:, :, 0] += near * (x * np.float32(1 / stretch[0] - 1) + y * np.float32(skew) - shift[0])
        moved[:, :, 1] += near * (y * np.float32(1 / stretch[1] - 1) - shift[1])
    return moved
