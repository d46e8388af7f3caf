"""Named augmentations of training faces. Evaluation never calls this module.

They use OpenCV on single uint8 images, outside the model's graph: one implementation serves every Keras
backend, and compression uses a real codec. Each face's random numbers come from (seed, epoch, position), so
a resumed training sees the same images.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray

Rgb = NDArray[np.uint8]
Rng = np.random.Generator


def augment(rgb: Rgb, policy: str, rng: Rng) -> Rgb:
    """A random variant of `rgb` under the named policy, of the same shape.

    Args:
        rgb: uint8 of shape (H, W, 3); it is not changed.
        policy: a key of `POLICIES`.
        rng: the only source of randomness.
    """
    for step in POLICIES[policy]:
        rgb = step(rgb, rng)
    return np.ascontiguousarray(rgb)


def flip(rgb: Rgb, rng: Rng) -> Rgb:
    """Mirror left to right, half of the time."""
    return rgb[:, ::-1] if rng.random() < 0.5 else rgb


def transform(rgb: Rgb, rng: Rng) -> Rgb:
    """Rotate by up to 10 degrees, scale by up to 10 %, shift by up to 5 % of the side."""
    return _moved(rgb, rng, 0.9, 1.1)


def _moved(rgb: Rgb, rng: Rng, smallest: float, largest: float) -> Rgb:
    height, width = rgb.shape[:2]
    angle, scale = rng.uniform(-10, 10), rng.uniform(smallest, largest)
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), angle, scale)
    matrix[0, 2] += rng.uniform(-0.05, 0.05) * width
    matrix[1, 2] += rng.uniform(-0.05, 0.05) * height
    moved = cv2.warpAffine(rgb, matrix, (width, height), borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(moved, np.uint8)


def reframe(rgb: Rgb, rng: Rng) -> Rgb:
    """Like `transform`, but scale by .9 to 1.25, because other extractions cut faces with other margins."""
    return _moved(rgb, rng, 0.9, 1.25)


def disturbed(rgb: Rgb, rng: Rng) -> Rgb:
    """Imitate other cameras, sizes and codecs with `dfdetect.fakes.disturb`."""
    # Judging loads this module and disturbs nothing.
    from dfdetect.fakes.disturb import disturb

    return disturb([rgb], rng)[0]


# report-c: "randomly flipped or transformed" (Report C, Dataset). strong: what happens to files on their way
# to a reader; pairs (`dfdetect.data.paired`) get the same.
POLICIES: Mapping[str, tuple[Callable[[Rgb, Rng], Rgb], ...]] = MappingProxyType(
    {"none": (), "report-c": (flip, transform), "strong": (flip, reframe, disturbed)}
)
