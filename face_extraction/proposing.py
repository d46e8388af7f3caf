"""The default detector: BlazeFace proposes places, and dlib's HOG sets the boxes there."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from face_extraction.blazeface import BlazeFace, Proposal
from face_extraction.detect import Detection, FaceDetector
from face_extraction.images import check_rgb
from face_extraction.manifest import Box
from face_extraction.settings import BLAZEFACE, MIN_FACE, ExtractionSettings, check_detector

# From this score on, MediaPipe takes a proposal for a face, whether or not dlib confirms it.
_FACE = 0.5
# A smaller proposal than this share of the smallest face wanted is not looked at.
_NEARLY = 0.8
# Boxes that share this much of their area are one face.
_SAME = 0.3


class ProposingDetector(FaceDetector):
    """Finds faces where BlazeFace proposes them.

    dlib's HOG searches around each proposal and sets the box, as it does when it follows a face in a video.
    A proposal that dlib does not confirm, such as a profile, becomes a face if BlazeFace is sure: its box is
    mapped to where HOG would put one, its confidence is 0, and `found_by` says "blazeface". If nothing is
    found so, HOG searches the whole picture.
    """

    kinds = (BLAZEFACE,)
    is_quick = True

    def __init__(self, kind: str = BLAZEFACE, min_face: int = MIN_FACE) -> None:
        """Choose the smallest face; see `FaceDetector`."""
        super().__init__(kind, min_face)
        self._proposer = BlazeFace()
        self._hog = FaceDetector("hog", min_face)
        self.told = f"{kind} and {self._hog.told}"

    def search(self, rgb: NDArray[np.uint8], min_face: float | None = None) -> list[Detection]:
        """As `FaceDetector.search`. Faces that dlib did not confirm count only where it found none nearby."""
        found: list[Detection] = []
        for proposals in self._proposer.levels(check_rgb(rgb), min_face or self.min_face):
            found += self._placed(rgb, proposals, found)
        return _largest_first(found) if found else self._hog.search(rgb, min_face)

    def largest(self, rgb: NDArray[np.uint8]) -> list[Detection]:
        """As `FaceDetector.largest`; a face that dlib did not confirm counts only if it confirmed none."""
        found: list[Detection] = []
        for proposals in self._proposer.levels(check_rgb(rgb), self.min_face):
            found += self._placed(rgb, proposals, found)
            confirmed = [one for one in found if one.is_confirmed]
            if any(one.box.longer_side >= self.min_face for one in confirmed):
                return _largest_first(confirmed)
        return _largest_first(found) if found else self._hog.largest(rgb)

    def near(self, rgb: NDArray[np.uint8], box: Box) -> Detection | None:
        """As `FaceDetector.near`."""
        return self._hog.near(rgb, box)

    def _placed(
        self, rgb: NDArray[np.uint8], proposals: list[Proposal], known: list[Detection]
    ) -> list[Detection]:
        """The faces at some places, without those that overlap a known one."""
        found: list[Detection] = []
        for box, score in proposals:
            if box.longer_side < _NEARLY * self.min_face:
                continue
            one = self._hog.near(rgb, box)
            if one is None and score >= _FACE:
                one = Detection(box, 0.0, BLAZEFACE)
            if one and all(one.box.overlap(other.box) < _SAME for other in (*known, *found)):
                found.append(one)
        return found


def _largest_first(found: list[Detection]) -> list[Detection]:
    return sorted(found, key=lambda one: (-one.box.area, one.box))


def make_detector(kind: str, min_face: int = MIN_FACE) -> FaceDetector:
    """The detector of that kind.

    Args:
        kind: one of `settings.DETECTORS`.
        min_face: as for `FaceDetector`.

    Raises:
        InputError: the kind is unknown, or `min_face` out of range.
    """
    check_detector(kind, min_face)
    return ProposingDetector(kind, min_face) if kind == BLAZEFACE else FaceDetector(kind, min_face)


def detector_for(settings: ExtractionSettings) -> FaceDetector:
    """The detector that some settings name, kept from call to call: its models take time to load."""
    return _kept(settings.detector, settings.min_face)


@cache
def _kept(kind: str, min_face: int) -> FaceDetector:
    return make_detector(kind, min_face)
