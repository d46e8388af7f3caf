"""Resampling as a product of matrices, which every backend and XLA can compute."""

import numpy as np
from PIL import Image


def resampling(old: int, new: int, kind: Image.Resampling) -> np.ndarray:
    """The matrix (new, old), float32, that resamples `old` values to `new`, antialiased.

    TensorFlow's own antialiased and bicubic resizing cannot be compiled by XLA.
    """
    columns = Image.fromarray(np.eye(old, dtype="float32"))
    return np.asarray(columns.resize((old, new), kind))
