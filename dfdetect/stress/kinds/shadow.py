"""A shadow across the face."""

import numpy as np

from dfdetect.fakes.colours import whole
from dfdetect.stress.registry import Rgb, Rng, register


@register(
    "shadow",
    "Shadow",
    "A soft-edged shadow over one half of the face.",
    unit="{} % darker",
    severities=(15, 30, 45, 60, 75),
)
def shadow(picture: Rgb, percent: float, rng: Rng) -> Rgb:
    """Darken what lies on one side of a line near the middle."""
    height, width = picture.shape[:2]
    angle, offset = rng.uniform(0, 2 * np.pi), rng.uniform(-0.2, 0.2)
    across, down = np.linspace(-0.5, 0.5, width)[None], np.linspace(-0.5, 0.5, height)[:, None]
    along = across * np.cos(angle) + down * np.sin(angle) - offset
    # The edge is 3 % of the side wide.
    shaded = 1 / (1 + np.exp(-along / 0.01))
    return whole(picture * (1 - percent / 100 * shaded)[:, :, None])
