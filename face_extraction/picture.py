"""Turn a decoded frame into the picture that a player shows: fields, colours, pixel shape, orientation."""

import re
from bisect import bisect_right
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

Crop = tuple[int, int, int, int]

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


# Containers that tell the shape of the pixels: it holds for all pictures, whatever the codec says.
_TELLS_ASPECT = ("matroska", "mov,mp4", "avi", "asf", "mxf")
# Codecs that tell of each picture whether it is interlaced; of others the container may.
_TELLS_FIELDS = frozenset(
    {"h264", "hevc", "mpeg2video", "mpeg4", "vc1", "wmv3", "prores", "dnxhd", "dvvideo", "utvideo"}
)
_PROGRESSIVE = 1
_FLOATING = re.compile(r"f(16|32)(le|be)?$")


class View:
    """How to show a video's pictures, by what its container and its packets say."""

    def __init__(self, container: Any = None, stream: Any = None, crop: Crop = (0, 0, 0, 0)) -> None:
        """Without a stream, pictures have square pixels.

        Args:
            container: PyAV's.
            stream: PyAV's.
            crop: the pixels to leave out at the left, top, right and bottom.
        """
        self._matrix: NDArray[np.int32] | None = None
        self._asked = False
        self._crop = crop
        self._places, self._aspects = [0], [1.0]
        self._told = True
        self._interlaced = self._single = False
        if stream:
            name, context = container.format.name, stream.codec_context
            self._aspects = [_aspect(stream.sample_aspect_ratio)]
            self._told = name.startswith(_TELLS_ASPECT)
            self._interlaced = context.field_order > _PROGRESSIVE and context.name not in _TELLS_FIELDS
            self._single = context.name == "hevc"

    def saw(self, place: int, context: Any) -> None:
        """Note the shape of the pixels once the packet at this place is decoded, if no container tells."""
        aspect = context.sample_aspect_ratio
        if not self._told and aspect and _aspect(aspect) != self._aspects[-1]:
            self._places.append(place)
            self._aspects.append(_aspect(aspect))

    def aspect(self, place: int) -> float:
        """The width of a pixel over its height, in the picture of the packet at this place."""
        return self._aspects[max(bisect_right(self._places, place) - 1, 0)]

    def lines(self, frame: Any) -> int:
        """How many lines of the shown picture a line stands for: two where fields are pictures, in HEVC."""
        return 2 if self._single and frame.interlaced_frame else 1

    def filters(self, frame: Any) -> list[tuple[str, str]]:
        """FFmpeg's filters that a picture needs before its colours are converted."""
        needed = []
        if self.lines(frame) == 1 and (frame.interlaced_frame or self._interlaced):
            # Keeps one field and draws its missing lines from their neighbours: no other frame is needed.
            needed.append(("estdif", "mode=frame:deint=all"))
        left, top, right, bottom = self._crop
        width, height = frame.width - left - right, frame.height - top - bottom
        if any(self._crop) and width > 0 and height > 0:
            needed.append(("crop", f"{width}:{height}:{left}:{top}:exact=1"))
        return needed

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


def _aspect(told: Any) -> float:
    """A pixel's width over its height; 1 if it is nearly that, or unknown."""
    aspect = float(told or 1)
    return aspect if abs(aspect - 1) > SQUARE_TOLERANCE else 1.0


def upright(path: Path, frame: Any, view: View, place: int = 0) -> NDArray[np.uint8]:
    """The picture as a player shows it: deinterlaced, cropped, SDR colours, square pixels, upright.

    Args:
        path: the video, for errors.
        frame: PyAV's.
        view: how to show its video.
        place: that of the frame's packet.

    Returns:
        uint8 of shape (height, width, 3), RGB in BT.709's primaries.

    Raises:
        Unreadable: it has more than `images.MAX_FRAME` pixels, or colours that FFmpeg cannot convert.
    """
    if _FLOATING.search(frame.format.name):
        raise Unreadable(path, "pixels of floating point have no defined range")
    aspect, lines = view.aspect(place), view.lines(frame)
    check_frame((round(frame.width * max(aspect, 1)), frame.height * lines), path)
    matrix = view.matrix(frame)
    if filters := view.filters(frame):
        frame = _filtered(frame, *filters)
    width = max(round(frame.width * aspect), 1)
    try:
        rgb = _colours(frame, (width, frame.height * lines))
    except OSError:
        raise Unreadable(
            path, f"its colours (matrix {int(frame.colorspace)} of H.273) are not read"
        ) from None
    return np.ascontiguousarray(_turn(rgb, matrix))


def _known_data(frame: Any) -> Any:
    """The frame without side data that is newer than PyAV, such as EXIF: PyAV would show none at all."""
    last = max(int(kind.value) for kind in SideData)  # type: ignore[call-overload]
    return _filtered(frame, *(("sidedata", f"delete:type={last + new}") for new in range(1, 9)))


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


def _colours(frame: Any, size: tuple[int, int]) -> NDArray[np.uint8]:
    primaries, curve = wide_tags(int(frame.color_primaries), int(frame.color_trc))
    wide = is_wide(primaries, curve)
    alpha = any(component.is_alpha for component in frame.format.components)
    name = ("rgba64le" if wide else "rgba") if alpha else ("rgb48le" if wide else "rgb24")
    picture = VideoReformatter().reformat(
        frame,
        width=size[0],
        height=size[1],
        format=name,
        src_colorspace=_colorspace(frame, primaries),
        threads=1,
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
