"""Screenshots in a row."""

import cv2
import numpy as np

from dfdetect.fakes.codecs import coded
from dfdetect.stress.registry import Rgb, Rng, register


@register(
    "screenshot",
    "Screenshots",
    "Screenshots passed on: each resized, saved as JPEG, framed, saved again and cut out.",
    unit="{} in a row",
    severities=(1, 2, 3, 4, 6),
)
def screenshot(picture: Rgb, times: float, rng: Rng) -> Rgb:
    """Each time at another size and quality, and with another border."""
    done = picture
    for _ in range(int(times)):
        done = _passed_on(done, picture.shape, rng)
    return np.asarray(cv2.resize(done, (picture.shape[1], picture.shape[0])), np.uint8)


def _passed_on(picture: Rgb, shape: tuple[int, ...], rng: Rng) -> Rgb:
    """One screenshot, without its border."""
    scale = rng.uniform(0.6, 1.2)
    first, second = ((cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(60, 91))) for _ in range(2))
    top, left = (int(width) for width in rng.integers(4, 20, 2))
    size = (max(8, round(scale * shape[1])), max(8, round(scale * shape[0])))
    small = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    shown = coded(small, ".jpg", first)
    colour = [int(rng.choice((0, 255)))] * 3
    framed = np.asarray(
        cv2.copyMakeBorder(shown, top, top, left, left, cv2.BORDER_CONSTANT, value=colour), np.uint8
    )
    height, width = shown.shape[:2]
    return coded(framed, ".jpg", second)[top : top + height, left : left + width]
