"""Which faces of a picture count, and how they are cut out."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from face_extraction.crop import crop_face
from face_extraction.detect import Detection, FaceDetector
from face_extraction.images import Photo
from face_extraction.ledger import NO_FACE, SEVERAL_FACES, TOO_SMALL, ItemFailed
from face_extraction.manifest import Box
from face_extraction.settings import SURE, CropSpec, ExtractionSettings


class FoundFace(NamedTuple):
    """A face in a frame or photo.

    Attributes:
        box: the face in pixels of the frame, or of the photo as a viewer shows it.
        crop: uint8 of shape (size, size, 3).
        person: the person's number in the video, from 1; 0 in a photo.
        confidence: as in `Detection`; None in a video, because faces are followed there.
        rotation: degrees by which the photo was turned clockwise before the detector found the face.
        found_by: as in `Detection`.
    """

    box: Box
    crop: NDArray[np.uint8]
    person: int = 0
    confidence: float | None = None
    rotation: int = 0
    found_by: str = ""


def choose_faces(found: list[Detection], detector: FaceDetector, policy: str) -> list[Detection]:
    """Pick the faces of a frame that the policy wants, largest first.

    Args:
        found: what the detector found, largest first.
        detector: gives the smallest size that counts.
        policy: "largest", "all" or "exactly-one"; smaller faces do not count.

    Raises:
        ItemFailed: "no_face", "too_small" or "several_faces".
    """
    if not found:
        raise ItemFailed(NO_FACE, f"{detector.told} found no face of {detector.min_face} pixels or more")
    wanted = [one for one in found if one.box.longer_side >= detector.min_face]
    if not wanted:
        largest = max(one.box.longer_side for one in found)
        raise ItemFailed(TOO_SMALL, f"largest face: {largest} pixels; wanted: {detector.min_face} or more")
    if policy == "exactly-one" and len(wanted) > 1:
        raise ItemFailed(SEVERAL_FACES, f"{len(wanted)} faces; wanted: exactly one")
    return wanted if policy == "all" else wanted[:1]


def cut_photo(photo: Photo, detector: FaceDetector, settings: ExtractionSettings) -> list[FoundFace]:
    """The faces of a photo that the policy wants, largest first, in pixels of the file's upright picture.

    "largest" and "exactly-one" drop boxes below `SURE` if any box reaches it.

    If no face reaches `SURE`, the photo is turned by 90, 180 and 270 degrees, because scanners and cameras
    without a sensor leave photos on their side. The turn with the surest face wins. A turned face must reach
    `SURE`, because texture can look like a face when it lies on its side. Such a photo takes four times as
    long.

    Args:
        photo: from `read_photo`.
        detector: finds the faces; its own kind and smallest face apply.
        settings: policy, crops and rotations.

    Raises:
        ItemFailed: as in `choose_faces`.
        TypeError: the picture is not an array of uint8.
        ValueError: it has another shape than (height, width, 3).
    """
    turns = {0: detector.search(photo.rgb)}
    if settings.rotations and _surest(turns[0]) < SURE:
        turns |= {quarters: detector.search(np.rot90(photo.rgb, quarters)) for quarters in (1, 2, 3)}
    quarters = max(turns, key=lambda turn: _surest(turns[turn]))
    if _surest(turns[quarters]) < SURE:
        quarters = 0
    rgb = np.ascontiguousarray(np.rot90(photo.rgb, quarters))
    try:
        faces = _cut_found(rgb, turns[quarters], detector, settings.policy, settings.crop)
    except ItemFailed as error:
        if error.reason != NO_FACE or len(turns) == 1:
            raise
        raise ItemFailed(NO_FACE, f"{error.detail}, however the photo is turned") from None
    return [_unscaled(_turned_back(face, quarters, photo.rgb.shape), photo) for face in faces]


def cut_box(
    rgb: NDArray[np.uint8], box: Box, detector: FaceDetector, spec: CropSpec, person: int = 0
) -> FoundFace:
    """Cut one face out; models are trained on these crops and shown them.

    Args:
        rgb: uint8 of shape (height, width, 3).
        box: the face, in pixels of `rgb`.
        detector: finds the landmarks that an aligned crop needs.
        spec: how it is cut.
        person: as in `FoundFace`.
    """
    landmarks = detector.landmarks(rgb, box) if spec.align else None
    return FoundFace(box, crop_face(rgb, box, spec, landmarks), person)


def _cut_found(
    rgb: NDArray[np.uint8], found: list[Detection], detector: FaceDetector, policy: str, spec: CropSpec
) -> list[FoundFace]:
    if policy != "all":
        found = [one for one in found if one.confidence >= SURE] or found
    return [
        cut_box(rgb, one.box, detector, spec)._replace(confidence=one.confidence, found_by=one.found_by)
        for one in choose_faces(found, detector, policy)
    ]


def _surest(found: list[Detection]) -> float:
    return max((one.confidence for one in found), default=0.0)


def _turned_back(face: FoundFace, quarters: int, shape: tuple[int, ...]) -> FoundFace:
    """Give a face found in a picture turned anticlockwise by `quarters` its box before the turn.

    Args:
        face: `box` in pixels of the turned picture.
        quarters: quarter turns, 0 to 3.
        shape: height and width of the picture before the turn.
    """
    if not quarters:
        return face
    (height, width), (top, right, bottom, left) = shape[:2], face.box
    box = {
        1: Box(top=left, right=width - top, bottom=right, left=width - bottom),
        2: Box(top=height - bottom, right=width - left, bottom=height - top, left=width - right),
        3: Box(top=height - right, right=bottom, bottom=height - left, left=top),
    }[quarters]
    return face._replace(box=box, rotation=360 - 90 * quarters)


def _unscaled(face: FoundFace, photo: Photo) -> FoundFace:
    if photo.scale == 1:
        return face
    return face._replace(box=Box(*(round(side * photo.scale) for side in face.box)))
