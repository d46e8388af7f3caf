"""The tone of the skin in the picture."""

import math

import numpy as np

from dfdetect.evaluate.colours import lab
from dfdetect.evaluate.registry import Bands, Face, Points, register

CLASSES = Bands(
    unit="°",
    cuts=(-30, 10, 28, 41, 55),
    names=("dark", "brown", "tan", "intermediate", "light", "very light"),
    form=".0f",
)
CHEEKS = ((0.285, 0.55), (0.72, 0.545))
"""Places of the cheeks in a crop without landmarks, as shares of width and height: the means of our crops."""
SIDE = 0.08
"""Half the side of the square that is looked at on each cheek, as a share of the crop's shorter side."""


def ita(lightness: float, yellow: float) -> float | None:
    """The individual typology angle arctan((L* - 50) / b*), in degrees.

    References: Chardon et al. 1991, "Skin colour typology and suntanning pathways"; the six classes and
    their cuts as in Del Bino & Bernerd 2013, "Variations in skin colour and the biological consequences of
    ultraviolet radiation exposure".

    Args:
        lightness: L*, 0 to 100.
        yellow: b*.

    Returns:
        -90 to 90; None if b* is not above 0: in white light no skin is like that.
    """
    return math.degrees(math.atan((lightness - 50) / yellow)) if yellow > 0 else None


@register(
    "skin_tone",
    "Skin tone (ITA)",
    "The individual typology angle ITA = arctan((L* - 50) / b*), of the median colour of both cheeks "
    "(Chardon et al. 1991), in the six usual classes: very light above 55 degrees, light above 41, "
    "intermediate above 28, tan above 10, brown above -30, else dark. It is meant for skin in measured "
    "light. Here lamp, shadow, make-up, white balance and the fake itself change it, so that one person can "
    "stand in several classes. It tells of pixels, and is no ethnicity.",
    bands=CLASSES,
)
def skin_tone(face: Face) -> float | None:
    """ITA of the cheeks in degrees; None if their colour is no skin's, as in a grey picture."""
    picture = face.picture
    height, width = picture.shape[:2]
    half = max(1, round(SIDE * min(height, width)))
    colours = []
    for x, y in cheeks(face.points) if face.points is not None else _usual(height, width):
        # A cheek of a turned head may lie at the crop's border.
        left, top = (round(max(half, min(end - half, at))) - half for at, end in ((x, width), (y, height)))
        patch = picture[max(0, top) : top + 2 * half, max(0, left) : left + 2 * half]
        colours.append(lab(patch).reshape(-1, 3))
    lightness, _, yellow = np.median(np.concatenate(colours), axis=0)
    return ita(float(lightness), float(yellow))


def cheeks(points: Points) -> list[tuple[float, float]]:
    """The middles of both cheeks, x and y: halfway between the jaw and the side of the nose."""
    middles = [(points[jaw] + points[nose]) / 2 for jaw, nose in ((2, 31), (14, 35))]
    return [(float(x), float(y)) for x, y in middles]


def _usual(height: int, width: int) -> list[tuple[float, float]]:
    return [(x * width, y * height) for x, y in CHEEKS]
