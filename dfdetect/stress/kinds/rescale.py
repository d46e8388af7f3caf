"""Scaled down, and up again to its former size."""

from dfdetect.stress.pictures import shrunk, shrunk_and_enlarged
from dfdetect.stress.registry import Rgb, Rng, register


@register(
    "rescale",
    "Scaled down and up",
    "Scaled down, and up again to its former size.",
    unit="{} % of the side",
    severities=(80, 60, 40, 25, 15),
)
def rescale(picture: Rgb, percent: float, rng: Rng) -> Rgb:
    """Shrink by area and enlarge bilinearly."""
    return shrunk_and_enlarged(shrunk(picture, percent / 100), picture.shape)
