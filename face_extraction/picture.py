"""Turn a decoded frame into the picture that a player shows: fields, colours, pixel shape, orientation."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.filter
import cv2
import numpy as np
from av.sidedata.sidedata import Type as SideData
from av.video.reformatter import Colorspace, VideoReformatter
from numpy.typing import NDArray

from face_extraction.hdr import BT2020, UNTAGGED, in_standard, is_wide, wide_tags
from face_extraction.images import Unreadable, check_frame

# Rounding a video's size makes its pixels look slightly off square; below this it is not worth scaling.
SQUARE_TOLERANCE = 0.01
# Untagged videos larger than this count as BT.709, others as BT.601, as in mpv.
SD_WIDTH, SD_HEIGHT = 1280, 576
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
        Unreadable: it has more than `images.MAX_FRAME` pixels, or colours that FFmpeg cannot convert.
    """
    width = max(round(frame.width * view.aspect), 1)
    check_frame((max(width, frame.width), frame.height), path)
    matrix = view.matrix(frame)
    if frame.interlaced_frame:
        frame = _whole_lines(frame)
    try:
        rgb = _colours(frame, width)
    except OSError:
        raise Unreadable(
            path, f"its colours (matrix {int(frame.colorspace)} of H.273) are not read"
        ) from None
    return np.ascontiguousarray(_turn(rgb, matrix))


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
    primaries, curve = wide_tags(int(frame.color_primaries), int(frame.color_trc))
    wide = is_wide(primaries, curve)
    alpha = any(component.is_alpha for component in frame.format.components)
    name = ("rgba64le" if wide else "rgba") if alpha else ("rgb48le" if wide else "rgb24")
    picture = VideoReformatter().reformat(
        frame, width=width, format=name, src_colorspace=_colorspace(frame, primaries), threads=1
    )
    pixels: Any = picture.to_ndarray()
    rgb: Any = in_standard(pixels[:, :, :3], primaries, curve) if wide else pixels[:, :, :3]
    if alpha:  # Players show black behind transparent parts.
        rgb = cv2.multiply(
            rgb, np.repeat(pixels[:, :, 3:], 3, 2), scale=1 / np.iinfo(pixels.dtype).max, dtype=0
        )
    return np.asarray(rgb, np.uint8)


def _colorspace(frame: Any, primaries: int) -> Colorspace | None:
    """Swscale's name of the matrix, needed because it takes untagged pictures of any size for BT.601."""
    if int(frame.colorspace) != UNTAGGED:
        return _MATRICES.get(int(frame.colorspace))
    if primaries == BT2020:
        return Colorspace.BT2020
    return Colorspace.ITU709 if frame.width >= SD_WIDTH or frame.height > SD_HEIGHT else Colorspace.ITU601


def _turn(rgb: NDArray[np.uint8], matrix: NDArray[np.int32] | None) -> NDArray[np.uint8]:
    """Turn and mirror by quarter turns: (x, y) of the file is shown at (x, y) @ matrix."""
    if matrix is None:
        return rgb
    (a, b), (c, d) = matrix.tolist()
    if abs(a) + abs(d) < abs(b) + abs(c):  # The file's rows are shown as columns.
        rgb, a, d = rgb.transpose(1, 0, 2), c, b
    return rgb[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]
