"""A mask over mouth and nose."""

import cv2
import numpy as np

from dfdetect.stress.registry import Rgb, Rng, register

COLOURS = ((170, 205, 225), (240, 240, 240), (35, 35, 40), (120, 150, 130))


@register(
    "mask",
    "Face mask",
    "The lower face covered by a plain mask.",
    unit="lowest {} %",
    severities=(10, 20, 30, 40, 50),
)
def mask(picture: Rgb, percent: float, rng: Rng) -> Rgb:
    """Paint a mask with straps, in one of four colours."""
    height, width = picture.shape[:2]
    colour = COLOURS[int(rng.integers(len(COLOURS)))]
    top = (1 - percent / 100) * height
    shape = np.array([(0.14, top), (0.5, top - 0.03 * height), (0.86, top), (0.76, height), (0.24, height)])
    shape[:, 0] *= width
    done = picture.copy()
    for side in (0, width):
        corner = (round(width * (0.14 if side == 0 else 0.86)), round(top + 1))
        cv2.line(done, (side, round(top - 0.05 * height)), corner, colour, max(1, width // 60), cv2.LINE_AA)
    cv2.fillPoly(done, [np.rint(shape).astype(np.int32)], colour, cv2.LINE_AA)
    return done
