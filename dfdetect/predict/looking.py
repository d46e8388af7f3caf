"""Find the faces of a file: the part of a verdict that needs no model, and so no Keras."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dfdetect.predict.origin import read_origin
from dfdetect.verdict import Provenance
from face_extraction.cutting import FoundFace, cut_photo
from face_extraction.digest import file_digest, file_size
from face_extraction.errors import unforeseen
from face_extraction.frames import Frame, read_frames
from face_extraction.images import NoImage, Photo, Unreadable, read_photo, resize
from face_extraction.ledger import DAMAGED, FAILED, TOO_FEW, TOO_MANY, TRUNCATED, ItemFailed, without_faces
from face_extraction.manifest import Box
from face_extraction.media import VIDEO, kind_of
from face_extraction.mistaken import explained
from face_extraction.proposing import detector_for
from face_extraction.settings import ExtractionSettings
from face_extraction.video import VideoFinder, search_frames

Rgb = NDArray[np.uint8]
Watch = Callable[[Frame], None]
"""Sees each frame, or the photo, before its faces are looked for."""

MOST_BYTES = 256 << 20
"""The most that a file's scaled crops may take: the model's process holds those of several files at once."""


@dataclass(frozen=True)
class Wanted:
    """How faces are found and cut.

    Attributes:
        settings: as for the training; `policy` and `rotations` are those of the prediction.
        whole: take each picture as a face crop, and look for no face.
        size: the crops are scaled to this side, in pixels.
        frames: how many frames of a video are searched.
        clip: faces of a person that the model takes at once; 0 if it takes single faces.
        anchors: certificates of the signers of manifests to trust, as PEM; none trusts nobody.
    """

    settings: ExtractionSettings
    whole: bool
    size: int
    frames: int
    clip: int = 0
    anchors: str = ""

    def told(self) -> dict[str, bool | int | float | str]:
        """What a verdict records of it, by the names of the flags and of extraction.toml."""
        used = self.settings
        return {
            "whole": self.whole,
            "policy": used.policy,
            "rotations": used.rotations,
            "frames": self.frames,
            "detector": used.detector,
            "min_face": used.min_face,
            "crop_margin": used.crop.margin,
            "crop_align": used.crop.align,
            "crop_size": self.size,
        }


class SeenFace(NamedTuple):
    """Where a face was found; the attributes are those of `verdict.Face`."""

    box: Box
    frame: int = 0
    time: float = 0.0
    person: int = 0
    confidence: float | None = None
    rotation: int = 0


class Seen(NamedTuple):
    """A frame that was looked at: its index in the video, and seconds from the start."""

    frame: int
    time: float


@dataclass(frozen=True)
class Look:
    """What was found in a file.

    Attributes:
        path: the file; "" of a picture in memory.
        sha256: of its bytes; "" if they could not be read.
        bytes: how many.
        faces: where; none if the file gives no score.
        crops: uint8 of shape (faces, size, size, 3), in the order of `faces`.
        frames: frames looked at; 1 for a photo, 0 for a file that could not be read.
        shown: in how many of them a face was found.
        kind: "photo" or "video"; "" if nothing could be read.
        moments: of a video, the frames looked at, with a face or without.
        size: width and height of the photo or frames as shown, in pixels.
        provenance: what the file says about where it comes from; None if it could not be read.
        reason: why there are no faces, or what was wrong although there are some; "" if nothing.
        detail: the same, in words.
    """

    path: str = ""
    sha256: str = ""
    bytes: int = 0
    faces: tuple[SeenFace, ...] = ()
    crops: Rgb = field(default_factory=lambda: np.zeros((0, 1, 1, 3), np.uint8))
    frames: int = 0
    shown: int = 0
    kind: Literal["photo", "video", ""] = ""
    moments: tuple[Seen, ...] = ()
    size: tuple[int, int] = (0, 0)
    provenance: Provenance | None = None
    reason: str = ""
    detail: str = ""


def look(path: Path, wanted: Wanted, watch: Watch | None = None) -> Look:
    """Find the faces of a photo or video; a failure, of whatever kind, is a `Look` without faces.

    Args:
        path: the file. Its suffix tells its kind; if that names none, or the file is no photo, its content.
        wanted: how faces are found and cut.
        watch: sees each frame that is looked at; what it raises ends the search.
    """
    try:
        found = _look(path, wanted, watch)
    except ItemFailed as error:
        found = Look(reason=error.reason, detail=explained(path, error.reason, error.detail))
    except Exception as error:  # One strange file must not end a run of days.
        found = Look(reason=FAILED, detail=unforeseen(error))
    origin = read_origin(path, found.kind, wanted.anchors) if found.kind else None
    return replace(found, path=str(path), provenance=origin, **_identity(path))


def _look(path: Path, wanted: Wanted, watch: Watch | None) -> Look:
    if kind_of(path) == VIDEO:
        return look_at_video(path, wanted, watch)
    try:
        photo = read_photo(path)
    except NoImage as error:
        return _look_at_misnamed(path, error, wanted, watch)
    if watch:
        watch(Frame(0, 0.0, photo.rgb))
    return look_at_photo(photo, wanted)


def _identity(path: Path) -> dict[str, Any]:
    """The file's hash and size; empty if it cannot be read."""
    try:
        return {"sha256": file_digest(path), "bytes": file_size(path)} if path.is_file() else {}
    except OSError:
        return {}


def _look_at_misnamed(path: Path, photo: NoImage, wanted: Wanted, watch: Watch | None) -> Look:
    """Look at what may be a video, though its name is none of a video's."""
    try:
        return look_at_video(path, wanted, watch)
    except Unreadable as video:
        raise Unreadable(path, photo.nor_video(video.detail), video.reason) from None


def look_at_photo(photo: Photo, wanted: Wanted) -> Look:
    """Find the faces of a photo, largest first.

    A photo without a face that can be scored, or with more than `MOST_BYTES` hold, is a `Look` without faces.
    """
    height, width = (round(side * photo.scale) for side in photo.rgb.shape[:2])
    seen = Look(kind="photo", frames=1, shown=1, size=(width, height))
    if wanted.clip:
        detail = f"a photo; this model takes clips, {wanted.clip} faces at once"
        return replace(seen, reason=TOO_FEW, detail=detail)
    if wanted.whole:
        found = [FoundFace(Box(0, width, height, 0), photo.rgb)]
    else:
        try:
            found = cut_photo(photo, detector_for(wanted.settings), wanted.settings)
            _check_room(len(found), wanted.size)
        except ItemFailed as error:
            return replace(seen, shown=0, reason=error.reason, detail=error.detail)
    faces = tuple(SeenFace(face.box, confidence=face.confidence, rotation=face.rotation) for face in found)
    return replace(seen, faces=faces, crops=_scaled([face.crop for face in found], wanted.size))


def look_at_video(path: Path, wanted: Wanted, watch: Watch | None = None) -> Look:
    """Find the faces in frames that are evenly spaced over a video.

    A video that ends early, or is damaged, gives the faces of what can be read, and says so.

    Args:
        path: the video.
        wanted: how faces are found and cut.
        watch: as for `look`.

    Raises:
        ItemFailed: no frame of the video can be read, or there are more faces than `MOST_BYTES` hold.
    """
    finder = VideoFinder(detector_for(wanted.settings), wanted.settings.policy, wanted.settings.crop)
    faces: list[SeenFace] = []
    crops: list[Rgb] = []
    seen: list[Seen] = []
    size = (0, 0)
    shown, cut, without = 0, None, Counter[str]()
    search = _whole if wanted.whole else finder.faces

    def noted() -> Iterator[Frame]:
        nonlocal size
        for frame in read_frames(path, count=wanted.frames):
            seen.append(Seen(frame.index, frame.time))
            size = size if any(size) else frame.rgb.shape[1::-1]
            if watch:
                watch(frame)
            yield frame

    try:
        for frame, found in search_frames(noted(), search, without):
            shown += 1
            _check_room(len(faces) + len(found), wanted.size)
            faces += [SeenFace(face.box, frame.index, frame.time, face.person) for face in found]
            crops += [resize(face.crop, wanted.size) for face in found]
    except ItemFailed as error:
        if error.reason not in (TRUNCATED, DAMAGED) or not seen:
            raise
        cut = error
    wrong = cut if crops else without_faces(without)
    return Look(
        faces=tuple(faces),
        crops=np.stack(crops) if crops else Look().crops,
        frames=len(seen),
        shown=shown,
        kind="video",
        moments=tuple(seen),
        size=size,
        reason=wrong.reason if wrong else "",
        detail=wrong.detail if wrong else "",
    )


def _whole(frame: Frame) -> list[FoundFace]:
    height, width = frame.rgb.shape[:2]
    return [FoundFace(Box(0, width, height, 0), frame.rgb)]


def _check_room(faces: int, size: int) -> None:
    most = MOST_BYTES // (3 * size**2)
    if faces > most:
        raise ItemFailed(TOO_MANY, f"more than {most:,} faces; of a video, search fewer frames")


def _scaled(crops: Sequence[Rgb], size: int) -> Rgb:
    return np.stack([resize(crop, size) for crop in crops])
