"""Scaled down, and up again to its former size."""

from dfdetect.fakes.colours import coarsen
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
    return coarsen(picture, percent / 100)
