"""Find the faces of a file: the part of a verdict that needs no model, and so no Keras."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from face_extraction.detect import FaceDetector, FoundFace, cut_photo
from face_extraction.frames import Frame, read_frames
from face_extraction.images import NoImage, Photo, Unreadable, read_photo, resize
from face_extraction.ledger import DAMAGED, FAILED, TOO_FEW, TRUNCATED, ItemFailed, without_faces
from face_extraction.manifest import Box
from face_extraction.media import VIDEO, kind_of
from face_extraction.settings import ExtractionSettings
from face_extraction.video import VideoFinder, search_frames

Rgb = NDArray[np.uint8]


@dataclass(frozen=True)
class Wanted:
    """How faces are found and cut.

    Attributes:
        settings: as for the training; `policy` and `rotations` are those of the prediction.
        whole: take each picture as a face crop, and look for no face.
        size: the crops are scaled to this side, in pixels.
        frames: how many frames of a video are searched.
        clip: faces of a person that the model takes at once; 0 if it takes single faces.
    """

    settings: ExtractionSettings
    whole: bool
    size: int
    frames: int
    clip: int = 0


class SeenFace(NamedTuple):
    """Where a face was found; the attributes are those of `verdicts.FaceVerdict`."""

    box: Box
    frame: int = 0
    time: float = 0.0
    person: int = 0
    confidence: float | None = None
    rotation: int = 0


@dataclass(frozen=True)
class Look:
    """What was found in a file.

    Attributes:
        faces: where; none if the file gives no score.
        crops: uint8 of shape (faces, size, size, 3), in the order of `faces`.
        frames: frames looked at; 1 for a photo, 0 for a file that could not be read.
        shown: in how many of them a face was found.
        is_video: whether the file is a video.
        reason: why there are no faces, or what was wrong although there are some; "" if nothing.
        detail: the same, in words.
    """

    faces: tuple[SeenFace, ...] = ()
    crops: Rgb = field(default_factory=lambda: np.zeros((0, 1, 1, 3), np.uint8))
    frames: int = 0
    shown: int = 0
    is_video: bool = False
    reason: str = ""
    detail: str = ""


def look(path: Path, wanted: Wanted) -> Look:
    """Find the faces of a photo or video; a failure, of whatever kind, is a `Look` without faces.

    Args:
        path: the file. Its suffix tells its kind; if that names none, or the file is no photo, its content.
        wanted: how faces are found and cut.
    """
    try:
        if kind_of(path) == VIDEO:
            return look_at_video(path, wanted)
        try:
            photo = read_photo(path)
        except NoImage as error:
            return _look_at_misnamed(path, error, wanted)
        return look_at_photo(photo, wanted)
    except ItemFailed as error:
        return Look(reason=error.reason, detail=error.detail)
    except Exception as error:  # One strange file must not end a run of days.
        return Look(reason=FAILED, detail=f"{type(error).__name__}: {error}")


def _look_at_misnamed(path: Path, photo: NoImage, wanted: Wanted) -> Look:
    """Look at what may be a video, though its name is none of a video's."""
    try:
        return look_at_video(path, wanted)
    except Unreadable as clip:
        raise Unreadable(path, f"{photo.detail}; nor a clip: {clip.detail}", clip.reason) from None


def look_at_photo(photo: Photo, wanted: Wanted) -> Look:
    """Find the faces of a photo, largest first.

    Raises:
        ItemFailed: there is no face, or the model takes several faces of a person at once.
    """
    if wanted.clip:
        raise ItemFailed(TOO_FEW, f"a photo; this model takes clips, {wanted.clip} faces at once")
    if wanted.whole:
        height, width = photo.rgb.shape[:2]
        found = [FoundFace(Box(0, round(width * photo.scale), round(height * photo.scale), 0), photo.rgb)]
    else:
        found = cut_photo(photo, _finder(wanted.settings), wanted.settings)
    faces = [SeenFace(face.box, confidence=face.confidence, rotation=face.rotation) for face in found]
    return Look(tuple(faces), _scaled([face.crop for face in found], wanted.size), 1, 1)


def look_at_video(path: Path, wanted: Wanted) -> Look:
    """Find the faces in frames that are evenly spaced over a video.

    A video that ends early, or is damaged, gives the faces of what can be read, and says so.

    Raises:
        ItemFailed: the video cannot be read, or no frame looked at has a face.
    """
    finder = VideoFinder(_finder(wanted.settings), wanted.settings.policy, wanted.settings.crop)
    faces: list[SeenFace] = []
    crops: list[Rgb] = []
    shown, cut, without = 0, None, Counter[str]()
    search = _whole if wanted.whole else finder.faces
    try:
        for frame, found in search_frames(read_frames(path, count=wanted.frames), search, without):
            shown += 1
            faces += [SeenFace(face.box, frame.index, frame.time, face.person) for face in found]
            crops += [resize(face.crop, wanted.size) for face in found]
    except ItemFailed as error:
        if error.reason not in (TRUNCATED, DAMAGED):
            raise
        cut = error
    if not crops:
        raise without_faces(without) if without or cut is None else cut
    told = {"reason": cut.reason, "detail": cut.detail} if cut else {}
    return Look(tuple(faces), np.stack(crops), shown + without.total(), shown, is_video=True, **told)


def _whole(frame: Frame) -> list[FoundFace]:
    height, width = frame.rgb.shape[:2]
    return [FoundFace(Box(0, width, height, 0), frame.rgb)]


def _scaled(crops: Sequence[Rgb], size: int) -> Rgb:
    return np.stack([resize(crop, size) for crop in crops])


@cache
def _finder_of(kind: str, min_face: int) -> FaceDetector:
    """Kept from file to file, because its models take time to load; each thread has its own."""
    return FaceDetector(kind, min_face)


def _finder(settings: ExtractionSettings) -> FaceDetector:
    return _finder_of(settings.detector, settings.min_face)
