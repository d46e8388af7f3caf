"""Faces of a clip, frame after frame: where they are, and which of them are one person.

Extraction and prediction both look at clips through `ClipFinder`, so that they see the same faces.
"""

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from face_extraction.detect import FaceDetector, FoundFace, choose_faces, cut_box
from face_extraction.frames import Frame
from face_extraction.manifest import Box
from face_extraction.settings import CropSpec

# A face is looked for near its last place alone, at most for so long since the whole frame was searched.
SEARCH_SECONDS = 1.0
# The same, where a face that was there is no longer found near its last place.
LOST_SECONDS = 0.5
# Between frames further apart than this, faces are not followed but searched anew.
NEIGHBOUR_SECONDS = 0.5
# From this share of common area on, boxes in successive frames of one scene are one face.
OVERLAP = 0.4
# A place tells whose face it is for so long: frames of a short clip lie closer, so that nothing is encoded
# for them, while in a long one people change places with the camera and the ground as they were.
PLACE_SECONDS = 2.0
# The distance of encodings below which dlib's author calls two faces one person (dlib 19.4, its
# face recognition example: 99.38 % of the pairs of LFW).
SAME_PERSON = 0.6
# A person who is followed is remembered by faces so far apart, so many at most.
REMEMBER_SECONDS = 0.5
REMEMBERED = 6
# The mean difference of small grey pictures above which two frames are different scenes.
_CUT_DIFFERENCE = 25
_SMALL = (32, 18)


class ClipFinder:
    """Finds, crops and names the faces of one clip's frames, which are given in their order.

    Where frames are close to each other, each face is looked for around its last place, at the
    resolution that its size allows; the whole frame is searched at the start, at a cut, and every
    `SEARCH_SECONDS`, or `LOST_SECONDS` where a face is lost. A newcomer is seen that much
    later at most. With the policy "largest" the search of the whole frame goes from large faces to
    small ones and ends at the first size that is found.
    """

    def __init__(self, detector: FaceDetector, policy: str, spec: CropSpec) -> None:
        self._detector, self._policy, self._spec = detector, policy, spec
        self._people = People(detector)
        self._places: list[Box] = []
        self._small: NDArray[np.float32] | None = None
        self._shape: tuple[int, ...] = ()
        self._searched = self._time = -np.inf

    def faces(self, frame: Frame) -> list[FoundFace]:
        """The faces that the policy wants, largest first, with their people's numbers.

        Raises:
            ItemFailed: "no_face", "too_small" or "several_faces".
        """
        same_scene = self._is_same_scene(frame)
        if not same_scene:
            self._people.forget_places()
        neighbour = same_scene and frame.time - self._time <= NEIGHBOUR_SECONDS
        found = self._search(frame, neighbour)
        self._time = frame.time
        wanted = choose_faces(found, self._detector, self._policy)
        people = self._people.name(frame, wanted)
        return [
            cut_box(frame.rgb, box, self._detector, self._spec, person)
            for box, person in zip(wanted, people, strict=True)
        ]

    def _search(self, frame: Frame, neighbour: bool) -> list[Box]:
        rgb, detector = frame.rgb, self._detector
        near = [detector.near(rgb, box) for box in self._places] if neighbour else []
        seen = sorted((box for box in near if box), key=lambda box: -box.area)
        again: list[Box] = []
        for box in seen:
            if all(box.overlap(larger) < OVERLAP for larger in again):
                again.append(box)
        doubled = len(again) < len(seen)
        wait = LOST_SECONDS if doubled or None in near else SEARCH_SECONDS
        if neighbour and frame.time - self._searched < wait:
            self._places = [box or place for box, place in zip(near, self._places, strict=True)]
            return again
        self._searched = frame.time
        self._places = self._search_whole(rgb, again)
        return self._places

    def _search_whole(self, rgb: NDArray[np.uint8], again: list[Box]) -> list[Box]:
        detector = self._detector
        if self._policy != "largest":
            return detector.detect(rgb)
        if again and not detector.detect(rgb, max(detector.min_face, again[0].longer_side)):
            return again[:1]
        return [detector.near(rgb, box) or box for box in detector.largest(rgb)[:1]]

    def _is_same_scene(self, frame: Frame) -> bool:
        small = cv2.resize(frame.rgb, _SMALL, interpolation=cv2.INTER_AREA).mean(axis=2, dtype=np.float32)
        before, self._small = self._small, small
        shape, self._shape = self._shape, frame.rgb.shape
        if before is None or shape != frame.rgb.shape:  # Places in frames of another size tell nothing.
            return False
        return bool(np.abs(small - before).mean() < _CUT_DIFFERENCE)


@dataclass
class _Known:
    """What is remembered of a person: faces not encoded yet, encodings, and when the last was added."""

    chips: list[NDArray[np.uint8]] = field(default_factory=list)
    codes: list[NDArray[np.float64]] = field(default_factory=list)
    time: float = -np.inf


class People:
    """Numbers the people of a clip from 1, in the order in which they appear.

    A face is the person whose face it overlaps in the last frame with one, unless that is more than
    `PLACE_SECONDS` ago or `forget_places` was called since; else the person whose encodings' mean is
    nearest and within `SAME_PERSON`; else somebody new.
    The mean is over faces of different moments, because one face alone, as with a grimace, can lie further
    off. Encoding takes longer than all else: it is put off until there is somebody to compare with.
    """

    def __init__(self, detector: FaceDetector) -> None:
        self._detector = detector
        self._last: list[tuple[Box, int]] = []
        self._time = -np.inf  # of `_last`
        self._known: list[_Known] = []

    def forget_places(self) -> None:
        """There was a cut: where faces were says nothing of those to come."""
        self._last = []

    def name(self, frame: Frame, boxes: list[Box]) -> list[int]:
        """The numbers of the people in `boxes`, the faces of a frame, of whom none stands there twice."""
        if frame.time - self._time > PLACE_SECONDS:
            self.forget_places()
        named: dict[int, int] = {}
        pairs = [
            (box.overlap(last), place, person)
            for place, box in enumerate(boxes)
            for last, person in self._last
        ]
        for share, place, person in sorted(pairs, key=lambda pair: -pair[0]):
            if share >= OVERLAP and place not in named and person not in named.values():
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
