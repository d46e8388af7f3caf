"""Resampling by matrix products, which every backend and XLA can compute."""

import numpy as np
from PIL import Image


def resampling(old: int, new: int, kind: Image.Resampling) -> np.ndarray:
    """The matrix (new, old), float32, that resamples `old` values to `new`, antialiased.

    TensorFlow's own antialiased and bicubic resizing cannot be compiled by XLA.
    """
    columns = Image.fromarray(np.eye(old, dtype="float32"))
    return np.asarray(columns.resize((old, new), kind))


def sharp_bicubic(old: int, new: int) -> np.ndarray:
    """The matrix (new, old), float32, that resamples `old` values to `new`, bicubic and not antialiased.

    It uses Keys' kernel with a = -0.75, half-pixel centres, and the edge values beyond the edges. That is
    the convention of PyTorch's `interpolate`, which resampled DINOv2's positions.
    """
    matrix = np.zeros((new, old))
    for row in range(new):
        centre = (row + 0.5) * old / new - 0.5
        first = int(np.floor(centre)) - 1
        for column in range(first, first + 4):
            matrix[row, min(max(column, 0), old - 1)] += _keys(abs(centre - column))
    return matrix.astype("float32")


def _keys(x: float, a: float = -0.75) -> float:
    """Keys' cubic convolution kernel at a distance `x` of 0 to 2."""
    if x <= 1:
        return (a + 2) * x**3 - (a + 3) * x**2 + 1
    return a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a if x < 2 else 0.0
