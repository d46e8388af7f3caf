"""Light from one side."""

import numpy as np

from dfdetect.stress.pictures import along, lit
from dfdetect.stress.registry import Rgb, Rng, register


@register(
    "side_light",
    "Light from one side",
    "The light falls off evenly from one side of the face to the other.",
    unit="{} times as bright",
    severities=(1.3, 1.7, 2.5, 4, 7),
)
def side_light(picture: Rgb, ratio: float, rng: Rng) -> Rgb:
    """Multiply by a ramp whose ends have this ratio; the middle keeps its level."""
    angle = rng.uniform(0, 2 * np.pi)
    reach = abs(np.cos(angle)) + abs(np.sin(angle))
    return lit(picture, ratio ** (along(picture, angle) / reach))
