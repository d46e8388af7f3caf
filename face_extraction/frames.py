"""Frames of a clip, evenly spaced, read forward and one at a time."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from face_extraction.images import MAX_PIXELS, Unreadable
from face_extraction.ledger import TRUNCATED, ItemFailed

# Healthy files exist whose container counts a frame or two more than can be decoded. MP4 and its
# kin list every frame; for the others the count is only the length times the frame rate, so there
# a clip is cut short when time is missing too: over two frames' and over 1 % of the length.
FRAME_TOLERANCE = 2
TIME_TOLERANCE = 0.01
_EXACT_COUNT = (".mp4", ".m4v", ".mov")

# FFmpeg writes its complaints to standard error (-8 is its "quiet"); here they become exceptions.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")


@dataclass(frozen=True, eq=False, slots=True)
class Frame:
    """One frame of a clip.

    Attributes:
        index: its number in the clip, from 0.
        time: seconds from the clip's start.
        rgb: uint8 of shape (height, width, 3), upright.
    """

    index: int
    time: float
    rgb: NDArray[np.uint8]


def read_frames(path: Path, *, count: int | None = None, first: bool = False) -> Iterator[Frame]:
    """Yield frames of the whole clip, one at a time: memory does not grow with the clip's length.

    The clip is cut into `count` equal parts and the middle frame of each is taken. It is read
    forward and to its end, because seeking is slower and a missing end must be noticed. Times are
    the container's own: index / frame rate would be wrong for phones, whose rate varies.

    Args:
        path: the video file.
        count: how many frames; all of them where the clip has fewer, or where it is None.
        first: the first frame only; the rest is then not looked at.

    Raises:
        Unreadable: no frame can be read.
        ItemFailed: with reason "truncated", after the last frame was yielded, where the clip ends
            before its container says; what was yielded before is good.
    """
    with _open(path) as video:
        said = _frame_count(video)
        rate = video.get(cv2.CAP_PROP_FPS)
        if said is None and count is not None and not first:
            said = _count_by_reading(path)
        wanted = {0} if first else _middles(said or 0, count)
        read, time = 0, 0.0
        while video.grab():
            time = max(0.0, video.get(cv2.CAP_PROP_POS_MSEC) / 1000)
            if wanted is None or read in wanted:
                yield Frame(read, round(time, 6), _retrieve(video, path))
            read += 1
            if first:
                return
    if not read:
        raise Unreadable(path, "the container opens, but no frame of it can be decoded")
    if said is not None and _is_short(path, read, time, said, rate):
        raise ItemFailed(TRUNCATED, f"read {read} of {said} frames")


@contextmanager
def _open(path: Path) -> Iterator[Any]:
    try:
        with path.open("rb") as stream:
            if not stream.read(1):
                raise Unreadable(path, "the file is empty")
    except OSError as error:
        raise Unreadable(path, error.strerror or str(error)) from None
    level = cv2.utils.logging.setLogLevel(0)
    # An absolute path, so that FFmpeg takes no name for a protocol ("concat:...").
    video = cv2.VideoCapture(str(path.absolute()), cv2.CAP_FFMPEG)
    cv2.utils.logging.setLogLevel(level)
    try:
        if not video.isOpened():
            raise Unreadable(path, "no video in it (another kind of file, sound only, or cut off early)")
        width, height = video.get(cv2.CAP_PROP_FRAME_WIDTH), video.get(cv2.CAP_PROP_FRAME_HEIGHT)
        if width * height > MAX_PIXELS:
            raise Unreadable(path, f"frames of more than {MAX_PIXELS:,} pixels")
        video.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
        yield video
    finally:
        video.release()


def _frame_count(video: Any) -> int | None:
    """What the container says; None where it does not say (a raw stream: a negative number)."""
    count = video.get(cv2.CAP_PROP_FRAME_COUNT)
    return int(count) if count >= 1 else None


def _count_by_reading(path: Path) -> int:
    with _open(path) as video:
        count = 0
        while video.grab():
            count += 1
        return count


def _middles(total: int, count: int | None) -> set[int] | None:
    """Indices of the middle frames of `count` equal parts of 0..total-1; None means all."""
    if count is None or count >= total:
        return None
    return {(2 * part + 1) * total // (2 * count) for part in range(count)}


def _retrieve(video: Any, path: Path) -> NDArray[np.uint8]:
    done, bgr = video.retrieve()
    if not done:
        raise Unreadable(path, "a frame cannot be decoded")
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def _is_short(path: Path, read: int, time: float, said: int, rate: float) -> bool:
    if said - read <= FRAME_TOLERANCE:
        return False
    if path.suffix.lower() in _EXACT_COUNT or not rate > 0:
        return True
    missing = said / rate - (time + 1 / rate)
    return missing > max(FRAME_TOLERANCE / rate, TIME_TOLERANCE * said / rate)
