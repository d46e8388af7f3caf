"""Uneven light on a face: from one side, in spots, towards the edges, and shadows.

In such light the colours of a real face change from place to place. So do those of a fake, where the pasted
part ends. A detector that was trained on evenly lit faces takes a real face in uneven light for a fake.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from dfdetect.fakes.colours import whole
from dfdetect.fakes.registry import Apply, Rng

Field = NDArray[np.float32]


def log_uniform(rng: Rng, low: float, high: float) -> float:
    """A number whose logarithm is drawn evenly, so that small ones are as frequent as large ones."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def light(rng: Rng, side: int) -> Apply:
    """Light from one side, in blotches or mostly in the middle, white or in a colour."""
    draw = (_from_one_side, _in_blotches, _darker_edges)[int(rng.integers(3))]
    tint = 1 + (rng.uniform(-0.5, 0.5, 3) if rng.random() < 0.4 else np.zeros(3))
    gain = np.exp(draw(rng, side)[:, :, None] * tint)
    return _times((gain / gain.mean()).astype(np.float32))


def _from_one_side(rng: Rng, side: int) -> Field:
    x, y = _places(side)
    angle, steepness = rng.uniform(0, 2 * np.pi), log_uniform(rng, 0.8, 6)
    along = x * np.cos(angle) + y * np.sin(angle) - rng.uniform(-0.5, 0.5)
    return np.asarray(rng.uniform(0.1, 0.6) * np.tanh(steepness * along), np.float32)


def _in_blotches(rng: Rng, side: int) -> Field:
    nodes = int(rng.integers(3, 7))
    coarse = rng.normal(0, rng.uniform(0.05, 0.35), (nodes, nodes)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC), np.float32)


def _darker_edges(rng: Rng, side: int) -> Field:
    x, y = _places(side)
    middle = rng.uniform(-0.3, 0.3, 2)
    return np.asarray(-rng.uniform(0.1, 0.7) * ((x - middle[0]) ** 2 + (y - middle[1]) ** 2), np.float32)


def shade(rng: Rng, side: int) -> Apply:
    """Throw the shadow of something with straight edges, sharp or soft."""
    corners = rng.uniform(-0.3 * side, 1.3 * side, (int(rng.integers(3, 6)), 2))
    shadow = np.zeros((side, side), np.float32)
    cv2.fillPoly(shadow, [cv2.convexHull(np.rint(corners).astype(np.int32))], 1.0)
    softness = side * log_uniform(rng, 0.004, 0.08)
    shadow = np.asarray(cv2.GaussianBlur(shadow, (0, 0), softness), np.float32)
    depth = 1 - rng.uniform(0.35, 0.9) * rng.uniform(0.9, 1.1, 3)
    return _times((1 - shadow[:, :, None] * depth).astype(np.float32))


def shine(rng: Rng, side: int) -> Apply:
    """Add bright spots, as moist skin, glasses and lamps in the picture have."""
    x, y = _places(side)
    added = np.zeros((side, side), np.float32)
    for _ in range(int(rng.integers(1, 4))):
        place, reach = rng.uniform(-1, 1, 2), log_uniform(rng, 0.03, 0.4)
        distance = ((x - place[0]) ** 2 + (y - place[1]) ** 2) / (2 * reach**2)
        added += np.float32(rng.uniform(30, 180)) * np.exp(-distance)
    tinted = added[:, :, None] * rng.uniform(0.85, 1, 3).astype(np.float32)
    return lambda picture: whole(picture + tinted)


def expose(rng: Rng, side: int) -> Apply:
    """Take too little or too much light, of the colour of lamps and screens."""
    gain = log_uniform(rng, 0.2, 1.8) * np.exp(rng.uniform(-0.25, 0.25, 3))
    return _times(gain.astype(np.float32))


def _places(side: int) -> tuple[Field, Field]:
    """The columns, shape (1, side), and the rows, shape (side, 1), from -1 to 1."""
    steps = np.linspace(-1, 1, side, dtype=np.float32)
    return steps[None], steps[:, None]


def _times(gain: Field) -> Apply:
    return lambda picture: whole(picture * gain)
