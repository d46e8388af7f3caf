"""Bring HDR, and colours of wider primaries, into what an SDR display shows.

Sources: ITU-T H.273 (the numbers of primaries and curves); ITU-R BT.2100 (PQ, HLG), BT.2408 (diffuse white is
203 cd/m2), BT.1886 (the display of SDR), BT.2087 (BT.2020 to BT.709); SMPTE EG 432-1 (P3-D65's primaries).
"""

from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

UNTAGGED, BT2020, P3_D65 = 2, 9, 12
"""H.273's numbers of primaries; 2 says nothing, of a curve too."""
NO_TAGS = (UNTAGGED, UNTAGGED)
"""Neither primaries nor curve are named."""
_LINEAR, _SRGB, _PQ, _HLG = 8, 13, 16, 18
# The luminance that SDR shows as white, and the peak at which HLG's gamma is 1.2, in cd/m2.
_WHITE, _HLG_PEAK = 203.0, 1000.0
# About sRGB's.
_SHOWN_GAMMA = 2.2
# From linear light of wider primaries to BT.709's.
_TO_709 = {
    BT2020: (
        (1.660491, -0.587641, -0.072850), (-0.124550, 1.132900, -0.008349), (-0.018151, -0.100579, 1.118730),
    ),
    P3_D65: (
        (1.224940, -0.224940, 0.0), (-0.042057, 1.042057, 0.0), (-0.019638, -0.078636, 1.098274),
    ),
}  # fmt: skip
_STEPS = 4096
# Pixels converted at once: they take 40 bytes each.
_AT_ONCE = 4_000_000


def wide_tags(primaries: int, curve: int) -> tuple[int, int]:
    """The primaries and the curve, by H.273; HDR without tagged primaries has BT.2020's."""
    return (BT2020 if primaries == UNTAGGED and curve in _CURVES else primaries), curve


def is_wide(primaries: int, curve: int) -> bool:
    """Whether colours with these tags look wrong if they are taken for SDR with BT.709's primaries."""
    return primaries in _TO_709 or is_hdr(curve) or curve == _LINEAR


def is_hdr(curve: int) -> bool:
    """Whether it is the curve of PQ or HLG."""
    return curve in _CURVES


def in_standard(rgb: NDArray[np.uint8] | NDArray[np.uint16], primaries: int, curve: int) -> NDArray[np.uint8]:
    """SDR with BT.709's primaries. Light above diffuse white is cut off, so that skin keeps its tone.

    Args:
        rgb: codes of full range, of shape (height, width, 3).
        primaries: by H.273.
        curve: the transfer characteristics, by H.273.

    Returns:
        uint8 of the same shape.
    """
    shown = np.empty(rgb.shape, np.uint8)
    rows = max(1, _AT_ONCE // max(1, rgb.shape[1]))
    for top in range(0, len(rgb), rows):
        shown[top : top + rows] = _shown(rgb[top : top + rows], primaries, curve)
    return shown


def _shown(rgb: NDArray[Any], primaries: int, curve: int) -> NDArray[np.uint8]:
    codes = (
        np.round(np.linspace(0, _STEPS - 1, 256)).astype(np.uint16)[rgb]
        if rgb.dtype == np.uint8
        else rgb >> 4
    )
    light: Any = np.ascontiguousarray(_linear(curve)[codes])
    if curve == _HLG:
        # Scene light to light on a display of `_HLG_PEAK`: BT.2100's OOTF.
        scene = np.maximum(light @ np.array([0.2627, 0.6780, 0.0593], np.float32), 1e-6)
        light *= (scene**0.2 * (_HLG_PEAK / _WHITE))[:, :, None]
    if primaries in _TO_709:
        light = cv2.transform(light, np.array(_TO_709[primaries], np.float32))
    steps = (np.clip(light, 0, 1) * (_STEPS - 1) + 0.5).astype(np.uint16)
    return np.asarray(_display(_SHOWN_GAMMA if curve == _LINEAR else _gamma(curve))[steps], np.uint8)


def _pq(code: NDArray[np.float64]) -> NDArray[np.float64]:
    root = code ** (1 / 78.84375)
    return (10000 / _WHITE) * (np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)) ** (
        1 / 0.1593017578125
    )


def _hlg(code: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(code <= 0.5, code**2 / 3, (np.exp((code - 0.55991073) / 0.17883277) + 0.28466892) / 12)


_CURVES = {_PQ: _pq, _HLG: _hlg}


@cache
def _linear(curve: int) -> NDArray[np.float32]:
    """The light of each of `_STEPS` codes, where 1 is diffuse white (HLG: the scene's peak)."""
    code = np.linspace(0, 1, _STEPS)
    light = _CURVES[curve](code) if curve in _CURVES else code ** _gamma(curve)
    return light.astype(np.float32)


def _gamma(curve: int) -> float:
    """The display's: BT.1886's, or about sRGB's for pictures with that curve; 1 for light itself."""
    return {_SRGB: _SHOWN_GAMMA, _LINEAR: 1.0}.get(curve, 2.4)


@cache
def _display(gamma: float) -> NDArray[np.uint8]:
    """The 8-bit codes for `_STEPS` steps of light."""
    return np.round(255 * np.linspace(0, 1, _STEPS) ** (1 / gamma)).astype(np.uint8)
