"""Find the faces of a video's frames, and tell which of them are one person.

Extraction and prediction both use `VideoFinder`, so that they see the same faces.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from face_extraction.cutting import FoundFace, choose_faces, cut_box
from face_extraction.detect import Detection, FaceDetector
from face_extraction.frames import Frame
from face_extraction.ledger import ItemFailed
from face_extraction.manifest import Box
from face_extraction.settings import CropSpec

# For this long since the last search of the whole frame, a face is looked for only near its last place.
SEARCH_SECONDS = 1.0
# The same, after a face was no longer found near its last place.
LOST_SECONDS = 0.5
# Between frames further apart than this, faces are searched anew instead of followed.
NEIGHBOUR_SECONDS = 0.5
# Boxes in successive frames of one scene are one face if they share at least this much of their area.
OVERLAP = 0.4
# A place identifies a person for this long. Frames of a short video lie closer, so nothing is encoded
# for them; in a long video people change places while camera and ground stay as they were.
PLACE_SECONDS = 2.0
# Both, in a steady scene where only one person was ever seen: nobody else is there to take the place, and a
# face that moved or was boxed one step larger is still that person's.
ALONE_SECONDS, ALONE_OVERLAP = 5.0, 0.1
# Below this distance of encodings dlib's author calls two faces one person (dlib 19.4, its face
# recognition example: right for 99.38 % of LFW's pairs).
SAME_PERSON = 0.6
# A person is remembered by faces at least this far apart, and by this many at most.
REMEMBER_SECONDS = 0.5
REMEMBERED = 3
# Two frames are different scenes if their small grey pictures differ by more than this on average.
_CUT_DIFFERENCE = 25
# Two frames are one steady scene below this difference. A cut between two dark scenes was seen at 23.4.
_STEADY_DIFFERENCE = 18
_SMALL = (32, 18)


def search_frames(
    frames: Iterable[Frame], search: Callable[[Frame], list[FoundFace]], without: Counter[str]
) -> Iterator[tuple[Frame, list[FoundFace]]]:
    """Search frames for faces, and give each frame that shows some with its faces.

    Args:
        frames: the frames; what they raise ends the search.
        search: finds a frame's faces, and raises `ItemFailed` if it shows none.
        without: counts the frames without a face, by the reason.
    """
    for frame in frames:
        try:
            found = search(frame)
        except ItemFailed as error:
            without[error.reason] += 1
        else:
            yield frame, found


class VideoFinder:
    """Finds, crops and names the faces in one video's frames, given in their order.

    In neighbouring frames it looks for each face around its last place, at the resolution that suits the
    face's size. It searches the whole frame at the start, at a cut, and every `SEARCH_SECONDS`, or
    `LOST_SECONDS` after it lost a face (at once if the detector is quick). A newcomer is seen that much later
    at most. With the policy "largest" the search of the whole frame goes from large faces to small ones, and
    stops at the first size that gives a face.
    """

    def __init__(self, detector: FaceDetector, policy: str, spec: CropSpec) -> None:
        self._detector, self._policy, self._spec = detector, policy, spec
        self._people = People(detector)
        self._places: list[Box] = []
        self._small: NDArray[np.float32] | None = None
        self._shape: tuple[int, ...] = ()
        self._searched = self._time = -np.inf

    def faces(self, frame: Frame) -> list[FoundFace]:
        """The faces that the policy wants, largest first, with their persons' numbers.

        Raises:
            ItemFailed: "no_face", "too_small" or "several_faces".
        """
        difference = self._difference(frame)
        same_scene = difference < _CUT_DIFFERENCE
        if not same_scene:
            self._people.forget_places()
        neighbour = same_scene and frame.time - self._time <= NEIGHBOUR_SECONDS
        found = self._search(frame, neighbour)
        self._time = frame.time
        wanted = choose_faces(found, self._detector, self._policy)
        steady = difference < _STEADY_DIFFERENCE
        people = self._people.name(frame, [one.box for one in wanted], steady=steady)
        return [
            cut_box(frame.rgb, one.box, self._detector, self._spec, person)._replace(found_by=one.found_by)
            for one, person in zip(wanted, people, strict=True)
        ]

    def _search(self, frame: Frame, neighbour: bool) -> list[Detection]:
        rgb, detector = frame.rgb, self._detector
        near = [detector.near(rgb, box) for box in self._places] if neighbour else []
        again = apart([one for one in near if one])
        lost = len(again) < len(near)  # a place lost its face, or two found the same
        wait = (0 if detector.is_quick else LOST_SECONDS) if lost else SEARCH_SECONDS
        if neighbour and frame.time - self._searched < wait:
            self._places = [one.box if one else place for one, place in zip(near, self._places, strict=True)]
            return again
        self._searched = frame.time
        found = self._search_whole(rgb, again)
        self._places = [one.box for one in found]
        return found

    def _search_whole(self, rgb: NDArray[np.uint8], again: list[Detection]) -> list[Detection]:
        detector = self._detector
        if self._policy == "exactly-one":
            found = detector.search(rgb)
            return [one for one in found if one.is_confirmed] or found
        if self._policy == "all":
            return detector.search(rgb)
        if detector.is_quick:
            return detector.largest(rgb)[:1]
        if again and not detector.search(rgb, max(detector.min_face, again[0].box.longer_side)):
            return again[:1]
        return [detector.near(rgb, one.box) or one for one in detector.largest(rgb)[:1]]

    def _difference(self, frame: Frame) -> float:
        """How much the frame differs from the one before, in grey values; infinite if it has none."""
        small = cv2.resize(frame.rgb, _SMALL, interpolation=cv2.INTER_AREA).mean(axis=2, dtype=np.float32)
        before, self._small = self._small, small
        shape, self._shape = self._shape, frame.rgb.shape
        if before is None or shape != frame.rgb.shape:  # The last frame's places have no meaning here.
            return float("inf")
        return float(np.abs(small - before).mean())


def apart(found: Iterable[Detection]) -> list[Detection]:
    """The faces found again, largest first, without those that lie on a larger one: two places met."""
    kept: list[Detection] = []
    for one in sorted(found, key=lambda one: -one.box.area):
        if all(one.box.overlap(larger.box) < OVERLAP for larger in kept):
            kept.append(one)
    return kept


@dataclass
class _Known:
    """A person: faces not encoded yet, encodings, and when the last face was added."""

    chips: list[NDArray[np.uint8]] = field(default_factory=list)
    codes: list[NDArray[np.float64]] = field(default_factory=list)
    time: float = -np.inf


class People:
    """Numbers the people of a video from 1, in the order in which they appear.

    A face belongs to the person whose face it overlaps in the last frame that had one, unless that frame is
    more than `PLACE_SECONDS` old or `forget_places` was called since. In a steady scene in which only one
    person was ever seen, `ALONE_SECONDS` and `ALONE_OVERLAP` count. Otherwise it belongs to the person whose
    mean encoding is nearest and within `SAME_PERSON`; otherwise to somebody new. The mean takes faces of
    different moments, because a single face, such as a grimace, can lie further off. Encoding takes longest,
    so it waits until there is somebody to compare with.
    """

    def __init__(self, detector: FaceDetector) -> None:
        self._detector = detector
        self._last: list[tuple[Box, int]] = []
        self._time = -np.inf  # of `_last`
        self._known: list[_Known] = []

    def forget_places(self) -> None:
        """Forget where faces were: after a cut the places mean nothing."""
        self._last = []

    def name(self, frame: Frame, boxes: list[Box], *, steady: bool = False) -> list[int]:
        """Number the people in `boxes`, the faces of one frame; no person gets two of them.

        Args:
            frame: the frame.
            boxes: its faces.
            steady: whether the scene is surely that of the frame before.
        """
        alone = steady and len(boxes) == 1 and len(self._known) == 1
        if frame.time - self._time > (ALONE_SECONDS if alone else PLACE_SECONDS):
            self.forget_places()
        named: dict[int, int] = {}
        pairs = [
            (box.overlap(last), place, person)
            for place, box in enumerate(boxes)
            for last, person in self._last
        ]
        least = ALONE_OVERLAP if alone else OVERLAP
        for share, place, person in sorted(pairs, key=lambda pair: -pair[0]):
            if share >= least and place not in named and person not in named.values():
                named[place] = person
                self._remember(self._known[person - 1], frame, boxes[place])
        for place, box in enumerate(boxes):
            if place not in named:
                named[place] = self._recognise(frame, box, set(named.values()))
        people = [named[place] for place in range(len(boxes))]
        self._last, self._time = list(zip(boxes, people, strict=True)), frame.time
        return people

    def _remember(self, known: _Known, frame: Frame, box: Box) -> None:
        if len(known.chips) + len(known.codes) < REMEMBERED and frame.time - known.time >= REMEMBER_SECONDS:
            known.chips.append(self._detector.chip(frame.rgb, box))
            known.time = frame.time

    def _recognise(self, frame: Frame, box: Box, taken: set[int]) -> int:
        chip = self._detector.chip(frame.rgb, box)
        others = [person for person in range(1, len(self._known) + 1) if person not in taken]
        if others:
            code = self._detector.encode(chip)
            distance, person = min((self._distance(self._known[one - 1], code), one) for one in others)
            if distance < SAME_PERSON:
                known = self._known[person - 1]
                known.codes.append(code)
                known.time = frame.time
                return person
        self._known.append(_Known([chip], time=frame.time))
        return len(self._known)

    def _distance(self, known: _Known, code: NDArray[np.float64]) -> float:
        known.codes += [self._detector.encode(known.chips.pop()) for _ in range(len(known.chips))]
        return float(np.linalg.norm(np.mean(known.codes, axis=0) - code))
