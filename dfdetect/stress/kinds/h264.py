"""The last of four frames of an H.264 video in which the crop moves."""

from dfdetect.fakes.codecs import H264, filmed
from dfdetect.stress.registry import Rgb, Rng, register

FRAMES = 4


@register(
    "h264",
    "H.264",
    "The last of four frames of an H.264 video in which the crop moves.",
    unit="CRF {}",
    severities=(18, 23, 28, 34, 40),
)
def h264(picture: Rgb, crf: float, rng: Rng) -> Rgb:
    """Film, encode and decode."""
    shift = (int(rng.integers(-3, 4)), int(rng.integers(-3, 4)))
    return filmed(picture, H264, int(crf), FRAMES, shift)
