"""Follow the faces of a webcam: search a whole frame now and then, and near the last places between.

A search of the whole frame takes several times as long as one near a face. It runs in a process, because a
frame comes from outside: one that kills its decoder must not end the service.
"""

import io
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from PIL import Image

from dfdetect.predict.looking import Look, SeenFace, Wanted
from face_extraction.cutting import cut_box
from face_extraction.detect import FaceDetector
from face_extraction.images import resize
from face_extraction.ledger import NO_FACE, UNREADABLE
from face_extraction.manifest import Box
from face_extraction.settings import MOST_MIN_FACE
from face_extraction.video import LOST_SECONDS, OVERLAP, SEARCH_SECONDS, apart

MOST_PIXELS = 1920 * 1080
"""The most that a frame may have."""
SMALLEST = 0.2
"""Faces that are lower than this share of the frame's height are not looked for: who sits before a webcam is
near, and a smaller face costs more."""
JPEG = b"\xff\xd8\xff"


@dataclass(frozen=True)
class Place:
    """Where a person was last seen."""

    person: int
    box: Box


@dataclass(frozen=True)
class Trail:
    """What is remembered of the frames before.

    Attributes:
        places: of the faces.
        people: how many were numbered so far.
        searched: when the whole frame was last searched, in seconds by the clock of the caller.
        lost: whether a face was not found again since.
    """

    places: tuple[Place, ...] = ()
    people: int = 0
    searched: float = float("-inf")
    lost: bool = True


@dataclass(frozen=True)
class Glance:
    """What was found in a frame.

    Attributes:
        look: its faces; `person` numbers them.
        trail: for the next frame.
        searched: whether the whole frame was searched.
    """

    look: Look
    trail: Trail
    searched: bool = False


def glance(jpeg: bytes, wanted: Wanted, trail: Trail, now: float) -> Glance:
    """Find the faces of a webcam's frame.

    Args:
        jpeg: the frame.
        wanted: how faces are cut.
        trail: from the frame before.
        now: seconds by any clock.
    """
    try:
        rgb = _decode(jpeg)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        return Glance(Look(reason=UNREADABLE, detail=str(error)), trail)
    smallest = min(round(SMALLEST * rgb.shape[0]), MOST_MIN_FACE)  # a frame may be a narrow strip
    detector = _detector(max(wanted.settings.min_face, smallest))
    near = [(place, detector.near(rgb, place.box)) for place in trail.places]
    found = [face.box for face in apart(face for _, face in near if face)]
    lost = trail.lost or len(found) < len(trail.places)
    searched = now - trail.searched >= (LOST_SECONDS if lost else SEARCH_SECONDS)
    if searched:
        found, lost = detector.detect(rgb), False
    places, people = _named(found, trail)
    after = Trail(places, people, now if searched else trail.searched, lost or not places)
    return Glance(_look(rgb, places, detector, wanted), after, searched)


def _decode(jpeg: bytes) -> np.ndarray:
    if not jpeg.startswith(JPEG):
        raise ValueError("the frame is no JPEG")
    with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as image:
        if image.width * image.height > MOST_PIXELS:
            raise ValueError(f"{image.width} x {image.height} pixels; accepted: up to {MOST_PIXELS:,} pixels")
        return np.asarray(image.convert("RGB"), np.uint8)


@cache
def _detector(min_face: int) -> FaceDetector:
    """HOG, whatever the training used: dlib's other detector is too slow for a webcam without a GPU."""
    return FaceDetector("hog", min_face)


def _named(found: list[Box], trail: Trail) -> tuple[tuple[Place, ...], int]:
    """Each box with the number of the person who was there before, or a new one."""
    free, people, places = list(trail.places), trail.people, []
    for box in found:
        before = max(free, key=lambda place: box.overlap(place.box), default=None)
        if before and box.overlap(before.box) >= OVERLAP:
            free.remove(before)
            places.append(replace(before, box=box))
        else:
            people += 1
            places.append(Place(people, box))
    return tuple(places), people


def _look(rgb: np.ndarray, places: tuple[Place, ...], detector: FaceDetector, wanted: Wanted) -> Look:
    height, width = rgb.shape[:2]
    seen = Look(kind="photo", frames=1, shown=1, size=(width, height))
    if not places:
        return replace(seen, shown=0, reason=NO_FACE)
    crops = [cut_box(rgb, place.box, detector, wanted.settings.crop).crop for place in places]
    return replace(
        seen,
        faces=tuple(SeenFace(place.box, person=place.person) for place in places),
        crops=np.stack([resize(crop, wanted.size) for crop in crops]),
    )
