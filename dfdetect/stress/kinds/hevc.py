"""One frame through HEVC."""

from dfdetect.fakes.codecs import HEVC, filmed
from dfdetect.stress.registry import Rgb, Rng, register


@register(
    "hevc",
    "HEVC",
    "The first frame of an HEVC video, because its predicted frames differ from call to call.",
    unit="CRF {}",
    severities=(22, 27, 32, 38, 44),
)
def hevc(picture: Rgb, crf: float, rng: Rng) -> Rgb:
    """Film, encode and decode."""
    return filmed(picture, HEVC, int(crf))
