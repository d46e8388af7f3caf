"""The face with its fine structure made anew: what decoders and generators leave on skin."""

import cv2
import numpy as np
from numpy.typing import NDArray

from dfdetect.fakes.colours import coarsen, shift_colours
from dfdetect.fakes.masks import blend, eye_distance, face_mask, soften
from dfdetect.fakes.registry import Face, Fake, Points, Rgb, Rng, register


@register(
    "texture",
    "The face without its own fine structure, and with a made one: grain of the wrong scale, or the grid of "
    "an upsampling decoder.",
    "Odena et al. 2016, Deconvolution and Checkerboard Artifacts; Durall et al. 2020, Watch your "
    "Up-Convolution, arXiv 2003.01826",
)
def texture(picture: Rgb, points: Points, rng: Rng, donor: Face | None = None) -> Fake:
    """Replace the detail of the face by grain, a grid, or both, about as strong as what was there."""
    scale = eye_distance(points)
    smooth = coarsen(picture, rng.uniform(0.25, 0.6)).astype(np.float32)
    lost = float(np.std(picture.astype(np.float32) - smooth))
    made = np.zeros(picture.shape, np.float32)
    which = rng.choice(("grain", "grid", "both"))
    if which != "grid":
        made += _grain(picture.shape[0], picture.shape[1], rng) * rng.uniform(0.4, 1.0) * min(lost, 6.0)
    if which != "grain":
        made += _grid(picture.shape[0], picture.shape[1], rng) * rng.uniform(1.0, 3.5)
    source = np.clip(np.rint(smooth + made), 0, 255).astype(np.uint8)
    source = shift_colours(source, rng, 0.4) if rng.random() < 0.5 else source
    mask = soften(face_mask(picture.shape, points, rng), rng, scale)
    return blend(picture, source, mask)


def _grain(height: int, width: int, rng: Rng) -> NDArray[np.float32]:
    """Noise of one scale, with a deviation of 1, the same in all channels but for a little colour."""
    sigma = rng.uniform(0.5, 1.6)
    grey, tint = (rng.standard_normal((height, width, n), dtype=np.float32) for n in (1, 3))
    field = cv2.GaussianBlur(0.9 * grey + 0.3 * tint, (0, 0), sigma)
    return np.asarray(field / max(1e-6, float(field.std())), np.float32)


def _grid(height: int, width: int, rng: Rng) -> NDArray[np.float32]:
    """A checkerboard of the period that strided upsampling leaves, stronger here than there."""
    period = int(rng.choice((2, 4, 8)))
    y, x = np.ogrid[:height, :width]
    waves = np.cos(2 * np.pi * x / period) + np.cos(2 * np.pi * y / period)
    strength = cv2.resize(rng.uniform(0, 1, (5, 5)).astype(np.float32), (width, height))
    return (waves * strength)[:, :, None].astype(np.float32)
