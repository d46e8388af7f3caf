"""A canvas in head units, and the strokes that draw people on it."""

from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.floating[Any]]
Pixels = NDArray[np.uint8]
Place = tuple[slice, slice]
_SUBPIXEL = 4
"""Bits of a pixel that OpenCV's drawing functions use."""


@dataclass(frozen=True)
class Sheet:
    """A canvas in head units: x to the right, y down, (0, 0) between the eyes, 1 = half a head's width.

    Attributes:
        width: width in pixels.
        height: height in pixels.
        left: pixels between the sheet's left edge and x = 0.
        top: pixels between the sheet's top edge and y = 0.
        scale: pixels a unit.
    """

    width: int
    height: int
    left: float
    top: float
    scale: float

    @cached_property
    def x(self) -> Array:
        """The x of each pixel, shape (1, width)."""
        return ((np.arange(self.width, dtype=np.float32) - self.left) / self.scale)[None, :]

    @cached_property
    def y(self) -> Array:
        """The y of each pixel, shape (height, 1)."""
        return ((np.arange(self.height, dtype=np.float32) - self.top) / self.scale)[:, None]

    def window(self, x: float, y: float, half_width: float, half_height: float) -> "Sheet":
        """The part of this sheet around (x, y), cut at whole pixels; `place` gives its position."""
        left = round(self.left + (x - half_width) * self.scale)
        top = round(self.top + (y - half_height) * self.scale)
        return Sheet(
            round(2 * half_width * self.scale),
            round(2 * half_height * self.scale),
            self.left - left,
            self.top - top,
            self.scale,
        )

    def place(self, window: "Sheet") -> Place:
        """The rows and columns of this sheet that `window` covers."""
        top, left = round(self.top - window.top), round(self.left - window.left)
        return slice(top, top + window.height), slice(left, left + window.width)

    def pixels(self, points: Array) -> Array:
        """Convert points (n, 2) from head units to pixels."""
        return np.asarray(points, np.float32) * self.scale + np.array([self.left, self.top], np.float32)

    def fill(self, points: Array, blur: float = 0.0) -> Array:
        """A mask (height, width), 0 to 1, of the polygon `points`; `blur` is a sigma in units."""
        mask = np.zeros((self.height, self.width), np.uint8)
        fixed = np.round(self.pixels(points) * 2**_SUBPIXEL).astype(np.int32)
        cv2.fillPoly(mask, [fixed], 255, cv2.LINE_AA, _SUBPIXEL)
        return self._soft(mask, blur)

    def stroke(self, points: Array, width: float, blur: float = 0.0) -> Array:
        """A mask (height, width), 0 to 1, of the line along `points`, `width` units wide."""
        mask = np.zeros((self.height, self.width), np.uint8)
        fixed = np.round(self.pixels(points) * 2**_SUBPIXEL).astype(np.int32)
        cv2.polylines(mask, [fixed], False, 255, max(1, round(width * self.scale)), cv2.LINE_AA, _SUBPIXEL)
        return self._soft(mask, blur)

    def disc(self, x: float, y: float, radius: float, squash: float = 1.0) -> Array:
        """A mask (height, width), 0 to 1, of an ellipse with a one-pixel edge."""
        distance = np.hypot(self.x - x, (self.y - y) / squash) - np.float32(radius)
        return np.asarray(np.clip(0.5 - distance * self.scale, 0.0, 1.0), np.float32)

    def bell(self, x: float, y: float, wide: float, high: float) -> Array:
        """A Gaussian bell (height, width) of height 1 around (x, y), with two sigmas in units."""
        across = np.exp(-0.5 * ((self.x - x) / wide) ** 2)
        return np.asarray(np.exp(-0.5 * ((self.y - y) / high) ** 2) * across, np.float32)

    def _soft(self, mask: NDArray[np.uint8], blur: float) -> Array:
        soft = cv2.GaussianBlur(mask, (0, 0), blur * self.scale) if blur else mask
        return np.asarray(soft, np.float32) / 255


def paint(image: Array, colour: Array, mask: Array, opacity: float = 1.0) -> None:
    """Paint `colour` over `image` (H, W, 3) in place, as far as `mask` (H, W) says; all 0 to 1."""
    left, top, width, height = cv2.boundingRect((mask > 1 / 512).view(np.uint8))
    place = slice(top, top + height), slice(left, left + width)
    image[place] += (colour - image[place]) * (mask[place] * np.float32(opacity))[..., None]


def layer(image: Array, mask: Array) -> Array:
    """Join colours (H, W, 3) and mask (H, W) into (H, W, 4), with the colours multiplied by the mask."""
    return np.dstack([image * mask[..., None], mask])


def curve(points: ArrayLike, count: int = 24) -> Array:
    """A smooth line (count, 2) through `points` (n, 2): a Catmull-Rom spline."""
    through = np.asarray(points, np.float32)
    return np.asarray(_spline(len(through), count) @ through, np.float32)


@cache
def _spline(points: int, count: int) -> Array:
    """The weight (count, points) of each point at each place of the spline."""
    unit = np.eye(points, dtype=np.float32)
    padded = np.concatenate([2 * unit[:1] - unit[1:2], unit, 2 * unit[-1:] - unit[-2:-1]])
    position = np.linspace(0, points - 1, count, dtype=np.float32)
    start = np.minimum(position.astype(int), points - 2)
    t = (position - start)[:, None]
    a, b, c, d = (padded[start + offset] for offset in range(4))
    cubic = (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3
    return np.asarray(b + 0.5 * cubic, np.float32)


def blurred(picture: Array, sigma: float) -> Array:
    """Blur `picture` (H, W) or (H, W, 3) with a Gaussian of `sigma` pixels."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.float32)


def noise(rng: np.random.Generator, height: int, width: int, rows: int, columns: int) -> Array:
    """Smooth noise (height, width) of mean 0 and deviation near 1, with `rows` by `columns` lumps."""
    grid = rng.standard_normal((max(rows, 2), max(columns, 2))).astype(np.float32)
    return np.asarray(cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def smooth_step(value: Array, low: float | Array, high: float | Array) -> Array:
    """0 below `low`, 1 above `high`, smooth between; if `low` is above `high`, it falls from 1 to 0."""
    t = np.clip((value - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def colour(red: float, green: float, blue: float) -> Array:
    """A colour of three numbers 0..255, as an array (3,) of 0 to 1."""
    return np.array([red, green, blue], np.float32) / 255
