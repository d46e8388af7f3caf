"""Turn a decoded frame into the picture that a player shows: fields, colours, pixel shape, orientation.

Sources: ITU-R BT.2100 (PQ, HLG), BT.2408 (diffuse white is 203 cd/m2), BT.1886 (the display of SDR), BT.2087
(BT.2020 to BT.709); SMPTE EG 432-1 (P3-D65's primaries).
"""

from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
import av.filter
import cv2
import numpy as np
from av.sidedata.sidedata import Type as SideData
from av.video.reformatter import ColorPrimaries, Colorspace, ColorTrc, VideoReformatter
from numpy.typing import NDArray

from face_extraction.images import check_frame

# Rounding a video's size makes its pixels look slightly off square; below this it is not worth scaling.
SQUARE_TOLERANCE = 0.01
# Untagged videos larger than this count as BT.709, others as BT.601, as in mpv.
SD_WIDTH, SD_HEIGHT = 1280, 576
# The luminance that SDR shows as white, and the peak at which HLG's gamma is 1.2, in cd/m2.
_WHITE, _HLG_PEAK = 203.0, 1000.0
_UNTAGGED = 2
# FFmpeg's numbers of the matrices, and swscale's for the same.
_MATRICES = {
    1: Colorspace.ITU709,
    4: Colorspace.FCC,
    5: Colorspace.ITU601,
    6: Colorspace.ITU601,
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,
    10: Colorspace.BT2020,
}
# From linear light of wider primaries to BT.709's; the second matrix is P3-D65's.
_TO_709 = {
    ColorPrimaries.BT2020: (
        (1.660491, -0.587641, -0.072850), (-0.124550, 1.132900, -0.008349), (-0.018151, -0.100579, 1.118730),
    ),
    ColorPrimaries.SMPTE432: (
        (1.224940, -0.224940, 0.0), (-0.042057, 1.042057, 0.0), (-0.019638, -0.078636, 1.098274),
    ),
}  # fmt: skip
_STEPS = 4096


class View:
    """How to show a video's pictures.

    Attributes:
        aspect: width of a pixel over its height.
    """

    def __init__(self, stream: Any = None) -> None:
        told = float(stream.sample_aspect_ratio or 1) if stream else 1.0
        self.aspect = told if abs(told - 1) > SQUARE_TOLERANCE else 1.0
        self._matrix: NDArray[np.int32] | None = None
        self._asked = False

    def matrix(self, frame: Any) -> NDArray[np.int32] | None:
        """The upper left 2x2 of the display matrix. PyAV's `rotation` gives only an angle, not a mirror.

        Reads it from the first frame only: PyAV frees a frame late once it has shown its side data.
        """
        if not self._asked:
            try:
                found = frame.side_data.get(SideData.DISPLAYMATRIX)
            except ValueError:
                found = _known_data(frame).side_data.get(SideData.DISPLAYMATRIX)
            self._asked = True
            if found is not None:
                self._matrix = np.frombuffer(found, np.int32).reshape(3, 3)[:2, :2].copy()
        return self._matrix


def upright(path: Path, frame: Any, view: View) -> NDArray[np.uint8]:
    """The picture as a player shows it: deinterlaced, SDR colours, square pixels, upright.

    Args:
        path: the video, for errors.
        frame: PyAV's.
        view: how to show its video.

    Returns:
        uint8 of shape (height, width, 3), RGB in BT.709's primaries.

    Raises:
        Unreadable: it has more than `images.MAX_FRAME` pixels.
    """
    width = max(round(frame.width * view.aspect), 1)
    check_frame((max(width, frame.width), frame.height), path)
    matrix = view.matrix(frame)
    if frame.interlaced_frame:
        frame = _whole_lines(frame)
    return np.ascontiguousarray(_turn(_colours(frame, width), matrix))


def _known_data(frame: Any) -> Any:
    """The frame without side data that is newer than PyAV, such as EXIF: PyAV would show none at all."""
    last = max(int(kind.value) for kind in SideData)  # type: ignore[call-overload]
    return _filtered(frame, *(("sidedata", f"delete:type={last + new}") for new in range(1, 9)))


def _whole_lines(frame: Any) -> Any:
    """Keep one field and draw its missing lines from their neighbours: no other frame is needed."""
    return _filtered(frame, ("estdif", "mode=frame:deint=all"))


def _filtered(frame: Any, *filters: tuple[str, str]) -> Any:
    """One frame through FFmpeg's filters, each a name and its options."""
    graph = av.filter.Graph()
    last = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format.name, time_base=Fraction(1, 25)
    )
    for node in [*(graph.add(*each) for each in filters), graph.add("buffersink")]:
        last.link_to(node)
        last = node
    graph.configure()
    graph.push(frame)
    graph.push(None)
    return graph.pull()


def _colours(frame: Any, width: int) -> NDArray[np.uint8]:
    primaries, curve = _tags(frame)
    wide = primaries in _TO_709 or curve in _CURVES
    alpha = any(component.is_alpha for component in frame.format.components)
    name = ("rgba64le" if wide else "rgba") if alpha else ("rgb48le" if wide else "rgb24")
    picture = VideoReformatter().reformat(
        frame, width=width, format=name, src_colorspace=_colorspace(frame, primaries), threads=1
    )
    pixels: Any = picture.to_ndarray()
    rgb: Any = _standard(pixels[:, :, :3], primaries, curve) if wide else pixels[:, :, :3]
    if alpha:  # Players show black behind transparent parts.
        rgb = cv2.multiply(
            rgb, np.repeat(pixels[:, :, 3:], 3, 2), scale=1 / np.iinfo(pixels.dtype).max, dtype=0
        )
    return np.asarray(rgb, np.uint8)


def _tags(frame: Any) -> tuple[int, int]:
    """The primaries and the curve; HDR without tagged primaries has BT.2020's."""
    primaries, curve = int(frame.color_primaries), int(frame.color_trc)
    if primaries == _UNTAGGED and curve in _CURVES:
        primaries = int(ColorPrimaries.BT2020)
    return primaries, curve


def _colorspace(frame: Any, primaries: int) -> Colorspace | None:
    """Swscale's name of the matrix, needed because it takes untagged pictures of any size for BT.601."""
    if int(frame.colorspace) != _UNTAGGED:
        return _MATRICES.get(int(frame.colorspace))
    if primaries == ColorPrimaries.BT2020:
        return Colorspace.BT2020
    return Colorspace.ITU709 if frame.width >= SD_WIDTH or frame.height > SD_HEIGHT else Colorspace.ITU601


def _standard(rgb: NDArray[np.uint16], primaries: int, curve: int) -> NDArray[np.uint8]:
    """SDR with BT.709's primaries. Light above diffuse white is cut off, so that skin keeps its tone."""
    light: Any = np.ascontiguousarray(_linear(curve)[rgb >> 4])
    if curve == ColorTrc.ARIB_STD_B67:
        # Scene light to light on a display of `_HLG_PEAK`: BT.2100's OOTF.
        scene = np.maximum(light @ np.array([0.2627, 0.6780, 0.0593], np.float32), 1e-6)
        light *= (scene**0.2 * (_HLG_PEAK / _WHITE))[:, :, None]
    if primaries in _TO_709:
        light = cv2.transform(light, np.array(_TO_709[ColorPrimaries(primaries)], np.float32))
    steps = (np.clip(light, 0, 1) * (_STEPS - 1) + 0.5).astype(np.uint16)
    return np.asarray(_display()[steps], np.uint8)


def _pq(code: NDArray[np.float64]) -> NDArray[np.float64]:
    root = code ** (1 / 78.84375)
    return (10000 / _WHITE) * (np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)) ** (
        1 / 0.1593017578125
    )


def _hlg(code: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(code <= 0.5, code**2 / 3, (np.exp((code - 0.55991073) / 0.17883277) + 0.28466892) / 12)


_CURVES = {int(ColorTrc.SMPTE2084): _pq, int(ColorTrc.ARIB_STD_B67): _hlg}


@cache
def _linear(curve: int) -> NDArray[np.float32]:
    """The light of each of `_STEPS` codes, where 1 is diffuse white (HLG: the scene's peak)."""
    code = np.linspace(0, 1, _STEPS)
    light = _CURVES[curve](code) if curve in _CURVES else code**2.4
    return light.astype(np.float32)


@cache
def _display() -> NDArray[np.uint8]:
    """The 8-bit codes for `_STEPS` steps of light on a display of BT.1886."""
    return np.round(255 * np.linspace(0, 1, _STEPS) ** (1 / 2.4)).astype(np.uint8)


def _turn(rgb: NDArray[np.uint8], matrix: NDArray[np.int32] | None) -> NDArray[np.uint8]:
    """Turn and mirror by quarter turns: (x, y) of the file is shown at (x, y) @ matrix."""
    if matrix is None:
        return rgb
    (a, b), (c, d) = matrix.tolist()
    if abs(a) + abs(d) < abs(b) + abs(c):  # The file's rows are shown as columns.
        rgb, a, d = rgb.transpose(1, 0, 2), c, b
    return rgb[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]
