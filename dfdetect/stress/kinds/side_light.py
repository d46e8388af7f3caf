"""Light from one side."""

import numpy as np

from dfdetect.fakes.colours import whole
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
    height, width = picture.shape[:2]
    angle = rng.uniform(0, 2 * np.pi)
    across, down = np.linspace(-0.5, 0.5, width)[None], np.linspace(-0.5, 0.5, height)[:, None]
    along = across * np.cos(angle) + down * np.sin(angle)
    reach = (abs(np.cos(angle)) + abs(np.sin(angle))) / 2
    return whole(picture * ratio ** (along / (2 * reach))[:, :, None])
