"""Face boxes, landmarks and encodings by dlib, by face_recognition's conventions.

Reference: dlib's HOG detector (Dalal & Triggs 2005; King 2009), its max-margin CNN detector (King
2015, https://arxiv.org/abs/1502.00046) and landmarks by regression trees (Kazemi & Sullivan 2014).
"""

import importlib.util
import math
import threading
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import dlib
import numpy as np
from numpy.typing import NDArray

from face_extraction.errors import InputError
from face_extraction.images import check_rgb
from face_extraction.manifest import Box
from face_extraction.settings import BLAZEFACE, MIN_FACE, check_detector
from face_extraction.trained import HOG, trained_file

# The smallest face, in pixels, that dlib's detectors find without scaling. (They give boxes in steps
# of 1.2: 72, 86, 103, 124...)
_DLIB_FACE = 80
# The detector follows a face from frame to frame unless the face shrinks below this share of its size, or
# its two boxes overlap by less than this share.
_NEAR_SIZE, _NEAR_OVERLAP = 0.7, 0.25
# The most pixels, after scaling, searched at once. Measured: "hog" takes 8 bytes a pixel, "cnn" 1,000.
_MOST_SEARCHED = {"hog": 48_000_000, "cnn": 800_000}
# A longer picture is searched in parts too, in sides of a part: dlib overran its memory at 80,000 x 267.
_LONGEST = 2
# Neighbouring parts of a large picture overlap by this many times the smallest face, so that every smaller
# face lies whole in one part. Boxes that share this much of their area are one face.
_OVERLAP, _SAME_OVERLAP = 2.5, 0.3
# The step of dlib's image pyramid; four steps make about a half.
_STEP, _HALF = 1.2, 4
_LANDMARKS = {5: "shape_predictor_5_face_landmarks.dat", 68: "shape_predictor_68_face_landmarks.dat"}


class Detection(NamedTuple):
    """A box that the detector takes for a face.

    Attributes:
        box: where it is, in pixels of the frame.
        confidence: how far dlib's score is above its threshold, from 0; 0 if dlib did not confirm the box.
        found_by: the detector that set the box, of `settings.DETECTORS`.
    """

    box: Box
    confidence: float
    found_by: str

    @property
    def is_confirmed(self) -> bool:
        """Whether dlib set the box."""
        return self.found_by != BLAZEFACE


class FaceDetector(threading.local):
    """Finds faces by dlib alone; `proposing.make_detector` gives any detector of `settings.DETECTORS`.

    Loads each model once, when it is first needed.

    With `min_face` = 80 the boxes equal `face_recognition.face_locations(rgb, 0, kind)`, and the
    encodings of their chips equal `face_recognition.face_encodings(rgb, boxes)`.

    Threads may share it. dlib's objects keep state between calls and crash the process when two threads
    use one at once, so each thread loads its own models: `threading.local` keeps attributes per thread.

    Attributes:
        kind: the detector, of `settings.DETECTORS`.
        told: what searched, in words.
        is_quick: whether a search of the whole frame costs no more than following a few faces.
    """

    kinds: tuple[str, ...] = ("hog", "cnn")
    is_quick = False

    def __init__(self, kind: str = "hog", min_face: int = MIN_FACE) -> None:
        """Choose the detector.

        Args:
            kind: "hog" or "cnn".
            min_face: longer side of the smallest face wanted, in pixels. Frames are scaled by 80 / min_face
                before the search, so half the size costs four times the time.

        Raises:
            InputError: the kind is unknown, or `min_face` out of range.
        """
        check_detector(kind, min_face, self.kinds)
        self.kind = self.told = kind
        self.min_face = min_face

    def detect(self, rgb: NDArray[np.uint8], min_face: float | None = None) -> list[Box]:
        """All faces found, largest first, clipped to the frame.

        Args:
            rgb: uint8 of shape (height, width, 3), upright.
            min_face: look for larger faces only, which is faster.

        Returns:
            boxes in pixels of `rgb`. Some can be a little smaller than `min_face`.
        """
        return [found.box for found in self.search(rgb, min_face)]

    def search(self, rgb: NDArray[np.uint8], min_face: float | None = None) -> list[Detection]:
        """Like `detect`, with the detector's confidence in each box.

        Searches a large picture in parts, which keeps memory below about half a gigabyte with "hog" and
        one gigabyte with "cnn".

        Raises:
            TypeError: `rgb` is not an array of uint8.
            ValueError: `rgb` has another shape.
        """
        found = self._search_parts(check_rgb(rgb), _DLIB_FACE / (min_face or self.min_face))
        return sorted(found, key=lambda one: (-one.box.area, one.box))

    def _search_parts(self, rgb: NDArray[np.uint8], scale: float) -> list[Detection]:
        height, width = rgb.shape[:2]
        side = math.isqrt(_MOST_SEARCHED[self.kind])
        if height * width * scale**2 <= side**2 and max(height, width) * scale <= _LONGEST * side:
            return self._search_once(rgb, scale, (0, 0), (height, width))
        # The picture of half the size shows faces at least twice as large.
        found = self._search_parts(rgb, scale / 2)
        small = _OVERLAP * _DLIB_FACE / scale
        step = max(1, round((side - (_OVERLAP + 1) * _DLIB_FACE) / scale))
        reach = round(side / scale)
        for top in range(0, max(1, height - reach + step), step):
            for left in range(0, max(1, width - reach + step), step):
                part = rgb[top : top + reach, left : left + reach]
                found += [
                    one
                    for one in self._search_once(part, scale, (top, left), (height, width))
                    if one.box.longer_side < small and _is_inside(one.box, (top, left), part.shape, rgb.shape)
                ]
        return _distinct(found)

    def _search_once(
        self, rgb: NDArray[np.uint8], scale: float, corner: tuple[int, int], shape: tuple[int, int]
    ) -> list[Detection]:
        """Boxes in one part of a picture: `corner` is the part's upper left corner, `shape` the picture's."""
        picture = _scaled(rgb, scale)
        if self.kind == "cnn":
            pairs = [(face.rect, face.confidence) for face in self._search(picture, 0)]
        else:
            rectangles, scores, _ = self._search.run(picture, 0, 0.0)
            pairs = list(zip(rectangles, scores, strict=True))
        return [
            Detection(_to_box(rectangle, scale, corner, shape), float(score), self.kind)
            for rectangle, score in pairs
        ]

    def largest(self, rgb: NDArray[np.uint8]) -> list[Detection]:
        """Like `search`, but skips faces much smaller than the largest one.

        Starts at faces of about a quarter of the frame and halves the size until it finds one. Each
        search takes four times as long as the one before.
        """
        step = self._steps_to(max(rgb.shape[:2]) / 4) // _HALF * _HALF
        for steps in range(step, 0, -_HALF):
            found = self.search(rgb, self.min_face * _STEP**steps)
            if found:
                return found
        return self.search(rgb)

    def near(self, rgb: NDArray[np.uint8], box: Box) -> Detection | None:
        """The face at or near `box`, which dlib searches at the resolution that suits its size.

        Args:
            rgb: uint8 of shape (height, width, 3), upright.
            box: the face's rough place in this frame, or its place in the frame before.
        """
        reach = box.longer_side // 2
        top, left = max(0, box.top - reach), max(0, box.left - reach)
        region = rgb[top : box.bottom + reach, left : box.right + reach]
        min_face = self.min_face * _STEP ** self._steps_to(_NEAR_SIZE * box.longer_side)
        found = [
            one._replace(box=Box(b.top + top, b.right + left, b.bottom + top, b.left + left))
            for one in self.search(region, min_face)
            for b in [one.box]
        ]
        near = [one for one in found if one.box.overlap(box) > _NEAR_OVERLAP]
        return max(near, key=lambda one: box.overlap(one.box), default=None)

    def _steps_to(self, size: float) -> int:
        """Steps of dlib's pyramid from the smallest face up to `size`, so that the same sizes are tried."""
        return max(0, math.floor(math.log(size / self.min_face, _STEP))) if size > 0 else 0

    def landmarks(self, rgb: NDArray[np.uint8], box: Box, points: int = 5) -> NDArray[np.float64]:
        """Landmarks of the face in `box`: (points, 2) of x, y in pixels of `rgb`.

        Args:
            rgb: uint8 of shape (height, width, 3).
            box: the face.
            points: 5 or 68. The five are two corners of the eye on the picture's right, two corners of
                the eye on its left, and the base of the nose.
        """
        predict = self._predict_5 if points == 5 else self._predict_68
        shape = predict(check_rgb(rgb), _to_rectangle(box))
        return np.array([(point.x, point.y) for point in shape.parts()], dtype=np.float64)

    def chip(self, rgb: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
        """The face in `box`, upright, as the encoder expects it: uint8 of shape (150, 150, 3)."""
        rgb = check_rgb(rgb)
        shape = self._predict_5(rgb, _to_rectangle(box))
        return np.asarray(dlib.get_face_chip(rgb, shape, 150, 0.25), dtype=np.uint8)

    def encode(self, chip: NDArray[np.uint8]) -> NDArray[np.float64]:
        """A face's identity as 128 numbers; two faces of one person differ by less than about 0.6.

        Args:
            chip: a face as `chip` returns it.
        """
        return np.array(self._encoder.compute_face_descriptor(chip))

    @cached_property
    def _search(self) -> Any:
        if self.kind == "cnn":
            return dlib.cnn_face_detection_model_v1(_model("mmod_human_face_detector.dat"))
        # dlib.get_frontal_face_detector() is the same, but takes most of a second to unpack.
        return dlib.fhog_object_detector(str(trained_file(HOG)))

    @cached_property
    def _predict_5(self) -> Any:
        return dlib.shape_predictor(_model(_LANDMARKS[5]))

    @cached_property
    def _predict_68(self) -> Any:
        return dlib.shape_predictor(_model(_LANDMARKS[68]))

    @cached_property
    def _encoder(self) -> Any:
        return dlib.face_recognition_model_v1(_model("dlib_face_recognition_resnet_model_v1.dat"))


def _model(name: str) -> str:
    """Path of a model file. Does not import its package, which needs pkg_resources, and that is gone."""
    spec = importlib.util.find_spec("face_recognition_models")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / "models" / name
        if path.is_file():
            return str(path)
    raise InputError(f"dlib's model {name} is not installed; it comes with face_recognition_models")


def _scaled(rgb: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    if scale == 1:
        return np.ascontiguousarray(rgb)
    size = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(rgb, size, interpolation=how), dtype=np.uint8)


def _to_box(rectangle: Any, scale: float, corner: tuple[int, int], shape: tuple[int, int]) -> Box:
    (top, left), (height, width) = corner, shape
    return Box(
        top=max(0, top + round(rectangle.top() / scale)),
        right=min(width, left + round(rectangle.right() / scale)),
        bottom=min(height, top + round(rectangle.bottom() / scale)),
        left=max(0, left + round(rectangle.left() / scale)),
    )


def _is_inside(box: Box, corner: tuple[int, int], part: tuple[int, ...], whole: tuple[int, ...]) -> bool:
    """Whether a box ends inside its part of the picture, or where the picture itself ends."""
    (top, left), (bottom, right) = corner, (corner[0] + part[0], corner[1] + part[1])
    return (
        (box.top > top or top == 0)
        and (box.left > left or left == 0)
        and (box.bottom < bottom or bottom == whole[0])
        and (box.right < right or right == whole[1])
    )


def _distinct(found: list[Detection]) -> list[Detection]:
    """Keep the surest of the boxes that overlap."""
    kept: list[Detection] = []
    for one in sorted(found, key=lambda one: -one.confidence):
        if all(one.box.overlap(other.box) < _SAME_OVERLAP for other in kept):
            kept.append(one)
    return kept


def _to_rectangle(box: Box) -> Any:
    return dlib.rectangle(box.left, box.top, box.right, box.bottom)
