"""A bar with text."""

import cv2

from dfdetect.stress.registry import Rgb, Rng, register

TEXT = "LIVE  BREAKING NEWS"


@register(
    "banner",
    "Text banner",
    "A bar with text across the lower half, as news and captions have it.",
    unit="{} % of the height",
    severities=(6, 12, 20, 30, 42),
)
def banner(picture: Rgb, percent: float, rng: Rng) -> Rgb:
    """Paint the bar over the full width, and letters in it."""
    height, width = picture.shape[:2]
    foot = round(height * rng.uniform(0.85, 0.98))
    dark = bool(rng.integers(2))
    back, front = ((20, 25, 60), (255, 255, 255)) if dark else ((245, 245, 245), (10, 10, 10))
    head = foot - max(1, round(percent / 100 * height))
    done = picture.copy()
    cv2.rectangle(done, (0, head), (width, foot), back, cv2.FILLED)
    scale = (foot - head) / 45
    base = (round(0.04 * width), foot - round(0.3 * (foot - head)))
    font = cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(done, TEXT, base, font, scale, front, max(1, round(2 * scale)), cv2.LINE_AA)
    return done
