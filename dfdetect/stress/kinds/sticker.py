"""A sticker on the face."""

import cv2
import numpy as np

from dfdetect.stress.registry import Rgb, Rng, register

COLOURS = ((250, 205, 60), (235, 110, 150), (120, 200, 90))


@register(
    "sticker",
    "Sticker",
    "A round smiling sticker somewhere on the face.",
    unit="{} % of the face",
    severities=(2, 5, 10, 18, 30),
)
def sticker(picture: Rgb, percent: float, rng: Rng) -> Rgb:
    """Paint it so that it covers this share of the picture."""
    height, width = picture.shape[:2]
    middle = rng.uniform(0.3, 0.7, 2) * (width, height)
    colour = COLOURS[int(rng.integers(len(COLOURS)))]
    radius = np.sqrt(percent / 100 * height * width / np.pi)
    done = picture.copy()

    def disc(across: float, down: float, size: float, painted: tuple[int, int, int]) -> None:
        place = np.rint(middle + radius * np.array([across, down])).astype(int)
        cv2.circle(
            done, tuple(place.tolist()), max(1, round(size * radius)), painted, cv2.FILLED, cv2.LINE_AA
        )

    disc(0, 0, 1, colour)
    for across, down, size in ((-0.35, -0.25, 0.12), (0.35, -0.25, 0.12), (0, 0.35, 0.25)):
        disc(across, down, size, (40, 30, 20))
    return done
