"""How sharp a face is: faces more blurred than those that a model was tested on get no verdict."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from face_extraction.images import resize

LOOKED_AT = 300
"""Crops of a split that `least_sharpness` looks at, evenly spread over it."""
PERCENTILE = 1.0
"""The percentile of their sharpness that counts as the least that was tested."""


def sharpness(rgb: NDArray[np.uint8]) -> float:
    """The variance of the smoothed Laplacian over the crop's own: blur lowers it, light and contrast do not.

    Without the smoothing (a Gaussian of one pixel), noise and the blocks of a codec make a blurred face look
    sharp, and so does the rounding to whole levels.

    Reference: Pech-Pacheco et al. 2000, "Diatom autofocusing in brightfield microscopy", whose measure is the
    numerator without smoothing.

    Args:
        rgb: uint8 of shape (S, S, 3), at the model's size.

    Returns:
        0 for a flat picture; white noise has about .11.
    """
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float64)
    own = float(grey.var())
    smoothed = cv2.GaussianBlur(grey, (0, 0), 1)
    return float(cv2.Laplacian(smoothed, cv2.CV_64F).var()) / own if own else 0.0


def least_sharpness(paths: Sequence[str], load: Callable[[str], NDArray[np.uint8]], size: int) -> float:
    """The least sharpness among crops, but for the most blurred hundredth.

    Args:
        paths: at least one crop.
        load: reads one.
        size: the model's side, to which crops are scaled as for scoring.
    """
    places = np.unique(np.linspace(0, len(paths) - 1, LOOKED_AT).round().astype(int))
    return float(np.percentile([sharpness(resize(load(paths[place]), size)) for place in places], PERCENTILE))
