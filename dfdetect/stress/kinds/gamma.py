"""Midtones darker or brighter, black and white as they are."""

import numpy as np

from dfdetect.stress.pictures import either_way, mapped
from dfdetect.stress.registry import Rgb, Rng, register


@register(
    "gamma",
    "Gamma",
    "Midtones darker or brighter, black and white as they are.",
    unit="gamma {}",
    severities=(1.15, 1.35, 1.7, 2.2, 3),
)
def gamma(picture: Rgb, gamma_: float, rng: Rng) -> Rgb:
    """Raise to the power of gamma or of 1 / gamma."""
    return mapped(picture, 255 * (np.arange(256) / 255) ** float(gamma_ ** either_way(rng)))
