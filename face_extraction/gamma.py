"""Bring a PNG whose colours are named by gAMA and cHRM into sRGB, as browsers do.

Reference: PNG specification, third edition, 11.3.2 (chunks that name colours) and 13.13 (decoding gamma).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# A display's gamma, and how far a picture's may be from it before it is converted, as in libpng.
_DISPLAY, _INSIGNIFICANT = 2.2, 0.05
# White, red, green and blue of sRGB, each as x and y.
_SRGB = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
_SAME = 0.003
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_STEPS = 4096
# Pixels converted at once: they take 24 bytes each.
_AT_ONCE = 4_000_000


def in_srgb(rgb: NDArray[np.uint8], gamma: float, chromaticity: Sequence[float] = ()) -> NDArray[np.uint8]:
    """Convert a picture, unless it is sRGB already, or what is named is impossible.

    Args:
        rgb: uint8 of shape (height, width, 3).
        gamma: of the file: the exponent from light to code, such as .45455.
        chromaticity: x and y of white, red, green and blue; without them only the gamma counts.

    Returns:
        uint8 of the same shape.
    """
    if not 0.01 < gamma < 100:
        return rgb
    matrix = _to_srgb(chromaticity)
    if matrix is None and abs(gamma * _DISPLAY - 1) < _INSIGNIFICANT:
        return rgb
    code = np.arange(256) / 255
    if matrix is None and not len(chromaticity):
        return np.round(255 * code ** (1 / (gamma * _DISPLAY))).astype(np.uint8)[rgb]
    light, shown = (code ** (1 / gamma)).astype(np.float32), np.empty_like(rgb)
    change, curve = np.eye(3) if matrix is None else matrix, _curve()
    rows = max(1, _AT_ONCE // max(1, rgb.shape[1]))
    for top in range(0, len(rgb), rows):
        mixed = light[rgb[top : top + rows]] @ change.T.astype(np.float32)
        steps = (np.clip(mixed, 0, 1) * (_STEPS - 1) + 0.5).astype(np.uint16)
        shown[top : top + rows] = curve[steps]
    return shown


def _to_srgb(chromaticity: Sequence[float]) -> NDArray[np.float64] | None:
    """From linear light of other primaries to sRGB's; None if they are sRGB's, or impossible."""
    told = np.array(chromaticity, np.float64)
    if told.shape != (8,) or (told[1::2] <= 0).any() or np.abs(told - _SRGB).max() < _SAME:
        return None
    try:
        theirs, ours = _to_xyz(told), _to_xyz(np.array(_SRGB))
        white = (_BRADFORD @ ours.sum(axis=1)) / (_BRADFORD @ theirs.sum(axis=1))
        adapted = np.linalg.inv(_BRADFORD) @ np.diag(white) @ _BRADFORD
        matrix = np.linalg.inv(ours) @ adapted @ theirs
    except np.linalg.LinAlgError:
        return None
    return np.asarray(matrix) if np.isfinite(matrix).all() else None


def _to_xyz(chromaticity: NDArray[np.float64]) -> NDArray[np.float64]:
    x, y = chromaticity[::2], chromaticity[1::2]
    white, *primaries = np.stack([x / y, np.ones(4), (1 - x - y) / y], axis=1)
    columns = np.array(primaries).T
    return np.asarray(columns * np.linalg.solve(columns, white))


def _curve() -> NDArray[np.uint8]:
    """The codes of sRGB for `_STEPS` steps of light."""
    light = np.linspace(0, 1, _STEPS)
    code = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.round(255 * code).astype(np.uint8)
