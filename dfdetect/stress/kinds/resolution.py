"""The face as a smaller video has it: scaled down, through H.264 at CRF 23, and enlarged."""

from dfdetect.fakes.codecs import H264, filmed
from dfdetect.fakes.colours import enlarged, shrunk
from dfdetect.stress.registry import Rgb, Rng, register

FRAMES = 3


@register(
    "resolution",
    "Small video",
    "The face as a smaller video has it: scaled down, through H.264 at CRF 23, and enlarged.",
    unit="{} pixels wide",
    severities=(160, 112, 80, 56, 40),
)
def resolution(picture: Rgb, side: float, rng: Rng) -> Rgb:
    """Shrink, film and enlarge; a crop that is no larger is filmed alone."""
    shift = (int(rng.integers(-2, 3)), int(rng.integers(-2, 3)))
    small = shrunk(picture, min(1.0, side / picture.shape[1]))
    return enlarged(filmed(small, H264, 23, FRAMES, shift), picture.shape)
