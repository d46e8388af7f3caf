"""Mirrored left to right."""

import numpy as np

from dfdetect.stress.registry import Rgb, Rng, register


@register(
    "flip",
    "Mirrored",
    "Mirrored left to right.",
    unit="mirrored",
    severities=(1,),
)
def flip(picture: Rgb, severity: float, rng: Rng) -> Rgb:
    """Mirror; there is no degree of it."""
    return np.ascontiguousarray(picture[:, ::-1])
