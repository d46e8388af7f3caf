"""Disturbances that both real and generated faces go through before the discriminator sees them.

Reference: Zhao et al. 2020, DiffAugment, arXiv 2006.10738, section 3: with a thousand faces a discriminator
learns them by heart; one that sees them in other colours, shifted and with a square cut out cannot. The
generator is trained through the same operations, so it does not copy them. All random numbers come
from NumPy, so that a step's seed fixes them on every backend.
"""

from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from dfdetect.fakes.registry import Rng

PARTS = 4
"""How many arrays `draw_disturbance` gives."""
_SHIFT = 1 / 8
_CUT = 1 / 2


def draw_disturbance(rng: Rng, count: int, side: int) -> list[NDArray[np.float32]]:
    """Draw colours, shifts and cuts for `count` faces.

    Returns:
        colours (n, 3): brightness to add, factors of saturation and contrast; two matrices (n, side, side)
        that shift along columns and rows; and where nothing is cut (n, side, side, 1), 0 or 1.
    """
    colours = np.stack(
        [rng.uniform(-0.5, 0.5, count), rng.uniform(0, 2, count), rng.uniform(0.5, 1.5, count)], axis=1
    )
    reach = int(side * _SHIFT)
    down, right = (
        np.stack([np.eye(side, k=int(by)) for by in rng.integers(-reach, reach + 1, count)]) for _ in range(2)
    )
    half = int(side * _CUT) // 2
    middles = rng.integers(0, side + 1, (count, 2, 1))
    rows, columns = (np.abs(np.arange(side) - middles[:, axis] + 0.5) < half for axis in (0, 1))
    kept = ~(rows[:, :, None] & columns[:, None, :])
    return [np.asarray(each, np.float32) for each in (colours, down, right, kept[..., None])]


def disturb(faces: Any, drawn: Any) -> Any:
    """Faces (B, S, S, 3) in -1..1, disturbed as drawn; can be differentiated."""
    colours, down, right, kept = drawn
    brightness, saturation, contrast = (colours[:, at, None, None, None] for at in range(3))
    faces = faces + brightness
    grey = ops.mean(faces, axis=3, keepdims=True)
    faces = (faces - grey) * saturation + grey
    middle = ops.mean(faces, axis=(1, 2, 3), keepdims=True)
    faces = (faces - middle) * contrast + middle
    faces = ops.einsum("bij,bjwc->biwc", down, faces)
    return ops.einsum("bvw,bhwc->bhvc", right, faces) * kept
