"""Colour and sharpness of the source that is laid over a face."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dfdetect.fakes.registry import Mask, Rgb, Rng

_LEVELS = np.arange(256, dtype=np.float32)


def whole(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Real numbers as pixels: rounded, and cut off at black and white."""
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)


def shift_colours(picture: Rgb, rng: Rng, strength: float = 1.0) -> Rgb:
    """Shift channels, saturation, brightness and contrast a little (Shiohara & Yamasaki 2022, 3.1).

    Args:
        picture: uint8 of shape (H, W, 3).
        rng: the only source of chance.
        strength: 1 shifts channels by up to 20 levels and brightness by up to a tenth of the range.
    """
    shift = strength * rng.uniform(-20, 20, 3) * (rng.random() < 0.7)
    contrast, brightness = 1 + strength * rng.uniform(-0.1, 0.1), strength * rng.uniform(-0.1, 0.1) * 255
    curves = [whole((_LEVELS - 127.5) * contrast + 127.5 + brightness + each) for each in shift]
    shifted = cv2.LUT(picture, np.stack(curves, axis=1)[:, None])
    if rng.random() < 0.7:
        hsv = cv2.cvtColor(shifted, cv2.COLOR_RGB2HSV)
        hue = ((_LEVELS + strength * rng.uniform(-4, 4)) % 180).astype(np.uint8)
        saturation = whole(_LEVELS * (1 + strength * rng.uniform(-0.25, 0.25)))
        same = _LEVELS.astype(np.uint8)
        hsv = cv2.LUT(hsv, np.stack([hue, saturation, same], axis=1)[:, None])
        shifted = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
    return np.asarray(shifted, np.uint8)


def change_sharpness(picture: Rgb, rng: Rng) -> Rgb:
    """Coarsen by scaling down and up, sharpen, or leave as it is."""
    chance = rng.random()
    if chance < 0.45:
        return coarsen(picture, rng.uniform(0.35, 0.9))
    if chance < 0.85:
        return sharpened(picture, rng.uniform(0.7, 1.6), rng.uniform(0.3, 1.2))
    return picture


def sharpened(picture: Rgb, sigma: float, share: float) -> Rgb:
    """Add this share of what a Gaussian blur of `sigma` pixels takes away."""
    blurred = cv2.GaussianBlur(picture, (0, 0), sigma)
    return np.asarray(cv2.addWeighted(picture, 1 + share, blurred, -share, 0), np.uint8)


def coarsen(picture: Rgb, share: float) -> Rgb:
    """Scale to this share of the size, and up again."""
    return enlarged(shrunk(picture, share), picture.shape)


def shrunk(picture: Rgb, share: float) -> Rgb:
    """The picture with sides of this share, 8 pixels or more, by area."""
    height, width = (max(8, round(side * share)) for side in picture.shape[:2])
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def enlarged(small: Rgb, shape: tuple[int, ...]) -> Rgb:
    """A shrunk picture at its former size, as a player shows it."""
    return np.asarray(cv2.resize(small, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR), np.uint8)


def transfer_colours(source: Rgb, target: Rgb, mask: Mask, strength: float = 1.0) -> Rgb:
    """Give the source the target's mean and deviation of colour within the mask.

    Reference: Reinhard et al. 2001, Color transfer between images, in CIE Lab.

    Args:
        source: uint8 of shape (H, W, 3).
        target: of the same shape.
        mask: where colours are measured, float32 of shape (H, W).
        strength: 0 leaves the source's colours, 1 gives it the target's.
    """
    inside = (mask > 0.5).astype(np.uint8)
    if not inside.any():
        return source
    lab, goal = cv2.cvtColor(source, cv2.COLOR_RGB2LAB), cv2.cvtColor(target, cv2.COLOR_RGB2LAB)
    mean, deviation = (value.ravel() for value in cv2.meanStdDev(lab, mask=inside))
    wanted, spread = (value.ravel() for value in cv2.meanStdDev(goal, mask=inside))
    gain = np.clip(spread / np.maximum(deviation, 1.0), 0.5, 2.0)
    gain, wanted = 1 + strength * (gain - 1), mean + strength * (wanted - mean)
    curves = [whole((_LEVELS - mean[i]) * gain[i] + wanted[i]) for i in range(3)]
    matched = cv2.LUT(lab, np.stack(curves, axis=1)[:, None])
    return np.asarray(cv2.cvtColor(matched, cv2.COLOR_LAB2RGB), np.uint8)
