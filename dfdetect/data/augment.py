"""Named augmentations of training faces. Evaluation never calls this module.

They are written in OpenCV on single uint8 images, outside the model's graph: one implementation
serves every Keras backend, JPEG recompression is a real codec's, and each face's random numbers
come from (seed, epoch, position), so that a resumed training sees the same images.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Rgb = NDArray[np.uint8]
Rng = np.random.Generator


def augment(rgb: Rgb, policy: str, rng: Rng) -> Rgb:
    """One random variant of `rgb` under the named policy, of the same shape.

    Args:
        rgb: uint8 of shape (H, W, 3); it is not changed.
        policy: a key of `POLICIES`.
        rng: the only source of chance.
    """
    for step in POLICIES[policy]:
        rgb = step(rgb, rng)
    return np.ascontiguousarray(rgb)


def flip(rgb: Rgb, rng: Rng) -> Rgb:
    """Mirror left to right, half of the time."""
    return rgb[:, ::-1] if rng.random() < 0.5 else rgb


def transform(rgb: Rgb, rng: Rng) -> Rgb:
    """Rotate by up to 10 degrees, scale by up to 10 %, shift by up to 5 % of the side."""
    height, width = rgb.shape[:2]
    angle, scale = rng.uniform(-10, 10), rng.uniform(0.9, 1.1)
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), angle, scale)
    matrix[0, 2] += rng.uniform(-0.05, 0.05) * width
    matrix[1, 2] += rng.uniform(-0.05, 0.05) * height
    return _pixels(cv2.warpAffine(rgb, matrix, (width, height), borderMode=cv2.BORDER_REFLECT_101))


def coarsen(rgb: Rgb, rng: Rng) -> Rgb:
    """Scale down to between a third and all of the size, and up again: a small or distant face."""
    height, width = rgb.shape[:2]
    scale = rng.uniform(1 / 3, 1)
    small = (max(1, round(width * scale)), max(1, round(height * scale)))
    shrunk = cv2.resize(rgb, small, interpolation=cv2.INTER_AREA)
    return _pixels(cv2.resize(shrunk, (width, height), interpolation=cv2.INTER_LINEAR))


def recolour(rgb: Rgb, rng: Rng) -> Rgb:
    """Change brightness, contrast, saturation and the balance of the channels, each by up to 20 %."""
    image = rgb.astype(np.float32)
    grey = image.mean(axis=2, keepdims=True)
    image = grey + (image - grey) * rng.uniform(0.8, 1.2)
    image = image.mean() + (image - image.mean()) * rng.uniform(0.8, 1.2)
    image *= rng.uniform(0.8, 1.2) * rng.uniform(0.95, 1.05, 3)
    return _pixels(image)


def blur(rgb: Rgb, rng: Rng) -> Rgb:
    """Gaussian blur with a standard deviation of up to 1.5 % of the side."""
    return _pixels(cv2.GaussianBlur(rgb, (0, 0), rng.uniform(0.2, max(0.3, 0.015 * rgb.shape[1]))))


def noise(rgb: Rgb, rng: Rng) -> Rgb:
    """Gaussian noise with a standard deviation of up to 8 grey levels."""
    image = rgb + rng.normal(0, rng.uniform(0, 8), rgb.shape)
    return _pixels(image)


def compress(rgb: Rgb, rng: Rng) -> Rgb:
    """Encode as JPEG at a quality of 40 to 95, and decode."""
    quality = int(rng.integers(40, 96))
    _, data = cv2.imencode(".jpg", rgb[:, :, ::-1], (cv2.IMWRITE_JPEG_QUALITY, quality))
    return _pixels(cv2.imdecode(data, cv2.IMREAD_COLOR_RGB))


def _pixels(values: Any) -> Rgb:
    """Values of any kind as grey levels, rounded and cut off at 0 and 255."""
    if values.dtype != np.uint8:  # where it is, rounding would take longer than all else
        values = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    levels: Rgb = values
    return levels


def sometimes(step: Callable[[Rgb, Rng], Rgb], share: float) -> Callable[[Rgb, Rng], Rgb]:
    """`step`, applied to this share of the images."""

    def maybe(rgb: Rgb, rng: Rng) -> Rgb:
        return step(rgb, rng) if rng.random() < share else rgb

    return maybe


# report-c: "randomly flipped or transformed" (Report C, Dataset). strong: what files go through on
# their way to a reader: other cameras, sizes and codecs.
POLICIES: Mapping[str, tuple[Callable[[Rgb, Rng], Rgb], ...]] = MappingProxyType(
    {
        "none": (),
        "report-c": (flip, transform),
        "strong": (
            flip,
            transform,
            sometimes(recolour, 0.8),
            sometimes(coarsen, 0.3),
            sometimes(blur, 0.3),
            sometimes(noise, 0.3),
            sometimes(compress, 0.5),
        ),
    }
)
